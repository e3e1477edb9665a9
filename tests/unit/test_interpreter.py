"""The target's interpreter to an Environment: started once at most, and described alike whether started or not."""

import errno
import hashlib
import marshal
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from environments import count_starts, make_environment, make_interpreter, make_target, make_venv, write
from lugnut.environment import Environment
from lugnut.errors import EnvironmentNotFound, ExternallyManaged, InterpreterBroken, LugnutError
from lugnut.interpreter import asking as interpreter
from lugnut.interpreter import discovery, probe
from lugnut.interpreter.asking import find_environment, read_facts
from lugnut.interpreter.facts import Facts, make_facts


@pytest.fixture(scope="module")
def venv(tmp_path_factory):
    return make_venv(tmp_path_factory.mktemp("venv") / "v")


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A virtual environment whose executable is a file of its own, so that it has to be asked."""
    return make_venv(tmp_path_factory.mktemp("copied") / "v", "--copies")


def asked(executable):
    return make_facts(interpreter._ask(executable))


@pytest.mark.parametrize("field", Facts._fields)
def test_our_own_base_is_described_as_it_describes_itself(venv, field):
    executable = os.path.join(venv, "bin", "python")
    assert getattr(read_facts(executable, None), field) == getattr(asked(executable), field)


def test_a_venv_of_our_base_is_not_started(venv, tmp_path):
    script = (
        "import sys, os\n"
        "from lugnut.interpreter.asking import Target, find_environment\n"
        "started = []\n"
        "starts = ('subprocess.Popen', 'os.fork', 'os.posix_spawn', 'os.exec')\n"
        "sys.addaudithook(lambda event, _: started.append(event) if event in starts else None)\n"
        "target = Target(sys.argv[1], None, None, False, False, sys.argv[2], {}, os.getcwd())\n"
        "first = find_environment(target)\n"
        "print(first.prefix, started)\n"
    )
    command = [sys.executable, "-P", "-c", script, venv, str(tmp_path / "cache")]
    answers = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(2)]
    assert answers == [f"{venv} []\n"] * 2


def test_what_is_remembered_of_our_own_needs_no_packaging(venv, tmp_path):
    script = (
        "import sys, os\n"
        "from lugnut.interpreter.asking import Target, find_environment\n"
        "find_environment(Target(sys.argv[1], None, None, False, False, sys.argv[2], {}, os.getcwd()))\n"
        "print(sorted({name for name in sys.modules} & {'packaging', 'email', 'typing_extensions', 'subprocess'}))\n"
    )
    command = [sys.executable, "-P", "-c", script, venv, str(tmp_path / "cache")]
    answers = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(2)]
    assert answers[1] == "[]\n"


@pytest.mark.parametrize("change", [("home", "/nowhere"), ("version", "3.11.999"), ("version", "")])
def test_a_venv_that_says_it_has_another_base_is_asked(tmp_path, change):
    path = make_venv(tmp_path / "v")
    executable = os.path.join(path, "bin", "python")
    assert interpreter._shares_our_base(executable, path)
    with open(os.path.join(path, "pyvenv.cfg")) as file:
        lines = [line for line in file if not line.startswith(change[0] + " ")]
    write(path, "pyvenv.cfg", "".join([*lines, f"{change[0]} = {change[1]}\n"]))
    assert not interpreter._shares_our_base(executable, path)


def test_a_venv_with_another_executable_is_asked(copied):
    executable = os.path.join(copied, "bin", "python")
    assert not interpreter._shares_our_base(executable, copied)
    assert read_facts(executable, None) == asked(executable)


def other_pythons():
    names = [f"python3.{minor}" for minor in range(9, 16)] + ["python3"]
    found = [path for name in names if (path := shutil.which(name, path="/usr/bin:/usr/local/bin:" + os.defpath))]
    return sorted({os.path.realpath(path) for path in found} - {os.path.realpath(sys.executable)})


@pytest.mark.parametrize("python", other_pythons() or [pytest.param("", marks=pytest.mark.skip("no other Python"))])
def test_another_interpreter_tells_its_own_version_and_tags(python, tmp_path):
    environment = find_environment(make_target(tmp_path, python=python, break_system_packages=True))
    said = subprocess.run(
        [
            python,
            "-I",
            "-c",
            "import sys, sysconfig; print(sys.implementation.cache_tag, sysconfig.get_path('purelib'))",
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert [environment.cache_tag, environment.purelib] == said
    assert environment.tags[0].startswith("cp3")


def ask_for(directory, version):
    """Look for a version on a PATH of a broken shim, a Python 3.98 and a Python 3.99."""
    shim = write(directory, "shims/python3", "#!/bin/sh\nexit 127\n")
    os.chmod(shim, 0o755)
    for minor in (98, 99):
        versions = {"python_version": f"3.{minor}", "python_full_version": f"3.{minor}.1"}
        make_interpreter(directory / f"{minor}", markers={**probe.describe()["markers"], **versions})
    path = os.pathsep.join(str(directory / place) for place in ("shims", "98/bin", "99/bin"))
    target = make_target(directory, python=version, environ={"PATH": path}, break_system_packages=True)
    return find_environment(target).markers["python_full_version"]


@pytest.mark.parametrize(("version", "found"), [("3.99", "3.99.1"), (">=3.5", "3.98.1"), ("cp399", "3.99.1")])
def test_a_version_is_had_by_the_first_that_answers_and_has_it(tmp_path, version, found):
    assert ask_for(tmp_path, version) == found


def test_the_versions_that_are_there_are_named_where_another_is_asked_for(tmp_path):
    with pytest.raises(EnvironmentNotFound, match=r"no Python 3\.97 is here or on PATH; there are 3\.98\.1, 3\.99\.1"):
        ask_for(tmp_path, "3.97")


# --- remembering ------------------------------------------------------------------------------------------------------


def test_a_remembered_interpreter_is_not_started_again(tmp_path):
    program = make_interpreter(tmp_path / "usr")
    first = find_environment(make_target(tmp_path, python=program, cache_dir=tmp_path / "deep/cache"))
    second = find_environment(make_target(tmp_path, python=program, cache_dir=tmp_path / "deep/cache"))
    assert first == second
    assert count_starts(program) == 1


def test_without_a_cache_it_is_started_each_time(tmp_path):
    program = make_interpreter(tmp_path / "usr")
    for _ in range(2):
        find_environment(make_target(tmp_path, python=program))
    assert count_starts(program) == 2


def test_a_replaced_executable_is_asked_again(tmp_path):
    program = make_interpreter(tmp_path / "usr")
    target = make_target(tmp_path, python=program, cache_dir=tmp_path / "cache")
    find_environment(target)
    os.utime(program, (1, 1))
    find_environment(target)
    assert count_starts(program) == 2


def test_a_shim_that_starts_another_interpreter_is_not_remembered(tmp_path):
    program = make_interpreter(tmp_path / "usr", executable="/somewhere/else/python3")
    target = make_target(tmp_path, python=program, cache_dir=tmp_path / "cache")
    assert [find_environment(target).kind for _ in range(2)] == ["system"] * 2
    assert count_starts(program) == 2


@pytest.mark.parametrize("torn", ["", "{", "[]", "{}", "null", '{"tags": 1}'])
def test_a_torn_memory_is_learnt_anew(tmp_path, torn):
    program = make_interpreter(tmp_path / "usr")
    target = make_target(tmp_path, python=program, cache_dir=tmp_path / "cache")
    first = find_environment(target)
    (memory,) = os.scandir(tmp_path / "cache/interpreters")
    write(tmp_path, memory.path, torn)
    assert find_environment(target) == first
    assert find_environment(target) == first
    assert count_starts(program) == 2


def test_facts_that_lack_a_field_are_learnt_anew(tmp_path):
    program = make_interpreter(tmp_path / "usr")
    target = make_target(tmp_path, python=program, cache_dir=tmp_path / "cache")
    first = find_environment(target)
    (memory,) = os.scandir(tmp_path / "cache/interpreters")
    document = marshal.loads(Path(memory.path).read_bytes()[32:])
    del document["launcher"]
    for foreign in (document, [], None, {"tags": 1}):
        data = marshal.dumps(foreign)
        Path(memory.path).write_bytes(hashlib.sha256(data).digest() + data)
        assert find_environment(target) == first
    assert count_starts(program) == 5


def test_facts_with_one_bit_flipped_are_learnt_anew(tmp_path):
    program = make_interpreter(tmp_path / "usr")
    target = make_target(tmp_path, python=program, cache_dir=tmp_path / "cache")
    first = find_environment(target)
    (memory,) = os.scandir(tmp_path / "cache/interpreters")
    data = bytearray(Path(memory.path).read_bytes())
    data[-3] ^= 1
    Path(memory.path).write_bytes(data)
    assert find_environment(target) == first
    assert count_starts(program) == 2


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path):
    write(tmp_path, "cache", "a file")
    program = make_interpreter(tmp_path / "usr")
    assert find_environment(make_target(tmp_path, python=program, cache_dir=tmp_path / "cache")).kind == "system"


# --- answers that are none --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("#!/bin/sh\nexit 3\n", "it said nothing .exit code 3"),
        ("#!/bin/sh\necho words >&2; exit 1\n", "words"),
        ("#!/bin/sh\necho hello\n", "it said nothing"),
        ("#!/nowhere/python\n", "No such file"),
    ],
)
def test_an_interpreter_that_does_not_answer_is_broken(tmp_path, text, reason):
    program = write(tmp_path, "bin/python3", text)
    os.chmod(program, 0o755)
    with pytest.raises(InterpreterBroken, match=reason):
        find_environment(make_target(tmp_path, python=program))


def test_an_answer_of_an_interpreter_that_failed_does_not_count(tmp_path):
    program = make_interpreter(tmp_path)
    with open(program, "a") as file:
        file.write("exit 4\n")
    with pytest.raises(InterpreterBroken, match="exit code 4"):
        find_environment(make_target(tmp_path, python=program))


def test_a_python_too_old_for_packaging_is_broken_and_says_so(tmp_path):
    program = write(tmp_path, "bin/python3", "")
    make_interpreter(tmp_path)
    answer = '\n--- lugnut ---\n{"error": "it is Python 3.8.1, which is too old"}\n'
    write(tmp_path, "answer", answer)
    with pytest.raises(InterpreterBroken, match=r"3\.8\.1, which is too old"):
        find_environment(make_target(tmp_path, python=program))


# --- the environment --------------------------------------------------------------------------------------------------


def test_a_venv_has_pips_places_and_uvs_lock(venv, tmp_path):
    environment = find_environment(make_target(tmp_path, python=venv))
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    site = os.path.join(venv, "lib", version, "site-packages")
    assert environment.schemes == {
        "purelib": site,
        "platlib": site,
        "headers": os.path.join(venv, "include", "site", version),
        "scripts": os.path.join(venv, "bin"),
        "data": venv,
    }
    assert (environment.kind, environment.prefix, environment.uv_lock) == ("venv", venv, os.path.join(venv, ".lock"))


def test_a_target_is_one_directory_with_bin_in_it(tmp_path):
    environment = find_environment(make_target(tmp_path, target="there"))
    there = os.path.realpath(tmp_path / "there")
    assert environment.schemes == {
        "purelib": there,
        "platlib": there,
        "headers": os.path.join(there, "include"),
        "scripts": os.path.join(there, "bin"),
        "data": there,
    }
    assert environment.places == {"purelib": "", "platlib": "", "headers": "include/", "scripts": "bin/", "data": ""}
    assert (environment.kind, environment.uv_lock) == ("target", os.path.join(there, ".lock"))


def test_a_prefix_is_laid_out_like_a_virtual_environment(venv, tmp_path):
    environment = find_environment(make_target(tmp_path, python=venv, prefix="there"))
    like = find_environment(make_target(tmp_path, python=venv))
    there = os.path.realpath(tmp_path / "there")
    assert environment.places == like.places
    assert environment.prefix == there
    assert environment.uv_lock == os.path.join(there, ".lock")


def test_one_environment_has_one_description_however_it_is_named(venv, tmp_path):
    os.symlink(venv, tmp_path / "link")
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    names = [venv, f"{venv}/bin/python", f"{venv}/bin/python3", f"{venv}/bin/{version}", tmp_path / "link"]
    found = [find_environment(make_target(tmp_path, python=name)) for name in names]
    assert found == [found[0]] * len(found)
    assert found[0].python == os.path.join(venv, "bin", "python")


def test_a_link_from_lib64_to_lib_is_an_alias(tmp_path):
    path = make_venv(tmp_path / "v")
    if os.path.lexists(os.path.join(path, "lib64")):
        os.unlink(os.path.join(path, "lib64"))
    os.symlink("lib", os.path.join(path, "lib64"))
    os.symlink("/usr", os.path.join(path, "elsewhere"))
    environment = find_environment(make_target(tmp_path, python=path))
    assert environment.aliases == (("../../../lib64/", "../../"),)


def test_links_at_the_top_that_lead_nowhere_hinder_nobody(tmp_path):
    path = make_venv(tmp_path / "v")
    if not os.path.lexists(os.path.join(path, "lib64")):
        os.symlink("lib", os.path.join(path, "lib64"))
    for target, name in (("loop", "loop"), ("lib/missing", "broken"), ("/loop/without/end", "afar")):
        os.symlink(target, os.path.join(path, name))
    assert find_environment(make_target(tmp_path, python=path)).aliases == (("../../../lib64/", "../../"),)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_a_directory_that_its_user_may_not_search_has_no_environment(tmp_path):
    """As `sudo -u` leaves it; with --target nobody needs one."""
    work = tmp_path / "private/work"
    os.makedirs(work)
    for above in (tmp_path, *tmp_path.parents[:-1]):
        os.chmod(above, os.stat(above).st_mode | 0o055)
    os.chmod(tmp_path / "private", 0o700)
    os.setresuid(65534, 65534, 0)
    try:
        assert discovery._find_beneath(str(work)) is None
    finally:
        os.setresuid(0, 0, 0)


def test_two_inodes_of_one_name_are_told_by_its_listing(tmp_path, monkeypatch):
    """exFAT by FUSE: `site` and `SITE` both lead to it, each by another inode, and `site` alone is listed."""
    os.mkdir(tmp_path / "site")
    os.mkdir(tmp_path / "SITE")
    assert not interpreter._folds_case(str(tmp_path / "site"))
    monkeypatch.setattr(os, "listdir", lambda _path: ["site", "other"])
    assert interpreter._folds_case(str(tmp_path / "site"))


def test_packages_linked_into_a_target_are_no_aliases(tmp_path):
    os.makedirs(tmp_path / "there/real")
    os.symlink("real", tmp_path / "there/linked")
    assert find_environment(make_target(tmp_path, target="there")).aliases == ()


def test_a_directory_that_answers_to_two_cases_folds_them(tmp_path):
    os.mkdir(tmp_path / "site")
    assert not interpreter._folds_case(str(tmp_path / "site"))
    os.symlink("site", tmp_path / "SITE")
    assert interpreter._folds_case(str(tmp_path / "site"))
    assert interpreter._folds_case(str(tmp_path / "site" / "123" / "not" / "there"))


def test_a_volume_is_judged_by_what_stands_in_it(tmp_path, monkeypatch):
    for name in ("site/Inside", "site/iNSIDE", "SITE"):
        os.makedirs(tmp_path / name)
    plain = os.stat
    mounted = os.path.join(str(tmp_path), "site")

    def stat(path, **options):
        found = plain(path, **options)
        return found if str(path) != mounted else os.stat_result((*found[:2], found.st_dev + 1, *found[3:10]))

    assert not interpreter._folds_case(mounted)
    os.rmdir(tmp_path / "site" / "iNSIDE")
    os.symlink("Inside", tmp_path / "site" / "iNSIDE")
    monkeypatch.setattr(os, "stat", stat)
    assert interpreter._folds_case(mounted)


def samefile(*paths):
    for path in paths:
        if os.path.basename(path).lower() != "there":
            raise FileNotFoundError(path)
    return True


def test_case_is_judged_by_a_name_whose_other_case_everybody_knows(tmp_path, monkeypatch):
    """`\u00df` is listed first, and no file system takes it for `SS`."""
    monkeypatch.setattr(os, "listdir", lambda _path: ["\u00df", "there"])
    monkeypatch.setattr(os, "stat", lambda path: os.lstat("/" if path == str(tmp_path) else "/proc"))
    monkeypatch.setattr(os.path, "samefile", samefile)
    assert interpreter._folds_case(str(tmp_path))


def test_a_system_is_launched_by_the_name_with_its_version(tmp_path):
    program = make_interpreter(tmp_path / "usr")
    major, minor = sys.version_info[:2]
    os.link(program, f"{program[:-1]}{major}.{minor}")
    environment = find_environment(make_target(tmp_path, python=program))
    assert (environment.kind, environment.python) == ("system", f"{program[:-1]}{major}.{minor}")
    assert environment.uv_lock is None


def test_the_answer_is_what_follows_the_noise_of_startup_files(tmp_path):
    program = make_interpreter(tmp_path / "usr")
    assert isinstance(find_environment(make_target(tmp_path, python=program)), Environment)


# --- PEP 668 ----------------------------------------------------------------------------------------------------------

MANAGED = "[externally-managed]\nError=Use apt,\n not this: 100% sure.\nError-de=Nimm apt.\n"


def make_managed(tmp_path, text=MANAGED):
    program = make_interpreter(tmp_path / "usr")
    write(tmp_path, "usr/lib/python/EXTERNALLY-MANAGED", text)
    return program


def test_a_managed_python_is_refused_in_its_own_words(tmp_path):
    program = make_managed(tmp_path)
    with pytest.raises(ExternallyManaged, match=r"Use apt,\nnot this: 100% sure\.") as caught:
        find_environment(make_target(tmp_path, python=program))
    assert caught.value.exit_code == 2
    assert "--break-system-packages" in caught.value.hint


@pytest.mark.parametrize("text", ["", "no section", "[externally-managed]\n", b"\xff\xfe", "[other]\nError=x\n"])
def test_a_marker_without_words_still_refuses(tmp_path, text):
    program = make_managed(tmp_path, text)
    with pytest.raises(ExternallyManaged, match="EXTERNALLY-MANAGED"):
        find_environment(make_target(tmp_path, python=program))


@pytest.mark.parametrize(
    "fields", [{"target": "t"}, {"prefix": "p"}, {"break_system_packages": True}, {"reading": True}], ids=str
)
def test_a_managed_python_may_be_read_overridden_or_left_for_another_directory(tmp_path, fields):
    program = make_managed(tmp_path)
    assert find_environment(make_target(tmp_path, python=program, **fields)).python


def test_a_venv_of_a_managed_python_is_not_managed(tmp_path):
    program = make_interpreter(tmp_path / "usr", base_prefix="/elsewhere")
    write(tmp_path, "usr/lib/python/EXTERNALLY-MANAGED", MANAGED)
    assert find_environment(make_target(tmp_path, python=program)).kind == "venv"


def test_the_test_environment_has_every_field(tmp_path):
    assert make_environment(tmp_path)._fields == Environment._fields


LOOKS = ("stat", "lstat", "readlink", "listdir", "scandir")


def fail_one(monkeypatch, code, number, *, lasting=False):
    """Have the system's `number`-th look fail, if `lasting` the same one ever after, and count them."""
    made = []

    def spoil(look):
        def spoiled(*arguments, **options):
            made.append((look.__name__, *map(str, arguments)))
            begun = number is not None and len(made) >= number
            if begun and (len(made) == number or (lasting and made[-1] == made[number - 1])):
                raise OSError(code, os.strerror(code), *arguments[:1])
            return look(*arguments, **options)

        return spoiled

    for name in LOOKS:
        monkeypatch.setattr(os, name, spoil(getattr(os, name)))
    return made


