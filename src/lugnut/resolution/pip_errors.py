"""What pip says when it fails, to one sentence of ours and its kind; all it said stays in `detail`.

An index that does not answer is only skipped by pip, and what it had is then not to be found: its log tells the two
apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lugnut.distribution import normalise_name
from lugnut.errors import (
    BuildFailed,
    HashMismatch,
    HashMissing,
    LugnutError,
    Offline,
    ResolverFailed,
    Unresolvable,
    Unsupported,
)
from lugnut.links import hide_credentials
from lugnut.resolution.inputs import WORDS, Inputs
from lugnut.sources.wheelhouse import allows, find_closest, parse_candidate
from lugnut.typed import Any

_UV = "see -v, or try --resolver uv"
_LONGEST = 400
_ALIEN = r"none of the wheel's tags \(.+?\) are compatible .*/([^/\s#]+\.whl)(?:[#\s]|$)"
_SHOWN = 3
"""How many lines of a conflict fit a sentence."""


def explain(said: str, log: str, inputs: Inputs, *, offline: bool, tags: Sequence[str] = ()) -> LugnutError:
    """Make the error for what pip said; its log has what it skipped, and what a build said.

    `tags` are the environment's, the best first.
    """
    text = re.sub(rf"-r \S*{WORDS} \(line \d+\)", "the command line", said)
    detail = hide_credentials(text.replace(inputs.directory + "/", "")).strip()
    if "DO NOT MATCH THE HASHES" in detail:
        return _explain_mismatch(detail, inputs)
    if "n --require-hashes mode" in detail or "Can't verify hashes" in detail:
        return _explain_missing(detail)
    if "subprocess-exited-with-error" in detail or "metadata-generation-failed" in detail:
        return _explain_build(detail, hide_credentials(log))
    missing = re.findall(r"No matching distribution found for (.+)", detail)
    if missing or "ResolutionImpossible" in detail:
        return _explain_unresolved(missing, detail, log, offline=offline, tags=tags)
    unfit = _explain_unfit(detail)
    if unfit:
        return Unresolvable(reason=unfit, resolver="pip", detail=detail)
    return _explain_other(detail, offline=offline)


def _explain_other(detail: str, *, offline: bool) -> LugnutError:
    """Tell what a URL names and --offline forbids to fetch from all that is in nobody's list."""
    fetching = re.search(r"^[\u00d7x] .+ while fetching (\S+)$", detail, re.MULTILINE)
    if fetching and offline:
        return Offline(url=fetching[1])
    return ResolverFailed(resolver="pip", reason=_shorten(_find_error(detail)), hint=_UV, detail=detail)


def _explain_unfit(detail: str) -> str:
    """Say why a distribution is not for this interpreter; empty where that is not the trouble."""
    python = re.search(r"Package '(.+?)' requires a different Python: (\S+) not in '(.+)'", detail)
    if python:
        return f"{python[1]} needs Python {python[3]}, and the environment has {python[2]}"
    alien = re.search(r"\S+ is not a supported wheel on this platform", detail)
    return alien[0] if alien else ""


def _explain_unresolved(
    missing: list[str], detail: str, log: str, *, offline: bool, tags: Sequence[str]
) -> LugnutError:
    unreachable = re.findall(r"Could not fetch URL (\S+): (.+?) - skipping", log)
    broken = [(url, why) for url, why in unreachable if "404 Client Error" not in why]
    if offline:
        return Offline(url=_name_subject(missing, detail))
    ignored = re.search(r"located at (\S+) is not a trusted or secure host", detail)
    if missing and ignored:
        reason, hint = f"{ignored[1]} is asked by http", f"use https, or --trusted-host {ignored[1]}"
        return ResolverFailed(resolver="pip", reason=reason, hint=hint, detail=detail)
    if missing and broken:
        hint = "see whether the index can be reached, and its credentials"
        reason = f"{hide_credentials(broken[0][0])}: {_shorten(_cut_reason(broken[0][1]))}"
        return ResolverFailed(resolver="pip", reason=reason, hint=hint, detail=detail)
    reason = _explain_conflict(detail) or _explain_passed_over(missing, detail, log, tags)
    return Unresolvable(reason=reason or _explain_nothing(missing, detail), resolver="pip", detail=detail)


def name_in_the_way(detail: str, preferred: Mapping[str, str]) -> set[str]:
    """Give those preferences that a conflict names; empty where it names none."""
    found = re.findall(r"\(constraint\) ([A-Za-z0-9._-]+?)\s*==", detail)
    found += re.findall(r"(?:satisfies the requirement|distribution found for) ([A-Za-z0-9._-]+)", detail)
    return {str(normalise_name(name)) for name in found} & preferred.keys()


def _explain_conflict(detail: str) -> str:
    """Put the lines below `The conflict is caused by` into one sentence."""
    found = re.search(r"The conflict is caused by:\n((?:[ \t]+\S.*\n?)+)", detail)
    if found is None:
        return ""
    lines = [line.strip() for line in found[1].splitlines() if line.strip()]
    words = [re.sub(r"^The user requested \(constraint\) ", "a constraint asks for ", line) for line in lines]
    words = [re.sub(r"^The user requested ", "you ask for ", line) for line in words]
    shown = words if len(words) <= _SHOWN else [*words[: _SHOWN - 1], words[-1]]
    return _shorten(", ".join(shown[:-1]) + (" and " if shown[:-1] else "") + shown[-1])


