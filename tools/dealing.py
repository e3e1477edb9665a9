"""A campaign dealt out to processes of their own, each with the preload; what they tell is put together as it comes."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import json
import os
import queue
import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence

from programs import scratch
from striking import Row, Score

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "crash.c")
MEMORY = "/dev/shm"
"""Where environments stand unless LUGNUT_TOOLS_TMP says otherwise: a process's death leaves it as it leaves disks."""


def build(place: str) -> str:
    """Compile the preload."""
    library = os.path.join(place, "crash.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    return library


def choose_place() -> None:
    """Have scratch directories made in memory, where there is any and nobody has said where."""
    if "LUGNUT_TOOLS_TMP" not in os.environ and os.access(MEMORY, os.W_OK):
        os.environ["LUGNUT_TOOLS_TMP"] = MEMORY


def deal(words: Sequence[str], parts: int, tellers: int) -> Iterator[Row]:
    """Run so many parts of a command; gives what each way came to once so many of them have told of it."""
    scores: dict[tuple[str, str, str], Score] = defaultdict(Score)
    count: dict[tuple[str, str, str], int] = defaultdict(int)
    with scratch("preload") as place:
        environ = {**os.environ, "LD_PRELOAD": build(place)}
        for row in _listen([[*words, "--part", f"{part}/{parts}"] for part in range(parts)], environ):
            way = row["what"], row["how"], row["error"]
            score = scores[way]
            score.add(row)
            count[way] += 1
            if count[way] == tellers:
                del scores[way]
                told = dict(zip(("what", "how", "error"), way, strict=True))
                yield {**told, **score.count, "seconds": round(score.seconds, 1), "wrong": score.wrong}


def _listen(commands: Sequence[Sequence[str]], environ: dict[str, str]) -> Iterator[Row]:
    lines: queue.Queue[Row | subprocess.CalledProcessError | None] = queue.Queue()

    def follow(process: subprocess.Popen[str]) -> None:
        out = process.stdout
        for line in out or ():
            lines.put(json.loads(line))
        code = process.wait()
        lines.put(subprocess.CalledProcessError(code, process.args) if code else None)

    running = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environ) for words in commands]
    try:
        for process in running:
            threading.Thread(target=follow, args=(process,), daemon=True).start()
        ended = 0
        while ended < len(running):
            line = lines.get()
            if isinstance(line, subprocess.CalledProcessError):
                raise line
            if line is None:
                ended += 1
            else:
                yield line
    finally:
        for process in running:
            process.terminate()
            process.wait()


def program() -> list[str]:
    """Give the words that begin the running program's own command."""
    return [sys.executable, os.path.abspath(sys.argv[0])]
