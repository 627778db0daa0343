"""Metrics taken apart: the aggregates of each fact, and what is computed from them once they stand side by side.

An aggregate belongs to one fact, the dataset whose rows lead to all others it names. Metrics that share an aggregate
share its computation. A count over no rows is 0, every other aggregate over no rows is NULL.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from seawall.app.expressions import aggregates_of
from seawall.app.model import Metric
from seawall.app.paths import NoPath, fact_of
from seawall.query.compile_names import Vocabulary
from seawall.query.errors import InvalidQuery
from seawall.query.sql_expressions import portable
from seawall.query.sql_joins import FactSource
from seawall.query.sql_tree import tree_of
from seawall.query.sql_types import quoted, typed_null


class Measures:
    """The aggregates of several metrics, by fact, under short names."""

    def __init__(self, vocabulary: Vocabulary, metrics: Sequence[Metric], dialect: str) -> None:
        self._vocabulary = vocabulary
        self._dialect = dialect
        self._names: dict[tuple[str, str], str] = {}
        self.by_fact: dict[str, dict[str, exp.Expr]] = {}
        """Fact → short name → aggregate over `dataset.field` columns."""
        self.masked = {metric.name: self._is_masked(metric) for metric in metrics}
        self._outer = {metric.name: self._split(metric) for metric in metrics}

    def value(self, metric: Metric) -> exp.Expr:
        """The metric computed from the short names; a typed NULL when it reads a masked field."""
        return typed_null(metric.datatype) if self.masked[metric.name] else self._outer[metric.name].copy()

    def counts(self, name: str) -> bool:
        """Whether the aggregate under this short name is a count."""
        found = next(aggregates[name] for aggregates in self.by_fact.values() if name in aggregates)
        return isinstance(found.this if isinstance(found, exp.Filter) else found, exp.Count)

    def _split(self, metric: Metric) -> exp.Expr:
        tree = portable(tree_of(metric.expression), self._dialect)
        root = exp.Paren(this=tree)
        for call in aggregates_of(root):
            call.replace(quoted(self._named(call, metric)))
        if any(column.table for column in root.find_all(exp.Column)):
            raise InvalidQuery(f"The metric {metric.name} uses a field outside an aggregate", fix="Wrap it in SUM, MIN or MAX")
        return root.this  # type: ignore[no-any-return]

    def _named(self, call: exp.Expr, metric: Metric) -> str:
        datasets = {column.table for column in call.find_all(exp.Column)}
        try:
            fact = fact_of(self._vocabulary.semantics, datasets)
        except NoPath as error:
            raise InvalidQuery(f"The metric {metric.name} aggregates datasets that do not lead to each other", got=call.sql()) from error
        key = (fact, call.sql())
        if key not in self._names:
            self._names[key] = f"#{len(self._names)}"
            self.by_fact.setdefault(fact, {})[self._names[key]] = call.copy()
        return self._names[key]

    def _is_masked(self, metric: Metric) -> bool:
        columns = tree_of(metric.expression).find_all(exp.Column)
        return any(self._vocabulary.is_masked(self._vocabulary.field(f"{column.table}.{column.name}")) for column in columns)


def over(source: FactSource, aggregate: exp.Expr) -> exp.Expr:
    """The aggregate with its fields taken from `source`."""
    vocabulary = source.scans.vocabulary

    def located(node: exp.Expr) -> exp.Expr:
        return source.column(vocabulary.field(f"{node.table}.{node.name}")) if isinstance(node, exp.Column) else node

    return aggregate.copy().transform(located, copy=False)
