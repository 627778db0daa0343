"""Vetted expressions as syntax trees, parsed once in a process's life. Copy before changing."""

from __future__ import annotations

from functools import lru_cache

from sqlglot import exp

from seawall.app.expressions import aggregates_of, columns_of, parse_expression
from seawall.app.model import Semantics
from seawall.app.paths import fact_of

TREES_MAX = 4096


@lru_cache(maxsize=TREES_MAX)
def tree_of(text: str) -> exp.Expression:
    """The tree of an expression. Shared: callers copy before they change it. InvalidExpression as the grammar says."""
    return parse_expression(text)


@lru_cache(maxsize=TREES_MAX)
def datasets_in(text: str) -> frozenset[str]:
    """The datasets that a metric's expression names."""
    return frozenset(dataset for dataset, _ in columns_of(tree_of(text)) if dataset)


def facts_in(semantics: Semantics, text: str) -> frozenset[str]:
    """The datasets that the aggregates of a metric's expression are computed on."""
    return frozenset(fact_of(semantics, (dataset for dataset, _ in columns_of(call))) for call in aggregates_of(tree_of(text)))
