"""The command line as words: spellings, mixtures, and an answer for every flag of pip and uv."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lugnut.cli import words as words_module
from lugnut.cli.flags import COMMANDS, FLAGS
from lugnut.cli.parser import format_help, make_parser, parse_carefully
from lugnut.cli.plain import read_plainly
from lugnut.cli.refusals import COMMANDS as FOREIGN
from lugnut.cli.words import HELP, VERSION, parse_words
from lugnut.errors import Unsupported, UsageError

FOREIGN_FLAGS = {
    "install": """
        -e --editable --no-editable --no-editable-package -c --constraint --constraints --overrides --excludes
        -b --build-constraint --build-constraints --extra --all-extras --cert --group --no-verify-hashes
        --user --root -I --ignore-installed --require-build-hashes --no-build --no-binary --only-binary
        --python-version --python-platform --exact --strict --check --output-format --torch-backend --index
        --default-index -i --index-url --extra-index-url --index-strategy --keyring-provider -P
        --upgrade-package --upgrade-group --upgrade-strategy --resolution --prerelease --prerelease-package
        --fork-strategy --exclude-newer --exclude-newer-package --no-sources --no-sources-package
        --reinstall-package -C --config-setting --config-settings --config-settings-package
        --no-build-isolation --no-build-isolation-package --refresh --refresh-package --managed-python
        --no-managed-python --no-python-downloads --system-certs --offline --allow-insecure-host --directory
        --project --config-file --requirements-from-script --only-deps --platform --implementation --abi --src
        --ignore-requires-python --check-build-dependencies --no-warn-script-location --no-warn-conflicts
        --progress-bar --root-user-action --report --no-clean --pre --all-releases --only-final
        --prefer-binary --uploaded-prior-to --debug --isolated --require-virtualenv --log --no-input --proxy
        --no-proxy-env --retries --timeout --exists-action --trusted-host --client-cert
        --disable-pip-version-check --use-feature --use-deprecated --resume-retries --no-break-system-packages
        --no-require-hashes --no-color
    """,
    "uninstall": "--root-user-action --keyring-provider --cert --offline --allow-insecure-host --log --no-input",
    "list": """
        -e --editable --exclude-editable --exclude -o --outdated -u --uptodate -l --local --user --path --not-required
        --strict --pre --no-index -f --find-links --index-url --include-editable
    """,
    "freeze": """
        -r --requirement -l --local --user --path --all --exclude-editable --exclude --strict --cert --system
    """,
    "show": "-f --files --strict --cert --system --target --prefix --offline",
    "tree": """
        --show-version-specifiers -d --depth --prune --package --no-dedupe --invert --outdated --show-sizes --strict
        --cert --index --default-index -i --index-url --extra-index-url -f --find-links --no-index --index-strategy
        --keyring-provider --exclude-newer --exclude-newer-package
    """,
    "check": "--python-version --python-platform --keyring-provider --cert",
}
CASES = [(command, name) for command, names in FOREIGN_FLAGS.items() for name in names.split()]


@pytest.mark.parametrize(("command", "name"), CASES)
def test_every_flag_of_pip_and_uv_is_accepted_or_refused_with_a_reason(command: str, name: str) -> None:
    refusal = refuse([command, name, "value"])
    assert refusal is None or (name in str(refusal) and refusal.hint and refusal.exit_code == 2)


def refuse(argv: list[str]) -> Unsupported | None:
    try:
        parse_words(argv)
    except Unsupported as refusal:
        return refusal
    return None


@pytest.mark.parametrize("word", FOREIGN)
def test_every_foreign_command_is_answered(word: str) -> None:
    with pytest.raises(Unsupported, match=word) as caught:
        parse_words([word])
    assert caught.value.hint == FOREIGN[word]


@pytest.mark.parametrize(
    ("typed", "field", "value"),
    [
        ("-U", "upgrade", True),
        ("--force-reinstall", "reinstall", True),
        ("--no-cache-dir", "no_cache", True),
        ("-n", "no_cache", True),
        ("-t x", "target", "x"),
        ("-p x", "python", "x"),
        ("-f x --find-links=y", "find_links", ["x", "y"]),
        ("-r x --requirements y", "requirement_files", ["x", "y"]),
        ("-y", "yes", True),
        ("--compile", "compile_bytecode", True),
        ("--no-compile", "compile_bytecode", False),
        ("--upgrade --no-upgrade", "upgrade", False),
        ("--no-cache --cache", "no_cache", False),
        ("-vv -v", "verbose", 3),
        ("-j3", "jobs", "3"),
        ("--no-color", "color", "never"),
        ("--json-events -", "json_events", "-"),
        ("--report r.json", "report_to", "r.json"),
        ("--trace t.json", "trace", "t.json"),
    ],
)
def test_synonyms_set_the_same_field(typed: str, field: str, value: object) -> None:
    assert parse_words(["install", *typed.split(), "w.whl"]) == ("install", ("w.whl",), {field: value})


def test_flags_and_operands_may_be_mixed() -> None:
    words = parse_words(["install", "a.whl", "-U", "b.whl", "--jobs", "2", "c.whl", "-q"])
    assert words == ("install", ("a.whl", "b.whl", "c.whl"), {"upgrade": True, "jobs": "2", "quiet": 1})


def test_flags_may_stand_before_the_command() -> None:
    assert parse_words(["-v", "--color", "never", "install", "a"]) == (
        "install",
        ("a",),
        {"verbose": 1, "color": "never"},
    )


def test_what_follows_two_dashes_is_an_operand() -> None:
    assert parse_words(["install", "-U", "--", "-x", "--user"]).operands == ("-x", "--user")


def test_a_refusal_takes_the_first_flag_met() -> None:
    with pytest.raises(Unsupported, match=r"^--root is not supported"):
        parse_words(["install", "--root", "/x", "--user", "a"])


def test_help_wins_over_a_refused_flag() -> None:
    assert parse_words(["install", "--user", "--help"]) == (HELP, ("install",), {})


@pytest.mark.parametrize("argv", [["help", "list"], ["list", "-h"], ["-h", "list"]])
def test_help_names_its_command(argv: list[str]) -> None:
    assert parse_words(argv) == (HELP, ("list",), {})


@pytest.mark.parametrize("argv", [["-V"], ["--version"], ["install", "--version"]])
def test_version_may_stand_anywhere(argv: list[str]) -> None:
    assert parse_words(argv).command == VERSION


@pytest.mark.parametrize(
    ("typed", "message", "hint"),
    [
        ("", "no command was given", "lugnut --help"),
        ("instal x", "there is no command 'instal'", "did you mean install?"),
        ("install --overly x", "`lugnut install` has no flag --overly", "did you mean --overlay?"),
        ("install --upgrad=x", "`lugnut install` has no flag --upgrad", "did you mean --upgrade?"),
        ("install --overl", "`lugnut install` has no flag --overl", "did you mean --overlay?"),
        ("list --upgrade", "`lugnut list` has no flag --upgrade", "it is a flag of lugnut install"),
        ("install -5", "`lugnut install` has no flag -5", "lugnut install --help"),
        ("install --jobs", "--jobs needs a value", "lugnut install --help"),
        ("install -f --upgrade", "--find-links needs a value", "lugnut install --help"),
        ("install --dry-run=yes", "--dry-run takes no value", "lugnut install --help"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error_with_the_closest_word(typed: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_words(typed.split())
    assert (str(caught.value), caught.value.exit_code) == (message, 2)
    assert hint in caught.value.hint


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_that_names_its_flags(command: str) -> None:
    text = format_help(command)
    assert all(flag.long in text for flag in FLAGS if command in flag.commands)
    assert "--user" not in text


def test_the_whole_help_names_every_command() -> None:
    assert all(command in format_help() for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_switch_can_be_taken_back(command: str) -> None:
    parser = make_parser(command)
    for flag in FLAGS:
        for negation in flag.negations if command in flag.commands else ():
            assert vars(parser.parse_args([flag.long, negation])) == {flag.field: False}


PLAIN = [
    "install a b", "install --no-deps --no-index x.whl", "install x --python p -v --quiet -v", "install -r a -r b -c d",
    "install --find-links=a --find-links b --overlay x=1", "--json list", "install --no-deps --deps x",
    "--python p install x", "list --format freeze", "tree -d 1 --prune a", "install x -- -y --z", "sync a.txt --exact",
]  # fmt: skip
CAREFUL = [
    "install -vv x", "install -ra x", "install --python= x", "install --find-links - x",
    "install --report - x", "install --no-input x", "install --no-color x", "list -eq",
]  # fmt: skip


@pytest.mark.parametrize("line", PLAIN)
def test_what_is_plain_is_read_as_argparse_reads_it(line: str) -> None:
    flags, literal = words_module._split(line.split())
    command, rest = words_module._take_command(flags)
    plain, careful = read_plainly(command, rest), parse_carefully(command, rest)
    assert plain == careful
    assert parse_words(line.split()) == careful._replace(operands=(*careful.operands, *literal))


@pytest.mark.parametrize("line", CAREFUL)
def test_what_is_not_plain_is_left_to_argparse(line: str) -> None:
    command, rest = words_module._take_command(line.split())
    assert read_plainly(command, rest) is None
    assert parse_words(line.split()) == parse_carefully(command, rest)


NAMES = sorted({name for flag in FLAGS for name in (*flag.names, *flag.negations)})
OTHERS = ["x", "y.whl", "-", "", "a b", "-1", "-x", "-vq", "--no-input", "--user", "-h", "--json=", "--jobs=2", "@x"]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(COMMANDS)), st.lists(st.sampled_from([*NAMES, *OTHERS, *OTHERS]), max_size=6))
def test_whatever_is_read_as_plain_argparse_reads_so_too(command: str, rest: list[str]) -> None:
    plain = read_plainly(command, rest)
    assert plain is None or plain == parse_carefully(command, rest)
