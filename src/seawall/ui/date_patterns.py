"""CLDR date patterns compiled once into functions that take a microsecond.

Understands the fields our pages use (y, M, L, d, E, H, h, m, s, a); a pattern with any other is left to Babel, which
knows them all. https://unicode.org/reports/tr35/tr35-dates.html#Date_Format_Patterns
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time

from babel import Locale
from babel.dates import format_date, format_datetime, format_time

DatePattern = Callable[[date | time], str]
_Field = Callable[[date, time], str]
_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_MIDNIGHT = time()
_NO_DATE = date(1970, 1, 1)


def compile_pattern(pattern: str, locale: Locale) -> DatePattern:
    """The function that writes a date, time or datetime by `pattern`."""
    fields: list[str | _Field] = []
    for match in _TOKEN.finditer(pattern):
        text = match.group(0)
        if match.group(2) is None:
            fields.append(match.group(1).replace("''", "'") if text.startswith("'") else text)
            continue
        made = _field(text, locale)
        if made is None:
            return _by_babel(pattern, locale)
        fields.append(made)
    return _joined(fields)


def _joined(fields: list[str | _Field]) -> DatePattern:
    def write(value: date | time) -> str:
        day, clock = _parts(value)
        return "".join([field if isinstance(field, str) else field(day, clock) for field in fields])

    return write


def _parts(value: date | time) -> tuple[date, time]:
    if isinstance(value, datetime):
        return value, value.timetz()
    return (_NO_DATE, value) if isinstance(value, time) else (value, _MIDNIGHT)


def _field(token: str, locale: Locale) -> _Field | None:
    length, letter = len(token), token[0]
    if letter in "ML" and length >= 3:
        return _month(locale, "format" if letter == "M" else "stand-alone", "abbreviated" if length == 3 else "wide")
    if letter == "E" and length <= 4:
        names = dict(locale.days["format"]["abbreviated" if length <= 3 else "wide"])
        return lambda day, _: str(names[day.weekday()])
    if letter == "a":
        periods = locale.day_periods["format"]["abbreviated"]
        words = (str(periods["am"]), str(periods["pm"]))
        return lambda _, clock: words[clock.hour >= 12]
    return _number(letter, length)


def _month(locale: Locale, context: str, width: str) -> _Field:
    names = dict(locale.months[context][width])
    return lambda day, _: str(names[day.month])


def _number(letter: str, length: int) -> _Field | None:
    read: dict[str, _Number] = {
        "y": lambda day, _: day.year % 100 if length == 2 else day.year,
        "M": lambda day, _: day.month,
        "L": lambda day, _: day.month,
        "d": lambda day, _: day.day,
        "H": lambda _, clock: clock.hour,
        "h": lambda _, clock: clock.hour % 12 or 12,
        "m": lambda _, clock: clock.minute,
        "s": lambda _, clock: clock.second,
    }
    get = read.get(letter)
    if get is None or (length > 2 and letter != "y"):
        return None
    return lambda day, clock: f"{get(day, clock):0{length}d}"


_Number = Callable[[date, time], int]


def _by_babel(pattern: str, locale: Locale) -> DatePattern:
    def write(value: date | time) -> str:
        if isinstance(value, datetime):
            return str(format_datetime(value, pattern, locale=locale))
        if isinstance(value, time):
            return str(format_time(value, pattern, locale=locale))
        return str(format_date(value, pattern, locale=locale))

    return write
