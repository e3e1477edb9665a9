"""An environment: where its schemes are, what its interpreter accepts, and how a place in it is spelled. Pure.

Source: the sysconfig installation schemes, PEP 508 (markers), PEP 425 (tags).
"""

from __future__ import annotations

import functools
import os.path
import posixpath
from collections.abc import Callable, Iterable, Mapping

from lugnut.distribution import RelativePath
from lugnut.typed import NamedTuple


class Environment(NamedTuple):
    """One target. Every directory is absolute and free of symlinks (realpath), whether or not it exists yet."""

    kind: str
    """venv, system, target or prefix."""
    prefix: str
    python: str
    """The executable that launchers start: not resolved through symlinks, so that a venv stays one."""
    schemes: Mapping[str, str]
    """purelib, platlib, headers (without the distribution's own directory), scripts and data."""
    places: Mapping[str, str]
    """Each scheme's directory as RECORD spells it, relative to purelib, ending in `/`; purelib's is empty."""
    aliases: tuple[tuple[str, str], ...]
    """Symlinked directories inside the environment and where they lead, as RECORD prefixes (`lib64` to `lib`)."""
    folds_case: bool
    """Whether the file system takes names that differ in case for one."""
    markers: Mapping[str, str]
    """PEP 508 marker values."""
    tags: tuple[str, ...]
    """Supported wheel tags, best first, as `interpreter-abi-platform`."""
    cache_tag: str
    """sys.implementation.cache_tag: cpython-311."""
    launcher: str
    """posix, win-amd64, win-ia32, win-arm64 or win-arm, as pypa/installer names them."""
    uv_lock: str | None
    """Where uv locks this environment, where that place is known."""
    folds_forms: bool = True
    """Of a file system that folds case: whether it takes two normal forms of a name for one, too (NTFS does not)."""

    @property
    def purelib(self) -> str:
        """The directory that RECORD paths are relative to, and that holds `.lugnut`."""
        return self.schemes["purelib"]

    @property
    def lugnut(self) -> str:
        """The directory of locks, transactions and kept content."""
        return os.path.join(self.purelib, ".lugnut")


def spell_places(schemes: Mapping[str, str]) -> dict[str, str]:
    """Spell each scheme's directory as RECORD does: relative to purelib, with `/`, ending in `/` unless empty."""
    purelib = schemes["purelib"]
    places = {}
    for scheme, directory in schemes.items():
        relative = os.path.relpath(directory, purelib).replace(os.sep, "/")
        places[scheme] = "" if relative == "." else relative + "/"
    return places


def place(environment: Environment, scheme: str, path: str, spelled: str) -> RelativePath:
    """Spell where a wheel's file goes; headers go below a directory named like the distribution (`spelled`)."""
    below = f"{spelled}/{path}" if scheme == "headers" else path
    if scheme == "scripts" and _is_flat(environment, below):
        return RelativePath(environment.places[scheme] + below)
    return canonical(environment, environment.places[scheme] + below)


def _is_flat(environment: Environment, name: str) -> bool:
    """Say whether a script's name is one component, and no directory above purelib: then it is spelled as it stands."""
    scripts = environment.schemes["scripts"]
    return "/" not in name and name not in {"", ".", ".."} and not environment.purelib.startswith(scripts + os.sep)


def canonical(environment: Environment, path: str) -> RelativePath:
    """Give the one spelling of a RECORD path: normalised, aliases such as `lib64` resolved, beneath purelib if it is.

    Absolute paths become relative ones. A path outside every scheme directory keeps its leading `..`.
    """
    if not _is_irregular(path):
        for alias, _ in environment.aliases:
            if path.startswith(alias):
                return _resolve(environment, path)
        return RelativePath(path)
    if os.path.isabs(path):
        path = os.path.relpath(path, environment.purelib).replace(os.sep, "/")
    return _resolve(environment, posixpath.normpath(posixpath.join(_below(environment), path)), absolute=True)


def _is_irregular(path: str) -> bool:
    """Whether a path has what it has to have before normalising can change it; a pattern takes three times as long."""
    return (
        path.startswith((".", "/")) or path[1:2] == ":" or "//" in path or "/." in path or path.endswith("/")
    )  # fmt: skip


def spell_row(environment: Environment, scheme: str, path: str) -> str:
    """Spell a canonical place as the RECORD of a dist-info in `scheme` must: relative to where that stands."""
    place_of = environment.places[scheme]
    if not place_of:
        return path
    return posixpath.relpath(posixpath.join(_below(environment), path), posixpath.join(_below(environment), place_of))


def _below(environment: Environment) -> str:
    return environment.purelib.replace(os.sep, "/")


def _resolve(environment: Environment, path: str, *, absolute: bool = False) -> RelativePath:
    if absolute:
        path = posixpath.relpath(path, _below(environment))
    for alias, real in environment.aliases:
        if path.startswith(alias):
            path = posixpath.normpath(real + path[len(alias) :])
            inside = posixpath.normpath(posixpath.join(_below(environment), path))
            path = posixpath.relpath(inside, _below(environment))
            break
    return RelativePath(path)


def key(environment: Environment, path: str) -> str:
    """Give what two spellings of one place have in common: the path itself, folded where the file system folds."""
    if not environment.folds_case:
        return path
    if path.isascii():
        return path.lower()
    if not environment.folds_forms:
        return "".join(map(_fold_letter, path))
    import unicodedata

    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


@functools.cache
def _fold_letter(letter: str) -> str:
    """Fold a letter alone, as NTFS does, whatever stands beside it: one that has a capital and is that one's small one.

    So U+212A (Kelvin) is no k, U+00DF not ss, and a final sigma another letter than the sigma of U+03A3.
    """
    small = letter.lower()
    capital = small.upper()
    return small if len(small) == 1 and (capital == letter or len(capital) > 1) else letter


def folding(environment: Environment) -> Callable[[str], str]:
    """Give `key` as a function of a path alone, at hardly a cost where the file system tells all names apart."""
    return functools.partial(key, environment) if environment.folds_case else str


def same(environment: Environment, first: str, second: str) -> bool:
    """Say whether two spellings are of one place."""
    return key(environment, first) == key(environment, second)


def spell_top(environment: Environment, directory: str, paths: Iterable[str]) -> str:
    """Spell a directory of purelib as paths in it do: a file system that folds names may list it otherwise."""
    if not environment.folds_case:
        return directory
    tops = {path.partition("/")[0] for path in paths}
    return next((top for top in sorted(tops) if same(environment, top, directory)), directory)


def roots(environment: Environment) -> tuple[tuple[str, str], ...]:
    """Give the directories that files may lie beneath: (RECORD prefix, absolute directory), the deepest first."""
    found = {environment.places[scheme]: directory for scheme, directory in environment.schemes.items()}
    return tuple(sorted(found.items(), key=lambda item: -len(item[1])))


def absolute(environment: Environment, path: str) -> str:
    """Give the absolute path of a place, for messages and for tools that want one."""
    return os.path.normpath(os.path.join(environment.purelib, path))
