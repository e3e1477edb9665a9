"""Requirements files: pip's syntax read as pip reads it, and all that is not understood refused by file and line."""

import os

import pytest

from environments import write
from lugnut.errors import BadRequirement
from lugnut.sources.requests import is_passed_on
from lugnut.sources.requirements import read_constraints, read_requirements

SHA, OTHER = "ab" * 32, "cd" * 32


def read(tmp_path, text, name="r.txt"):
    write(tmp_path, name, text)
    return read_requirements(name, str(tmp_path))


def asked(listed):
    return [(request.name + request.specifier, request.origin) for request in listed.requests]


def test_lines_comments_and_blanks(tmp_path):
    text = "# all\n\nflask==1.0  # why\n  click\nx#y==1\n"
    with pytest.raises(BadRequirement, match=r"r\.txt:5"):
        read(tmp_path, text)
    assert asked(read(tmp_path, text.replace("x#y==1\n", "# end"))) == [("flask==1.0", "r.txt:3"), ("click", "r.txt:4")]


def test_a_line_goes_on_after_a_backslash_and_counts_from_its_first(tmp_path):
    text = f"flask==1.0 \\\n    --hash=sha256:{SHA} \\\n    --hash=sha256:{OTHER}\nclick\\\n==8\n"
    listed = read(tmp_path, text)
    assert asked(listed) == [("flask==1.0", "r.txt:1"), ("click==8", "r.txt:4")]
    assert listed.requests[0].hashes == (SHA, OTHER)


def test_a_comment_ends_a_continued_line(tmp_path):
    assert asked(read(tmp_path, "flask \\\n# comment \\\nclick\n")) == [("flask", "r.txt:1"), ("click", "r.txt:3")]


def test_a_backslash_at_the_files_end_is_harmless(tmp_path):
    assert asked(read(tmp_path, "flask \\")) == [("flask", "r.txt:1")]


@pytest.mark.parametrize("text", [b"\xef\xbb\xbfflask\r\n", b"flask", b"flask\r"])
def test_bom_and_foreign_line_ends_are_read(tmp_path, text):
    assert asked(read(tmp_path, text)) == [("flask", "r.txt:1")]


@pytest.mark.parametrize("separator", ["=", " ", " = "])
def test_a_hash_is_written_with_or_without_an_equals_sign(tmp_path, separator):
    assert read(tmp_path, f"flask --hash{separator}sha256:{SHA}").requests[0].hashes == (SHA,)


def test_markers_are_kept_for_whoever_knows_the_target(tmp_path):
    (request,) = read(tmp_path, "flask==1; python_version < '3' --hash=sha256:" + SHA).requests
    assert (request.marker, request.hashes) == ('python_version < "3"', (SHA,))


def test_a_file_includes_others_relative_to_itself(tmp_path):
    write(tmp_path, "sub/more.txt", "-r deeper/x.txt\nmore\n")
    write(tmp_path, "sub/deeper/x.txt", "deep\n")
    listed = read(tmp_path, "-r sub/more.txt\n--requirement=sub/deeper/x.txt\nown\n")
    assert [name for name, _ in asked(listed)] == ["deep", "more", "deep", "own"]
    assert asked(listed)[0][1] == os.path.join("sub", "deeper", "x.txt:1")


@pytest.mark.parametrize("first", ["-r r.txt", "-r sub/more.txt", "-rsub/more.txt", "-r link.txt"])
def test_a_file_that_includes_itself_is_refused_with_the_way_round(tmp_path, first):
    write(tmp_path, "sub/more.txt", "-r ../r.txt\n")
    os.symlink("r.txt", tmp_path / "link.txt")
    with pytest.raises(BadRequirement, match=r"includes itself .*r\.txt > .*r\.txt"):
        read(tmp_path, "flask\n" + first + "\n")


