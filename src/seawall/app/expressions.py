"""The expressions an app may hold: SQL text → a vetted syntax tree.

Allowed: literals, columns, arithmetic, comparisons, AND OR NOT, CASE, CAST, COALESCE, NULLIF, IN with literals, BETWEEN,
IS NULL, LIKE, a short list of scalar functions, and SUM COUNT AVG MIN MAX (COUNT DISTINCT, FILTER). Refused: subqueries,
windows, table functions, file names, parameters, every other function (`grammar.py`).
"""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from seawall.app.grammar import AGGREGATES, InvalidExpression, syntax_error, vet, vet_tokens


def parse_expression(text: str) -> exp.Expression:
    """The syntax tree of a vetted expression, comments gone and every name quoted. InvalidExpression otherwise."""
    vet_tokens(text)
    try:
        trees = sqlglot.parse(text)
    except (SqlglotError, RecursionError, ValueError) as error:
        raise syntax_error(error, text) from error
    if len(trees) != 1 or not isinstance(trees[0], exp.Expression):
        raise InvalidExpression(
            "The text is not one expression", expected="one SQL expression", got=repr(text[:60]), fix="Write one expression"
        )
    tree = trees[0]
    for node in tree.walk():
        node.pop_comments()
        vet(node)
    for name in tree.find_all(exp.Identifier):
        name.set("quoted", True)
    return tree


def columns_of(tree: exp.Expr) -> tuple[tuple[str, str], ...]:
    """Each column once, as (dataset, name), in order of appearance; dataset "" when the name stands alone."""
    return tuple(dict.fromkeys((column.table, column.name) for column in tree.find_all(exp.Column, bfs=False)))


def aggregates_of(tree: exp.Expr) -> tuple[exp.Expr, ...]:
    """The aggregate calls, each with its FILTER when it has one, in order of appearance."""
    calls = tree.find_all(*AGGREGATES, bfs=False)
    return tuple(call.parent if isinstance(call.parent, exp.Filter) else call for call in calls)


def parse_scalar(text: str) -> exp.Expression:
    """An expression over the columns of one table: no aggregates, no qualified names."""
    tree = parse_expression(text)
    if aggregates_of(tree):
        raise InvalidExpression("A field may not aggregate", expected="an expression over one row", fix="Make it a metric")
    for dataset, name in columns_of(tree):
        if dataset:
            raise InvalidExpression(
                "A field may use only columns of its own table",
                got=f"{dataset}.{name}",
                fix=f"Write `{name}`, or use a relationship",
                offset=_find(text, name),
            )
    return tree


def parse_metric(text: str) -> exp.Expression:
    """An aggregate expression over `dataset.field` names: at least one aggregate, none inside another, no field outside one."""
    tree = parse_expression(text)
    calls = aggregates_of(tree)
    if not calls:
        raise InvalidExpression(
            "A metric must aggregate", expected="SUM, COUNT, AVG, MIN or MAX", fix="Wrap the field, as in SUM(sales.amount)"
        )
    for call in calls:
        _vet_aggregate(call, text)
    for column in tree.find_all(exp.Column):
        if column.find_ancestor(*AGGREGATES, exp.Filter) is None:
            raise InvalidExpression(
                "A field stands outside an aggregate", got=column.sql(), fix="Wrap it in SUM, MIN or MAX", offset=_find(text, column.name)
            )
        if not column.table:
            raise InvalidExpression(
                "A metric names fields as `dataset.field`",
                got=column.name,
                fix=f"Write DATASET.{column.name}",
                offset=_find(text, column.name),
            )
    return tree


def _vet_aggregate(call: exp.Expr, text: str) -> None:
    aggregate = call.this if isinstance(call, exp.Filter) else call
    if any(isinstance(inner, AGGREGATES) for inner in call.walk() if inner is not aggregate):
        raise InvalidExpression("An aggregate stands inside another", fix="Aggregate once; divide or add outside")
    if not columns_of(call):
        fix = "Name a field, as in COUNT(sales.id)"
        raise InvalidExpression("An aggregate names no field, so its dataset is unknown", got=call.sql(), fix=fix, offset=_find(text, "("))


def _find(text: str, word: str) -> int:
    return max(0, text.find(word))
