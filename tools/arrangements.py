"""Ways to build a volume: one file system, layers of several, or environments and store on different ones."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    raise ImportError("campaigns run on POSIX")

import os
import shutil
from collections.abc import Callable

from ground import CannotBeShownError
from volumes import Volume, command

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "folding.c")
SFTP = "/usr/lib/openssh/sftp-server"
Build = Callable[[Volume], None]

# --- one file system --------------------------------------------------------------------------------------------------


def on_loop(kind: str, *words: str, megabytes: int = 0) -> Build:
    """Give the way to a scope: everything on one image."""

    def build(volume: Volume) -> None:
        volume.home = volume.store = volume.loop(kind, *words, megabytes=megabytes)

    return build


def on_memory(*options: str) -> Build:
    """Have everything in memory."""

    def build(volume: Volume) -> None:
        words = ["-o", ",".join(("mode=755", *options))]
        volume.home = volume.store = volume.mount("-t", "tmpfs", *words, "tmpfs", on=volume.place("tmpfs"))

    return build


def on_folding(*options: str) -> Build:
    """Have everything on our own FUSE program, which passes on to memory and lacks what `options` say."""

    def build(volume: Volume) -> None:
        backing = volume.mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", on=volume.place("backing"))
        program = os.path.join(volume.root, "folding")
        flags = command("pkg-config", "--cflags", "--libs", "fuse3").split()
        command("cc", "-O1", "-o", program, SOURCE, *flags)
        words = ",".join(("allow_other", "default_permissions", *options))
        place = volume.place("folding-mount")
        volume.home = volume.store = volume.run(program, backing, place, "-o", words, on=place)

    return build


def on_fuse(kind: str, *program: str, attached: bool = False, options: str = "") -> Build:
    """Have everything on an image that a FUSE program mounts."""

    def build(volume: Volume) -> None:
        image = volume.image(kind, *(["-F", "-Q"] if kind == "ntfs" else []))
        source = volume.attach(image) if attached else image
        place = volume.place(kind)
        words = ["-o", options] if options else []
        volume.home = volume.store = volume.run(*program, *words, source, place, on=place)

    return build


def on_sftp(volume: Volume) -> None:
    """Have everything on sshfs, whose other end is a program here: no hard links, and listings that may lag."""
    backing = volume.mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", on=volume.place("backing"))
    if not os.path.exists(SFTP):
        raise CannotBeShownError(f"there is no {SFTP} here")
    script = os.path.join(volume.root, "sftp")
    with open(script, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\numask 0\nexec {SFTP}\n")  # the client's counts
    os.chmod(script, 0o755)
    place = volume.place("sshfs")
    options = f"ssh_command={script},disable_hardlink,no_contain_symlinks,default_permissions"
    volume.home = volume.store = volume.run("sshfs", "-o", options, f"here:{backing}", place, on=place)


# --- layers, and several ----------------------------------------------------------------------------------------------


def on_overlay(*, sinking: bool) -> Build:
    """Have everything on an overlay in memory; `sinking`: what stands can be moved to the lower layer."""

    def build(volume: Volume) -> None:
        base = volume.mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", on=volume.place("layers"))
        layers = Layers(volume, base)
        layers.lay()
        volume.home = volume.store = layers.place
        volume.sink = layers.sink if sinking else None

    return build


class Layers:
    """An overlay whose upper layer can become its lower one."""

    def __init__(self, volume: Volume, base: str) -> None:
        """Begin with empty layers below `base`."""
        self.volume = volume
        self.base = base
        self.place = volume.place("overlay")
        self.number = 0
        os.mkdir(self._path("lower"))

    def _path(self, layer: str) -> str:
        return os.path.join(self.base, f"{layer}{self.number}")

    def lay(self) -> None:
        """Mount, with an empty upper layer."""
        for layer in ("upper", "work"):
            os.mkdir(self._path(layer))
        words = ",".join(f"{layer}dir={self._path(layer)}" for layer in ("lower", "upper", "work"))
        self.volume.mount("-t", "overlay", "-o", words, "overlay", on=self.place)

    def sink(self) -> None:
        """Make all that stands the lower layer, hard links and times with it."""
        old = [self._path(layer) for layer in ("lower", "upper", "work")]
        self.number += 1
        command("cp", "-a", self.place, self._path("lower"))
        self.volume.unmount(self.place)
        self.lay()
        for path in old:
            shutil.rmtree(path)


def apart(home: Callable[[Volume], str], store: Callable[[Volume], str]) -> Build:
    """Have environments on one volume, the store on another."""

    def build(volume: Volume) -> None:
        volume.home, volume.store = home(volume), store(volume)

    return build


def through_two_paths(volume: Volume) -> None:
    """Have one directory under two paths, both used at once."""
    volume.home = volume.store = volume.loop("ext4")
    volume.twin = volume.mount("--bind", volume.home, on=volume.place("twin"))


def store_bound(volume: Volume) -> None:
    """Have both on one XFS, the store through a mount of its own: no links lead from one to the other."""
    volume.home = volume.loop("xfs")
    os.mkdir(os.path.join(volume.home, "store"))
    volume.store = volume.mount("--bind", os.path.join(volume.home, "store"), on=volume.place("bound"))


def store_in_subvolume(volume: Volume) -> None:
    """Have environments and store in two subvolumes of one btrfs."""
    top = volume.loop("btrfs")
    for name in ("environments", "store"):
        command("btrfs", "subvolume", "create", os.path.join(top, name))
    volume.home, volume.store = (os.path.join(top, name) for name in ("environments", "store"))


def scripts_elsewhere(volume: Volume) -> None:
    """Put the environment's bin/ on a volume of its own."""
    volume.home = volume.store = volume.loop("ext4")

    def dress(prefix: str) -> None:
        scripts = os.path.join(prefix, "bin")
        kept = f"{scripts}-kept"
        os.rename(scripts, kept)
        os.mkdir(scripts)
        volume.mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", on=scripts)
        shutil.copytree(kept, scripts, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(kept)

    volume.dress = dress


def read_only(volume: Volume) -> None:
    """Have what was writable be so no more."""
    volume.home = volume.loop("ext4")
    volume.store = volume.place("store")
    volume.freeze = lambda: _remount(volume.home)


def _remount(place: str) -> None:
    command("mount", "-o", "remount,ro", place)


def packed(kind: str, *program: str) -> Build:
    """Have an environment in an image that cannot be written."""

    def build(volume: Volume) -> None:
        if kind not in supported():
            raise CannotBeShownError(f"this kernel has no {kind}")
        volume.home, volume.store = volume.place("packed"), volume.place("store")
        image = os.path.join(volume.root, f"{kind}.img")

        def freeze() -> None:
            words = (image, volume.home) if kind == "erofs" else (volume.home, image, "-noappend", "-quiet")
            command(*program, *words)
            volume.mount("-t", kind, "-o", "loop,ro", image, on=volume.home)

        volume.freeze = freeze

    return build


def supported() -> set[str]:
    """Name the file systems that this kernel knows."""
    with open("/proc/filesystems", encoding="ascii") as file:
        return {line.split()[-1] for line in file}


def ext4_of(volume: Volume) -> str:
    """Make an ext4 beside another one."""
    return volume.loop("ext4")


def xfs_of(volume: Volume) -> str:
    """Make an XFS beside another one."""
    return volume.loop("xfs")


def tmpfs_of(volume: Volume) -> str:
    """Mount memory beside another one."""
    return volume.mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", on=volume.place("memory"))
