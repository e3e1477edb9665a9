"""The graph of requirements hung up as a tree, as `uv pip tree` has it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lugnut.answers import Branch, DependencyTree
from lugnut.distribution import Name
from lugnut.environment import Environment
from lugnut.inventory.graph import Graph, read_graph
from lugnut.typed import NamedTuple

Needs = Mapping[Name, Mapping[Name, str]]
DEEPEST = 255


class Shape(NamedTuple):
    """How a tree is wished for."""

    depth: int = DEEPEST
    """Levels below the roots."""
    packages: frozenset[Name] = frozenset()
    """Only these and what hangs from them; empty for all."""
    prune: frozenset[Name] = frozenset()
    """Neither these nor what hangs from them alone."""
    invert: bool = False
    """From what is needed to what needs it."""
    dedupe: bool = True
    """Leave out the branches of what was shown before."""


def show_tree(environment: Environment, shape: Shape) -> DependencyTree:
    """Read what is installed and give the tree of its requirements."""
    graph = read_graph(environment)
    missing = tuple(sorted(shape.packages - graph.versions.keys()))
    return DependencyTree(environment.prefix, grow(graph, shape), missing, shape.invert, shape.dedupe)


def grow(graph: Graph, shape: Shape) -> tuple[Branch, ...]:
    """Hang up the graph from those that nothing else needs; of a cycle that nothing else needs, from one of it."""
    needs = _prune(graph.needs, shape.prune)
    if shape.invert:
        needs = _invert(needs)
    if shape.packages:
        reached = _reach(needs, shape.packages & needs.keys())
        needs = {name: needs[name] for name in needs if name in reached}
    climber = _Climber(graph, needs, shape)
    return tuple(climber.climb(root, "") for root in _find_roots(needs, shape.packages))


class _Climber:
    """Goes through the graph, depth first, and remembers where it has been."""

    def __init__(self, graph: Graph, needs: Needs, shape: Shape) -> None:
        self._graph = graph
        self._needs = needs
        self._shape = shape
        self._seen: set[Name] = set()
        self._path: list[Name] = []

    def climb(self, name: Name, required: str) -> Branch:
        """Give the branch of one name."""
        version, children = self._graph.versions[name], self._needs[name]
        if name in self._seen and (self._shape.dedupe or name in self._path):
            return Branch(name, version, required, repeated=bool(children))
        self._seen.add(name)
        self._path.append(name)
        deep = len(self._path) > self._shape.depth
        branches = () if deep else tuple(self.climb(child, children[child]) for child in sorted(children))
        self._path.pop()
        return Branch(name, version, required, False, branches)


def _prune(needs: Needs, without: frozenset[Name]) -> Needs:
    return {
        name: {child: text for child, text in children.items() if child not in without}
        for name, children in needs.items()
        if name not in without
    }


def _invert(needs: Needs) -> Needs:
    inverted: dict[Name, dict[Name, str]] = {name: {} for name in needs}
    for name, children in needs.items():
        for child, text in children.items():
            inverted[child][name] = text
    return inverted


def _reach(needs: Needs, start: Iterable[Name]) -> set[Name]:
    reached = set(start)
    left = list(reached)
    while left:
        found = needs[left.pop()].keys() - reached
        reached |= found
        left += found
    return reached


def _find_roots(needs: Needs, named: frozenset[Name]) -> list[Name]:
    """Find those that nothing else needs; sorted.

    Of a circle that nothing else needs, that is one of it: one that was named, or the first by name.
    """
    above = _invert(needs)
    roots = [name for name in needs if not above[name]]
    reached = _reach(needs, roots)
    for name in sorted(needs):
        circle = _reach(above, [name]) if name not in reached else set()
        if circle and circle <= (below := _reach(needs, [name])):
            roots.append(min(circle & named or circle))
            reached |= below
    return sorted(roots)
