"""Judge an environment without asking lugnut: what must be true of any environment after any run.

It imports nothing of lugnut. `check_environment` finds RECORD rows that are not right (neither the shown file's hash
nor, where a higher claim is shown, that of the distribution's kept content), two dist-infos of one name, files that no
RECORD names, litter of a run (temporary names, transactions, empty directories, bytecode without source), and kept
content that nobody needs. What lugnut installed has to be exact: RECORD sorted, every row in it plainly spelled and
hashed but its own, files 0644 or 0755. Trees, reference trees made by zipfile and their comparison are in trees.py,
given here too.

As a program: `python tools/oracle.py SITE_PACKAGES...` prints one line per finding and exits 1 if there is any.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

from trees import (
    Entry,
    Tree,
    differences,
    look,
    normalise,
    read_tree,
    reference_tree,
    site_packages,
    tree_digest,
    walk,
    without_generated,
)

__all__ = [
    "Entry",
    "Tree",
    "check_environment",
    "differences",
    "read_tree",
    "reference_tree",
    "site_packages",
    "tree_digest",
    "without_generated",
]

REMAINING = re.compile(r"format|locks|kept|altered|transactions|unsynced-[0-9a-z-]+")
LOCK_NAME = re.compile(
    r"(path-[0-3][0-9a-f]|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)\.(?:writer\.)?lock|_(?:changes|format|sync)\.lock|_café|fence|identity"
)
HASHED = re.compile(r"sha256=[A-Za-z0-9_-]{43}")
VENV_OWN = re.compile(
    r"pyvenv\.cfg|\.lock|\.gitignore|CACHEDIR\.TAG|lib64|bin|lib|include(/[^/]+){0,2}|lib/python[\d.]+"
    r"|lib/python[\d.]+/site-packages(/_virtualenv\.(py|pth))?"
    r"|bin/((py|.)thon[\d.]*|pip[\d.]*|[Aa]ctivate[._\w]*|deactivate\.\w+|pydoc\.\w+)"
)


class Claim(NamedTuple):
    """One RECORD row, and whose; `executable` is None where the dist-info does not say (pip's and uv's)."""

    rank: int
    name: str
    digest: str | None
    size: int | None
    executable: bool | None


class Installed(NamedTuple):
    """One dist-info directory: canonical path -> claim, and what is wrong with it by itself."""

    name: str
    dist_info: str
    claims: dict[str, Claim]
    findings: list[str]


Claims = dict[str, list[Claim]]


def check_environment(site: str) -> list[str]:
    """Give every finding about an environment, sorted; an empty list is a whole environment."""
    site = os.path.realpath(site)
    installed = read_installed(site)
    claims = merge_claims(installed)
    found = [finding for one in installed for finding in one.findings]
    found += check_names(installed)
    found += check_shown(site, claims)
    found += check_kept(site, claims)
    found += check_unclaimed(site, claims)
    found += check_lugnut(site)
    return sorted(found)


def read_installed(site: str) -> list[Installed]:
    """Read every dist-info of a site-packages directory."""
    names = sorted(name for name in os.listdir(site) if name.endswith(".dist-info"))
    return [read_dist_info(site, name) for name in names]


def read_dist_info(site: str, dist_info: str) -> Installed:
    """Read one dist-info: its RECORD, its overlay rank, which of its files are executable."""
    name = normalise(dist_info.removesuffix(".dist-info").rpartition("-")[0])
    directory = os.path.join(site, dist_info)
    files = (file for file in ("METADATA", "RECORD") if not os.path.isfile(os.path.join(directory, file)))
    found = [f"{dist_info}: no {file}" for file in files]
    if found:
        return Installed(name, dist_info, {}, found)
    try:
        rank, executables = read_state(directory)
        with open(os.path.join(directory, "RECORD"), encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        return Installed(name, dist_info, {}, [f"{dist_info}: lugnut.json or RECORD is none: {error}"])
    claims: dict[str, Claim] = {}
    beyond = os.path.normpath(os.path.join(os.path.relpath(find_prefix(site) or site, site), "..")) + "/"
    for spelled, hashed, size in rows:
        path = canonical(site, spelled)
        if path.startswith(beyond):
            found.append(f"{dist_info}: RECORD names {path}, outside the environment")
        if path in claims:
            found.append(f"{dist_info}: RECORD names {path} twice")
        digest = hashed.removeprefix("sha256=").rstrip("=") if hashed.startswith("sha256=") else None
        executable = None if executables is None else spelled in executables
        claims[path] = Claim(rank, name, digest, int(size) if size else None, executable)
    if executables is not None:
        found += check_rows(dist_info, rows)
    return Installed(name, dist_info, claims, found)


def check_rows(dist_info: str, rows: list[list[str]]) -> list[str]:
    """Find what is not exact in the RECORD of what lugnut installed."""
    own = f"{dist_info}/RECORD"
    spelled = [row[0] for row in rows]
    found = [] if spelled == sorted(spelled) else [f"{dist_info}: RECORD is not sorted"]
    if [own, "", ""] not in rows:
        found.append(f"{dist_info}: RECORD does not name itself, without a hash")
    for path, hashed, size in rows:
        if path != own and not (HASHED.fullmatch(hashed) and size.isdigit()):
            found.append(f"{dist_info}: RECORD gives no hash and size of {path}")
        if path != os.path.normpath(path):
            found.append(f"{dist_info}: RECORD spells {path} in a roundabout way")
    return found


def read_state(directory: str) -> tuple[int, frozenset[str] | None]:
    """Read overlay rank and executables from lugnut.json; rank 0 and None where another tool installed it."""
    try:
        with open(os.path.join(directory, "lugnut.json"), encoding="utf-8") as file:
            document: Any = json.load(file)
    except FileNotFoundError:
        return 0, None
    executables = document["executables"]  # null where lugnut gave a rank to what another tool had installed
    return int(document["overlay"]), None if executables is None else frozenset(executables)


def canonical(site: str, path: str) -> str:
    """Spell a RECORD path in one way, whatever symlinked directories (`lib64`) it goes through."""
    directory, name = os.path.split(os.path.join(site, path))
    return os.path.relpath(os.path.join(os.path.realpath(directory), name), site)


def merge_claims(installed: Iterable[Installed]) -> Claims:
    """Bring the claims on each path together, the one to be shown first."""
    merged: Claims = {}
    for one in installed:
        for path, claim in one.claims.items():
            merged.setdefault(path, []).append(claim)
    for claims in merged.values():
        claims.sort(key=lambda claim: (claim.rank, claim.name), reverse=True)
    return merged


def check_names(installed: Iterable[Installed]) -> list[str]:
    """Find names that more than one dist-info bears."""
    seen: dict[str, list[str]] = {}
    for one in installed:
        seen.setdefault(one.name, []).append(one.dist_info)
    return [f"{name}: more than one dist-info: {', '.join(found)}" for name, found in seen.items() if len(found) > 1]


def check_shown(site: str, claims: Claims) -> list[str]:
    """Find paths that do not show what the highest claim on them says."""
    found = []
    for path, (best, *_) in claims.items():
        if best.digest is None and best.executable is None:
            continue
        try:
            entry = look(os.path.join(site, path))
        except OSError:
            found.append(f"{path}: missing, {best.name} claims it")
            continue
        if entry.kind != "file":
            found.append(f"{path}: a {entry.kind}, {best.name} claims a file")
        elif best.digest is not None and not is_content(best, entry, os.path.join(site, path)):
            found.append(f"{path}: not the bytes of {best.name}, whose claim is the highest")
        elif best.executable is not None and entry.mode != (0o755 if best.executable else 0o644):
            found.append(f"{path}: mode {entry.mode:o}, {best.name} says {'' if best.executable else 'not '}executable")
    return found


def is_content(claim: Claim, entry: Entry, path: str) -> bool:
    """Say whether a file has the bytes that a claim names, and as many."""
    return entry.digest == claim.digest and claim.size in {None, os.path.getsize(path)}


def kept_name(path: str, digest: str, *, executable: bool) -> str:
    """Give the name under which `.lugnut/kept/<distribution>/` holds a content."""
    return hashlib.sha256(f"{path}\n{digest}\n{int(executable)}".encode()).hexdigest()[:40]


def wanted_kept(claims: Claims) -> dict[tuple[str, str], tuple[str, str]]:
    """Give what must be kept: (distribution, file name) -> (path, digest), of each loser with other content."""
    wanted = {}
    for path, (best, *losers) in claims.items():
        for loser in losers:
            if loser.digest is None or best.digest is None:
                continue
            executable = bool(loser.executable)
            if (loser.digest, executable) != (best.digest, bool(best.executable)):
                wanted[loser.name, kept_name(path, loser.digest, executable=executable)] = (path, loser.digest)
    return wanted


def check_kept(site: str, claims: Claims) -> list[str]:
    """Find losers whose content is not at hand, kept files with other bytes, and kept files that nobody needs."""
    kept = os.path.join(site, ".lugnut", "kept")
    wanted = wanted_kept(claims)
    there = {path for path, is_directory in walk(kept) if not is_directory} if os.path.isdir(kept) else set()
    found = []
    for (name, file), (path, digest) in wanted.items():
        if f"{name}/{file}" not in there:
            found.append(f"{path}: the content of {name} is neither shown nor kept")
        elif look(os.path.join(kept, name, file)).digest != digest:
            found.append(f".lugnut/kept/{name}/{file}: not the bytes {name} claims at {path}")
    needed = {f"{name}/{file}" for name, file in wanted}
    return found + [f".lugnut/kept/{path}: kept, but nobody needs it" for path in there - needed]


def check_unclaimed(site: str, claims: Claims) -> list[str]:
    """Find files that no RECORD names, empty directories, and bytecode without source."""
    root = find_prefix(site) or site
    inside = os.path.relpath(site, root)
    found = []
    for path, is_directory in walk(root, skipped=frozenset({".lugnut"})):
        if VENV_OWN.fullmatch(path) and root != site:
            continue
        name = os.path.relpath(path, inside)
        if is_directory:
            if not os.listdir(os.path.join(root, path)):
                found.append(f"{name}: an empty directory")
        elif "/__pycache__/" in f"/{path}":
            source = os.path.join(
                root, os.path.dirname(os.path.dirname(path)), os.path.basename(path).partition(".")[0]
            )
            if name not in claims and not os.path.exists(f"{source}.py"):
                found.append(f"{name}: bytecode without its source")
            elif ".lugnut-" in path:
                found.append(f"{name}: a temporary name")
        elif name not in claims:
            found.append(f"{name}: no RECORD names it")
    return found


def find_prefix(site: str) -> str | None:
    """Find the virtual environment that a site-packages directory belongs to."""
    prefix = os.path.dirname(os.path.dirname(os.path.dirname(site)))
    return prefix if os.path.isfile(os.path.join(prefix, "pyvenv.cfg")) else None


def check_lugnut(site: str) -> list[str]:
    """Find what a run should not have left in `.lugnut`: transactions in any state, temporary names."""
    root = os.path.join(site, ".lugnut")
    if not os.path.isdir(root):
        return []
    found = [f".lugnut/{name}: a run left it" for name in os.listdir(root) if not REMAINING.fullmatch(name)]
    transactions = os.path.join(root, "transactions")
    if os.path.isdir(transactions):
        found += [f".lugnut/transactions/{name}: a run left its transaction" for name in os.listdir(transactions)]
    locks = os.path.join(root, "locks")
    if os.path.isdir(locks):
        found += [f".lugnut/locks/{name}: not a lock" for name in os.listdir(locks) if not LOCK_NAME.fullmatch(name)]
    return found


def main(arguments: list[str]) -> int:
    """Check the environments whose site-packages are named."""
    if not arguments or arguments[0].startswith("-"):
        print(__doc__)
        return 2
    found = [f"{site}: {finding}" for site in arguments for finding in check_environment(site)]
    print("\n".join(found) if found else "whole")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
