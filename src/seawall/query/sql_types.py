"""Types: from the vocabulary's names to SQL's, typed NULLs, and parameters that carry their type.

Values never become SQL text: a `Binder` hands out numbered parameters (`$1`, `$2`, …), each cast to the type it is compared
with, and keeps the values in order.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime, time

from sqlglot import exp

from seawall.app.model import DataType, Scalar
from seawall.query.errors import InvalidQuery

_Check = Callable[[Scalar], Scalar]
INTEGER_MAX = 2**63 - 1
_DECIMAL = exp.DataType.build("DECIMAL(38, 6)", dialect="duckdb")
_SQL: dict[DataType, exp.DataType] = {
    "String": exp.DataType.build("TEXT"),
    "Integer": exp.DataType.build("BIGINT"),
    "Decimal": _DECIMAL,
    "Float": exp.DataType.build("DOUBLE"),
    "Boolean": exp.DataType.build("BOOLEAN"),
    "Date": exp.DataType.build("DATE"),
    "Time": exp.DataType.build("TIME"),
    "DateTime": exp.DataType.build("TIMESTAMP"),
    "DateTimeTz": exp.DataType.build("TIMESTAMPTZ"),
    "Opaque": exp.DataType.build("TEXT"),
}
_SURROGATE = re.compile("[\ud800-\udfff]")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def cast(expression: exp.Expr, datatype: DataType) -> exp.Cast:
    """`CAST(expression AS …)`."""
    return exp.Cast(this=expression, to=_SQL[datatype].copy())


def typed_null(datatype: DataType) -> exp.Cast:
    """A NULL of the type: what a masked value looks like."""
    return cast(exp.Null(), datatype)


def quoted(name: str, table: str = "") -> exp.Column:
    """A column reference whose name can hold anything."""
    return exp.Column(this=identifier(name), table=identifier(table) if table else None)


def identifier(name: str) -> exp.Identifier:
    """A quoted identifier."""
    return exp.Identifier(this=name, quoted=True)


def aliased(expression: exp.Expr, name: str) -> exp.Alias:
    """`expression AS "name"`."""
    return exp.Alias(this=expression, alias=identifier(name))


class Binder:
    """Collects the values of one query and hands out their parameters."""

    def __init__(self) -> None:
        self.values: list[Scalar] = []

    def bind(self, value: Scalar, datatype: DataType) -> exp.Cast:
        """A parameter for `value` as `datatype`. InvalidQuery when the value is not of that type."""
        self.values.append(checked(value, datatype))
        return cast(exp.Parameter(this=exp.Literal.number(len(self.values))), datatype)


def checked(value: Scalar, datatype: DataType) -> Scalar:
    """`value` in the form it is bound in. Dates and times are ISO 8601 text, decimals exact text."""
    made = _CHECKS[datatype](value)
    if made is None:
        raise InvalidQuery("A value has the wrong type", expected=_EXPECTED[datatype], got=repr(value))
    return made


def is_day(value: Scalar) -> bool:
    """Whether `value` is a date without a time of day."""
    return isinstance(value, str) and _DAY.fullmatch(value) is not None


def _string(value: Scalar) -> Scalar:
    if not isinstance(value, str) or "\0" in value:
        return None
    return value if value.isascii() or not _SURROGATE.search(value) else None


def _integer(value: Scalar) -> Scalar:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= INTEGER_MAX
    return value if fits else None


def _float(value: Scalar) -> Scalar:
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _decimal(value: Scalar) -> Scalar:
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,30}(\.\d{1,12})?", value):
        return value
    number = _float(value)
    return f"{number:.12f}".rstrip("0").rstrip(".") if isinstance(number, float) and abs(number) < 1e30 else None


def _boolean(value: Scalar) -> Scalar:
    return value if isinstance(value, bool) else None


def _iso(parse: type[date] | type[datetime] | type[time]) -> _Check:
    def check(value: Scalar) -> Scalar:
        try:
            return parse.fromisoformat(value).isoformat() if isinstance(value, str) else None
        except ValueError:
            return None

    return check


def _naive(value: Scalar) -> Scalar:
    made = _iso(datetime)(value)
    return made if isinstance(made, str) and datetime.fromisoformat(made).tzinfo is None else None


_CHECKS: dict[DataType, _Check] = {
    "String": _string,
    "Integer": _integer,
    "Decimal": _decimal,
    "Float": _float,
    "Boolean": _boolean,
    "Date": _iso(date),
    "Time": _iso(time),
    "DateTime": _naive,
    "DateTimeTz": _iso(datetime),
    "Opaque": _string,
}
_EXPECTED: dict[DataType, str] = {
    "String": "a text",
    "Integer": "a whole number",
    "Decimal": "a number",
    "Float": "a number",
    "Boolean": "true or false",
    "Date": "a date such as 2017-12-31",
    "Time": "a time such as 17:30:00",
    "DateTime": "a date and time such as 2017-12-31T17:30:00",
    "DateTimeTz": "a date and time with its zone, such as 2017-12-31T17:30:00+00:00",
    "Opaque": "a text",
}
