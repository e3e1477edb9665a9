"""What a resolver remarks on beside its answer: withdrawn versions that had to be taken, extras that there are not.

A lock has no room for it (PEP 751), so it is read out of what uv and pip write on their way, in their words. Source of
what is withdrawn: PEP 592.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lugnut.distribution import Name, normalise_name
from lugnut.typed import Any, NamedTuple

_PINNED = r"`(?P<name>[^=`]+)==(?P<version>[^`]+)`"
_UV_YANKED = rf"^warning: {_PINNED} is yanked(?: \(reason: \"(?P<reason>.*)\"\))?\.?$"
_UV_EXTRA = (
    r"^warning: The package `(?P<name>[^=`]+)==(?P<version>[^`]+)` does not have an extra named `(?P<extra>[^`]+)`"
)
_PIP_EXTRA = r"(?:^|\s)WARNING: (?P<name>\S+) (?P<version>\S+) does not provide the extra '(?P<extra>[^']+)'"
_PIP_REASON = r"Reason for being yanked: (.+)"
_UNSAID = "<none given>"


class Remarks(NamedTuple):
    """What is worth telling of an answer."""

    yanked: Mapping[Name, str] = {}
    """What was withdrawn from its index, with the reason, perhaps empty."""
    extras: tuple[str, ...] = ()
    """Sentences about extras that were asked for and that there are not; sorted."""

    def tell(self, name: Name, version: str) -> str:
        """Word that something withdrawn is taken."""
        reason = self.yanked[name]
        return f"{name} {version} was yanked from its index{f': {reason}' if reason else ''}"


class Resolved(NamedTuple):
    """What a backend gives."""

    lock: Any
    """A `packaging.pylock.Pylock` with absolute paths."""
    remarks: Remarks


def read_uv(said: str) -> Remarks:
    """Read what uv wrote on stderr."""
    yanked = {normalise_name(one["name"]): one["reason"] or "" for one in re.finditer(_UV_YANKED, said, re.MULTILINE)}
    return Remarks(yanked, _word_extras(re.finditer(_UV_EXTRA, said, re.MULTILINE)))


def read_pip(said: str, report: Mapping[str, Any]) -> Remarks:
    """Read what pip wrote, and its report: which tells what is yanked, but not why."""
    names = [normalise_name(item["metadata"]["name"]) for item in report["install"] if item.get("is_yanked")]
    reasons = re.findall(_PIP_REASON, said)
    known = reasons[0].strip() if len(names) == 1 and len(reasons) == 1 and reasons[0].strip() != _UNSAID else ""
    return Remarks(dict.fromkeys(names, known), _word_extras(re.finditer(_PIP_EXTRA, said, re.MULTILINE)))


def _word_extras(found: Any) -> tuple[str, ...]:
    return tuple(
        sorted({f"{normalise_name(one['name'])} {one['version']} has no extra {one['extra']}" for one in found})
    )
