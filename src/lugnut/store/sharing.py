"""One wheel, much larger than the rest, unpacked by several workers at once.

A wheel is one worker's job, and the largest are begun first. That leaves workers idle where one wheel is most of the
work (torch), so the largest of a run is shared out if its file has 32 MB or more, which come to about 64 MB or more:

1. The parent opens it and keeps it open. The other wheels are admitted as ever; beside them a worker takes the sha256
   of the large one, through the descriptor it inherited, since an entry's lock and places go by that hash.
2. The parent takes the entry's lock, looks again whether the entry stands, and checks all that the wheel says of itself
   (`begin`). It sweeps the temporary place and makes it anew.
3. Workers are forked. They inherit the lock, the descriptor and what was read of the wheel. Each takes one part after
   the other (`Share`): a run of files in the order of their paths, so that nearly every directory is one worker's, and
   about as many bytes as the next. Where two meet in a directory, one makes it and the other takes it. There are
   several parts for each worker, so that one large file, which cannot be cut, leaves the rest to the others.
4. When all have ended well the parent writes the stamp and the manifest and publishes the entry by the one rename.
   Parts answer with what is wrong with them: only where nothing is wrong in any is the entry published, else the error
   names all of it.

The lock is held from step 2 until the last who may write is gone: the workers' copies of it keep it when the parent is
killed (TRAPS 7), and they stop at the next directory. So whoever has the lock may still sweep. A worker that is killed
ends the run, all others are reaped, and then the parent sweeps; where everybody is killed the next run does.

Spawned workers inherit neither lock nor descriptor: there nothing is shared out. Nor is it where another run is at that
wheel: it is left for last, as ever.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from lugnut.distribution import WheelHash
from lugnut.errors import BadWheel
from lugnut.events import Reporter
from lugnut.store.filling import Filling
from lugnut.system import workers
from lugnut.typed import NamedTuple
from lugnut.wheel.reading import make_error
from lugnut.wheel.source import ArchiveError, Source

_HUGE = 32 << 20
_PARTS = 4
"""For each worker."""
_UNEVEN = 1.1


class Hashing(NamedTuple):
    """A wheel whose sha256 is wanted; crosses to a worker by fork."""

    source: Source
    path: str


class Share(NamedTuple):
    """Some of the files of a wheel, for one worker; crosses by fork."""

    filling: Filling
    part: slice
    path: str


def worth_sharing(sizes: Sequence[int], count: int) -> bool:
    """Say whether `count` workers that take wheels of these sizes (bytes, largest first) would end far apart."""
    loads = [0] * max(count, 1)
    for size in sizes:
        loads[loads.index(min(loads))] += size
    return count > 1 and max(sizes, default=0) >= _HUGE and max(loads) * count > _UNEVEN * sum(sizes)


def hash_inherited(hashing: Hashing) -> WheelHash:
    """Take the sha256 of a wheel that the parent has open, in a worker; raises BadWheel."""
    try:
        return hashing.source.hash()
    except ArchiveError as error:
        raise make_error(os.path.basename(hashing.path), [str(error)]) from None


def fill_together(filling: Filling, path: str, pool: workers.Pool) -> None:
    """Have workers fill an entry that the caller has begun, all of it; raises BadWheel with all that is wrong."""
    parts = filling.archive.split(pool.size * _PARTS)
    shares = sorted((Share(filling, part, path) for part in parts), key=_weigh, reverse=True)
    found = zip(shares, workers.run(fill_share, shares, plan=pool), strict=True)
    problems = [wrong for _, wrongs in sorted(found, key=lambda one: one[0].part.start) for wrong in wrongs]
    if problems:
        raise make_error(os.path.basename(path), list(dict.fromkeys(problems)))


def _weigh(share: Share) -> int:
    return share.filling.archive.weigh(share.part)


def fill_share(share: Share, _emit: Reporter) -> list[str]:
    """Write one share's files, in a worker, and give what is wrong with them."""
    try:
        share.filling.fill(workers.stopped, share.part)
    except BadWheel as error:
        problems: list[str] = error.data["problems"]
        return problems
    return []
