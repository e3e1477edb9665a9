"""One thing asked for: what is a name, what is a path, and what is refused with its reason."""

import os

import pytest

from environments import write
from lugnut.errors import BadRequirement
from lugnut.sources.requests import applies, is_passed_on, parse_request

SHA = "ab" * 32
MARKERS = {"python_version": "3.11", "python_full_version": "3.11.7", "sys_platform": "linux"}


def parse(text, directory="/w", hashes=()):
    return parse_request(text, "r.txt:3", (str(directory),), hashes)


@pytest.mark.parametrize(
    ("text", "name", "specifier", "extras"),
    [
        ("Flask", "flask", "", ()),
        ("zope.interface==5.0", "zope-interface", "==5.0", ()),
        ("flask >= 1, < 2", "flask", "<2,>=1", ()),
        ("flask (>=1)", "flask", ">=1", ()),
        ("flask[async,dotenv]~=2.0", "flask", "~=2.0", ("async", "dotenv")),
        ("flask===1.0-odd", "flask", "===1.0-odd", ()),
    ],
)
def test_a_name_may_have_any_specifier_and_extras(text, name, specifier, extras):
    request = parse(text)
    assert (request.name, request.specifier, request.extras, request.path) == (name, specifier, extras, None)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("x-1-py3-none-any.whl", "/w/x-1-py3-none-any.whl"),
        ("./x-1-py3-none-any.whl", "/w/x-1-py3-none-any.whl"),
        ("../x-1-py3-none-any.whl", "/x-1-py3-none-any.whl"),
        ("/a b/x-1-py3-none-any.whl", "/a b/x-1-py3-none-any.whl"),
        ("/a;b/x-1-py3-none-any.whl", "/a;b/x-1-py3-none-any.whl"),
        ("/a[b]/x-1-py3-none-any.whl", "/a[b]/x-1-py3-none-any.whl"),
        ("/a@b/x-1-py3-none-any.whl", "/a@b/x-1-py3-none-any.whl"),
        ("file:///a%20b/x-1-py3-none-any.whl", "/a b/x-1-py3-none-any.whl"),
        ("file://localhost/a/x-1-py3-none-any.whl", "/a/x-1-py3-none-any.whl"),
        ("x @ file:///a/x-1-py3-none-any.whl", "/a/x-1-py3-none-any.whl"),
        ("X@file:///a/x-1-py3-none-any.whl", "/a/x-1-py3-none-any.whl"),
        ("x[extra] @ ./x-1-py3-none-any.whl", "/w/x-1-py3-none-any.whl"),
        ("./X-1-PY3-none-any.WHL", "/w/X-1-PY3-none-any.WHL"),
    ],
)
def test_a_wheel_is_named_by_path_or_file_url(text, path):
    request = parse(text)
    assert (request.path, request.name) == (path, "x")


def test_a_path_may_have_extras_and_a_marker():
    request = parse("./x-1-py3-none-any.whl[b, a] ; python_version > '3.8'")
    assert (request.extras, request.marker) == (("a", "b"), 'python_version > "3.8"')
    assert request.path == "/w/x-1-py3-none-any.whl"


def test_a_relative_path_is_looked_for_in_each_directory(tmp_path):
    write(tmp_path / "b", "x-1-py3-none-any.whl")
    directories = (str(tmp_path / "a"), str(tmp_path / "b"))
    assert parse_request("x-1-py3-none-any.whl", "o", directories).path == str(tmp_path / "b/x-1-py3-none-any.whl")
    assert parse_request("y-1-py3-none-any.whl", "o", directories).path == str(tmp_path / "a/y-1-py3-none-any.whl")