def test_a_file_may_be_included_twice_without_a_circle(tmp_path):
    write(tmp_path, "x.txt", "x\n")
    assert len(read(tmp_path, "-r x.txt\n-r x.txt\n").requests) == 2


def test_a_wheels_path_is_relative_to_the_working_directory_or_beside_the_file(tmp_path):
    write(tmp_path, "sub/x-1-py3-none-any.whl")
    write(tmp_path, "sub/r.txt", "./x-1-py3-none-any.whl\n")
    assert read_requirements("sub/r.txt", str(tmp_path)).requests[0].path == str(tmp_path / "sub/x-1-py3-none-any.whl")
    here = write(tmp_path, "x-1-py3-none-any.whl")
    assert read_requirements("sub/r.txt", str(tmp_path)).requests[0].path == here


@pytest.mark.parametrize(
    "line",
    ["-f links", "-flinks", "--find-links links", "--find-links=links", '-f "links"', "-f file://{root}/sub/links"],
)
def test_find_links_is_relative_to_the_file(tmp_path, line):
    os.makedirs(tmp_path / "sub/links")
    os.makedirs(tmp_path / "links")
    write(tmp_path, "sub/r.txt", line.format(root=tmp_path))
    assert read_requirements("sub/r.txt", str(tmp_path)).find_links == (str(tmp_path / "sub/links"),)


def test_find_links_falls_back_to_the_working_directory(tmp_path):
    os.makedirs(tmp_path / "links")
    write(tmp_path, "sub/r.txt", "-f links")
    assert read_requirements("sub/r.txt", str(tmp_path)).find_links == (str(tmp_path / "links"),)


def test_options_for_the_whole_run_are_told(tmp_path):
    listed = read(tmp_path, "--no-index\n--require-hashes\n")
    assert (listed.no_index, listed.require_hashes) == (True, True)
    write(tmp_path, "inner.txt", "--require-hashes\n")
    listed = read(tmp_path, "-r inner.txt\n")
    assert (listed.no_index, listed.require_hashes) == (False, True)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("--unknown", "does not know"),
        ("-x", "does not know"),
        ("-", "does not know"),
        ("--no-index=1", "takes no value"),
        ("--require-hashes yes", "takes no value"),
        ("-r", "needs a path"),
        ("--find-links", "needs a path"),
        ("-f missing", "is no directory"),
        ("-r missing.txt", "does not exist"),
        ("-r .", "no regular file"),
        ("flask==${LUGNUT_TEST_UNSET}", "is not set"),
        ("-c", "needs a path"),
        ("-c missing.txt", "does not exist"),
        ("--prefer-binary=1", "takes no value"),
        ("file://[x]", "not a URL"),
        ("-f file://[x", "not a URL"),
        ("--what=https://me:secret@host/", "https://****@host/"),
        ("???", "not a requirement"),
        ("flask --hash", "--hash"),
        ("flask --hash=md5:abc", "sha256"),
    ],
)
def test_every_other_option_is_refused_with_file_line_and_reason(tmp_path, line, reason):
    with pytest.raises(BadRequirement) as caught:
        read(tmp_path, f"# first\n{line}\n")
    assert str(caught.value).startswith("r.txt:2: ")
    assert reason in str(caught.value)
    assert caught.value.hint
    assert not is_passed_on(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "flask -e .",
        "-i https://host/simple",
        "--index-url https://host/simple",
        "--extra-index-url=https://host/simple",
        "-e .",
        "--editable .",
        "--pre",
        "--no-binary :all:",
        "--trusted-host host",
        "flask --config-settings=a=b",
        "flask --global-option=value",
        "-f https://host/simple",
        "-r https://host/r.txt",
        "--constraint=https://host/c.txt",
        "https://host/x-1.tar.gz",
        "x @ git+https://host/x",
        "./x-1.tar.gz",
    ],
)
def test_what_only_a_resolver_can_answer_is_told_from_what_nobody_can(tmp_path, line):
    with pytest.raises(BadRequirement) as caught:
        read(tmp_path, f"# first\n{line}\n")
    assert str(caught.value).startswith("r.txt:2: ")
    assert is_passed_on(caught.value)


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path):
    with pytest.raises(BadRequirement, match="does not exist"):
        read_requirements("gone.txt", str(tmp_path))
    with pytest.raises(BadRequirement, match="not UTF-8"):
        read(tmp_path, b"flask # \xe4")
    with pytest.raises(BadRequirement, match="not on this machine"):
        read_requirements("https://host/r.txt", str(tmp_path))


