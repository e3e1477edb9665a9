"""tools/evidence.py: what campaigns have shown adds up over days."""

import subprocess

import pytest

import evidence
from evidence import Evidence

SHOWN = Evidence("crash", "lugnut 0.1.0", "upgrade", "points", 10, 1, 1800.0, "crash.py --what upgrade")


def test_what_was_noted_is_read_again_and_adds_up(tmp_path, capsys):
    path = str(tmp_path / "evidence.jsonl")
    evidence.note(path, [SHOWN])
    evidence.note(path, [SHOWN._replace(tried=1234), SHOWN._replace(scope="install", wrong=0)])
    assert evidence.main([path]) == 0
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[:6] for row in cells] == [
        ["crash", "lugnut 0.1.0", "install", "10 points", "0", "0.50"],
        ["crash", "lugnut 0.1.0", "upgrade", "1,244 points", "2", "1.00"],
    ]
    assert all(row[8] == "`crash.py --what upgrade`" for row in cells)


def test_nothing_is_noted_without_a_file():
    evidence.note(None, [SHOWN])


def test_a_line_of_another_kind_is_named_with_its_file(tmp_path):
    path = tmp_path / "other.jsonl"
    path.write_text('{"what": "install"}\n')
    with pytest.raises(ValueError, match=r"other\.jsonl:1: not a line of evidence"):
        evidence.read([str(path)])


def test_words_can_be_pasted():
    words = ["--evidence", "x", "--what", "a b", "--root", "/of/this/machine", "--seed", "3"]
    assert evidence.words_of("crash.py", words) == "crash.py --what 'a b' --seed 3"


def test_the_code_is_the_last_commit_of_what_is_installed(tmp_path):
    def git(*words):
        names = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        words = ["git", "-C", str(tmp_path), *names, *words]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()

    def commit(path):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(path)
        git("add", "-A")
        git("commit", "-qm", path)
        return git("log", "-1", "--format=%h")

    git("init", "-q")
    code = commit("src/a.py")
    commit("tools/b.py")
    commit("src/WORDS.md")
    assert evidence.name_code(str(tmp_path)) == code
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/c.py").write_text("not committed, and not installed")
    assert evidence.name_code(str(tmp_path)) == code
    (tmp_path / "src/d.py").write_text("not committed")
    assert evidence.name_code(str(tmp_path)) == f"{code}+"
    code = commit("pyproject.toml")
    (tmp_path / "src/a.py").write_text("changed")
    assert evidence.name_code(str(tmp_path)) == f"{code}+"


def test_what_is_no_checkout_has_no_code(tmp_path):
    assert evidence.name_code(str(tmp_path)) == ""
