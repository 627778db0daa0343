"""Dates and times of one locale, each written once and remembered while there is room."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from babel import Locale

from seawall.ui.cldr import date_pattern
from seawall.ui.date_patterns import DatePattern, compile_pattern

DAYS_KEPT_MAX = 10_000
"""Written dates a locale remembers."""


class Dates:
    """Writes them by CLDR skeleton (`yMMMd`), `date`, `datetime` or `time`."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale
        self._clocks: dict[int, str] = {}
        self._days: dict[tuple[date, str], str] = {}
        self._patterns: dict[str, DatePattern] = {}

    def write(self, value: date | time, skeleton: str) -> str:
        """`value` as text."""
        if type(value) is datetime and skeleton == "datetime":
            return f"{self.write(value.date(), 'yMMMd')}, {self._clock(value)}"
        if type(value) is not date:
            return self._compiled(skeleton)(value)
        text = self._days.get((value, skeleton))
        if text is None:
            if len(self._days) >= DAYS_KEPT_MAX:
                self._days.clear()
            text = self._days[value, skeleton] = self._compiled(skeleton)(value)
        return text

    def _clock(self, value: datetime) -> str:
        """Hour and minute; there are only 1,440 of them."""
        minute = value.hour * 60 + value.minute
        text = self._clocks.get(minute)
        if text is None:
            text = self._clocks[minute] = self._compiled("time")(value.time())
        return text

    def _compiled(self, skeleton: str) -> DatePattern:
        made = self._patterns.get(skeleton)
        if made is None:
            made = self._patterns[skeleton] = compile_pattern(date_pattern(self._locale, skeleton), self._locale)
        return made


def monday(value: date | time) -> date | time:
    """The Monday of the ISO week `value` lies in, as a date."""
    if isinstance(value, datetime):
        value = value.date()
    return value - timedelta(days=value.weekday()) if isinstance(value, date) else value
