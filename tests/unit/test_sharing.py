"""When a wheel is shared out among workers, and how its files are cut into parts."""

import pytest

from lugnut.store import sharing
from lugnut.wheel.reading import read_wheel
from wheels import make_wheel

MEGA = 1 << 20


@pytest.mark.parametrize(
    ("sizes", "count", "worth"),
    [
        ([800, 10, 5], 2, True),
        ([60, 60, 60], 2, True),
        ([60, 60], 2, False),
        ([60, 60], 4, True),
        ([61, 59, 55, 54, 35, 17, 9, 1], 2, False),
        ([800], 1, False),
        ([31], 2, False),
        ([], 2, False),
    ],
)
def test_the_largest_is_shared_where_workers_would_wait_for_it(sizes, count, worth):
    assert sharing.worth_sharing([size * MEGA for size in sizes], count) is worth


@pytest.mark.parametrize("count", [1, 2, 7, 1000])
@pytest.mark.parametrize("sizes", [[0] * 10, [10_000_000, 1, 1], [1, 1, 10_000_000], [100_000] * 50])
def test_parts_are_every_file_once_in_order_and_about_as_large(tmp_path, sizes, count):
    path = make_wheel(tmp_path, "x", files={f"m{number:03}": bytes(size) for number, size in enumerate(sizes)})
    with read_wheel(path) as archive:
        whole = [file for file, _ in archive.members()]
        parts = archive.split(count)
        assert len(parts) <= count
        assert [file for part in parts for file, _ in archive.members(part)] == whole
        weights = [sum(file.size + 65_536 for file, _ in archive.members(part)) for part in parts]
        assert max(weights) <= sum(weights) / count + max(file.size + 65_536 for file in whole)
        assert [archive.weigh(part) for part in parts] == [
            sum(file.size for file, _ in archive.members(part)) for part in parts
        ]
