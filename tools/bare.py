"""Installs wheels from lugnut's own store, by its own pool and links, and keeps none of its promises.

    python tools/bare.py --cache-dir DIRECTORY --prefix ENVIRONMENT [--check] WHEEL...

No locks, no claims, no journal, nothing looked at in the environment, nothing undone: what bench.py holds lugnut's CPU
against, to say what the guarantees cost. It lives here and is no part of the product. The wheels must be in the store,
the environment empty. `--check` adds the store's check: one look at each file before it is linked, as lugnut does.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lugnut.distribution import Row, WheelFile, WheelHash, format_row
from lugnut.events import Reporter, ignore
from lugnut.manifest import Manifest
from lugnut.store.entries import Store, hash_wheel, open_store, open_tree, read_manifest
from lugnut.system import files, workers

OPEN = 200
"""Directories held open at a time."""
LAUNCHER = "#!{python}\nimport sys\nfrom {module} import {first}\nif __name__ == '__main__':\n    sys.exit({call}())\n"


class Job(NamedTuple):
    """One wheel."""

    store: Store
    wheel: WheelHash
    prefix: str
    site: str
    """Of the environment: absolute."""
    is_checked: bool


def install(job: Job, emit: Reporter) -> None:
    """Link a wheel's files, and write what only an installer can."""
    del emit
    manifest = read_manifest(job.store, job.wheel)
    if manifest is None:
        raise FileNotFoundError(f"{job.wheel} is not in the store")
    with open_tree(job.store, job.wheel) as tree:
        rows = link_all(job, manifest, tree)
    with files.open_root(os.path.join(job.site, manifest.dist_info)) as directory:
        rows += write_launchers(job, manifest)
        files.write(directory, "INSTALLER", b"bare\n")
        own = manifest.dist_info
        rows += [f"{own}/INSTALLER,,\n", f"{own}/RECORD,,\n"]
        files.write(directory, "RECORD", (manifest.record + "".join(rows)).encode())


def link_all(job: Job, manifest: Manifest, tree: files.Directory) -> list[str]:
    """Link every file, a directory after the other; gives the RECORD rows that the store has not rendered."""
    grouped: dict[tuple[str, str], list[WheelFile]] = {}
    for file in manifest.files:
        grouped.setdefault((file.scheme, file.path.rpartition("/")[0]), []).append(file)
    rows: list[str] = []
    for scheme, group in group_by_scheme(grouped):
        root = find_root(job, manifest, scheme)
        with files.make_directories(root) as top:
            opened = {"": top}
            for directory, members in group:
                target = enter(opened, directory)
                cut = len(directory) + 1 if directory else 0
                for file in members:
                    if job.is_checked:
                        check(tree, file)
                    if file.rewritten:
                        write_script(job, tree, file, target)
                    else:
                        files.link(tree, file.archive, target, file.path[cut:])
                if scheme != manifest.root_scheme or directory.startswith(manifest.dist_info):
                    rows += [format_row(make_row(job, root, file)) for file in members]
            forget(opened)
    return rows


def group_by_scheme(
    grouped: dict[tuple[str, str], list[WheelFile]],
) -> Iterable[tuple[str, list[tuple[str, list[WheelFile]]]]]:
    """Give each scheme with its directories and their files."""
    found: dict[str, list[tuple[str, list[WheelFile]]]] = {}
    for (scheme, directory), members in grouped.items():
        found.setdefault(scheme, []).append((directory, members))
    return found.items()


def enter(opened: dict[str, files.Directory], directory: str) -> files.Directory:
    """Open a directory, made with those above it, unless it is open."""
    if len(opened) > OPEN:
        forget(opened)
    if directory not in opened:
        above, _, name = directory.rpartition("/")
        opened[directory] = files.enter(enter(opened, above), name, create=True)
    return opened[directory]


def forget(opened: dict[str, files.Directory]) -> None:
    """Close all but the top."""
    for name in [name for name in opened if name]:
        opened.pop(name).close()


def check(tree: files.Directory, file: WheelFile) -> None:
    """See by one look that a file of the store is what was verified."""
    status = files.look(tree, file.archive)
    mode = 0o100100 if file.executable else 0o100000
    if (
        status is None
        or (status.st_size, int(status.st_mtime)) != (file.size, file.mtime)
        or (status.st_mode & 0o170100 != mode)
    ):
        raise ValueError(f"{file.archive} was changed in the store")


def find_root(job: Job, manifest: Manifest, scheme: str) -> str:
    """Give the directory of a scheme in a virtual environment."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    below = {"scripts": "bin", "data": "", "headers": f"include/site/{version}/{manifest.name}"}
    return os.path.join(job.prefix, below[scheme]) if scheme in below else job.site


def make_row(job: Job, root: str, file: WheelFile) -> Row:
    """Give a file's row of RECORD; what is rewritten has no hash here."""
    path = os.path.relpath(os.path.join(root, file.path), job.site)
    return Row(path, None if file.rewritten else file.digest, None if file.rewritten else file.size)


def write_script(job: Job, tree: files.Directory, file: WheelFile, target: files.Directory) -> None:
    """Write a script with the environment's interpreter in its first line."""
    *above, name = file.archive.split("/")
    with files.enter_path(tree, "/".join(above)) as source:
        body = files.read(source, name, 1 << 30).partition(b"\n")[2]
    files.write(target, file.path.rpartition("/")[2], f"#!{job.prefix}/bin/python\n".encode() + body, mode=0o755)


def write_launchers(job: Job, manifest: Manifest) -> list[str]:
    """Write the launchers of entry points; gives their rows."""
    if not manifest.entry_points:
        return []
    rows = []
    with files.open_root(os.path.join(job.prefix, "bin")) as scripts:
        for point in manifest.entry_points:
            first = point.attribute.partition(".")[0]
            text = LAUNCHER.format(
                python=f"{job.prefix}/bin/python", module=point.module, first=first, call=point.attribute
            )
            files.write(scripts, point.name, text.encode(), mode=0o755)
            rows.append(f"{os.path.relpath(os.path.join(job.prefix, 'bin', point.name), job.site)},,\n")
    return rows


def label(job: Job) -> str:
    """Name a job."""
    return job.wheel


def main(arguments: Sequence[str]) -> int:
    """Install, the largest wheel first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache-dir", required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("wheels", nargs="+")
    options = parser.parse_args(arguments)
    store, prefix = open_store(options.cache_dir), os.path.realpath(options.prefix)
    site = f"{prefix}/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    ordered = sorted(options.wheels, key=os.path.getsize, reverse=True)
    jobs = [Job(store, hash_wheel(store, wheel), prefix, site, options.check) for wheel in ordered]
    pool = workers.Pool(workers.default_count(), label, ignore, lambda: None, workers.default_start_method())
    workers.run(install, jobs, plan=pool)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
