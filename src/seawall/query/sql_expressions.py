"""App expressions made to mean the same on every engine.

A division or remainder by zero is NULL (DuckDB would say infinity, Postgres would fail); whole numbers divide into
fractions (sqlglot casts for Postgres); rounding to places works on floating point numbers.
"""

from __future__ import annotations

from sqlglot import exp

_DOUBLE = exp.DataType.build("DOUBLE")
_DECIMAL = exp.DataType.build("DECIMAL")


def portable(tree: exp.Expr, dialect: str) -> exp.Expr:
    """A copy of `tree` with the engines' differences evened out."""
    return tree.copy().transform(lambda node: _even(node, dialect), copy=False)


def _even(node: exp.Expr, dialect: str) -> exp.Expr:
    if isinstance(node, exp.Div | exp.Mod) and not isinstance(node.expression, exp.Nullif):
        zero = exp.Literal.number(0)
        node.set("expression", exp.Nullif(this=exp.paren(node.expression, copy=False), expression=zero))
    if isinstance(node, exp.Round) and node.args.get("decimals") is not None and dialect == "postgres" and not node.meta.get("evened"):
        node.meta["evened"] = True
        node.set("this", exp.Cast(this=node.this, to=_DECIMAL.copy()))
        return exp.Cast(this=node, to=_DOUBLE.copy())
    return node
