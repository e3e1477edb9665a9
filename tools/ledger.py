"""What a campaign has done, a line for each way, kept in a file: left out when it is begun again, told at its end."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence

import evidence
from peerdeaths import OF
from programs import find_program, print_table, version_of
from striking import Row

OURS = "lugnut"
HEADER = ("what", "how", "error", "points", "old", "new", "exit 0", "states", "deeper", "missed", "wrong")
PEERS = ("what", "points", "old", "new", "neither", "whole", "litter", "corrupt, exit 0", "corrupt, error")
"""The table of installers: what the kill left, and what the same command again made of it."""
CASE = "case "
"""How the way of one of many begins that are told together."""


class Ledger:
    """Rows that are done, and how many of them evidence has been given of."""

    def __init__(self, path: str | None) -> None:
        """Read what there is."""
        self.path = path
        self.rows: list[Row] = []
        self.noted = 0
        if path is not None and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                for line in map(json.loads, file):
                    self.noted = line.get("noted", self.noted)
                    self.rows += [] if "noted" in line else [line]

    def has(self, name: str, how: str, error: str) -> bool:
        """Say whether a way is done."""
        return any((row["what"], row["how"], row["error"]) == (name, how, error) for row in self.rows)

    def add(self, row: Row) -> None:
        """Note a row."""
        self.rows.append(row)
        self._write(row)

    def note(self, path: str | None, arguments: Sequence[str]) -> None:
        """Give evidence of what none has been given of: a line for each operation and how it was struck."""
        fresh = self.rows[self.noted :]
        if path is None or not fresh:
            return
        again = evidence.words_of("crash.py", arguments)
        versions = {one: version_of([find_program(one)]) for one in {subject_of(row) for row in fresh}}
        lines = [
            evidence.Evidence(
                "crash",
                versions[subject_of(row)],
                scope_of(row),
                "points",
                row.get("points", 0),
                len(row["wrong"]),
                row["seconds"],
                again,
            )
            for row in fresh
        ]
        evidence.note(path, evidence.add_up(lines))
        self._write({"noted": len(self.rows)})

    def _write(self, line: Row) -> None:
        if self.path is not None:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def tell(self) -> int:
        """Print the table, or that of installers beside each other; gives how much was wrong with lugnut."""
        rows = gather(self.rows)
        for header, lines in (
            (HEADER, [row for row in rows if not is_of_peers(row)]),
            (PEERS, [*filter(is_of_peers, rows)]),
        ):
            if lines:
                print_table(header, [[row.get(key, 0) for key in header] for row in lines])
        wrong = sum(row["wrong"] for row in rows if subject_of(row) == OURS)
        print(f"{sum(row.get('points', 0) for row in rows)} points, {wrong} wrong", end="")
        return int(wrong)


def is_of_peers(row: Row) -> bool:
    """Say whether a row is of an installer that was started as a program, beside others."""
    return OF in row["what"]


def subject_of(row: Row) -> str:
    """Give the program that was tried."""
    return str(row["what"]).partition(OF)[0] if is_of_peers(row) else OURS


def scope_of(row: Row) -> str:
    """Give the surroundings that evidence names: the operation, and how it was struck unless that was drawn."""
    if is_of_peers(row):
        return f"{str(row['what']).partition(OF)[2]}, killed and said again"
    return str(row["what"]) if row["how"].startswith(CASE) else f"{row['what']}, {row['how']}"


def gather(rows: Iterable[Row]) -> list[Row]:
    """Make the lines of the table: cases of one kind are one line."""
    lines: dict[tuple[str, str, str], Counter[str]] = {}
    for row in rows:
        how = "drawn" if row["how"].startswith(CASE) else row["how"]
        line = lines.setdefault((row["what"], how, row["error"]), Counter())
        line.update({key: row.get(key, 0) for key in (*HEADER[3:-1], *PEERS[4:])})
        line["wrong"] += len(row["wrong"])
    return [{"what": what, "how": how, "error": error, **line} for (what, how, error), line in lines.items()]
