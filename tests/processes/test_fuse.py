"""A file system in user space: what is open there cannot be unlinked, only renamed (`.fuse_hidden…`), as on NFS."""

from __future__ import annotations

from pathlib import Path

from fusemounts import lend_mounts
from rooms import Room


def test_a_transaction_is_closed_where_an_open_file_cannot_be_unlinked(tmp_path: Path) -> None:
    with lend_mounts(tmp_path, "mount") as [mount]:
        room = Room(tmp_path, prefix=Path(mount) / "venv")
        for act in (["install", room.wheel("x", "1.0")], ["install", room.wheel("x", "2.0")], ["uninstall", "x"]):
            room.do(*act)
            assert room.findings() == []
