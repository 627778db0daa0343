"""Tables and columns as databases know them.

DuckDB ignores the case of names, quoted ones too, so it is ignored wherever names are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from seawall.app.expressions import columns_of, parse_expression
from seawall.app.model import Dataset, Field, Semantics

Table = tuple[str, str]
"""An engine, and a table's name there in small letters."""
Column = tuple[Table, str]
EXPRESSIONS_MAX = 8192


def table_of(dataset: Dataset) -> Table:
    """The table a dataset reads."""
    return dataset.engine, dataset.source.casefold()


@lru_cache(maxsize=EXPRESSIONS_MAX)
def columns_in(expression: str) -> frozenset[str]:
    """The columns an expression is made of, in small letters; none when it is broken, which is "" by now."""
    return frozenset(name.casefold() for _, name in columns_of(parse_expression(expression))) if expression else frozenset()


def siblings(datasets: Iterable[Dataset]) -> Iterator[list[Dataset]]:
    """The datasets by the table they read, at least one each."""
    found: dict[Table, list[Dataset]] = {}
    for dataset in datasets:
        found.setdefault(table_of(dataset), []).append(dataset)
    yield from found.values()


class SameColumns:
    """Which columns hold the same values: one of a table under all its names, and those that relationships hold equal."""

    def __init__(self, semantics: Semantics) -> None:
        self._datasets = semantics.datasets
        self._parents: dict[Column, Column] = {}
        for step in semantics.relationships:
            if step.from_ in self._datasets and step.to in self._datasets:
                for left, right in zip(step.from_columns, step.to_columns, strict=False):
                    self._parents[self._root(self._column(step.from_, left))] = self._root(self._column(step.to, right))

    def of(self, field: Field) -> frozenset[Column]:
        """What a field shows: one column for each set of those that are the same."""
        return frozenset(self._root(self._column(field.dataset, name)) for name in columns_in(field.expression))

    def _column(self, dataset: str, name: str) -> Column:
        return table_of(self._datasets[dataset]), name.casefold()

    def _root(self, column: Column) -> Column:
        while (parent := self._parents.get(column, column)) != column:
            column = parent
        return column
