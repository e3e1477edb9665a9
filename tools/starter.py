"""Starts commands for bench.py, all at once, and says what each cost: a process of its own, kept as small as can be.

    python -I -S tools/starter.py    requests and answers as marshalled values on stdin and stdout

Small, because of memory: what the kernel gives as a program's greatest memory counts the process that became it by
exec, too. A child of a campaign that has unpacked wheels and read tables could never show less than that campaign has.
The figure, `ru_maxrss` of wait4, is the resident memory of the *largest single process* among the program and those of
its descendants that were waited for: not their sum, and with the pages they share.

Commands stand ready behind a pipe and are let go by its closing; wall seconds count from there to the end of each.
"""

from __future__ import annotations

import marshal
import os
import sys
import time


def run_all(commands: list[list[str]], environ: dict[str, str], directory: str) -> list[tuple[int, float, float, int]]:
    """Run commands at once, output to files of `directory`; gives (exit code, wall s, CPU s, greatest KiB) of each."""
    if sys.platform == "win32":
        raise NotImplementedError("campaigns run on POSIX")
    gate, latch = os.pipe()
    numbers: dict[int, int] = {}
    for number, command in enumerate(commands):
        pid = os.fork()
        if pid == 0:
            os.close(latch)
            stand_ready(gate, command, environ, f"{directory}/{number}")
        numbers[pid] = number
    os.close(gate)
    begun = time.perf_counter()
    os.close(latch)
    ended: dict[int, tuple[int, float, float, int]] = {}
    while len(ended) < len(commands):
        pid, status, usage = os.wait4(-1, 0)
        seconds = time.perf_counter() - begun
        code = os.waitstatus_to_exitcode(status)
        ended[numbers[pid]] = (code, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
    return [ended[number] for number in range(len(commands))]


def stand_ready(gate: int, command: list[str], environ: dict[str, str], output: str) -> None:
    """Be the child: open the outputs, wait for the pipe's end, become the command."""
    try:
        for descriptor, ending in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{output}.{ending}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), descriptor)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.read(gate, 1)
        os.execve(command[0], command, environ)
    finally:
        os._exit(126)


def main() -> None:
    """Answer requests until there are no more; with each answer goes the CPU that this process itself has used."""
    while True:
        try:
            commands, environ, directory = marshal.load(sys.stdin.buffer)
        except EOFError:
            return
        answer = run_all(commands, environ, directory)
        marshal.dump((answer, time.process_time()), sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
