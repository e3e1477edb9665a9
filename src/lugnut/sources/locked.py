"""A lock to what is to be installed in one environment: for each name the one file or tree that it is made from.

Selection is packaging's, by the environment's tags and markers, never this process's. Sources: PEP 751
(*Installation*), PEP 610 for what a distribution that was named directly owes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence

from lugnut.distribution import Name, normalise_name
from lugnut.environment import Environment
from lugnut.errors import BadLock, UsageError, WheelNotFound
from lugnut.links import Link
from lugnut.sources.direct_urls import Direct, to_url
from lugnut.sources.requests import parse_file_url
from lugnut.sources.wheelhouse import check_fits, find_closest
from lugnut.typed import Any, NamedTuple

ALL = ":all:"
_NAMED = 3
"""How many tags of a lock an error names."""
_LOCK_AGAIN = "lock it again for this environment"
_COMMIT = r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}"
"""A whole id of git's, by SHA-1 or SHA-256: what is shorter, or a name, may mean another commit tomorrow."""


class Chosen(NamedTuple):
    """Which parts of a lock are wanted, and where it lies."""

    path: str
    """The lock, as the user knows it; for messages."""
    directory: str
    """What its relative paths begin at, absolute."""
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] | None = None
    """None: the lock's own default."""
    no_binary: tuple[str, ...] = ()
    only_binary: tuple[str, ...] = ()
    hint: str = _LOCK_AGAIN
    """What to do about a lock that does not fit: the user's own can be made again, a resolver's answer cannot."""


class Supply(NamedTuple):
    """One distribution and what it is made from: exactly one of `link`, `tree` and `repository`."""

    name: Name
    version: str
    """Empty where the lock does not say: a source tree's is known when it is built."""
    link: Link | None = None
    """A wheel, or an sdist or other archive to build from."""
    tree: str = ""
    """A source tree, absolute."""
    repository: tuple[str, str, str, str] | None = None
    """A version control system, a URL, the commit, and the revision that was asked for, perhaps empty."""
    subdirectory: str = ""
    editable: bool = False
    direct: bool = False
    """Named by URL or path, so that direct_url.json is owed."""
    wheels: frozenset[str] = frozenset()
    """The sha256 of every wheel that the lock has for this version: what was installed from another of them will do."""

    @property
    def is_wheel(self) -> bool:
        """Whether nothing has to be built."""
        return self.link is not None and self.link.filename.endswith(".whl")


def select(lock: Any, environment: Environment, chosen: Chosen) -> list[Supply]:
    """Select from a `packaging.pylock.Pylock` what an environment needs, sorted by name.

    Raises BadLock where the lock does not cover the environment, or names what is no commit of git's; WheelNotFound
    where nothing of a name fits it, IncompatibleWheel for an archive that does not; UsageError for an extra or a group
    that the lock does not have.
    """
    from packaging.pylock import PylockSelectError

    _check_known("extra", chosen.extras, lock.extras or (), chosen)
    groups = [*(lock.dependency_groups or ()), *(lock.default_groups or ())]
    _check_known("dependency group", chosen.groups or (), groups, chosen)
    picks = lock.select(
        environment=dict(environment.markers),
        tags=_make_tags(environment),
        extras=chosen.extras,
        dependency_groups=chosen.groups,
        prefer_sdist_predicate=lambda name: ALL in chosen.no_binary or name in chosen.no_binary,
    )
    try:
        supplies = sorted(_make_supply(package, source, chosen) for package, source in picks)
    except PylockSelectError as error:
        raise _explain(lock, environment, chosen, str(error)) from None
    for supply in supplies:
        if supply.direct and supply.link is not None and supply.is_wheel:  # an archive: nobody has looked at its tags
            check_fits(environment, supply.link.filename)
    return supplies


def _check_known(what: str, asked: Iterable[str], known: Iterable[str], chosen: Chosen) -> None:
    """Refuse extras or groups that the lock lacks, as PEP 751 has it: nobody would see that they bring nothing."""
    there = sorted({normalise_name(name) for name in known})
    lacking = [name for name in asked if normalise_name(name) not in there]
    if lacking:
        message = f"{chosen.path} has no {what} {_enumerate(lacking)}; it has {_enumerate(there) or 'none'}"
        raise UsageError(message=message, hint="look for a slip in the name, or have it locked with it")


