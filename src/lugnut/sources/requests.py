"""One thing asked for, as text to value: a wheel by path or file:// URL, or a name with a specifier and a marker.

Sources: PEP 508, pip's *Requirement Specifiers* and `--hash` per-requirement option. Extras are kept and mean nothing
yet: lugnut has no resolver.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from lugnut.distribution import Name, WheelHash, normalise_name
from lugnut.errors import BadRequirement
from lugnut.links import hide_credentials
from lugnut.needs import is_name
from lugnut.typed import Any, NamedTuple

COMMAND_LINE = "command line"
HINT = "write NAME, NAME==VERSION, NAME @ URL, a path or a URL"
_ARCHIVES = (".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".egg", ".tar")
_OTHER_HASHES = frozenset(("md5", "sha1", "sha224", "sha384", "sha512"))
"""What a URL's fragment may hash by for pip, beside sha256."""
_REFERENCE = r"^[A-Za-z0-9][A-Za-z0-9._-]*\s*(\[[^\]]*\])?\s*@(\s|[A-Za-z][A-Za-z0-9+.-]+:)"
"""The beginning of `name @ URL` (PEP 508). Patterns here are compiled where they are first needed: start-up counts."""
_PATH_EXTRAS = r"(?i)^(.+\.whl)\s*\[([^\[\]]*)\]$"


class Request(NamedTuple):
    """One thing asked for."""

    name: Name
    specifier: str
    """PEP 440, empty for any version."""
    extras: tuple[str, ...]
    """As spelled, sorted; recorded, not acted on."""
    marker: str
    path: str | None
    """The wheel, absolute, where one is named."""
    hashes: tuple[WheelHash, ...]
    """The only ones allowed, sorted; empty for any."""
    origin: str
    """Where it was asked for: `r.txt:3`, or the command line."""
    text: str


def parse_request(text: str, origin: str, directories: tuple[str, ...], hashes: tuple[str, ...] = ()) -> Request:
    """Read one requirement; `directories` are where a relative path may begin, the first that has it counts.

    `hashes` are the values of its --hash options (`sha256:…`). Raises BadRequirement.
    """
    if "\0" in text:
        raise refuse(origin, text, "it has a null byte in it")
    words = text.strip()
    allowed = tuple(sorted({_parse_hash(value, origin, text) for value in hashes}))
    request = (_parse_path if _names_path(words) else _parse_name)(words, origin, directories)
    if not allowed or not request.hashes:
        return request._replace(hashes=allowed or request.hashes)
    both = tuple(sorted(set(allowed) & set(request.hashes)))
    if not both:
        raise refuse(origin, text, "its --hash and the hash in its URL contradict each other")
    return request._replace(hashes=both)


def applies(request: Request, markers: Mapping[str, str]) -> bool:
    """Whether a requirement is meant for an environment with these marker values."""
    if not request.marker:
        return True
    from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName

    try:
        return Marker(request.marker).evaluate({**markers, "extra": ""})
    except (UndefinedComparison, UndefinedEnvironmentName) as error:
        raise refuse(request.origin, request.text, f"its marker cannot be judged ({error})") from None


def refuse(origin: str, line: str, reason: str, hint: str = HINT) -> BadRequirement:
    """Make the error that says where a line stands and why it cannot be used."""
    said, shown = hide_credentials(reason), hide_credentials(line.strip())
    return BadRequirement(origin=origin, line=shown, reason=said, hint=hint)


def pass_on(origin: str, line: str, reason: str, hint: str = HINT) -> BadRequirement:
    """Make the error for what only a resolver can answer; `is_passed_on` tells it, and it is final without one."""
    error = refuse(origin, line, reason, hint)
    error.passed_on = True
    return error


def is_passed_on(error: BadRequirement) -> bool:
    """Whether a line is good and only more than what lies at hand can answer."""
    return error.passed_on


def _names_path(text: str) -> bool:
    """Tell a path or a URL from a name, as pip does: by a separator, a leading dot or the name's end."""
    if "@" in text and _find(_REFERENCE, text):
        return False
    words = _cut_marker(text)[0]
    whole = bool(_cut_extras(words)[1]) or words.lower().endswith((".whl", *_ARCHIVES))
    return whole or "/" in words or os.sep in words or words.startswith(".")


def _find(pattern: str, text: str) -> Any:
    """Look for a pattern; few requests that name a wheel need one, and importing re takes 2 ms."""
    import re

    return re.search(pattern, text)


def _cut_extras(words: str) -> tuple[str, tuple[str, ...]]:
    """Cut `[extra, ...]` off the path of a wheel; what stands in the brackets, or nothing where there are none."""
    found = _find(_PATH_EXTRAS, words) if words.endswith("]") else None
    return (found[1], (found[2],)) if found else (words, ())


def _cut_marker(text: str) -> tuple[str, str]:
    """Cut `; marker` off a path or URL; a `;` without a space after it may belong to the path."""
    found = _find(r"\s;|;\s", text) if ";" in text else None
    return (text[: found.start()].strip(), text[found.end() :].strip()) if found else (text.strip(), "")


def _parse_path(text: str, origin: str, directories: tuple[str, ...]) -> Request:
    words, marker = _cut_marker(text)
    words, spelled = _cut_extras(words)
    extras = tuple(sorted(filter(None, map(str.strip, ",".join(spelled).split(",")))))
    path, hashes = _locate(words, origin, directories)
    name = normalise_name(_check_wheel(path, origin, text).partition("-")[0])
    return Request(name, "", extras, _check_marker(marker, origin, text), path, hashes, origin, text)


