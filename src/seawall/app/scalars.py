"""Constants in conditions, held to the type of the field they are compared with."""

from __future__ import annotations

import re
from datetime import date, datetime, time

from seawall.app.model import DATED, DataType, Operator, Scalar
from seawall.core.errors import InvalidInput

_TEXT_OPERATORS = frozenset({"contains", "starts_with"})
_ORDER_OPERATORS = frozenset({"lt", "le", "gt", "ge"})
NULL_TESTS = frozenset({"is_null", "not_null"})
LIST_OPERATORS = frozenset({"in", "not_in"})
PERIODS_MAX: dict[str, int] = {"day": 10_000, "week": 10_000, "month": 10_000, "quarter": 4_000, "year": 1_000}
"""How far back `last_N_…` may count, so that it does not end before there were dates."""
INTEGERS_BELOW, DECIMALS_BELOW = 2.0**63, 1e30
"""What 64 bits hold, and what the databases' decimals do."""
_RELATIVE = re.compile(r"last_(\d{1,5})_(day|week|month|quarter|year)s?|this_(?:day|week|month|quarter|year)")
_SPAN = re.compile(r"(\d{4}-\d{2}-\d{2})?\.\.(\d{4}-\d{2}-\d{2})?")
_WHOLE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_WORDS: dict[str, str] = {
    "Integer": "a whole number",
    "Decimal": "a number",
    "Float": "a number",
    "Boolean": "true or false",
    "Date": "a date like 2017-01-31",
    "Time": "a time like 13:45",
    "DateTime": "a date and time like 2017-01-31T13:45",
    "DateTimeTz": "a date and time with offset like 2017-01-31T13:45+01:00",
}


class InvalidValue(InvalidInput):
    """The value does not fit the field's type."""

    slug = "invalid-value"


def check_period(value: Scalar) -> str:
    """A period as `during` takes it, whose days exist and are in order. InvalidValue otherwise."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    try:
        is_period = _is_relative(text) or _is_span(text) or _is_whole(text)
    except ValueError:
        is_period = False
    if not is_period:
        raise InvalidValue(expected="a period: 2017-01-01..2017-03-31, 2017-04, last_4_weeks or this_month", got=repr(value)[:60])
    return text


def _is_relative(text: str) -> bool:
    match = _RELATIVE.fullmatch(text)
    return match is not None and (match[1] is None or 1 <= int(match[1]) <= PERIODS_MAX[match[2]])


def _is_span(text: str) -> bool:
    match = _SPAN.fullmatch(text)
    ends = [date.fromisoformat(end) for end in match.groups() if end] if match is not None else []
    return bool(ends) and ends == sorted(ends) and ends[-1] < date.max


def _is_whole(text: str) -> bool:
    match = _WHOLE.fullmatch(text)
    return match is not None and date(int(match[1]), int(match[2] or 1), int(match[3] or 1)).year < date.max.year


def coerce(value: Scalar, datatype: DataType) -> Scalar:
    """`value` as a field of `datatype` holds it; texts from URLs are read. InvalidValue otherwise.

    Dates stay ISO texts; a date alone stays one also for a date and time, where the compiler reads it as the whole day.
    """
    try:
        return _coerced(value, datatype)
    except (ValueError, OverflowError):
        raise InvalidValue(expected=_WORDS.get(datatype, "a text"), got=repr(value)[:60]) from None


def _coerced(value: Scalar, datatype: DataType) -> Scalar:
    if datatype in ("Integer", "Decimal", "Float"):
        return _number(value, whole=datatype == "Integer")
    if datatype == "Boolean":
        return _truth(value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if datatype == "Date":
        return date.fromisoformat(text).isoformat()
    if datatype == "Time":
        return time.fromisoformat(text).isoformat()
    if datatype in ("DateTime", "DateTimeTz"):
        return _moment(text, datatype)
    return text


def _moment(text: str, datatype: DataType) -> str:
    """A day that has a next one, since it stands for all of it, or a moment; with an offset only where the field has them."""
    moment = datetime.fromisoformat(text)
    if _DAY.fullmatch(text):
        if moment.date() == date.max:
            raise ValueError
        return text
    if datatype == "DateTime" and moment.tzinfo is not None:
        raise ValueError
    return moment.isoformat()


def _number(value: Scalar, *, whole: bool) -> int | float:
    if isinstance(value, bool) or value is None:
        raise ValueError
    if isinstance(value, str) and not re.fullmatch(r"[-+]?[0-9]{1,18}(\.[0-9]{1,18})?", value):
        raise ValueError
    number = float(value)
    if abs(number) >= (INTEGERS_BELOW if whole else DECIMALS_BELOW):
        raise ValueError
    if number.is_integer() and (whole or isinstance(value, int) or (isinstance(value, str) and "." not in value)):
        return int(value) if isinstance(value, int | str) and "." not in str(value) else int(number)
    if whole:
        raise ValueError
    return number


def _truth(value: Scalar) -> bool:
    words = {"true": True, "false": False}
    if isinstance(value, bool):
        return value
    if str(value).lower() not in words:
        raise ValueError
    return words[str(value).lower()]


def operator_fits(op: Operator, datatype: DataType) -> bool:
    """Whether the comparison means something for the type."""
    if op in _TEXT_OPERATORS:
        return datatype in ("String", "Opaque")
    if op == "during":
        return datatype in DATED
    return datatype != "Boolean" if op in _ORDER_OPERATORS else True