@pytest.fixture(scope="module")
def endangered(tmp_path_factory):
    """Environments that one failing look could trade for another one, or spell differently."""
    directory = tmp_path_factory.mktemp("endangered")
    outer = Path(make_venv(directory / "outer"))
    inner = Path(make_venv(outer / "project" / ".venv"))
    (outer / "project" / "linked").symlink_to(inner)
    managed = Path(make_interpreter(directory / "usr"))
    (managed.parent.parent / "lib" / "python" / "EXTERNALLY-MANAGED").write_text("[externally-managed]\nError=no\n")
    return {
        "beneath": make_target(outer / "project" / "src"),
        "itself": make_target(inner),
        "active": make_target(directory, environ={"PATH": "", "VIRTUAL_ENV": str(outer / "project" / "linked")}),
        "named": make_target(directory, python=outer / "project" / "linked" / "bin" / "python"),
        "managed": make_target(directory, python=managed),
    }


def outcome(target):
    try:
        return find_environment(target)
    except ExternallyManaged as refusal:
        return str(refusal)


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES], ids=errno.errorcode.get)
@pytest.mark.parametrize("name", ["beneath", "itself", "active", "named", "managed"])
def test_a_disk_in_trouble_chooses_no_other_environment(endangered, monkeypatch, name, code, lasting):
    target = endangered[name]
    with monkeypatch.context() as patch:
        looks = fail_one(patch, code, None)
        expected = outcome(target)
    assert len(looks) > 5
    for number in range(1, len(looks) + 1):
        with monkeypatch.context() as patch:
            made = fail_one(patch, code, number, lasting=lasting)
            try:
                found = outcome(target)
            except (OSError, LugnutError):
                continue
        assert found == expected, made[number - 1]
