"""Flags of pip and uv that lugnut does not act on, each with its answer, so that none of them is "unrecognized".

Two kinds: what is taken without effect because lugnut behaves so anyway (ACCEPTED), and what is refused with the
reason and the way that leads where the user wants to go (REFUSED).
"""

from __future__ import annotations

from typing import NamedTuple

from lugnut.cli.flags import ALL

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
    # Nothing is built, downloaded, asked or looked up, so these ask for what is the case.
    Accepted(
        ("--no-build", "--no-build-isolation", "--check-build-dependencies", "--prefer-binary", "--no-clean"), NOTHING
    ),
    Accepted(("--offline", "--no-input", "--disable-pip-version-check", "--no-python-downloads"), NOTHING),
    Accepted(("--no-warn-script-location", "--no-warn-conflicts", "--no-proxy-env", "--no-sources"), NOTHING),
    Accepted(("--verify-hashes", "--no-managed-python", "--no-editable"), NOTHING),
    Accepted(("--no-index",), NOTHING),
    # Only the environment's own distributions are read, and pip and setuptools are not left out.
    Accepted(("-l", "--local", "--all"), NOTHING, ("list", "freeze")),
    Accepted(
        ("--only-binary", "--root-user-action", "-f", "--find-links", "-c", "--constraint", "--constraints"), ONE_VALUE
    ),
)

_LOCAL = "this lugnut installs local wheels only, so far"
_FETCH = "fetch the wheels with `pip download` or `pip wheel`, then use --find-links DIR"
_RESOLVE = "this lugnut has no resolver yet"
_PIN = "pin the versions with `uv pip compile`, then use -r FILE --find-links DIR"
_BUILD = "this lugnut builds nothing yet"
_WHEEL = "build a wheel first, with `pip wheel --no-deps PATH`, and install that"
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
    Refused(("-e", "--editable"), "an editable install places no files that could be guarded", _WHEEL),
    Refused(("--src",), "an editable install places no files that could be guarded", _WHEEL),
    Refused(
        ("-I", "--ignore-installed"),
        "it would leave two distributions of one name in place",
        "use --reinstall; --force sets aside files that no distribution names",
    ),
    Refused(("--no-verify-hashes",), "every byte is checked before it is placed", "leave the flag out"),
    Refused(
        (
            "-i",
            "--index-url",
            "--extra-index-url",
            "--index",
            "--default-index",
            "--index-strategy",
            "--trusted-host",
            "--allow-insecure-host",
            "--keyring-provider",
            "--proxy",
            "--cert",
            "--client-cert",
            "--system-certs",
            "--retries",
            "--resume-retries",
            "--timeout",
            "--refresh",
            "--refresh-package",
            "--torch-backend",
        ),
        _LOCAL,
        _FETCH,
    ),
    Refused(
        ("--pre", "--prerelease", "--prerelease-package", "--all-releases", "--only-final"),
        "a pre-release is taken where the version asks for it, or nothing else is at hand",
        "name the version: NAME==1.0b1",
    ),
    Refused(
        (
            "--overrides",
            "--override",
            "--excludes",
            "-P",
            "--upgrade-package",
            "--upgrade-group",
            "--upgrade-strategy",
            "--resolution",
            "--fork-strategy",
            "--exclude-newer",
            "--exclude-newer-package",
            "--uploaded-prior-to",
            "--only-deps",
        ),
        _RESOLVE,
        _PIN,
    ),
    Refused(
        ("--reinstall-package",),
        "--reinstall is for the whole run, so far",
        "name that distribution alone with --reinstall",
    ),
    Refused(
        (
            "--no-binary",
            "--config-settings",
            "--config-setting",
            "-C",
            "--config-settings-package",
            "-b",
            "--build-constraint",
            "--build-constraints",
            "--build-isolation",
            "--no-build-isolation-package",
            "--require-build-hashes",
            "--no-editable-package",
            "--no-sources-package",
        ),
        _BUILD,
        _WHEEL,
    ),
    Refused(
        ("--group", "--extra", "--all-extras", "--requirements-from-script", "--project"),
        "projects and their groups are not read yet",
        _PIN,
    ),
    Refused(
        ("--platform", "--python-version", "--python-platform", "--implementation", "--abi", "--managed-python"),
        _TAGS,
        _NAME_PYTHON,
    ),
    Refused(("--ignore-requires-python",), "the distribution says that it does not run there", "use another --python"),
    Refused(("--exact",), "nothing is removed that is not named, so far", "use `lugnut uninstall NAME` for the rest"),
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
    "sync": "not yet: use `lugnut install -r FILE` and `lugnut uninstall NAME`",
    "pip": "leave out the word pip: lugnut install, uninstall, list, freeze, show, tree, check",
    "add": "use `lugnut install`",
    "remove": "use `lugnut uninstall`",
    "inspect": "use `lugnut show NAME --json` or `lugnut list --json`",
    "download": "not yet: this lugnut installs local wheels only",
    "wheel": "use `pip wheel --no-deps`",
    "compile": "use `uv pip compile`",
    "lock": "use `uv pip compile`",
    "venv": "use `python -m venv .venv`",
    "upgrade": "use `lugnut install --upgrade`",
    "repair": "use `lugnut install --reinstall NAME`",
    "verify": "use `lugnut check`",
}
"""Commands that pip and uv users try, and what to do here."""
