"""The FROM of one fact: its wrapped scan, and one wrapped scan for every dataset it needs, joined many-to-one.

Every join follows relationships from many rows to one, so the number of rows stays the fact's own: nothing is counted twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlglot import exp

from seawall.app.model import Field, Relationship
from seawall.query.sql_conditions import all_of
from seawall.query.sql_paths import path_between, unreachable
from seawall.query.sql_scan import Scans, key_name
from seawall.query.sql_types import quoted

Fold = Callable[[exp.Subquery, list[str]], exp.Subquery]
"""Puts something around a fact's scan that keeps its name and the columns it is joined by."""


@dataclass
class _Node:
    """One scan of the join tree and what is wanted of it."""

    alias: str
    dataset: str
    parent: _Node | None = None
    step: Relationship | None = None
    fields: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)


class FactSource:
    """Rows of one fact with the fields of all datasets reached from it."""

    def __init__(self, scans: Scans, fact: str) -> None:
        self.scans = scans
        self.fact = fact
        self._nodes: dict[tuple[str, ...], _Node] = {(): _Node(fact, fact)}

    def column(self, wanted: Field) -> exp.Column:
        """A reference to the field. InvalidQuery when a row of the fact has no single row of its dataset."""
        node = self._reached(wanted.dataset)
        node.fields.add(wanted.name)
        return quoted(wanted.name, node.alias)

    def leads_to(self) -> list[str]:
        """The datasets that the fact is joined to directly, by the columns asked for so far."""
        return [node.dataset for node in self._nodes.values() if node.parent is not None and node.parent.parent is None]

    def attach(self, select: exp.Select, fold: Fold | None = None) -> None:
        """Give `select` its FROM and joins, the fact through `fold`. Call it last, when all columns have been asked for."""
        for node in self._nodes.values():
            if node.step is not None and node.parent is not None:
                node.parent.keys.update(node.step.from_columns)
                node.keys.update(node.step.to_columns)
        for node in self._nodes.values():
            scan = self.scans.scan(node.dataset, node.fields, node.keys, node.alias)
            if node.parent is None:
                keys = [key_name(key) for key in sorted(node.keys)]
                select.set("from_", exp.From(this=fold(scan, keys) if fold is not None else scan))
            else:
                select.append("joins", exp.Join(this=scan, side="LEFT", on=_ties(node)))

    def _reached(self, dataset: str) -> _Node:
        vocabulary = self.scans.vocabulary
        path = path_between(vocabulary.semantics, self.fact, dataset)
        if any(step.to not in vocabulary.policy.datasets for step in path):
            raise unreachable(self.fact, dataset)
        node = self._nodes[()]
        for length in range(1, len(path) + 1):
            place = tuple(step.name for step in path[:length])
            if place not in self._nodes:
                step = path[length - 1]
                self._nodes[place] = _Node(self._alias(step.to), step.to, node, step)
            node = self._nodes[place]
        return node

    def _alias(self, dataset: str) -> str:
        taken = {node.alias for node in self._nodes.values()}
        return dataset if dataset not in taken else f"{dataset}#{len(taken)}"


def _ties(node: _Node) -> exp.Expr:
    if node.step is None or node.parent is None:
        return exp.true()
    pairs = zip(node.step.from_columns, node.step.to_columns, strict=True)
    return all_of(
        [exp.EQ(this=quoted(key_name(left), node.parent.alias), expression=quoted(key_name(right), node.alias)) for left, right in pairs]
    )