def _explain_passed_over(missing: list[str], detail: str, log: str, tags: Sequence[str]) -> str:
    """Say that all there is of it was yanked, or is wheels for other platforms; empty where neither is so."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        asked = Requirement(re.sub(r"\s*\(from .*", "", missing[0]))
    except (IndexError, InvalidRequirement):
        return ""
    found = re.search(r"Ignored the following yanked versions: (.+)", detail)
    yanked = ", ".join(asked.specifier.filter(found[1].split(", "), prereleases=True)) if found else ""
    if yanked:
        return _shorten(f"all there is of {asked} was yanked ({yanked}), and == alone takes that")
    there = sorted({tag for filename in re.findall(_ALIEN, log) for tag in _find_tags(filename, asked)})
    if not there or not tags:
        return ""
    what = f"{asked} has wheels for {', '.join(there[:_SHOWN])} alone"
    return _shorten(f"{what}; the closest tags of the environment are {', '.join(find_closest(tags, there))}")


def _find_tags(filename: str, asked: Any) -> frozenset[str]:
    """Give the tags of a wheel, if it is of what was asked for."""
    wheel = parse_candidate(filename)
    same = normalise_name(filename.partition("-")[0]) == normalise_name(asked.name)
    return wheel.tags if wheel is not None and same and allows(str(asked.specifier), wheel) else frozenset()


def _explain_nothing(missing: list[str], detail: str) -> str:
    found = re.search(r"satisfies the requirement (.+?) \((?:from (.+?); )?from versions: (.*)\)", detail)
    name = missing[0] if missing else "what is asked for"
    name = re.sub(r"\s*\(from .*", "", name)
    python = re.search(r"require a different python version: (.+)", detail)
    if python:
        return _shorten(f"no version of {name} fits the interpreter ({python[1]})")
    if found and found[3] != "none":
        return _shorten(f"there is no {name}, and the versions are {_end_of(found[3])}")
    return _shorten(f"{name} was not found, or has nothing for this interpreter and platform")


def _end_of(versions: str) -> str:
    """Name the last few of a list of versions."""
    listed = versions.split(", ")
    return versions if len(listed) <= 2 * _SHOWN else "…, " + ", ".join(listed[-2 * _SHOWN :])


def _explain_mismatch(detail: str, inputs: Inputs) -> HashMismatch:
    found = re.search(r"\n\s+(\S.*?)(?: from \S+)?(?: \(from [^)]*\)+)?:\n\s+Expected \w+ (\w+)", detail)
    got = re.search(r"Got\s+(\w+)", detail)
    expected = found[2] if found else "another"
    asked = next((one for one in inputs.said.hashes if one.digest == expected.lower()), None)
    return HashMismatch(
        wheel=re.split(r"\s*@\s|#", found[1])[0] if found else "a file",
        actual=got[1] if got else "another",
        expected=expected,
        origin=asked.origin if asked else "the requirements",
    )


def _explain_missing(detail: str) -> LugnutError:
    tree = re.search(r"Can't verify hashes .*:\n\s+(\S+)", detail)
    if tree:
        what, reason = "--require-hashes with a source tree or repository", f"{tree[1]} is one and has no hash"
        hint = "build a wheel of it, or leave --require-hashes out"
        return Unsupported(what=what, reason=reason, hint=hint)
    found = re.search(r"These do not:\n\s+(\S+)|\n\s+(\S+) --hash=sha256:(\w+)", detail)
    name = (found[1] or found[2]) if found else "a requirement"
    actual = (found[3] if found else None) or "…"
    return HashMissing(requirement=name, origin="found by the resolver", actual=actual)


def _explain_build(detail: str, log: str) -> BuildFailed:
    """Name what was built and its last words: pip with a log writes what a build says only there."""
    named = re.search(r"Failed to build '?([^\s']+)|\u2570\u2500> (?:from )?(?!\[|No available)(\S+)", detail)
    words = re.sub(r"(?m)^\d{4}-\d\d-\d\dT\S+ ?", "", log)
    last = words.rpartition("Running command ")[2]
    said = re.split(r"\n\s*(?:ERROR: .+ exited with|\[bold magenta\]|Exception information)", last)[0].splitlines()[1:]
    lines = [line.strip() for line in said if line.strip()]
    hint = "see -v; a wheel of another version may need no build"
    return BuildFailed(
        source=((named[1] or named[2]) if named else None) or "a source",
        reason=_shorten(lines[-1]) if lines else "it did not say why",
        hint=hint,
        detail="\n".join((detail, *said)),
    )


def _name_subject(missing: list[str], detail: str) -> str:
    return missing[0] if missing else _explain_conflict(detail) or "what is asked for"


def _cut_reason(why: str) -> str:
    """Cut urllib3's names of classes and objects out of why a page could not be had."""
    words = re.sub(r"HTTPS?ConnectionPool\(.*?\): ", "", why)
    inner = re.search(r"Caused by \w+\((?:.*?: )?[\"']?(.+?)[\"']?\)+$", words)
    return re.sub(r"<.*?>:? ?", "", inner[1] if inner else words)


def _find_error(detail: str) -> str:
    found = re.findall(r"^(?:ERROR:|[\u00d7x]) (.+)(?:\n\u2570\u2500> (.+))?", detail, re.MULTILINE)
    lines = [": ".join(filter(None, parts)) for parts in found]
    return lines[-1] if lines else (detail.splitlines() or ["it did not say why"])[-1]


def _shorten(words: str) -> str:
    """Give one line of at most 400 characters, without the full stop."""
    line = " ".join(words.split()).rstrip(".")
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1].rstrip() + "…"
