"""The FROM of one fact: its wrapped scan, and one wrapped scan for every dataset it needs, joined many-to-one.

Every join follows relationships from many rows to one, so the number of rows stays the fact's own: nothing is counted twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from seawall.app.model import Field, Relationship
from seawall.query.sql_conditions import all_of
from seawall.query.sql_paths import path_between, unreachable
from seawall.query.sql_scan import Scans, key_name
from seawall.query.sql_types import quoted


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

    def attach(self, select: exp.Select) -> None:
        """Give `select` its FROM and joins. Call it last, when all columns have been asked for."""
        for node in self._nodes.values():
            if node.step is not None and node.parent is not None:
                node.parent.keys.update(node.step.from_columns)
                node.keys.update(node.step.to_columns)
        for node in self._nodes.values():
            scan = self.scans.scan(node.dataset, node.fields, node.keys, node.alias)
            if node.parent is None:
                select.set("from_", exp.From(this=scan))
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
