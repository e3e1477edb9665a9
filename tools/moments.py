"""What has to hold at every moment, whatever run is in the middle of whatever: looked at whenever a player stops.

Seen from outside, without lugnut: what nobody's deed is about is never gone, whoever is installed all along is never
without the files of its dist-info, and nothing of a run that is still open is shown over somebody who is installed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence

from serial import Deed, State, Universe

INSIDE = ("METADATA", "RECORD", "WHEEL")


class Moments:
    """What one case's moments are held against."""

    def __init__(self, universe: Universe, before: State, deeds: Sequence[Deed], site: str) -> None:
        """Find out who is installed all along, and what of each deed must not be seen before its commit."""
        self._site = site
        self._universe = universe
        installed = {name: key for name, key, _ in before}
        bare = {word for deed in deeds for word in deed.what}
        touched = {universe[word].name if word in universe else word for word in bare}
        touched |= {name for name in installed for deed in deeds if self._takes(deed, name)}
        steady = [key for name, key in installed.items() if name not in touched]
        self._paths = {path for key in steady for path in universe[key].files}
        self._infos = self._find_infos(installed, deeds)
        self._early = {number: self._find_early(deed, steady, installed) for number, deed in enumerate(deeds)}

    def _find_infos(self, installed: Mapping[str, str], deeds: Sequence[Deed]) -> list[str]:
        """Name the dist-infos that stand under one name all along, replaced or not."""
        infos = []
        for name, key in installed.items():
            version = self._universe[key].version
            news = [self._universe[word] for deed in deeds if deed.verb != "uninstall" for word in deed.what]
            gone = any(self._takes(deed, name) for deed in deeds)
            if not gone and all(new.version == version for new in news if new.name == name):
                infos.append(f"{name}-{version}.dist-info")
        return infos

    def _takes(self, deed: Deed, name: str) -> bool:
        """Say whether a deed takes away what is installed of a name."""
        if deed.verb == "sync":
            return name not in {self._universe[word].name for word in deed.what}
        return deed.verb == "uninstall" and name in deed.what

    def _find_early(self, deed: Deed, steady: Sequence[str], installed: Mapping[str, str]) -> list[tuple[str, str]]:
        """Give paths with bytes of a deed that nobody may see there as long as it is open."""
        if deed.verb == "uninstall":
            return []
        files = self._universe
        return [
            (path, text)
            for word in deed.what
            if files[word].name not in installed
            for path, text in files[word].files.items()
            if any(path in files[key].files for key in steady)
            and all(files[key].files.get(path) != text for key in files if files[key].name != files[word].name)
        ]

    def look(self, pids: Sequence[int]) -> Iterator[str]:
        """Say what is wrong now; `pids` are the processes of the deeds."""
        for path in self._paths:
            if not os.path.lexists(os.path.join(self._site, path)):
                yield f"{path} is gone for a moment"
        for info in self._infos:
            for name in INSIDE:
                if not os.path.lexists(os.path.join(self._site, info, name)):
                    yield f"{info}/{name} is gone for a moment"
        for pid in self._list_open():
            for path, text in self._early.get(pids.index(pid), ()) if pid in pids else ():
                if self._read(path) == text:
                    yield f"{path}: {text!r} is shown while its run is open"

    def _list_open(self) -> Iterator[int]:
        """Name the processes whose transactions are open."""
        place = os.path.join(self._site, ".lugnut", "transactions")
        for name in os.listdir(place) if os.path.isdir(place) else ():
            if os.path.exists(os.path.join(place, name, "open")) and "new" not in name:
                with open(os.path.join(place, name, "holder.json"), encoding="utf-8") as file:
                    yield int(json.load(file)["pid"])

    def _read(self, path: str) -> str | None:
        try:
            with open(os.path.join(self._site, path), encoding="utf-8") as file:
                return file.read()
        except OSError:
            return None
