"""What is asked for as a backend takes it: the user's files by path, what has no file in files of this run's own.

Written are: what the command line names (local paths made absolute), and what comes by stdin or a pipe, which can be
read once only; relative includes in it begin at the working directory, where the user is.
"""

from __future__ import annotations

import os
import re

from lugnut.errors import BadRequirement
from lugnut.links import Indexes
from lugnut.resolution.layers import to_url
from lugnut.resolution.offers import write_offers
from lugnut.resolution.question import Question
from lugnut.resolution.requirement_lines import File, Said, join, read_files, read_line, split_include
from lugnut.sources.lines import STANDARD_INPUT, read_lines, reads_once
from lugnut.sources.requests import COMMAND_LINE, refuse
from lugnut.system import files
from lugnut.typed import NamedTuple

WORDS = "command-line.txt"
_LINKS = r"(-f|--find-links)(?:\s*=\s*|\s+|(?<=-f))(\S.*)"
_TAIL = r"(.*?)((?:\[[^\[\]]*\])?)(\s*(?:;\s.*|\s;.*|\s--hash.*)?)"
"""A path, its extras, and a marker or hashes."""


class Inputs(NamedTuple):
    """What a backend is given."""

    directory: str
    """This run's own, for the backend's answer; absolute and without symlinks."""
    requirement_files: tuple[str, ...]
    constraint_files: tuple[str, ...]
    said: Said
    offers: str = ""
    """A directory of links with what is installed; empty where nothing is offered."""

    def add_offers(self, indexes: Indexes) -> Indexes:
        """Let the backend look among the offers too."""
        return indexes._replace(find_links=(*indexes.find_links, self.offers)) if self.offers else indexes


def prepare(question: Question, directory: str) -> Inputs:
    """Read the files, and write into `directory` what has none; raises BadRequirement."""
    own = os.path.realpath(directory)
    listed = [_take(path, question, own, number) for number, path in enumerate(question.requirement_files)]
    constraints = [_take(path, question, own, -number) for number, path in enumerate(question.constraint_files, 1)]
    said = read_files([*listed, *constraints], question.directory, question.environ, question.markers)
    lines = [_spell(text, question.directory) for text in question.requirements]
    said = join(said, *(read_line(line, markers=question.markers) for line in lines))
    lines += [f"-e {_spell(text, question.directory)}" for text in question.editables]
    paths = [file.path for file in listed]
    if lines:
        paths.append(write(own, WORDS, "\n".join(lines) + "\n"))
    hashed = bool(question.require_hashes or said.require_hashes or said.hashes)  # nobody knows those of an offer
    tag = question.tags[0] if question.tags else "py3-none-any"
    offers = write_offers(own, question.offered, tag) if question.offered and not hashed else ""
    return Inputs(own, tuple(paths), tuple(file.path for file in constraints), said, offers)


def write(directory: str, name: str, text: str) -> str:
    """Write a file of this run's own; gives its path."""
    with files.open_root(directory) as opened:
        files.write(opened, name, text.encode(), mode=0o600)
    return os.path.join(directory, name)


def _take(path: str, question: Question, own: str, number: int) -> File:
    """Give a file as it is, and a copy of one that can be read once only.

    `/dev/stdin` is such a one though it is a regular file that was redirected: the backend's stdin is another.
    """
    full = os.path.join(question.directory, path)
    if "://" in path or not (reads_once(path) or (os.path.exists(full) and not os.path.isfile(full))):
        return File(path if "://" in path else full, path)
    lines = [_anchor(words, question.directory) for _, words in read_lines(path, COMMAND_LINE)]
    return File(write(own, f"piped{number}.txt", "\n".join(lines) + "\n"), "stdin" if path == STANDARD_INPUT else path)


def _anchor(words: str, directory: str) -> str:
    """Make the path of an include, or of a directory of links, absolute."""
    links = re.fullmatch(_LINKS, words)
    included = split_include(words) if links is None else (links[1], links[2])
    if included is None or "://" in included[1] or included[1].startswith("file:"):
        return words
    return f"{included[0]} {os.path.join(directory, included[1])}"


def _spell(text: str, directory: str) -> str:
    """Make a local path absolute; one that a requirements file would cut is spelled as a URL."""
    words = text.strip()
    if not words or "\n" in words or "\r" in words or "\0" in words or words.startswith("-"):
        raise _refuse_word(text)
    found = re.fullmatch(_TAIL, words)
    if found is None or "://" in words or re.match(r"[A-Za-z0-9._-]+\s*(\[[^\]]*\])?\s*@\s", words):
        return words
    path = os.path.join(directory, os.path.expanduser(found[1]))
    named = os.sep in found[1] or "/" in found[1] or found[1].startswith(".") or found[1].endswith((".whl", ".gz"))
    if not named:
        return words
    if not os.path.exists(path):
        raise refuse(COMMAND_LINE, words, f"{found[1]} does not exist", "look for a slip in the path")
    place = os.path.normpath(path)
    return (to_url(place) if re.search(r"[\s#]", place) else place) + found[2] + found[3]


def _refuse_word(text: str) -> BadRequirement:
    shown = text.replace("\n", " ").replace("\r", " ").replace("\0", " ")
    return refuse(COMMAND_LINE, shown, "no requirement", "write NAME, NAME==VERSION, NAME @ URL, a path or a URL")
