"""A wheel laid out with its library as columns stands as one laid out file by file."""

from __future__ import annotations

import tempfile

from hypothesis import given
from hypothesis import strategies as st

from environments import make_environment
from lugnut.columns import list_folders
from lugnut.distribution import (
    Digest,
    EntryPoint,
    Name,
    RelativePath,
    Row,
    WheelFile,
    WheelHash,
    format_row,
    parse_record,
)
from lugnut.errors import BadWheel
from lugnut.manifest import NO_LIBRARY, Manifest, make_library
from lugnut.plan import Rendered, Wanted, make_record, render, render_info
from lugnut.scripts import make_launchers

DIGEST = Digest("47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU")
PARTS = st.sampled_from(["a", "b", "a.py", "a,b", 'q"', "é", "A", "a-1", "bin", "run"])
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
TREES = st.lists(PATHS, unique=True, max_size=8)
BESIDE = st.lists(st.tuples(st.sampled_from(["purelib", "scripts", "data", "headers"]), PATHS), unique=True, max_size=3)
ENTRIES = st.lists(PARTS.filter(lambda part: "/" not in part), unique=True, max_size=2)


def make_manifest(library: list[str], beside: list[tuple[str, str]], entries: list[str]) -> Manifest:
    def member(scheme: str, path: str, archive: str) -> WheelFile:
        return WheelFile(scheme, path, archive, DIGEST, 0, len(path) % 2 == 0, 315_619_200, rewritten=False)

    outside = sorted(member("purelib", path, path) for path in library)
    others = [member(scheme, path, f"x-1.data/{scheme}/{path}") for scheme, path in beside]
    info = [member("purelib", f"x-1.dist-info/{name}", f"x-1.dist-info/{name}") for name in ("METADATA", "a/LICENSE")]
    return Manifest(
        wheel=WheelHash("0" * 64), filename="x-1-py3-none-any.whl", name=Name("x"), spelled="x", version="1",
        dist_info="x-1.dist-info", purelib=True, tags=(), requires_python="", requires=(), extras=(),
        entry_points=tuple(EntryPoint(name, "m", "f", "console") for name in entries), size=0,
        library=make_library(outside), others=tuple(sorted([*others, *info])),
        record="".join(format_row(Row(file.path, file.digest, file.size)) for file in outside),
    )  # fmt: skip


@given(TREES, BESIDE, ENTRIES, st.sampled_from(["lib/site", ""]))
def test_a_library_is_laid_out_as_its_files_one_by_one(
    library: list[str], beside: list[tuple[str, str]], entries: list[str], purelib: str
) -> None:
    manifest = make_manifest(library, beside, entries)
    apart = manifest._replace(library=NO_LIBRARY, others=manifest.files, record="")
    with tempfile.TemporaryDirectory() as root:
        environment = make_environment(root)
        if not purelib:  # --target: scripts lie below it
            schemes = {"purelib": root, "platlib": root, "headers": f"{root}/include", "scripts": f"{root}/bin"}
            places = {"purelib": "", "platlib": "", "headers": "include/", "scripts": "bin/", "data": ""}
            environment = environment._replace(schemes={**schemes, "data": root}, places=places)

    def lay_out(one: Manifest) -> Rendered | str:
        launchers = make_launchers(environment, one.entry_points)
        try:
            return render(environment, Wanted(one, True, None, 0), launchers, {}, 0)
        except BadWheel as error:
            return str(error)

    def record(one: Rendered) -> str:
        return (make_record(environment, one, render_info(one)).data or b"").decode()

    whole, single = lay_out(manifest), lay_out(apart)
    if isinstance(whole, str) or isinstance(single, str):
        assert type(whole) is type(single), "of several that clash either may be named"
        return
    assert sorted(whole.action.files) == sorted(single.action.files)
    assert whole.action.files.folders == set(list_folders(whole.action.files.paths)) == single.action.files.folders
    assert sorted((one.file.path, one.archive, one.data) for one in whole.origins) == sorted(
        (one.file.path, one.archive, one.data) for one in single.origins
    )
    assert record(whole) == record(single)
    rows = parse_record(record(whole))
    assert rows == sorted(rows)
    outside = {RelativePath(row.path) for row in rows if not row.path.startswith("x-1.dist-info/")}
    assert outside == whole.action.files.unordered
