"""What tells at a glance whether an installed distribution is the one wished for: no row of RECORD is taken apart."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Collection, Iterator

from lugnut.distribution import STATE_FILE, Name, State, content_mtime, is_record, parse_state
from lugnut.environment import Environment
from lugnut.installed import Found, find_installed, read_text
from lugnut.system import files
from lugnut.typed import NamedTuple


class Moved(Exception):
    """What was looked at without a lock is not so any more: whoever decided by it looks again."""


class Glance(NamedTuple):
    """What tells whether an installed distribution is the one wished for; its rows are not read."""

    state: State | None
    requested: bool
    recorded: bool
    """There is a RECORD that can be read."""
    direct_url: str | None
    """Read where somebody wants to know."""


def glance(
    environment: Environment, names: Collection[Name], direct: Collection[Name] = ()
) -> dict[Name, list[Glance]]:
    """Look at some of what is installed, as far as `Glance` says; what vanishes meanwhile is left out.

    Of those in `direct` direct_url.json is read too.
    """
    found: dict[Name, list[Glance]] = {}
    for scheme, entries in itertools.groupby(find_installed(environment), lambda entry: entry.scheme):
        with files.open_root(environment.schemes[scheme]) as root:
            for entry in entries:
                if entry.name in names:
                    found.setdefault(entry.name, []).append(_glance(root, entry, direct=entry.name in direct))
    return found


def _glance(root: files.Directory, entry: Found, *, direct: bool) -> Glance:
    if not entry.legacy:
        with _unless_none_stands(), files.enter(root, entry.directory) as directory:
            state = read_text(directory, STATE_FILE)
            return Glance(
                None if state is None else parse_state(state),
                files.look(directory, "REQUESTED") is not None,
                _is_recorded(directory),
                read_text(directory, "direct_url.json") if direct else None,
            )
    return Glance(None, requested=False, recorded=False, direct_url=None)


@contextlib.contextmanager
def _unless_none_stands() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        files.pass_on(error)


def _is_recorded(directory: files.Directory) -> bool:
    """Say whether RECORD can be read, whole: it is where it has the time of its own content, for then lugnut wrote it.

    Others' has to name itself, as it must (PEP 376), and end as a line does: one that a power cut left empty is read,
    but not whole. A cut between two rows, below its own, is not seen.
    """
    try:
        data, status = files.read_identified(directory, "RECORD")
        if content_mtime(hashlib.sha256(data).digest()) == int(status.st_mtime):
            return True
        return b"/RECORD," in data and data.endswith(b"\n") and is_record(data.decode())
    except UnicodeDecodeError:
        return False
    except OSError as error:
        files.pass_on(error)
        return False
