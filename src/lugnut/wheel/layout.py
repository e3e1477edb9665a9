"""Where a wheel's members go: its one dist-info directory, its `.data` schemes, and what may stand in neither. Pure.

Source: the *Binary distribution format* specification, "File contents" and "The .data directory".
"""

from __future__ import annotations

from collections.abc import Iterable

from lugnut.distribution import SCHEMES, STATE_FILE, parse_dist_info
from lugnut.typed import NamedTuple
from lugnut.wheel.metadata import Title, same_distribution
from lugnut.wheel.names import find_clashes, fold

UNHASHED = ("RECORD", "RECORD.jws", "RECORD.p7s")
"""Members of the dist-info that RECORD needs no hash for; they describe the archive, and are not installed."""
_OURS = ("INSTALLER", "REQUESTED")
"""What the installer writes itself: a wheel packed from an installed distribution has its builder's."""
_FORGED = ("direct_url.json", STATE_FILE)
_RESERVED = {fold(name): name for name in (*UNHASHED, *_OURS, *_FORGED)}
_LIBRARIES = ("purelib", "platlib")
_SITE = {"site-packages", "dist-packages"}
_PRIVATE = ".lugnut"


class Layout(NamedTuple):
    """A wheel's members sorted out: archive path to (scheme, path in it)."""

    dist_info: str
    placed: dict[str, tuple[str, str]]
    unplaced: tuple[str, ...]
    """Members that the installer makes anew, or that describe the archive only."""


def find_dist_info(names: Iterable[str], title: Title | None, problems: list[str]) -> str | None:
    """Give the name of the one dist-info directory at the top of the archive."""
    firsts = {name.partition("/")[0] for name in names if "/" in name}
    tops = sorted(top for top in firsts if _is_dist_info(top))
    if len(tops) != 1:
        problems.append(
            f"it has several dist-info directories: {', '.join(tops)}" if tops else "it has no dist-info directory"
        )
    chosen = None
    for top in tops:
        parts = parse_dist_info(top)
        if parts is not None and (title is None or same_distribution(title, *parts)):
            chosen = chosen or top
    if tops and chosen is None:
        problems.append(f"{tops[0]!r} is not the dist-info directory of the file name's distribution")
    return chosen or (tops[0] if tops else None)


def _is_dist_info(component: str) -> bool:
    return fold(component).endswith(".dist-info")


def lay_out(names: list[str], dist_info: str, root: str, title: Title | None, problems: list[str]) -> Layout:
    """Sort out the members; `root` is the scheme of the archive's top level."""
    placed: dict[str, tuple[str, str]] = {}
    unplaced: list[str] = []
    usual: set[str] = set()
    data_directories: dict[str, bool] = {}
    for name in names:
        top, _, rest = name.partition("/")
        if top in usual:
            placed[name] = (root, name)
        elif fold(top).endswith(".data"):
            if top not in data_directories:
                data_directories[top] = _belongs(top, title)
                if not data_directories[top]:
                    problems.append(f"{top!r} is not the .data directory of this distribution")
            _add_data(name, rest, placed, problems)
        elif top == dist_info and fold(rest) in _RESERVED:
            unplaced.append(name)
            _check_reserved(name, rest, problems)
        else:
            placed[name] = (root, name)
            wrong = None if top == dist_info and rest else _check_top(top)
            if wrong is not None:
                problems.append(f"{name!r} {wrong}")
            elif top != dist_info:
                usual.add(top)
    problems += _find_library_clashes(placed)
    return Layout(dist_info, placed, tuple(unplaced))


def _belongs(top: str, title: Title | None) -> bool:
    """Say whether a `.data` directory is the wheel's own, however it spells name and version (TRAPS 33)."""
    name, _, version = top[: -len(".data")].partition("-")
    return title is None or same_distribution(title, name, version)


def _check_reserved(name: str, rest: str, problems: list[str]) -> None:
    usual = _RESERVED[fold(rest)]
    if rest != usual:
        problems.append(f"{name!r} is {usual} by another spelling")
    elif usual in _FORGED:
        problems.append(f"{name!r} is for the installer to write, not for a wheel")


def _add_data(name: str, rest: str, placed: dict[str, tuple[str, str]], problems: list[str]) -> None:
    scheme, slash, path = rest.partition("/")
    if scheme not in SCHEMES:
        problems.append(f"{name!r} is in none of the schemes {', '.join(SCHEMES)}")
        return
    if not slash or not path:
        problems.append(f"{name!r} is a file where a scheme's directory goes")
        return
    placed[name] = (scheme, path)
    wrong = _check_top(path.partition("/")[0]) if scheme in _LIBRARIES else _check_anywhere(path.split("/"))
    if wrong is not None:
        problems.append(f"{name!r} {wrong}")


def _check_top(component: str) -> str | None:
    """Say what is wrong with the first component of a path below site-packages."""
    if fold(component) == _PRIVATE:
        return "would write among lugnut's own records"
    if _is_dist_info(component):
        return "would write among the records of an installed distribution"
    return None


def _check_anywhere(parts: list[str]) -> str | None:
    """Say the same of a path whose directory may be, or be above, some site-packages (--target, `data`)."""
    for number, part in enumerate(parts):
        if number == 0 or fold(parts[number - 1]) in _SITE:
            wrong = _check_top(part)
            if wrong is not None:
                return wrong
    return None


def _find_library_clashes(placed: dict[str, tuple[str, str]]) -> list[str]:
    """Look at purelib and platlib as one place, which they are in most environments."""
    if not any(scheme in _LIBRARIES and name != path for name, (scheme, path) in placed.items()):
        return []
    return find_clashes([path for scheme, path in placed.values() if scheme in _LIBRARIES])
