"""Holds a lock to the hashes that requirements ask for: of each distribution only files with an allowed one remain.

uv locks without looking at them, and pip trusts what an index says where it needs no file; so nobody's answer is used
before it went through here. The digests in the lock are checked against the bytes when they are fetched; of a file at
hand those that the lock lacks are taken here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection

from lugnut.errors import HashMismatch, HashMissing, Unsupported
from lugnut.resolution.alteration import alter
from lugnut.resolution.credentials import strip
from lugnut.resolution.requirement_lines import AskedHash, Said
from lugnut.sources.requests import parse_file_url
from lugnut.typed import Any

_TAKEN_HERE = frozenset(("md5", "sha1", "sha224", "sha256", "sha384", "sha512"))
_PIECE = 1 << 20


def hold_to(lock: Any, said: Said, *, require: bool) -> Any:
    """Give a `packaging.pylock.Pylock` with those files only that the hashes in `said` allow.

    With `require` each distribution must have one. Raises HashMismatch and HashMissing.
    """
    _refuse_unmatched(lock, said)
    packages = [
        _hold(package, [one for one in said.hashes if _is_for(one, package)], require=require)
        for package in lock.packages
    ]
    return alter(lock, packages=packages)


def _is_for(asked: AskedHash, package: Any) -> bool:
    if asked.name:
        return bool(asked.name == package.name)
    if package.archive is None:
        return False
    url, path = package.archive.url, package.archive.path or ""
    return asked.place == strip(url) if url else os.path.basename(asked.place) == os.path.basename(path)


def _refuse_unmatched(lock: Any, said: Said) -> None:
    """Refuse a hash that cannot be compared because nothing tells what it is for: it is not passed over in silence."""
    for one in said.hashes:
        if not one.name and not any(_is_for(one, package) for package in lock.packages):
            what, reason = f"the hash of {one.place} ({one.origin})", "its line does not say what it is for"
            raise Unsupported(what=what, reason=reason, hint=f"write NAME @ {one.place}")


def _hold(package: Any, asked: list[AskedHash], *, require: bool) -> Any:
    if not asked:
        if require:
            raise _explain_missing(package)
        return package
    if package.archive is not None:
        return alter(package, archive=_check(package, [package.archive], asked)[0])
    found = [*(package.wheels or ()), *([package.sdist] if package.sdist else ())]
    if not found:
        what = f"a hash for {package.name}"
        reason = "it comes from a source tree or a repository, which have none"
        raise Unsupported(what=what, reason=reason, hint="build a wheel of it, or leave --hash out")
    kept = _check(package, found, asked)
    wheels = [one for one in kept if one.filename.endswith(".whl")]
    return alter(package, wheels=wheels or None, sdist=next((one for one in kept if one not in wheels), None))


def _check(package: Any, listed: list[Any], asked: list[AskedHash]) -> list[Any]:
    allowed = {(one.algorithm, one.digest) for one in asked}
    found = [_complete(package, one, {algorithm for algorithm, _ in allowed}) for one in listed]
    kept = [one for one in found if allowed & set(one.hashes.items())]
    if kept:
        return kept
    known = {algorithm for one in found for algorithm in one.hashes}
    if not known & {algorithm for algorithm, _ in allowed}:
        return [_pledge(one, asked) for one in found]
    first = asked[0]
    raise HashMismatch(
        wheel=_spell(package),
        actual=next((one.hashes["sha256"] for one in found if "sha256" in one.hashes), "another"),
        expected=first.digest if first.algorithm == "sha256" else f"{first.algorithm} {first.digest}",
        origin=first.origin,
    )


def _complete(package: Any, source: Any, kinds: Collection[str]) -> Any:
    """Add the digests of these kinds that the lock lacks of a file at hand.

    Raises HashMismatch where the file is no longer the one in the lock.
    """
    lacking = sorted(_TAKEN_HERE & set(kinds) - set(source.hashes))
    path = _find_path(source)
    if not lacking or path is None:
        return source
    try:
        digests = _hash(path, ("sha256", *lacking))
    except OSError:
        return source  # whoever fetches it says what is wrong
    expected = source.hashes.get("sha256", digests["sha256"])
    if digests["sha256"] != expected:
        raise HashMismatch(
            wheel=_spell(package), actual=digests["sha256"], expected=expected, origin="the resolver's answer"
        )
    return alter(source, hashes={**source.hashes, **digests})


def _find_path(source: Any) -> str | None:
    if source.url and source.url.startswith("file:"):
        return parse_file_url(source.url, "the resolver's answer", source.url)
    return source.path or None


def _hash(path: str, kinds: Collection[str]) -> dict[str, str]:
    """Take digests of several kinds of the very same bytes."""
    hashers = {kind: hashlib.new(kind, usedforsecurity=False) for kind in kinds}
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            for hasher in hashers.values():
                hasher.update(piece)
    return {kind: hasher.hexdigest() for kind, hasher in hashers.items()}


def _pledge(source: Any, asked: list[AskedHash]) -> Any:
    """Add the hash that nobody could compare yet: whoever fetches the file checks all that are written down."""
    if len(asked) > 1:
        what, reason = (
            f"several {asked[0].algorithm} for {asked[0].name}",
            "the index does not say which file has which",
        )
        raise Unsupported(what=what, reason=reason, hint="use --resolver pip, or a newer uv")
    return alter(source, hashes={**source.hashes, asked[0].algorithm: asked[0].digest})


def _explain_missing(package: Any) -> Exception:
    sources = [*(package.wheels or ()), *(one for one in (package.sdist, package.archive) if one is not None)]
    if not sources:
        what, reason = "--require-hashes with a source tree or repository", f"{package.name} is one and has no hash"
        return Unsupported(what=what, reason=reason, hint="build a wheel of it, or leave --require-hashes out")
    actual = sources[0].hashes.get("sha256", "…")
    return HashMissing(requirement=_spell(package), origin="found by the resolver", actual=actual)


def _spell(package: Any) -> str:
    return f"{package.name}=={package.version}" if package.version else str(package.name)
