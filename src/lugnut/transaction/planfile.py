"""A plan as bytes, and back: what a transaction publishes is what whoever meets it, or recovers it, reads. Pure.

Files stay columns (`lugnut.columns.Files`): those of a wheel go from its manifest to the plan as they are.
"""

from __future__ import annotations

import hashlib
import marshal

from lugnut.columns import Files
from lugnut.plan import Action, Old, Plan
from lugnut.typed import Any

PLAN_FORMAT = 2


def format_plan(plan: Plan) -> bytes:
    """Write a plan: a line `lugnut plan 2 <sha256>`, then marshal (version 4: the same for every CPython)."""
    body = marshal.dumps(_plain(plan), 4)
    return f"lugnut plan {PLAN_FORMAT} {hashlib.sha256(body).hexdigest()}\n".encode() + body


def parse_plan(data: bytes) -> Plan:
    """Read a plan; raises ValueError where it is torn or not one this lugnut knows."""
    head, _, body = data.partition(b"\n")
    words = head.decode("ascii", "replace").split()
    if words[:2] != ["lugnut", "plan"] or len(words) != 4:  # noqa: PLR2004 - the four words of the head
        raise ValueError("it is not a plan")
    if words[2] != str(PLAN_FORMAT):
        raise ValueError(f"it has format {words[2]}, this lugnut reads {PLAN_FORMAT}")
    if words[3] != hashlib.sha256(body).hexdigest():
        raise ValueError("its checksum is wrong")
    actions, directories, adopted, forced = marshal.loads(body)  # noqa: S302 - behind its checksum
    return Plan(tuple(_read_action(action) for action in actions), directories, adopted, forced)


def _plain(plan: Plan) -> tuple[Any, ...]:
    """Give a plan as plain tuples: marshal takes no subclasses of them."""
    actions = tuple(
        tuple(action._replace(files=action.files.blocks, olds=tuple(map(_plain_old, action.olds))))  # type: ignore[arg-type]
        for action in plan.actions
    )
    return (actions, *(tuple(part) for part in plan[1:]))


def _plain_old(old: Old) -> tuple[Any, ...]:
    return tuple(old._replace(files=Files.of(old.files).blocks))  # type: ignore[arg-type]


def _read_action(values: tuple[Any, ...]) -> Action:
    action = Action(*values)
    return action._replace(files=Files(action.files), olds=tuple(map(_read_old, action.olds)))  # type: ignore[arg-type]


def _read_old(values: tuple[Any, ...]) -> Old:
    old = Old(*values)
    return old._replace(files=Files(old.files))  # type: ignore[arg-type]
