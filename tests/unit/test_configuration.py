"""Flags over variables over [tool.lugnut], each value read alike wherever it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from lugnut.cli import configuration
from lugnut.cli.configuration import Invocation, Presentation, make_invocation
from lugnut.cli.flags import COUNT, FLAGS, LIST, SWITCH, Flag
from lugnut.cli.values import PATHS
from lugnut.cli.words import parse_words
from lugnut.errors import Unsupported, UsageError


def invoke(typed: str, directory: Path, **environ: str) -> Invocation:
    return make_invocation(parse_words(typed.split()), environ, str(directory))


def configure(directory: Path, text: str) -> None:
    directory.joinpath("pyproject.toml").write_text(text)


def test_without_anything_nothing_is_chosen(tmp_path: Path) -> None:
    assert invoke("install a", tmp_path) == Invocation("install", ("a",), {}, Presentation())


SAMPLES = {
    "jobs": "3",
    "lock_timeout": "1.5",
    "lock_backend": "redis://h/0",
    "on_conflict": "error",
    "link_mode": "copy",
    "color": "never",
    "format": "freeze",
    "depth": "3",
    "resolver": "pip",
    "prerelease": "explicit",
    "resolution": "lowest",
    "index_strategy": "first-index",
    "timeout": "2.5",
    "retries": "2",
    "downloads": "2",
}


def sample(flag: Flag) -> str:
    return "1" if flag.kind in {SWITCH, COUNT} else SAMPLES.get(flag.field, "x")


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.variable)
def test_every_flag_has_a_variable_that_says_the_same(flag: Flag, tmp_path: Path) -> None:
    typed = [flag.long] if flag.kind in {SWITCH, COUNT} else [flag.long, sample(flag)]
    by_flag = make_invocation(parse_words([flag.commands[0], *typed]), {}, str(tmp_path))
    by_variable = make_invocation(parse_words([flag.commands[0]]), {flag.variable: sample(flag)}, str(tmp_path))
    assert by_flag == by_variable
    if flag.field not in {"yes", "no_config"}:
        assert by_flag != make_invocation(parse_words([flag.commands[0]]), {}, str(tmp_path))


@pytest.mark.parametrize("flag", [flag for flag in FLAGS if flag.kind == LIST], ids=lambda flag: flag.variable)
def test_variables_of_lists_are_separated_by_blanks(flag: Flag, tmp_path: Path) -> None:
    invocation = make_invocation(parse_words([flag.commands[0]]), {flag.variable: " a  b "}, str(tmp_path))
    assert list(invocation.choices[flag.field]) == ["a", "b"]


@pytest.mark.parametrize("flag", [flag for flag in FLAGS if flag.field in PATHS], ids=lambda flag: flag.variable)
def test_the_tilde_of_a_path_is_expanded_where_no_shell_does(
    flag: Flag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    by_flag = make_invocation(parse_words([flag.commands[0], f"{flag.long}=~/x"]), {}, str(tmp_path))
    by_variable = make_invocation(parse_words([flag.commands[0]]), {flag.variable: "~/x"}, str(tmp_path))
    for invocation in (by_flag, by_variable):
        value = {**invocation.presentation._asdict(), **invocation.choices}[flag.field]
        assert value in ("/home/me/x", ("/home/me/x",))


@pytest.mark.parametrize(("text", "value"), [("1", True), ("true", True), ("YES", True), ("0", False), ("off", False)])
def test_switches_of_variables_are_words_for_true_and_false(text: str, value: bool, tmp_path: Path) -> None:
    assert invoke("install a", tmp_path, LUGNUT_UPGRADE=text).choices == {"upgrade": value}


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    assert invoke("install a", tmp_path, LUGNUT_JOBS="", LUGNUT_TARGET="").choices == {}


def test_a_flag_wins_over_its_variable_and_that_over_the_file(tmp_path: Path) -> None:
    configure(tmp_path, '[tool.lugnut]\njobs = 1\non-conflict = "error"\nlink-mode = "clone"\n')
    invocation = invoke("install a --jobs 3", tmp_path, LUGNUT_JOBS="2", LUGNUT_LINK_MODE="copy")
    assert invocation.choices == {"jobs": 3, "link_mode": "copy", "on_conflict": "error"}


def test_a_switch_can_be_taken_back_over_its_variable(tmp_path: Path) -> None:
    assert invoke("install a --no-upgrade", tmp_path, LUGNUT_UPGRADE="1").choices == {"upgrade": False}


def test_a_place_that_is_typed_silences_the_variables_of_other_places(tmp_path: Path) -> None:
    environ = {"LUGNUT_TARGET": "t", "LUGNUT_SYSTEM": "1"}
    assert invoke("install a --prefix p --python q", tmp_path, **environ).choices == {"prefix": "p", "python": "q"}


def test_loudness_that_is_typed_silences_its_variables(tmp_path: Path) -> None:
    assert invoke("install a -v", tmp_path, LUGNUT_QUIET="2").presentation.verbosity == 1
    assert invoke("install a", tmp_path, LUGNUT_QUIET="2").presentation.verbosity == -2


def test_a_form_of_the_list_that_is_typed_silences_the_variable_of_the_other(tmp_path: Path) -> None:
    presentation = invoke("list --json", tmp_path, LUGNUT_FORMAT="freeze").presentation
    assert (presentation.json, presentation.format) == (True, "columns")


def test_overlay_ranks_are_merged_name_by_name(tmp_path: Path) -> None:
    configure(tmp_path, "[tool.lugnut]\noverlay = { jwt = 1, Py_JWT = 2, other = 3 }\n")
    invocation = invoke("install a --overlay jwt=0", tmp_path, LUGNUT_OVERLAY="py-jwt=5 New.One")
    assert invocation.choices["overlay"] == {"jwt": 0, "py-jwt": 5, "other": 3, "new-one": 1}


def test_overlay_may_be_a_list_of_names(tmp_path: Path) -> None:
    configure(tmp_path, '[tool.lugnut]\noverlay = ["jwt"]\n')
    assert invoke("install a", tmp_path).choices == {"overlay": {"jwt": 1}}


def test_the_nearest_table_counts_and_files_without_one_do_not(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    configure(tmp_path, "[tool.lugnut]\njobs = 4\n")
    configure(tmp_path / "a", '[project]\nname = "lugnut-user"\n')
    assert invoke("install a", inner).choices == {"jobs": 4}
    configure(inner, "[tool.lugnut]\n")
    assert invoke("install a", inner).choices == {}


def test_a_command_heeds_only_the_keys_it_has_a_use_for(tmp_path: Path) -> None:
    configure(tmp_path, '[tool.lugnut]\njobs = 4\noverlay = ["jwt"]\nlink-mode = "copy"\n')
    assert invoke("uninstall a", tmp_path).choices == {"jobs": 4}
    assert invoke("list", tmp_path).choices == {}


def test_no_config_reads_no_file(tmp_path: Path) -> None:
    configure(tmp_path, "[tool.lugnut\n")
    assert invoke("install a --no-config", tmp_path).choices == {}
    assert invoke("install a", tmp_path, LUGNUT_NO_CONFIG="1").choices == {}


def test_a_broken_file_that_does_not_speak_of_us_is_not_our_business(tmp_path: Path) -> None:
    configure(tmp_path, "[tool\n")
    assert invoke("install a", tmp_path).choices == {}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[tool.lugnut]\njbos = 2\n", "[tool.lugnut] has no key 'jbos'"),
        ("[tool.lugnut]\njobs = 0\n", "jobs must be a number from 1 up, not '0'"),
        ("[tool.lugnut]\njobs = true\n", "jobs has a value of the wrong kind"),
        ("[tool.lugnut]\njobs = [1]\n", "jobs has a value of the wrong kind"),
        ('[tool.lugnut]\non-conflict = "eror"\n', "on-conflict must be warn, error or ignore, not 'eror'"),
        ('[tool.lugnut]\noverlay = "jwt"\n', "overlay has a value of the wrong kind"),
        ('[tool.lugnut]\noverlay = { jwt = "1" }\n', "overlay has a value of the wrong kind"),
        ("[tool.lugnut]\noverlay = { jwt = -1 }\n", "wants NAME or NAME=N"),
        ("[tool.lugnut]\noverlay = { jwt = true }\n", "overlay has a value of the wrong kind"),
        ("[tool.lugnut]\noverlay = [1]\n", "overlay has a value of the wrong kind"),
        ('[tool.lugnut]\njobs = "2"\n', "jobs has a value of the wrong kind"),
        ("[tool.lugnut]\non-conflict = true\n", "on-conflict has a value of the wrong kind"),
        ('[tool.lugnut]\noverlay = ["a b"]\n', "'a b' is not a distribution's name"),
        ("[tool.lugnut]\njobs = \n", "cannot be read"),
        ("[tool]\nlugnut = 1\n", "tool.lugnut is not a table"),
        ("tool = 'lugnut'\n", "tool.lugnut is not a table"),
    ],
)
def test_a_file_that_means_nothing_is_named_with_its_key(text: str, part: str, tmp_path: Path) -> None:
    configure(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        invoke("install a", tmp_path)
    assert str(caught.value).startswith(str(tmp_path / "pyproject.toml"))
    assert part in str(caught.value)


@pytest.mark.parametrize(
    ("typed", "environ", "message"),
    [
        ("--jobs 0", {}, "--jobs must be a number from 1 up, not '0'"),
        ("--jobs ²", {}, "--jobs must be a number from 1 up, not '²'"),
        ("", {"LUGNUT_JOBS": "many"}, "LUGNUT_JOBS must be a number from 1 up, not 'many'"),
        ("--lock-timeout -1", {}, "--lock-timeout must be a number of seconds from 0 up, not '-1'"),
        ("--lock-timeout nan", {}, "--lock-timeout must be a number of seconds from 0 up, not 'nan'"),
        ("--lock-timeout inf", {}, "--lock-timeout must be a number of seconds from 0 up, not 'inf'"),
        ("--on-conflict never", {}, "--on-conflict must be warn, error or ignore, not 'never'"),
        *(
            (f"--lock-backend {text}", {}, f"--lock-backend {fault}")
            for text, fault in {
                "http://h": "must be flock or a URL that begins with redis://, rediss://, unix://",
                "redis": "must be flock or a URL that begins with redis://, rediss://, unix://",
                "redis://": "names no server",
                "unix://": "names no server",
                "rediss:///0": "names no server",
                "redis://u:pw@": "names no server",
                "redis://u:pw@h:port/0": "has a port that is no number",
                "redis://h?protocol=3": "takes no options but db and those that begin with ssl_",
            }.items()
        ),
        (
            "",
            {"LUGNUT_LOCK_BACKEND": "x"},
            "LUGNUT_LOCK_BACKEND must be flock or a URL that begins with redis://, rediss://, unix://",
        ),
        ("--color=", {}, "--color must be auto, always or never, not ''"),
        ("--target=", {}, "--target needs a value"),
        ("--overlay jwt=-1", {}, "--overlay wants NAME or NAME=N with N from 0 up, not 'jwt=-1'"),
        ("--overlay jwt==2", {}, "--overlay wants NAME or NAME=N with N from 0 up, not 'jwt==2'"),
        ("--target a --prefix b", {}, "--target and --prefix are two different places"),
        ("", {"LUGNUT_TARGET": "a", "LUGNUT_PREFIX": "b"}, "--target and --prefix are two different places"),
        ("--python a --system", {}, "--python and --system are two different places"),
        ("", {"LUGNUT_DRY_RUN": "maybe"}, "LUGNUT_DRY_RUN must be 1 or 0, true or false, not 'maybe'"),
        ("--json --json-events -", {}, "--json and --json-events - both want stdout"),
        ("--json --report -", {}, "--json and --report - both want stdout"),
        ("--json-events - --report -", {}, "--json-events - and --report - both want stdout"),
    ],
)
def test_a_value_that_means_nothing_is_named_with_its_place(
    typed: str, environ: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        invoke(f"install a {typed}", tmp_path, **environ)
    assert str(caught.value) == message
    assert caught.value.hint


@pytest.mark.parametrize(
    "url", ["redis://h", "rediss://u:p%40@h:1/2?ssl_ca_certs=/x", "unix:///run/r.sock?db=1", "flock"]
)
def test_a_lock_backend_may_be_any_server_that_redis_py_knows(url: str, tmp_path: Path) -> None:
    assert invoke(f"install a --lock-backend {url}", tmp_path).choices == {"lock_backend": url}
    configure(tmp_path, f'[tool.lugnut]\nlock-backend = "{url}"\n')
    assert invoke("recover", tmp_path).choices == {"lock_backend": url}
    assert invoke("list", tmp_path).choices == {}


def test_symlinks_are_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match=r"^--link-mode symlink is not supported: cleaning the cache"):
        invoke("install a --link-mode symlink", tmp_path)


@pytest.mark.parametrize("depth", ["256", "-1", "x", "²", "9" * 5000])
def test_a_depth_that_means_nothing_is_refused(depth: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--depth must be a number from 0 to 255"):
        invoke(f"tree --depth={depth}", tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "[tool.lugnut]\njobs = 3\n",
        "[ tool . 'lugnut' ]\njobs = 3\n",
        '["tool"."lugnut"]\njobs = 3\n',
        "[tool]\nlugnut = { jobs = 3 }\n",
        "[tool]\nlugnut.jobs = 3\n",
        "tool.lugnut.jobs = 3\n",
        "tool = { lugnut = { jobs = 3 } }\n",
        '[tool."l\\u0075gnut"]\njobs = 3\n',
    ],
)
def test_a_table_is_found_however_it_is_spelled(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "lugnut-plugin"\n\n{text}' if text[0] == "[" else text)
    assert configuration._read_table(str(tmp_path / "pyproject.toml")) == {"jobs": 3}


def test_a_project_that_only_bears_the_name_is_not_read_as_toml(tmp_path):
    path = tmp_path / "pyproject.toml"
    path.write_text('[project]\nname = "lugnut-plugin"\n\n[tool.other]\nx = this is no TOML\n')
    assert configuration._read_table(str(path)) is None
