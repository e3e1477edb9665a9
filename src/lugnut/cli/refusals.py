"""Flags of pip and uv that lugnut does not act on, each with its answer, so that none of them is "unrecognized".

Two kinds: what is taken without effect because lugnut behaves so anyway (ACCEPTED), and what is refused with the
reason and the way that leads where the user wants to go (REFUSED).
"""

from __future__ import annotations

from lugnut.cli.flags import ALL
from lugnut.typed import NamedTuple

NOTHING = 0
ONE_VALUE = 1


class Accepted(NamedTuple):
    """A flag without effect, and how many values it takes along."""

    names: tuple[str, ...]
    values: int
    commands: tuple[str, ...] = ALL


class Refused(NamedTuple):
    """A flag that is answered with a reason and a hint."""

    names: tuple[str, ...]
    reason: str
    hint: str
    commands: tuple[str, ...] = ALL


ACCEPTED = (
    # These ask for what is the case.
    Accepted(("--check-build-dependencies", "--prefer-binary", "--no-clean", "--build-isolation"), NOTHING),
    Accepted(("--offline", "--no-input", "--disable-pip-version-check", "--no-python-downloads"), NOTHING),
    Accepted(("--no-warn-script-location", "--no-warn-conflicts", "--no-proxy-env", "--no-sources"), NOTHING),
    Accepted(("--verify-hashes", "--no-managed-python", "--no-editable"), NOTHING),
    # Only the environment's own distributions are read, and pip and setuptools are not left out.
    Accepted(("-l", "--local", "--all"), NOTHING, ("list", "freeze")),
    Accepted(("--root-user-action", "-f", "--find-links", "-c", "--constraint", "--constraints"), ONE_VALUE),
)

_WHOLE = "it holds for all of a run"
_RESOLVE = "it is not passed on to the resolver"
_LOCK = "lock with `uv pip compile -o pylock.toml`, then use `lugnut sync pylock.toml`"
_TAGS = "wheels are chosen for the interpreter of the target"
_NAME_PYTHON = "name an interpreter of that kind with --python"
_OPTIONS = "what a run does follows from its flags, LUGNUT_* and the nearest pyproject.toml"

REFUSED = (
    Refused(
        ("-o", "--outdated", "-u", "--uptodate", "--show-sizes"),
        "no index is asked by what only reads",
        "use `uv pip list --outdated`",
        ("list", "tree"),
    ),
    Refused(("--not-required",), "the tree shows it", "use `lugnut tree --depth 0`", ("list",)),
    Refused(
        ("-r", "--requirement", "--requirements"),
        "the lines are sorted by name",
        "leave the flag out, and compare with the file",
        ("freeze",),
    ),
    Refused(("--user",), "one environment is read, the one that is named", "use --path DIR", ("list", "freeze")),
    Refused(
        ("--user",),
        "an install per user has no environment of its own to guard",
        "use a virtual environment, or --target DIR",
    ),
    Refused(("--root",), "files would record a place they are not in", "use --prefix DIR or --target DIR"),
    Refused(("--src",), "a repository is checked out where its build is done", "use -e PATH with your own checkout"),
    Refused(
        ("-I", "--ignore-installed"),
        "it would leave two distributions of one name in place",
        "use --reinstall; --force sets aside files that no distribution names",
    ),
    Refused(("--no-verify-hashes",), "every byte is checked before it is placed", "leave the flag out"),
    Refused(("--system-certs",), "the system's certificates are used anyway", "use --cert PATH for others"),
    Refused(("--resume-retries",), "a download is resumed as often as it is tried", "use --retries N"),
    Refused(("--refresh", "--refresh-package"), "an index is asked each time", "use `lugnut cache clean`"),
    Refused(("--torch-backend",), "the index decides", "use --index with the one that has the builds you want"),
    Refused(("--all-releases", "--only-final", "--prerelease-package"), _WHOLE, "use --prerelease WORD"),
    Refused(("--excludes", "--fork-strategy", "--upgrade-group", "--upgrade-strategy", "--only-deps"), _RESOLVE, _LOCK),
    Refused(("--exclude-newer-package",), _WHOLE, "use --exclude-newer DATE"),
    Refused(
        ("--reinstall-package",),
        "--reinstall is for the whole run, so far",
        "name that distribution alone with --reinstall",
    ),
    Refused(("--config-settings-package", "--no-build-isolation-package"), _WHOLE, "install that distribution alone"),
    Refused(("--require-build-hashes",), "build requirements have no hashes", "use --no-build"),
    Refused(("--no-editable-package", "--no-sources-package"), _RESOLVE, _LOCK),
    Refused(("--all-extras",), "extras are named", "use --extra NAME for each"),
    Refused(("--requirements-from-script", "--project"), _RESOLVE, _LOCK),
    Refused(("--implementation", "--abi", "--managed-python"), _TAGS, _NAME_PYTHON),
    Refused(("--ignore-requires-python",), "the distribution says that it does not run there", "use another --python"),
    Refused(("--exact",), "nothing is removed that is not named", "use `lugnut sync FILE`"),
    Refused(
        ("--strict", "--check"), "requirements are checked by a command of their own", "run `lugnut check` afterwards"
    ),
    Refused(("--report", "--output-format"), "the report has its own flag", "use --json, which prints it on stdout"),
    Refused(("--progress-bar",), "it has another name here", "use --no-progress"),
    Refused(("--log",), "what happens has its own flag", "use --json-events FILE"),
    Refused(("--debug",), "it has another name here", "use -v -v"),
    Refused(("--isolated", "--config-file", "--directory"), _OPTIONS, "use --no-config, or unset the variables"),
    Refused(
        ("--require-virtualenv", "-l", "--local"),
        "lugnut acts on one environment only, the one it names",
        "use --python PATH",
    ),
    Refused(
        ("--use-feature", "--use-deprecated", "--exists-action"), "they name features of pip", "leave the flag out"
    ),
)

COMMANDS = {
    "pip": "leave out the word pip: lugnut install, uninstall, list, freeze, show, tree, check",
    "add": "use `lugnut install`",
    "remove": "use `lugnut uninstall`",
    "inspect": "use `lugnut show NAME --json` or `lugnut list --json`",
    "download": "use `pip download`; what `lugnut install` fetches stays in the cache",
    "wheel": "use `pip wheel --no-deps`",
    "compile": "use `lugnut lock`",
    "venv": "use `python -m venv .venv`",
    "upgrade": "use `lugnut install --upgrade`",
    "repair": "use `lugnut install --reinstall NAME`",
    "verify": "use `lugnut check`",
}
"""Commands that pip and uv users try, and what to do here."""
