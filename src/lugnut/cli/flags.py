"""The flags lugnut acts on, as one table: the parser, the help, the variables and the library's keywords follow it.

A flag's first long name gives its variable (`--find-links`, LUGNUT_FIND_LINKS); its field is the library's keyword,
or one of the command line's own fields (`Presentation` in `configuration`).
"""

from __future__ import annotations

from lugnut.cli.flag import (
    ALL,
    CHANGING,
    COUNT,
    ENVIRONMENT,
    EVERY,
    INSTALL,
    LIST,
    LISTING,
    LOCKING,
    SUPPLIED,
    SWITCH,
    VALUE,
    Flag,
)
from lugnut.cli.supply_flags import SUPPLY_FLAGS

__all__ = ["ALL", "COMMANDS", "COUNT", "FLAGS", "LIST", "OPERANDS", "SWITCH", "VALUE", "WORDS", "Flag", "flags_of"]

COMMANDS = {
    "install": ("[NAME[SPEC] | WHEEL | PATH | URL]...", "install distributions and what they need, all or nothing"),
    "sync": ("FILE...", "have exactly what a lock or requirements files name"),
    "lock": ("[NAME[SPEC] | PATH | URL]...", "resolve, and write pylock.toml"),
    "uninstall": ("[NAME]...", "remove distributions; what they shadowed comes back"),
    "list": ("", "list what is installed"),
    "freeze": ("", "write what is installed as lines of a requirements file"),
    "show": ("NAME...", "describe distributions: what they need, what needs them, who shadows whom"),
    "tree": ("", "draw who needs whom, as a tree"),
    "check": ("", "compare files and requirements with what is recorded; exit 1 on any finding"),
    "recover": ("", "finish or undo what a killed run left"),
    "doctor": ("", "try what environment and cache can do where they lie, and say what will be used and why"),
    "cache": ("dir | clean | prune", "show, empty or tidy the cache"),
    "completion": ("bash | zsh | fish | tcsh", "write a completion script for a shell"),
}
"""Each command: its operands, and what it does."""

WORDS = {
    "on_conflict": ("warn", "error", "ignore"),
    "link_mode": ("auto", "hardlink", "clone", "copy"),
    "color": ("auto", "always", "never"),
    "format": ("columns", "freeze", "json"),
    "resolver": ("auto", "uv", "pip"),
    "prerelease": ("disallow", "allow", "if-necessary", "explicit", "if-necessary-or-explicit"),
    "resolution": ("highest", "lowest", "lowest-direct"),
    "index_strategy": ("first-index", "unsafe-first-match", "unsafe-best-match"),
}
"""The words that a value may be, for fields whose values are words."""

OPERANDS = {"cache": ("dir", "clean", "prune"), "completion": ("bash", "zsh", "fish", "tcsh")}
"""The words that an operand may be, for commands whose operands are words; they take one."""