def _parse_name(text: str, origin: str, directories: tuple[str, ...]) -> Request:
    if is_name(text):  # nothing more has to be loaded for
        return Request(normalise_name(text), "", (), "", None, (), origin, text)
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).partition("\n")[0]
        raise refuse(origin, text, f"not a requirement ({reason[:1].lower()}{reason[1:]})") from None
    name, marker, extras = normalise_name(requirement.name), str(requirement.marker or ""), sorted(requirement.extras)
    request = Request(name, str(requirement.specifier), tuple(extras), marker, None, (), origin, text)
    if requirement.url is None:
        return request
    path, hashes = _locate(requirement.url, origin, directories)
    told = _check_wheel(path, origin, text).partition("-")[0]
    if normalise_name(told) != name:
        raise refuse(origin, text, f"it asks for {name} and names a wheel of {told}")
    return request._replace(path=path, hashes=hashes)


def _check_marker(marker: str, origin: str, text: str) -> str:
    if not marker:
        return ""
    from packaging.markers import InvalidMarker, Marker

    try:
        return str(Marker(marker))
    except InvalidMarker as error:
        raise refuse(origin, text, f"not a marker ({str(error).partition(chr(10))[0]})") from None


def _locate(words: str, origin: str, directories: tuple[str, ...]) -> tuple[str, tuple[WheelHash, ...]]:
    """Find the file that a path or URL means, and the hashes its fragment allows."""
    if words.lower().startswith("file:"):
        url, _, fragment = words.partition("#")
        place = parse_file_url(url, origin, words)
        # What is no wheel is for the resolver or for nobody, and its fragment with it: `_check_wheel` says which.
        return place, _parse_fragment(fragment, origin, words) if place.lower().endswith(".whl") else ()
    if "://" in words or words.startswith(("git+", "hg+", "svn+", "bzr+")):
        raise pass_on(origin, words, "it is not on this machine", "download the wheel and name it by path")
    path = os.path.expanduser(words)
    for directory in directories:
        found = os.path.normpath(os.path.join(directory, path))
        if os.path.exists(found):
            return found, ()
    return os.path.normpath(os.path.join(directories[0], path)), ()


def find_directory(value: str, origin: str, places: tuple[str, ...]) -> str:
    """Find a --find-links directory, in the first of these places that has it; absolute."""
    line = f"--find-links {value}"
    if value.lower().startswith("file:"):
        found = [parse_file_url(value, origin, line)]
    elif "://" in value:
        raise pass_on(origin, line, "it is not on this machine", "name a directory of wheels")
    else:
        found = [os.path.normpath(os.path.join(place, os.path.expanduser(value))) for place in places]
    for directory in found:
        if os.path.isdir(directory):
            return directory
    raise refuse(origin, line, f"{found[0]} is no directory", "name a directory of wheels")


def parse_file_url(url: str, origin: str, line: str) -> str:
    """Give the path a file:// URL means."""
    import re
    from urllib.parse import unquote, urlsplit

    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise refuse(origin, line, f"not a URL ({error})", "write file:///absolute/path.whl") from None
    if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/") or parts.query:
        raise refuse(origin, line, "not a file:// URL of this machine", "write file:///absolute/path.whl")
    path = unquote(parts.path)
    return os.path.normpath(path[1:] if re.match(r"/[A-Za-z]:", path) else path)


def _parse_fragment(fragment: str, origin: str, line: str) -> tuple[WheelHash, ...]:
    """Read what a URL says of a wheel; a hash of another kind than sha256 is compared where a resolver is asked."""
    hashes = []
    for part in filter(None, fragment.split("&")):
        key, _, value = part.partition("=")
        if key == "sha256":
            hashes.append(_parse_hash(f"sha256:{value}", origin, line))
        elif key in _OTHER_HASHES:
            raise pass_on(origin, line, f"lugnut itself verifies sha256, not {key}", "write #sha256=…")
        elif key != "egg":
            raise refuse(origin, line, f"#{part} in a URL means nothing to lugnut", "only #sha256=… is understood")
    return tuple(hashes)


def _parse_hash(value: str, origin: str, line: str) -> WheelHash:
    import re

    algorithm, _, digest = value.partition(":")
    if algorithm != "sha256":
        raise refuse(origin, line, f"lugnut verifies sha256, not {algorithm or value!r}", "write --hash=sha256:…")
    if not re.fullmatch("[0-9a-f]{64}", digest.lower()):
        raise refuse(origin, line, f"{value} is not a sha256: 64 hexadecimal digits", "`pip hash WHEEL` writes one")
    return WheelHash(digest.lower())


def _check_wheel(path: str, origin: str, line: str) -> str:
    """Give the file name of a wheel; refuse what else pip would build from."""
    name = os.path.basename(path)
    if name.lower().endswith(".whl"):
        return name
    if os.path.isdir(path):
        hint = "build a wheel of it with `pip wheel --no-deps`, or use it as --find-links DIR and name a distribution"
        raise pass_on(origin, line, f"{path} is a directory", hint)
    if name.lower().endswith(_ARCHIVES):
        raise pass_on(origin, line, "it is no wheel", "build one with `pip wheel --no-deps`")
    raise refuse(origin, line, f"{path} is not a wheel: its name does not end in .whl")
