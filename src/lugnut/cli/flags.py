"""The flags lugnut acts on, as one table: the parser, the help, the variables and the library's keywords follow it.

A flag's first long name gives its variable (`--find-links`, LUGNUT_FIND_LINKS); its field is the library's keyword,
or one of the command line's own fields (`Presentation` in `configuration`).
"""

from __future__ import annotations

from typing import NamedTuple

SWITCH = "switch"
COUNT = "count"
VALUE = "value"
LIST = "list"


class Flag(NamedTuple):
    """One flag: its spellings, the field it sets, what it takes, where it is known and what the help says."""

    names: tuple[str, ...]
    field: str
    kind: str
    group: str
    commands: tuple[str, ...]
    help: str
    metavar: str = ""
    off: tuple[str, ...] = ()
    """Spellings that take a switch back, besides the `--no-` one that every switch has."""

    @property
    def long(self) -> str:
        """The name that messages and the variable use."""
        return next(name for name in self.names if name.startswith("--"))

    @property
    def variable(self) -> str:
        """The environment variable that gives this flag."""
        return "LUGNUT_" + self.long[2:].replace("-", "_").upper()

    @property
    def negations(self) -> tuple[str, ...]:
        """The spellings that take a switch back."""
        if self.kind != SWITCH:
            return ()
        opposite = "--" + self.long[5:] if self.long.startswith("--no-") else "--no-" + self.long[2:]
        return (opposite, *self.off)


INSTALL = ("install",)
CHANGING = ("install", "uninstall")
LOCKING = ("install", "uninstall", "check", "recover")
LISTING = ("list", "freeze")
ENVIRONMENT = ("install", "uninstall", "list", "freeze", "show", "tree", "check", "recover")
ALL = (*ENVIRONMENT, "cache")
EVERY = (*ALL, "completion")

COMMANDS = {
    "install": ("[WHEEL | NAME[==VERSION]]...", "install wheels and distributions, all of them or none"),
    "uninstall": ("[NAME]...", "remove distributions; what they shadowed comes back"),
    "list": ("", "list what is installed"),
    "freeze": ("", "write what is installed as lines of a requirements file"),
    "show": ("NAME...", "describe distributions: what they need, what needs them, who shadows whom"),
    "tree": ("", "draw who needs whom, as a tree"),
    "check": ("", "compare files and requirements with what is recorded; exit 1 on any finding"),
    "recover": ("", "finish or undo what a killed run left"),
    "cache": ("dir | clean | prune", "show, empty or tidy the cache"),
    "completion": ("bash | zsh | fish | tcsh", "write a completion script for a shell"),
}
"""Each command: its operands, and what it does."""

WORDS = {
    "on_conflict": ("warn", "error", "ignore"),
    "link_mode": ("auto", "hardlink", "clone", "copy"),
    "color": ("auto", "always", "never"),
    "format": ("columns", "freeze", "json"),
}
"""The words that a value may be, for fields whose values are words."""

OPERANDS = {"cache": ("dir", "clean", "prune"), "completion": ("bash", "zsh", "fish", "tcsh")}
"""The words that an operand may be, for commands whose operands are words; they take one."""

FLAGS: tuple[Flag, ...] = (
    Flag(
        ("-r", "--requirement", "--requirements"),
        "requirement_files",
        LIST,
        "What",
        CHANGING,
        "take names from a requirements file",
        "FILE",
    ),
    Flag(
        ("-c", "--constraint", "--constraints"),
        "constraint_files",
        LIST,
        "What",
        INSTALL,
        "let the lines of this file hold for what is named",
        "FILE",
    ),
    Flag(("-f", "--find-links"), "find_links", LIST, "What", INSTALL, "look for wheels in this directory", "DIR"),
    Flag(("--no-index",), "no_index", SWITCH, "What", INSTALL, "use no index (there is none yet)"),
    Flag(("--no-deps",), "no_deps", SWITCH, "What", INSTALL, "do not speak of unmet dependencies"),
    Flag(("--require-hashes",), "require_hashes", SWITCH, "What", INSTALL, "refuse a requirement without --hash"),
    Flag(("-U", "--upgrade"), "upgrade", SWITCH, "What", INSTALL, "replace installed versions by the best at hand"),
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
    Flag(("--link-mode",), "link_mode", VALUE, "How", INSTALL, "auto, hardlink, clone or copy", "MODE"),
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
    Flag(("-q", "--quiet"), "quiet", COUNT, "Output", EVERY, "say less; twice: no warnings either"),
    Flag(("-v", "--verbose"), "verbose", COUNT, "Output", EVERY, "say more"),
    Flag(("--color",), "color", VALUE, "Output", EVERY, "auto, always or never", "WHEN"),
    Flag(("--no-progress",), "no_progress", SWITCH, "Output", EVERY, "draw no progress"),
)


def flags_of(command: str) -> list[Flag]:
    """Give the flags that a command knows."""
    return [flag for flag in FLAGS if command in flag.commands]