def _enumerate(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _make_tags(environment: Environment) -> list[Any]:
    from packaging.tags import Tag

    return [Tag(*spelled.split("-", 2)) for spelled in environment.tags]


def _make_supply(package: Any, source: Any, chosen: Chosen) -> Supply:
    base = Supply(normalise_name(package.name), str(package.version or ""))
    kind = type(source).__name__
    subdirectory = getattr(source, "subdirectory", None) or ""
    if kind == "PackageVcs":
        _check_commit(base.name, source, chosen)
        place = source.url or _find_path(source.path, chosen)
        repository = (source.type, place, source.commit_id.lower(), source.requested_revision or "")
        supply = base._replace(repository=repository, subdirectory=subdirectory, direct=True)
    elif kind == "PackageDirectory":
        tree = os.path.join(_find_path(source.path, chosen), subdirectory.replace("/", os.sep))
        supply = base._replace(tree=os.path.normpath(tree), editable=bool(source.editable), direct=True)
    else:
        wheels = frozenset(wheel.hashes.get("sha256", "") for wheel in package.wheels or ()) - {""}
        link, direct = _make_link(source, chosen), kind == "PackageArchive"
        supply = base._replace(link=link, subdirectory=subdirectory, direct=direct, wheels=wheels)
    if not supply.is_wheel and (ALL in chosen.only_binary or supply.name in chosen.only_binary):
        raise WheelNotFound(
            requirement=_spell(package), reason="there is only a source, and nothing is to be built of it",
            hint=f"allow it: leave out --only-binary and --no-build for {supply.name}",
        )  # fmt: skip
    return supply


def _check_commit(name: Name, source: Any, chosen: Chosen) -> None:
    """See that a repository is git's, and that what is to be taken of it can never be anything else."""
    if source.type != "git":
        reason = f"{name} is from a repository of the kind {source.type}, and lugnut knows git"
        raise BadLock(path=chosen.path, reason=reason, hint="have it from an archive, or build a wheel of it")
    if not re.fullmatch(_COMMIT, source.commit_id):
        reason = f"the commit-id of {name}, {source.commit_id!r}, is not the whole id of a commit"
        raise BadLock(path=chosen.path, reason=reason, hint="write its 40 or 64 hexadecimal digits, or lock it again")


def _make_link(source: Any, chosen: Chosen) -> Link:
    url = source.url or to_url(_find_path(source.path, chosen))
    hashes = tuple(sorted((kind.lower(), digest.lower()) for kind, digest in source.hashes.items()))
    filename = getattr(source, "filename", None) or _name_file(url)
    return Link(url, filename, hashes, source.size)


def _name_file(url: str) -> str:
    from urllib.parse import unquote, urlsplit

    return unquote(urlsplit(url).path).rpartition("/")[2]


def _find_path(path: str, chosen: Chosen) -> str:
    return os.path.normpath(os.path.join(chosen.directory, path.replace("/", os.sep)))


def find_file(link: Link) -> str | None:
    """Give the path of what a link means, where it is a file of this machine."""
    return parse_file_url(link.url, "the lock", link.url) if link.url.startswith("file:") else None


def _spell(package: Any) -> str:
    return f"{package.name}=={package.version}" if package.version else str(package.name)


def _explain(lock: Any, environment: Environment, chosen: Chosen, words: str) -> BadLock | WheelNotFound:
    """Say why a lock does not fit: for want of a wheel with the closest tags, else in packaging's words."""
    for number, package in enumerate(lock.packages):
        if f"packages[{number}]" in words and "No wheel found" in words:
            return _explain_tags(package, environment)
    reason = words[:1].lower() + words[1:]
    return BadLock(path=chosen.path, reason=reason, hint=chosen.hint)


def _explain_tags(package: Any, environment: Environment) -> WheelNotFound:
    from packaging.utils import parse_wheel_filename

    tags = {str(tag) for wheel in package.wheels for tag in parse_wheel_filename(wheel.filename)[-1]}
    listed = sorted(tags)
    shown = ", ".join(listed[:_NAMED]) + (f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else "")
    return WheelNotFound(
        requirement=_spell(package),
        reason=f"no wheel fits this platform, and there is no source to build from; there are wheels for {shown}",
        hint=f"the closest tags of the environment are {', '.join(find_closest(environment.tags, tags))}",
    )


def make_direct(supply: Supply, sha256: str) -> Direct | None:
    """Say where a supply came from, if it was named directly; `sha256` is its archive's, empty for a tree."""
    if not supply.direct:
        return None
    if supply.repository is not None:
        kind, url, commit, revision = supply.repository
        return Direct(url, subdirectory=supply.subdirectory, commit=(kind, commit, revision))
    if supply.link is not None:
        return Direct(supply.link.url, sha256, supply.subdirectory)
    return Direct(supply.tree, editable=supply.editable)
