"""A wheel's RECORD: that it names every member, nothing else, and each with a hash that can be relied on. Pure.

Source: the *Binary distribution format* specification, "The .dist-info directory".
"""

from __future__ import annotations

import binascii
import csv
import hashlib
import io
import itertools
import operator
import re
import struct
from collections.abc import Collection, Iterable, Iterator

from lugnut.distribution import spell_digest
from lugnut.typed import NamedTuple

HASHES = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
"""What RECORD may hash by; called by name they would be looked up anew for every file."""
_LENGTHS = {"sha256": 32, "sha384": 48, "sha512": 64}
_WEAK = {"md5", "sha1", "sha224"}
_FIELDS = 3
_USUAL = re.compile(r"sha256=[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
"""What nearly all rows have: one spelling each, since the last letter has two bits that must be zero."""
_USUAL_ROW = re.compile(rf"^([^,\n]+),{_USUAL.pattern.replace('=', '=(', 1)}),([0-9]{{1,19}})\n", re.MULTILINE)


class Promise(NamedTuple):
    """What RECORD says of one member; `size` is None where it says none."""

    algorithm: str
    digest: bytes
    size: int | None
    spelled: str
    """The digest as RECORD spells it: there is one way."""

    def is_kept_by(self, content: bytes) -> bool:
        """Say whether this is the content promised."""
        return HASHES[self.algorithm](content).digest() == self.digest


def read_promises(data: bytes, record: str, problems: list[str]) -> dict[str, Promise]:
    """Read RECORD's rows by member name; `record` is RECORD's own name, whose row says nothing."""
    try:
        text = data.decode().removeprefix("\ufeff")  # utf-8-sig is a module to import, in each worker
        usual = _read_usual(text.replace("\r\n", "\n"), record)
        if usual is not None:
            return usual
        rows = _split_quoted(text) if '"' in text else _split_plain(text)
        return _read_rows(rows, record, problems)
    except (UnicodeDecodeError, csv.Error) as error:
        problems.append(f"RECORD cannot be read: {error}")
        return {}


def _read_usual(text: str, record: str) -> dict[str, Promise] | None:
    """Read a RECORD that has nothing but usual rows, each path once, and its own; None where it is another.

    All digests are decoded at once: 43 letters and an `A` are 33 bytes, of which the last is none of the digest's.
    """
    found = _USUAL_ROW.findall(text)
    complete = text.endswith("\n") and len(found) + 1 == text.count("\n")
    if not complete or '"' in text or f"\n{record},,\n" not in f"\n{text}":
        return None
    paths, spelled, sizes = zip(*found, strict=True) if found else ((), (), ())
    joined = "A".join([*spelled, ""]).replace("-", "+").replace("_", "/")
    digests = map(operator.itemgetter(0), struct.iter_unpack("32sx", binascii.a2b_base64(joined)))
    fields = zip(itertools.repeat("sha256"), digests, map(int, sizes), spelled, strict=False)
    promises = dict(zip(paths, map(tuple.__new__, itertools.repeat(Promise), fields), strict=False))
    return promises if len(promises) == len(found) and record not in promises else None


def _split_quoted(text: str) -> Iterator[tuple[int, list[str]]]:
    return ((number, row) for number, row in enumerate(csv.reader(io.StringIO(text, newline="")), 1) if row)


def _split_plain(text: str) -> Iterator[tuple[int, list[str]]]:
    lines = enumerate(text.replace("\r\n", "\n").split("\n"), 1)  # not splitlines: it breaks at U+2028 and others too
    return ((number, line.rsplit(",", _FIELDS - 1)) for number, line in lines if line)


def _read_rows(rows: Iterable[tuple[int, list[str]]], record: str, problems: list[str]) -> dict[str, Promise]:
    promises: dict[str, Promise] = {}
    usual, decode, keep = _USUAL.fullmatch, binascii.a2b_base64, promises.setdefault
    for number, row in rows:
        path, spelled, size = row if len(row) == _FIELDS else ("", "", "")
        promise: Promise | None
        if usual(spelled) is not None and _is_number(size) and path != record:
            text = spelled[7:]
            digest = decode(text.replace("-", "+").replace("_", "/") + "=")
            promise = Promise("sha256", digest, int(size), text)
        else:
            promise = _read_row(row, number, record, problems)
            if promise is None:
                continue
        if keep(path, promise) != promise:
            problems.append(f"RECORD has two different rows for {path!r}")
    return promises


def _read_row(row: list[str], number: int, record: str, problems: list[str]) -> Promise | None:
    if len(row) != _FIELDS:
        problems.append(f"line {number} of RECORD has {len(row)} fields, not {_FIELDS}")
        return None
    path, spelled, size = row
    if path == record:
        if spelled:
            problems.append("RECORD states a hash of itself, which cannot be right")
        return None
    if path.endswith("/") and not spelled:
        return None  # some builders list directories
    algorithm, _, value = spelled.partition("=")
    algorithm = algorithm.lower()
    if algorithm not in _LENGTHS:
        weak = "too weak a hash" if algorithm in _WEAK else "no hash" if not spelled else "an unknown hash"
        problems.append(f"RECORD has {weak} for {path!r}{f' ({algorithm})' if spelled else ''}")
        return None
    digest = _read_digest(value)
    if digest is None or len(digest) != _LENGTHS[algorithm] or not (size == "" or _is_number(size)):
        problems.append(f"line {number} of RECORD, for {path!r}, has a hash or a size that is none")
        return None
    return Promise(algorithm, digest, int(size) if size else None, value.rstrip("="))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20  # noqa: PLR2004 - digits of 2**64


def _read_digest(text: str) -> bytes | None:
    bare = text.rstrip("=")
    try:
        padded = bare.translate(_URL_SAFE) + "=" * (-len(bare) % 4)
        digest = binascii.a2b_base64(padded, strict_mode=True)
    except (binascii.Error, ValueError):
        return None
    return digest if spell_digest(digest) == bare else None  # one spelling each, no stray bits


_URL_SAFE = str.maketrans("-_+/", "+/!!")


def compare(promises: dict[str, Promise], sizes: dict[str, int], exempt: Collection[str]) -> list[str]:
    """Name members without a row, rows without a member, and sizes that differ; `exempt` members need no row."""
    problems = [f"RECORD has no row for {name!r}" for name in sizes if name not in promises and name not in exempt]
    for path, promise in promises.items():
        size = sizes.get(path)
        if size is None:
            problems.append(f"RECORD names {path!r}, which is not in the archive")
        elif promise.size is not None and promise.size != size:
            problems.append(f"{path!r} has {size} bytes, and RECORD says {promise.size}")
    return problems