def test_a_tilde_is_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse("~/x-1-py3-none-any.whl").path == os.path.join(tmp_path, "x-1-py3-none-any.whl")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("???", "not a requirement"),
        ("", "not a requirement"),
        ("flask==", "not a requirement"),
        ("flask >> 1", "not a requirement"),
        ("flask; nonsense == '1'", "not a requirement"),
        ("./x-1-py3-none-any.whl ; nonsense", "not a marker"),
        ("https://host/x-1-py3-none-any.whl", "not on this machine"),
        ("x @ https://host/x-1-py3-none-any.whl", "not on this machine"),
        ("git+https://host/x", "not on this machine"),
        ("git+file:///x", "not on this machine"),
        ("./x-1.tar.gz", "it is no wheel"),
        ("x-1.zip", "it is no wheel"),
        ("./nothing", "not a wheel"),
        ("file://other.host/x-1-py3-none-any.whl", "not a file:// URL of this machine"),
        ("file:x-1-py3-none-any.whl", "not a file:// URL"),
        ("file:///x-1-py3-none-any.whl?a=1", "not a file:// URL"),
        ("file:///x-1-py3-none-any.whl#md5=abc", "verifies sha256, not md5"),
        ("file:///x-1-py3-none-any.whl#nonsense=abc", "#nonsense=abc in a URL means nothing"),
        ("file:///x-1-py3-none-any.whl#subdirectory=abc", "#subdirectory=abc in a URL means nothing"),
        ("file:///nothing#subdirectory=abc", "not a wheel"),
        ("file:///x-1-py3-none-any.whl#sha256=abc", "not a sha256"),
        ("y @ file:///x-1-py3-none-any.whl", "asks for y and names a wheel of x"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(text, reason):
    with pytest.raises(BadRequirement, match=reason) as caught:
        parse(text)
    assert str(caught.value).startswith("r.txt:3: ")
    assert caught.value.hint


def test_a_directory_is_refused_and_says_what_it_could_be(tmp_path):
    with pytest.raises(BadRequirement, match="is a directory") as caught:
        parse("./here", (tmp_path / "here").mkdir() or tmp_path)
    assert "--find-links" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "passed_on"),
    [
        ("x @ file:///mono.zip#subdirectory=pkg", True),
        ("file:///x-1.tar.gz#subdirectory=pkg&egg=x", True),
        (f"x @ file:///x-1.tar.gz#sha256={SHA}", True),
        (f"file:///x-1.tar.gz#md5={SHA[:32]}", True),
        ("x @ file:///{place}#subdirectory=pkg", True),
        ("git+file:///{place}#subdirectory=pkg", True),
        *((f"x @ file:///x-1-py3-none-any.whl#{kind}=abc", True) for kind in ("md5", "sha1", "sha384", "sha512")),
        (f"file:///x-1-py3-none-any.whl#sha256={SHA}&sha512=abc", True),
        ("file:///x-1-py3-none-any.whl#subdirectory=pkg", False),
        ("file:///x-1-py3-none-any.whl#sha256=abc", False),
        ("file:///nothing#subdirectory=pkg", False),
    ],
)
def test_what_a_fragment_says_of_a_source_or_by_another_hash_is_for_the_resolver(text, passed_on, tmp_path):
    with pytest.raises(BadRequirement) as caught:
        parse(text.replace("{place}", str(tmp_path).lstrip("/")))
    assert is_passed_on(caught.value) is passed_on


def test_hashes_are_sha256_and_sorted():
    assert parse("x", hashes=(f"sha256:{'B' * 64}", f"sha256:{SHA}")).hashes == (SHA, "b" * 64)
    assert parse(f"file:///x-1-py3-none-any.whl#sha256={SHA}&egg=x").hashes == (SHA,)


@pytest.mark.parametrize(
    "value", ["md5:abc", "sha512:" + "a" * 128, "sha256:abc", "abc", "sha256:" + "g" * 64, "sha256:"]
)
def test_a_hash_that_is_no_sha256_is_refused(value):
    with pytest.raises(BadRequirement, match="sha256"):
        parse("x", hashes=(value,))


def test_the_hashes_of_a_url_and_of_its_line_must_agree():
    url = f"file:///x-1-py3-none-any.whl#sha256={SHA}"
    assert parse(url, hashes=(f"sha256:{SHA}", "sha256:" + "c" * 64)).hashes == (SHA,)
    with pytest.raises(BadRequirement, match="contradict"):
        parse(url, hashes=("sha256:" + "c" * 64,))


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("", True),
        ("; python_version >= '3.11'", True),
        ("; python_version < '3.11'", False),
        ("; sys_platform == 'win32'", False),
        ("; extra == 'x'", False),
        (";sys_platform=='linux'", True),
    ],
)
def test_a_marker_is_judged_by_the_targets_values(marker, expected):
    assert applies(parse("flask" + marker), MARKERS) is expected
