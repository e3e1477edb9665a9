"""The doctor on real file systems, mounted in a namespace of their own: what each cannot do is what is found there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from programs import clean_environ

UNMOUNTED = 77
"""The exit code of the shell where a file system is not to be had here."""
SCRIPT = """
cd "$1" && mkdir -p m real img
{{ {mount}; }} >&2 || exit 77
shift
"$@"
code=$?
umount m >&2
exit $code
"""


EXFAT = """truncate -s 200M img/e && mkfs.exfat img/e && device=$(losetup -f --show img/e) &&
{ mount.exfat-fuse $device m; done=$?; losetup -d $device; [ $done = 0 ]; }"""
NTFS = "truncate -s 200M img/n && mkntfs -F -Q img/n && lowntfs-3g img/n m -o ignore_case"


def may_mount() -> bool:
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    return subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not may_mount(), reason="mounting takes root and a mount namespace")


def examine(room: Path, mount: str, typed: str) -> tuple[int, Any]:
    """Mount, have the doctor examine, unmount; gives its exit code and document."""
    words = [sys.executable, "-P", "-m", "lugnut", "doctor", "--json", *typed.split()]
    command = ["unshare", "-m", "--propagation", "private", "sh", "-c", SCRIPT.format(mount=mount), "sh", str(room)]
    environ = clean_environ(str(room)) | {"LUGNUT_CACHE_DIR": str(room / "cache")}
    done = subprocess.run([*command, *words], env=environ, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode == UNMOUNTED:
        pytest.skip(f"it cannot be mounted here: {' '.join(done.stderr.split())}")
    assert done.stdout, done.stderr
    assert not list(room.rglob(".lugnut-*"))
    return done.returncode, json.loads(done.stdout)


def verdicts(document: Any, place: str = "environment") -> dict[str, str]:
    return {one["subject"]: one["verdict"] for one in document["findings"] if one["place"] == place}


def troubles(document: Any, place: str = "environment") -> dict[str, str]:
    return {subject: word for subject, word in verdicts(document, place).items() if word not in {"ok", "absent"}}


def test_a_disk_and_memory_can_do_all_that_is_needed(tmp_path: Path) -> None:
    code, document = examine(tmp_path, "mount -t tmpfs -o size=200m tmpfs m", "--target m/env --cache-dir m/cache")
    assert (code, document["ways"], document["claims"]["environment"]) == (
        0,
        {"environment": "hardlink", "scripts": "hardlink"},
        "link",
    )
    assert {one["kind"] for one in document["places"]} == {"tmpfs"}
    assert troubles(document) == troubles(document, "cache") == {}


def test_a_cache_in_another_mount_is_copied_from_though_it_is_one_file_system(tmp_path: Path) -> None:
    code, document = examine(tmp_path, "mount --bind real m", "--target m/env --cache-dir real/cache")
    assert (code, document["ways"]["environment"], document["claims"]["environment"]) == (0, "copy", "link")
    assert troubles(document) == {"link mode": "warning"}
    assert verdicts(document, "cache")["locks"] == "ok"  # tried again: it may be another file system


def test_a_read_only_environment_is_refused_and_nothing_else_is_claimed(tmp_path: Path) -> None:
    mount = "mount --bind real m && mount -o remount,bind,ro m"
    code, document = examine(tmp_path, mount, "--target m/env --cache-dir real/cache")
    assert (code, document["safe"], document["ways"]) == (1, False, {})
    assert troubles(document) == {
        "writing": "impossible",
        "locks, links, names": "untried",
        "link mode": "untried",
    }


def test_a_read_only_store_that_stands_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "real" / "store").mkdir(parents=True)
    mount = "mount --bind real m && mount -o remount,bind,ro m"
    code, document = examine(tmp_path, mount, "--target env --cache-dir m")
    assert (code, troubles(document, "cache")["writing"], troubles(document)) == (
        0,
        "warning",
        {"link mode": "untried"},
    )


def test_noexec_keeps_nothing_from_being_installed_and_is_told(tmp_path: Path) -> None:
    mount = "mount --bind real m && mount -o remount,bind,noexec m"
    code, document = examine(tmp_path, mount, "--target m/env --cache-dir m/cache")
    assert (code, document["ways"]["environment"]) == (0, "hardlink")
    assert troubles(document) == {"extension modules": "warning", "scripts": "warning"}


def test_a_full_file_system_is_refused_without_a_guess_at_its_locks(tmp_path: Path) -> None:
    mount = "mount -t tmpfs -o size=64k tmpfs m && { dd if=/dev/zero of=m/x bs=4k || true; }"
    code, document = examine(tmp_path, mount, "--target m/env")
    assert code == 1
    assert troubles(document) == {"room": "impossible", "locks, links, names": "untried", "link mode": "untried"}


def test_an_overlays_lower_directory_can_do_all_that_is_needed(tmp_path: Path) -> None:
    for name in ("low/env", "up", "work"):
        (tmp_path / name).mkdir(parents=True)
    mount = "mount -t overlay overlay -o lowerdir=low,upperdir=up,workdir=work m"
    code, document = examine(tmp_path, mount, "--target m/env --cache-dir m/cache")
    assert (code, document["ways"]["environment"], troubles(document)) == (0, "hardlink", {})
    assert list((tmp_path / "low" / "env").iterdir()) == []


def test_blocks_are_shared_where_they_can_be(tmp_path: Path) -> None:
    mount = "truncate -s 200M img/b && mkfs.btrfs -q img/b && mount -o loop img/b m"
    code, document = examine(tmp_path, mount, "--target m/env --cache-dir m/cache --link-mode clone")
    assert (code, document["ways"]["environment"], verdicts(document)["reflinks"]) == (0, "clone", "ok")
    assert verdicts(document)["link mode"] == "ok"


def test_exfat_has_no_links_keeps_no_modes_and_folds_names(tmp_path: Path) -> None:
    code, document = examine(tmp_path, f"{EXFAT} && mkdir m/site", "--target m/site/env --cache-dir cache")
    found = verdicts(document)
    assert (code, document["ways"]["environment"], document["claims"]["environment"]) == (1, "copy", "stripe")
    assert (found["hard links"], found["execute bits"], found["RENAME_NOREPLACE"]) == (
        "warning",
        "impossible",
        "absent",
    )
    assert (found["locks"], found["the probe itself"]) == ("ok", "ok")
    [case] = [one for one in document["findings"] if one["subject"] == "case of names"]
    assert (case["verdict"], case["text"][:38]) == ("ok", "names that differ in case are one: two")


@pytest.mark.parametrize(("kind", "mount"), [("exfat", EXFAT), ("ntfs", NTFS)])
def test_a_store_is_refused_where_modes_are_not_kept(tmp_path: Path, kind: str, mount: str) -> None:
    code, document = examine(tmp_path, mount, "--target env --cache-dir m/cache")
    assert (code, verdicts(document, "cache")["the store's files"]) == (1, "impossible"), kind
    assert verdicts(document)["execute bits"] == "ok"


def test_ntfs_folds_names_and_has_links(tmp_path: Path) -> None:
    code, document = examine(tmp_path, f"{NTFS} && mkdir m/site", "--target m/site/env --cache-dir cache")
    found = verdicts(document)
    assert (code, found["hard links"], found["case of names"]) == (1, "ok", "ok")
    assert (found["execute bits"], found["RENAME_NOREPLACE"]) == ("impossible", "absent")
    [case] = [one["text"] for one in document["findings"] if one["subject"] == "case of names"]
    assert case.startswith("names that differ in case are one")


def test_what_a_bind_file_system_shows_is_judged_as_unknown(tmp_path: Path) -> None:
    code, document = examine(tmp_path, "bindfs real m", "--target m/env --cache-dir m/cache")
    found = troubles(document)
    assert found.pop("renames", "warning") == "warning"  # a gap is found nearly always
    assert (code, found) == (0, {"reach of locks": "warning"})
