"""From typed filters to SQL conditions over one expression. Values are bound; NULL satisfies `is_null` only.

Text search (`contains`, `starts_with`) ignores case. A date-only value compared with a date-and-time field means the whole
day: `sold_at <= 2017-03-31` includes that evening.
"""

from __future__ import annotations

from datetime import date, timedelta

from sqlglot import exp

from seawall.app.model import DataType, Field, Filter, Scalar
from seawall.query.errors import InvalidQuery
from seawall.query.periods import Span, span_of
from seawall.query.sql_types import Binder, is_day

VALUES_MAX = 1000
_COMPARISONS: dict[str, type[exp.Binary]] = {"eq": exp.EQ, "ne": exp.NEQ, "lt": exp.LT, "le": exp.LTE, "gt": exp.GT, "ge": exp.GTE}
_TEXT_OPS = {"contains", "starts_with"}
_TIMES: frozenset[DataType] = frozenset({"DateTime", "DateTimeTz"})


def condition(column: exp.Expr, field: Field, wanted: Filter, binder: Binder, as_of: date | None) -> exp.Expr:
    """`wanted` as a condition on `column`, which holds the values of `field`. InvalidQuery when a value does not fit."""
    values = wanted.values
    if wanted.op in {"is_null", "not_null"}:
        return _null_test(column, wanted.op == "not_null")
    if wanted.op in {"in", "not_in"}:
        return _membership(column, field, values, binder, negated=wanted.op == "not_in")
    if len(values) != 1:
        raise InvalidQuery(f"A condition on {field.ref} needs one value", expected="one value", got=f"{len(values)} values")
    if wanted.op in _TEXT_OPS:
        return _text_search(column, field, values[0], wanted.op, binder)
    if wanted.op == "during":
        return span_condition(column, field, span_of(str(values[0]), as_of, field.week_starts), binder)
    if values[0] is None and wanted.op in {"eq", "ne"}:
        return _null_test(column, wanted.op == "ne")
    if field.datatype in _TIMES and is_day(values[0]):
        return _day_comparison(column, field, wanted.op, str(values[0]), binder)
    return _COMPARISONS[wanted.op](this=column, expression=binder.bind(values[0], field.datatype))


def span_condition(column: exp.Expr, field: Field, span: Span, binder: Binder) -> exp.Expr:
    """Whether the time in `column` lies in the span."""
    if field.datatype not in {*_TIMES, "Date"}:
        raise InvalidQuery(f"{field.ref} is not a time", expected="a date, or a date and time", got=field.datatype)
    parts: list[exp.Expr] = []
    if span.start is not None:
        parts.append(exp.GTE(this=column.copy(), expression=_midnight(span.start, field, binder)))
    if span.end is not None:
        parts.append(exp.LT(this=column.copy(), expression=_midnight(span.end, field, binder)))
    return all_of(parts)


def all_of(conditions: list[exp.Expr]) -> exp.Expr:
    """All of them; TRUE when there are none."""
    return _chain(exp.And, conditions, exp.true())


def any_of(conditions: list[exp.Expr]) -> exp.Expr:
    """Any of them; FALSE when there are none."""
    return _chain(exp.Or, conditions, exp.false())


def _chain(connector: type[exp.Connector], conditions: list[exp.Expr], empty: exp.Expr) -> exp.Expr:
    if not conditions:
        return empty
    made = exp.paren(conditions[0], copy=False) if isinstance(conditions[0], exp.Connector) else conditions[0]
    for following in conditions[1:]:
        right = exp.paren(following, copy=False) if isinstance(following, exp.Connector) else following
        made = connector(this=made, expression=right)
    return made


def _null_test(column: exp.Expr, negated: bool) -> exp.Expr:
    test = exp.Is(this=column, expression=exp.Null())
    return exp.Not(this=test) if negated else test


def _membership(column: exp.Expr, field: Field, values: tuple[Scalar, ...], binder: Binder, *, negated: bool) -> exp.Expr:
    if len(values) > VALUES_MAX:
        raise InvalidQuery(f"Too many values for {field.ref}", expected=f"at most {VALUES_MAX}", got=str(len(values)))
    present = [value for value in values if value is not None]
    if field.datatype in _TIMES and any(is_day(value) for value in present):
        found = any_of([_one_of(column.copy(), field, value, binder) for value in present])
    elif present:
        found = exp.In(this=column.copy(), expressions=[binder.bind(value, field.datatype) for value in present])
    else:
        found = exp.false()
    if negated:
        return all_of([_null_test(column.copy(), negated=True), exp.Not(this=exp.paren(found, copy=False))])
    return found if len(present) == len(values) else any_of([found, _null_test(column.copy(), negated=False)])


def _one_of(column: exp.Expr, field: Field, value: Scalar, binder: Binder) -> exp.Expr:
    if is_day(value):
        return _day_comparison(column, field, "eq", str(value), binder)
    return exp.EQ(this=column, expression=binder.bind(value, field.datatype))


def _text_search(column: exp.Expr, field: Field, value: Scalar, op: str, binder: Binder) -> exp.Expr:
    if field.datatype not in {"String", "Opaque"} or not isinstance(value, str):
        raise InvalidQuery(f"Text search on {field.ref}", expected="a text field and a text", got=f"{field.datatype} and {value!r}")
    position = exp.StrPosition(this=exp.Lower(this=column), substr=exp.Lower(this=binder.bind(value, "String")))
    zero_or_one = exp.Literal.number(0 if op == "contains" else 1)
    return exp.GT(this=position, expression=zero_or_one) if op == "contains" else exp.EQ(this=position, expression=zero_or_one)


def _day_comparison(column: exp.Expr, field: Field, op: str, text: str, binder: Binder) -> exp.Expr:
    try:
        day = date.fromisoformat(text)
        following = day + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise InvalidQuery("A value has the wrong type", expected="a date such as 2017-12-31", got=repr(text)) from error
    if op in {"eq", "ne"}:
        inside = span_condition(column, field, Span(day, following), binder)
        return inside if op == "eq" else exp.Not(this=exp.paren(inside, copy=False))
    bound = following if op in {"le", "gt"} else day
    comparison = exp.LT if op in {"le", "lt"} else exp.GTE
    return comparison(this=column, expression=_midnight(bound, field, binder))


def _midnight(day: date, field: Field, binder: Binder) -> exp.Expr:
    suffix = {"Date": "", "DateTime": "T00:00:00", "DateTimeTz": "T00:00:00+00:00"}[field.datatype]
    return binder.bind(day.isoformat() + suffix, field.datatype)
