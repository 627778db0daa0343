"""The last look at a statement before it becomes text: every table inside a policy's wrapper, nothing outside the allow-list.

The compiler builds such trees and no others; this check stands on its own so that a fault there fails closed.
"""

from __future__ import annotations

from sqlglot import exp

from seawall.app.model import Semantics
from seawall.query.errors import InvalidQuery

_STRUCTURE: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.Select,
        exp.Subquery,
        exp.Union,
        exp.With,
        exp.CTE,
        exp.From,
        exp.Join,
        exp.Where,
        exp.Group,
        exp.Having,
        exp.Order,
        exp.Ordered,
        exp.Limit,
    }
    | {
        exp.Table,
        exp.TableAlias,
        exp.Alias,
        exp.Column,
        exp.Identifier,
        exp.Literal,
        exp.Parameter,
        exp.Null,
        exp.Boolean,
        exp.Star,
        exp.Paren,
    }
    | {exp.Cast, exp.DataType, exp.DataTypeParam, exp.Interval, exp.Var, exp.Tuple, exp.Exists, exp.Filter, exp.Distinct}
    | {
        exp.And,
        exp.Or,
        exp.Not,
        exp.Neg,
        exp.EQ,
        exp.NEQ,
        exp.GT,
        exp.GTE,
        exp.LT,
        exp.LTE,
        exp.Is,
        exp.In,
        exp.Between,
        exp.Like,
        exp.Escape,
    }
    | {exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.DPipe, exp.Case, exp.If, exp.Coalesce, exp.Nullif}
)
_FUNCTIONS: frozenset[type[exp.Expr]] = frozenset(
    {exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Count, exp.Round, exp.Abs, exp.Floor, exp.Ceil, exp.Greatest, exp.Least}
    | {exp.Lower, exp.Upper, exp.Length, exp.Substring, exp.Trim, exp.Concat, exp.StrPosition}
    | {exp.DateTrunc, exp.TimestampTrunc, exp.Extract, exp.Year, exp.Quarter, exp.Month, exp.Week, exp.Day, exp.DayOfWeek}
)
ALLOWED = _STRUCTURE | _FUNCTIONS


def vouch(tree: exp.Expr, semantics: Semantics) -> None:
    """Raise InvalidQuery unless `tree` is what this compiler may emit."""
    sources = {name: dataset.source for name, dataset in semantics.datasets.items()}
    ctes: set[str] = {cte.alias for cte in tree.find_all(exp.CTE)}
    for node in tree.walk():
        if type(node) not in ALLOWED:
            raise InvalidQuery("The query holds something that may not run", got=type(node).__name__)
        if isinstance(node, exp.Table) and not (node.name in ctes and " " in node.name and not node.db):
            if not is_wrapped(node, sources):
                raise InvalidQuery("The query reads a table outside its policy", got=node.name[:60])
            if not _in_its_schema(node, semantics):
                raise InvalidQuery("The query reads a table of another schema", got=f"{node.db}.{node.name}"[:60])


def _in_its_schema(table: exp.Table, semantics: Semantics) -> bool:
    """Whether a wrapped table of an operational dataset stands in a schema of apps, any other in none."""
    select = table.find_ancestor(exp.Select)
    if select is None or table.catalog:
        return False
    operational = semantics.datasets[str(select.meta["wraps"])].engine == "operational"
    return table.db.startswith("app_") if operational else not table.db


def is_wrapped(table: exp.Table, sources: dict[str, str]) -> bool:
    """Whether the table is the whole FROM of a wrapper made for its dataset."""
    select = table.find_ancestor(exp.Select)
    if select is None or not isinstance(table.parent, exp.From) or table.parent.parent is not select or select.args.get("joins"):
        return False
    return sources.get(str(select.meta.get("wraps"))) == table.name and isinstance(select.parent, exp.Subquery)