FLAGS: tuple[Flag, ...] = (
    *SUPPLY_FLAGS,
    Flag(
        ("-r", "--requirement", "--requirements"),
        "requirement_files",
        LIST,
        "What",
        ("install", "lock", "uninstall"),
        "take names from a requirements file (or pyproject.toml)",
        "FILE",
    ),
    Flag(
        ("-c", "--constraint", "--constraints"),
        "constraint_files",
        LIST,
        "What",
        SUPPLIED,
        "let the lines of this file hold for what is named",
        "FILE",
    ),
    Flag(("-f", "--find-links"), "find_links", LIST, "What", SUPPLIED, "look in this directory or page too", "PLACE"),
    Flag(("--require-hashes",), "require_hashes", SWITCH, "What", SUPPLIED, "refuse a requirement without --hash"),
    Flag(
        ("-U", "--upgrade"),
        "upgrade",
        SWITCH,
        "What",
        ("install", "lock"),
        "prefer the newest to what is installed",
    ),
    Flag(("--reinstall", "--force-reinstall"), "reinstall", SWITCH, "What", INSTALL, "place every file again"),
    Flag(("-f", "--files"), "files", SWITCH, "What", ("show",), "list the files of each too"),
    Flag(("--package",), "packages", LIST, "What", ("tree",), "draw NAME and what hangs from it alone", "NAME"),
    Flag(("--prune",), "prune", LIST, "What", ("tree",), "leave out NAME and what hangs from it alone", "NAME"),
    Flag(("-d", "--depth"), "depth", VALUE, "What", ("tree",), "levels below the first (default 255)", "N"),
    Flag(("--invert", "--reverse"), "invert", SWITCH, "What", ("tree",), "from what is needed to what needs it"),
    Flag(("--no-dedupe",), "no_dedupe", SWITCH, "What", ("tree",), "draw repeated branches again"),
    Flag(("--exclude",), "exclude", LIST, "What", LISTING, "leave out NAME", "NAME"),
    Flag(("-e", "--editable"), "editable", SWITCH, "What", ("list",), "editable installs alone"),
    Flag(
        ("--exclude-editable",),
        "exclude_editable",
        SWITCH,
        "What",
        LISTING,
        "all but editable installs",
        off=("--include-editable",),
    ),
    Flag(("--path",), "paths", LIST, "Where", LISTING, "read this directory in place of the environment's", "DIR"),
    Flag(
        ("-p", "--python"),
        "python",
        VALUE,
        "Where",
        ENVIRONMENT,
        "an interpreter, or an environment's directory",
        "PATH",
    ),
    Flag(("-t", "--target"), "target", VALUE, "Where", ENVIRONMENT, "a plain directory to install into", "DIR"),
    Flag(
        ("--prefix",), "prefix", VALUE, "Where", ENVIRONMENT, "a prefix to install into (lib, bin, ... below it)", "DIR"
    ),
    Flag(("--system",), "system", SWITCH, "Where", ENVIRONMENT, "the first Python on PATH, virtual or not"),
    Flag(
        ("--break-system-packages",),
        "break_system_packages",
        SWITCH,
        "Where",
        ENVIRONMENT,
        "change a Python that its system manages",
    ),
    Flag(
        ("--overlay",),
        "overlay",
        LIST,
        "Conflicts",
        INSTALL,
        "put NAME on top where files clash (=N: its rank, 0 undoes)",
        "NAME[=N]",
    ),
    Flag(
        ("--on-conflict",),
        "on_conflict",
        VALUE,
        "Conflicts",
        INSTALL,
        "different bytes at one path: warn, error or ignore",
        "WORD",
    ),
    Flag(("--force",), "force", SWITCH, "Conflicts", CHANGING, "set aside files that no distribution names"),
    Flag(("--dry-run",), "dry_run", SWITCH, "How", CHANGING, "say what would be done, and do nothing"),
    Flag(("-j", "--jobs"), "jobs", VALUE, "How", LOCKING, "worker processes (default: one for each processor)", "N"),
    Flag(("--link-mode",), "link_mode", VALUE, "How", (*INSTALL, "doctor"), "auto, hardlink, clone or copy", "MODE"),
    Flag(
        ("--compile-bytecode", "--compile"),
        "compile_bytecode",
        SWITCH,
        "How",
        INSTALL,
        "compile .pyc files",
        off=("--no-compile",),
    ),
    Flag(
        ("--durable",), "durable", SWITCH, "How", CHANGING, "survive a power cut too: sync before and after the commit"
    ),
    Flag(
        ("--lock-timeout",),
        "lock_timeout",
        VALUE,
        "How",
        LOCKING,
        "seconds to wait for another run (default 300; 0: do not)",
        "SECONDS",
    ),
    Flag(
        ("--lock-backend",),
        "lock_backend",
        VALUE,
        "How",
        LOCKING,
        "redis://HOST where flock does not reach all hosts; flock ends that",
        "URL",
    ),
    Flag(("--cache-dir",), "cache_dir", VALUE, "How", ALL, "where the cache is", "DIR"),
    Flag(("-n", "--no-cache", "--no-cache-dir"), "no_cache", SWITCH, "How", ALL, "use a temporary cache"),
    Flag(("--no-config",), "no_config", SWITCH, "How", ALL, "do not read pyproject.toml"),
    Flag(("-y", "--yes"), "yes", SWITCH, "How", ALL, "accepted; lugnut never asks"),
    Flag(
        ("--forget",),
        "forget",
        SWITCH,
        "How",
        ("recover",),
        "then remove .lugnut, for a --target that is to be shipped",
    ),
    Flag(
        ("--format",),
        "format",
        VALUE,
        "Output",
        ("list",),
        "columns, freeze or json (names and versions, as pip's)",
        "WORD",
    ),
    Flag(
        ("--show-version-specifiers",), "show_specifiers", SWITCH, "Output", ("tree",), "say which versions are needed"
    ),
    Flag(("--json",), "json", SWITCH, "Output", ALL, "print the report as one JSON document on stdout"),
    Flag(
        ("--report",),
        "report_to",
        VALUE,
        "Output",
        CHANGING,
        "write pip's installation report (version 1), with lugnut's own; - is stdout",
        "FILE",
    ),
    Flag(
        ("--json-events",),
        "json_events",
        VALUE,
        "Output",
        LOCKING,
        "write each event as a line of JSON; - is stdout",
        "FILE",
    ),
    Flag(
        ("--trace",), "trace", VALUE, "Output", CHANGING, "write a timeline of the run (Chrome's trace events)", "FILE"
    ),
    Flag(("-q", "--quiet"), "quiet", COUNT, "Output", EVERY, "say less; twice: no warnings either"),
    Flag(("-v", "--verbose"), "verbose", COUNT, "Output", EVERY, "say more"),
    Flag(("--color",), "color", VALUE, "Output", EVERY, "auto, always or never", "WHEN"),
    Flag(("--no-progress",), "no_progress", SWITCH, "Output", EVERY, "draw no progress"),
)


def flags_of(command: str) -> list[Flag]:
    """Give the flags that a command knows."""
    return [flag for flag in FLAGS if command in flag.commands]
