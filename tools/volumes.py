"""File systems to try lugnut on: made of images, memory, layers and FUSE programs, mounted, and taken away again.

A *volume* is one arrangement: where environments stand, where the store lies, and what is special; `arrangements` has
the ways to build one. What this machine cannot mount is a CannotBeShownError with the reason. Everything is unmounted
when the volume is closed, the last mount first.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ground import CannotBeShownError

MEGABYTES = {"btrfs": 320, "xfs": 320}
"""Of an image, where 160 are too few for the file system."""


class Volume:
    """One arrangement of mounts below a scratch directory."""

    def __init__(self, root: str) -> None:
        """Begin with nothing mounted."""
        self.root = root
        self._mounted: list[str] = []
        self._undo = contextlib.ExitStack()
        self.home = self.store = root
        """Where environments and the store lie."""
        self.twin: str | None = None
        """Another path to `home`."""
        self.sink: Callable[[], None] | None = None
        """Moves all that stands to the layer below."""
        self.dress: Callable[[str], None] | None = None
        """Does something to an environment that was just made."""
        self.freeze: Callable[[], None] | None = None
        """Makes everything read-only."""

    def place(self, name: str) -> str:
        """Make a directory to mount something on."""
        path = os.path.join(self.root, name)
        os.makedirs(path, exist_ok=True)
        return path

    def mount(self, *words: str, on: str) -> str:
        """Mount; the last word before the mount point is the source."""
        command("mount", *words, on)
        self._mounted.append(on)
        return on

    def run(self, *words: str, on: str) -> str:
        """Start a FUSE program that mounts something."""
        command(*words)
        if not os.path.ismount(on):
            raise CannotBeShownError(f"{words[0]} has mounted nothing")
        self._mounted.append(on)
        return on

    def unmount(self, path: str) -> None:
        """Take a mount away, now, or as soon as nobody uses it."""
        if subprocess.run(["umount", path], capture_output=True, check=False).returncode:
            subprocess.run(["umount", "-l", path], capture_output=True, check=False)
        self._mounted.remove(path)

    def image(self, kind: str, *words: str, name: str = "", megabytes: int = 0) -> str:
        """Make an image with a file system in it."""
        path = os.path.join(self.root, f"{name or kind}.img")
        with open(path, "wb") as file:
            file.truncate((megabytes or MEGABYTES.get(kind, 160)) << 20)
        command(f"mkfs.{kind}", *words, path)
        return path

    def loop(self, kind: str, *words: str, name: str = "", megabytes: int = 0) -> str:
        """Make an image and mount it; gives where."""
        image = self.image(kind, *words, name=name, megabytes=megabytes)
        return self.mount("-t", kind, "-o", "loop", image, on=self.place(name or kind))

    def close(self) -> None:
        """Unmount everything, the last mount first."""
        while self._mounted:
            self.unmount(self._mounted[-1])
        self._undo.close()

    def attach(self, image: str) -> str:
        """Give a block device for an image: some FUSE programs want one."""
        device = command("losetup", "-f", "--show", image).strip()
        self._undo.callback(subprocess.run, ["losetup", "-d", device], check=False)
        return device


def command(*words: str) -> str:
    """Run a program that has to succeed; raises CannotBeShownError with what it says."""
    try:
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        raise CannotBeShownError(f"there is no {words[0]} here") from None
    except subprocess.CalledProcessError as error:
        said = [line.strip() for line in (error.stderr or error.stdout).splitlines() if line.strip()]
        reason = said[0] if said else f"exit {error.returncode}"
        raise CannotBeShownError(
            re.sub(rf"^(?:{words[0]}: )?(?:{re.escape(words[-1])}: )?", f"{words[0]}: ", reason)
        ) from None


@contextlib.contextmanager
def open_volume(root: str, build: Callable[[Volume], None]) -> Iterator[Volume]:
    """Build an arrangement below a directory, and take it away at the end, come what may."""
    volume = Volume(root)
    try:
        build(volume)
        yield volume
    finally:
        volume.close()


class Traits(NamedTuple):
    """What a file system makes of names and contents, tried on it, without lugnut."""

    folds: bool
    forms: bool
    """Whether it takes two normal forms of a name for one."""
    coherent: bool
    """Whether two spellings of a folded name always show one file."""
    modes: bool
    links: bool


def look_at(home: str) -> Traits:
    """Try it; leaves nothing."""
    place = os.path.join(home, "traits")
    os.mkdir(place)
    try:
        return _try(place)
    finally:
        shutil.rmtree(place)


def _try(place: str) -> Traits:
    one, other, new = (os.path.join(place, name) for name in ("Aa", "aA", "new"))
    for path, text in ((one, "old"), (new, "new")):
        _write(path, text)
    folds = os.path.exists(other)
    links = True
    try:
        os.link(one, os.path.join(place, "link"))
    except OSError:
        links = False
    os.rename(new, other)
    with open(one, encoding="utf-8") as file:
        coherent = not folds or file.read() == "new"
    os.chmod(other, 0o644)
    modes = not os.stat(other).st_mode & 0o100
    _write(os.path.join(place, "\u00e9"), "")
    return Traits(folds, os.path.exists(os.path.join(place, "e\u0301")), coherent, modes, links)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
