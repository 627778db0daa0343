"""A fact folded before it is joined: rows with the same join key become one, so that a join meets far fewer of them.

`SELECT category, SUM(value) FROM fact LEFT JOIN products … GROUP BY category` is the same sum over sums by product. That holds for sums
of exact numbers, counts, least and greatest values over the fact's own fields, when everything else the query says of the fact
itself are conditions. It pays when the fact leads to one much smaller table; the join is many-to-one, so a row for each key is enough.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlglot import exp

from seawall.app.model import Dataset, DataType, Semantics
from seawall.query.sql_conditions import all_of
from seawall.query.sql_types import aliased, cast, identifier, quoted

FOLDS = 4
"""The fact has at least so many rows for each of the other table's."""
_EXACT: frozenset[DataType] = frozenset({"Integer", "Decimal"})


def folds(semantics: Semantics, fact: str, others: Collection[str], calls: Collection[exp.Expr], sizes: Mapping[str, int]) -> bool:
    """Whether the aggregates of `fact` may be taken before its join to `others`, the datasets it leads to directly, and whether that pays.

    `sizes`: table → how many rows it has, as far as that is known.
    """
    if len(others) != 1 or not calls:
        return False
    (other,) = others
    rows, keys = (sizes.get(semantics.datasets[name].source) for name in (fact, other))
    if rows is None or keys is None or rows < keys * FOLDS:
        return False
    return all(_is_whole(semantics.datasets[fact], call) for call in calls)


def folded(scan: exp.Subquery, calls: Mapping[str, exp.Expr], keys: Sequence[str], conditions: list[exp.Expr]) -> exp.Subquery:
    """`scan` under its own name with a row for each value of `keys`, the columns it is joined by, and each aggregate under its name."""
    shown = [aliased(quoted(key, scan.alias), key) for key in keys] + [aliased(call, name) for name, call in calls.items()]
    select = exp.Select(expressions=shown, from_=exp.From(this=scan))
    if conditions:
        select.set("where", exp.Where(this=all_of(conditions)))
    select.set("group", exp.Group(expressions=[exp.Literal.number(place + 1) for place in range(len(keys))]))
    return exp.Subquery(this=select, alias=exp.TableAlias(this=identifier(scan.alias)))


def unfolded(call: exp.Expr, column: exp.Column) -> exp.Expr:
    """The aggregate of all rows, from `column`, which holds that of each key's."""
    plain = _plain(call)
    if isinstance(plain, exp.Count):
        return cast(exp.Coalesce(this=exp.Sum(this=column), expressions=[exp.Literal.number(0)]), "Integer")
    return type(plain)(this=column)


def _is_whole(fact: Dataset, call: exp.Expr) -> bool:
    """Whether the aggregate of aggregates is the aggregate, to the last digit, and of the fact's own fields."""
    if any(column.table != fact.name for column in call.find_all(exp.Column)):
        return False
    plain = _plain(call)
    if isinstance(plain, exp.Sum):
        return isinstance(plain.this, exp.Column) and fact.fields[plain.this.name].datatype in _EXACT
    return isinstance(plain, exp.Min | exp.Max) or (isinstance(plain, exp.Count) and not isinstance(plain.this, exp.Distinct))


def _plain(call: exp.Expr) -> exp.Expr:
    return call.this if isinstance(call, exp.Filter) else call