@pytest.mark.parametrize("text", [b"flask\0", b"-r x\0y", "flask".encode("utf-16-le")])
def test_a_null_byte_is_no_text(tmp_path, text):
    with pytest.raises(BadRequirement, match="null byte"):
        read(tmp_path, text)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path, encoding):
    assert asked(read(tmp_path, "flask\r\nclick\r\n".encode(encoding))) == [
        ("flask", "r.txt:1"),
        ("click", "r.txt:2"),
    ]


def test_variables_are_replaced_by_their_values(tmp_path, monkeypatch):
    monkeypatch.setenv("LUGNUT_TEST_VERSION", "2.0")
    text = "flask==${LUGNUT_TEST_VERSION}\nclick==$LUGNUT_TEST_VERSION\n"
    with pytest.raises(BadRequirement, match=r"r\.txt:2"):
        read(tmp_path, text)
    assert asked(read(tmp_path, text.partition("\n")[0])) == [("flask==2.0", "r.txt:1")]


def test_an_error_never_tells_the_credentials_of_a_url(tmp_path, monkeypatch):
    monkeypatch.setenv("LUGNUT_TEST_TOKEN", "secret")
    with pytest.raises(BadRequirement) as caught:
        read(tmp_path, "--extra-index-url https://me:${LUGNUT_TEST_TOKEN}@host/simple\n")
    assert "secret" not in str(caught.value.to_json())
    assert "https://****@host/simple" in str(caught.value)


def test_constraints_ask_for_nothing(tmp_path):
    write(tmp_path, "sub/c.txt", f"flask[x]<3 --hash=sha256:{SHA}\n-r more.txt\n-f ../links\n")
    write(tmp_path, "sub/more.txt", "click==8\n")
    os.makedirs(tmp_path / "links")
    listed = read(tmp_path, "-c sub/c.txt\nflask\n")
    assert asked(listed) == [("flask", "r.txt:2")]
    assert [(one.name, one.specifier, one.extras, one.hashes) for one in listed.constraints] == [
        ("flask", "<3", (), (SHA,)),
        ("click", "==8", (), ()),
    ]
    assert listed.find_links == (str(tmp_path / "links"),)
    assert read_constraints("sub/c.txt", str(tmp_path)).requests == ()


def test_what_asks_for_wheels_alone_is_taken(tmp_path):
    assert asked(read(tmp_path, "--prefer-binary\n--only-binary :all:\nflask\n")) == [("flask", "r.txt:3")]


def test_a_pipe_of_the_shell_is_read(tmp_path):
    reading, writing = os.pipe()
    os.write(writing, b"flask\n")
    os.close(writing)
    try:
        assert asked(read_requirements(f"/dev/fd/{reading}", str(tmp_path)))[0][0] == "flask"
    finally:
        os.close(reading)


def test_a_pipe_named_like_a_file_hangs_nobody(tmp_path):
    os.mkfifo(tmp_path / "r.txt")
    with pytest.raises(BadRequirement, match="no regular file"):
        read_requirements("r.txt", str(tmp_path))


@pytest.mark.parametrize("text", ["flask-e==1", "a--b", "x; sys_platform == '-e'"])
def test_what_only_looks_like_an_option_is_none(tmp_path, text):
    assert len(read(tmp_path, text).requests) == 1
