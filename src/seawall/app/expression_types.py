"""What a metric's expression gives, as far as its parts tell: counts are whole, the latest of some dates is a date."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlglot import exp

from seawall.app.model import DataType, Semantics

_NUMBERS = ("Integer", "Decimal", "Float")
_CAST: Final[dict[exp.DType, DataType]] = {
    exp.DType.VARCHAR: "String",
    exp.DType.TEXT: "String",
    exp.DType.BOOLEAN: "Boolean",
    exp.DType.DATE: "Date",
    exp.DType.TIME: "Time",
    exp.DType.TIMESTAMP: "DateTime",
    exp.DType.TIMESTAMPTZ: "DateTimeTz",
}
"""Types with a look of their own; the others are numbers."""
_TEXTS = (exp.Lower, exp.Upper, exp.Substring, exp.Trim, exp.Concat, exp.DPipe)
_SAME = (exp.Paren, exp.Filter, exp.Min, exp.Max, exp.Nullif, exp.DateTrunc)
"""What gives the type of what is in it."""
_TRUTHS = (exp.Predicate, exp.Connector, exp.Not, exp.Boolean)


def type_of(tree: exp.Expr, semantics: Semantics) -> DataType | None:
    """The type of an expression whose columns exist; None when it cannot be told."""
    if isinstance(tree, exp.Column):
        return semantics.datasets[tree.table].fields[tree.name].datatype
    if isinstance(tree, exp.Count):
        return "Integer"
    if isinstance(tree, _SAME):
        return type_of(tree.this, semantics)
    if isinstance(tree, exp.Cast):
        return _CAST.get(tree.to.this, "Float")
    if isinstance(tree, _TEXTS):
        return "String"
    if isinstance(tree, exp.Coalesce | exp.Greatest | exp.Least):
        return _common((tree.this, *tree.expressions), semantics)
    if isinstance(tree, exp.Case):
        return _common((*(each.args["true"] for each in tree.args["ifs"]), tree.args.get("default")), semantics)
    if isinstance(tree, exp.Add | exp.Sub):
        sides = {type_of(side, semantics) for side in (tree.this, tree.expression)}
        return "Float" if sides <= {*_NUMBERS} else None
    return "Boolean" if isinstance(tree, _TRUTHS) else "Float"


def _common(parts: Iterable[exp.Expr | None], semantics: Semantics) -> DataType | None:
    """The type of all the parts. NULL takes any, and so does a text, which may be a date."""
    told = [part for part in parts if part is not None and not isinstance(part, exp.Null)]
    found = {type_of(part, semantics) for part in told if not (isinstance(part, exp.Literal) and part.is_string)}
    if len(found) == 1:
        return found.pop()
    return "Float" if found and found <= {*_NUMBERS} else None
