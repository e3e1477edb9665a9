"""What runs that have not committed found there: by path and content, and who brings the same without knowing of it."""

from __future__ import annotations

from lugnut.columns import File
from lugnut.distribution import Digest, RelativePath
from lugnut.transaction.adopted import Adopted, Found

SAME, OTHER = Digest("same"), Digest("other")
PATH = "S/a.py"


def found(transaction: str, digest: Digest, *keys: str) -> Found:
    return Found(transaction, [frozenset(keys)], [{"s": {"a.py": File(RelativePath("s/a.py"), digest, 1, False)}}])


def test_a_content_is_a_users_where_the_very_run_that_found_it_brings_the_same() -> None:
    adopted = Adopted(str.lower, [found("1", OTHER, "s/a.py"), found("2", SAME)])
    assert adopted.has(PATH, OTHER)
    assert not adopted.has(PATH, SAME)
    assert not adopted.has(PATH, None)
    assert not adopted.has("s/b.py", OTHER)


def test_its_heirs_bring_the_same_and_do_not_know_of_it() -> None:
    runs = [found("1", SAME, "s/a.py"), found("2", SAME), found("3", OTHER)]
    assert Adopted(str.lower, runs).heirs(PATH, SAME) == {"2"}
