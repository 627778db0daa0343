"""Days named by one name: dates as written, days and months, quarters, halves, weeks and years.

A day or a month without a year is the latest one that has begun.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import msgspec

from seawall.app.model import Grain
from seawall.ask.language import PHRASE_WORDS_MAX, Language
from seawall.ask.tokens import Token, number_of
from seawall.query.periods import moved

DAYS_MAX, YEAR_FIRST, YEAR_LAST = 31, 1900, 2100
_SKIPPED = frozenset({",", "of", "the", "des", "im", "der", "in", "year", "jahr", "jahres", "'"})


class Point(msgspec.Struct, frozen=True):
    """Days named by one name: a day, a month, a quarter, a half, a year."""

    start: date
    end: date
    """The first day after."""
    grain: str
    text: str = ""
    lacks_year: bool = False
    has_year: bool = True
    """Whether its own words name the year; else it is the latest one, or that of another point beside it."""

    def period(self) -> str:
        """As a period."""
        return self.text or f"{self.start}..{self.end - timedelta(days=1)}"


class PointReader:
    """The points that begin at each place of one text."""

    def __init__(self, tokens: tuple[Token, ...], language: Language, as_of: date, begun: date) -> None:
        self.tokens = tokens
        self.language = language
        self.as_of = as_of
        self.begun = begun
        """Months and days without a year are the latest ones that have begun on this day."""
        self._groups = language.time

    def _point(self, place: int) -> tuple[int, Point] | None:
        """The longest point from `place` on."""
        if place >= len(self.tokens):
            return None
        if self.tokens[place].norm in ("the", "dem", "den") and place + 1 < len(self.tokens):
            return self._point(place + 1)
        found = [one for read in (self._written, self._day_month, self._month, self._part, self._year) if (one := _tried(read, place))]
        return max(found, key=lambda one: one[0], default=None)

    def _written(self, place: int) -> tuple[int, Point] | None:
        token = self.tokens[place]
        return (place + 1, self._from_digits(token.norm)) if token.kind == "date" else None

    def _from_digits(self, text: str) -> Point:
        if "-" in text:
            parts = [int(part) for part in text.split("-")]
            return _month_point(parts[0], parts[1]) if len(parts) == 2 else _day_point(date(*parts))
        separator = "." if "." in text else "/"
        first, second, year = [*(int(part) for part in text.split(separator) if part), 0][:3]
        day, month = (first, second) if separator == "." or first > 12 else (second, first)
        if not year:
            return msgspec.structs.replace(_day_point(self._latest(month, day)), has_year=False)
        return _day_point(date(year + 2000 if year < 100 else year, month, day))

    def _day_month(self, place: int) -> tuple[int, Point] | None:
        """`1 May 2017`, `May 1st`, `1. Mai`."""
        day, at = self._day(place), place + 1
        while at < len(self.tokens) and self.tokens[at].norm in ("of", "the"):
            at += 1
        if day and (month := self._month_name(at)):
            end = at + 1
        elif (month := self._month_name(place)) and (day := self._day(place + 1)):
            end = place + 2
        else:
            return None
        year, end = self._year_after(end)
        return end, msgspec.structs.replace(_day_point(date(year, month, day) if year else self._latest(month, day)), has_year=bool(year))

    def _month(self, place: int) -> tuple[int, Point] | None:
        month = self._month_name(place)
        if not month:
            return None
        own, end = self._year_after(place + 1)
        year = own or self._year_of_list(place + 1)
        found = date(year, month, 1) if year else self._latest(month, 1)
        return end, msgspec.structs.replace(_month_point(found.year, found.month), lacks_year=not year, has_year=bool(own))

    def _part(self, place: int) -> tuple[int, Point] | None:
        """A quarter, a half or a week of a year, by its number."""
        norm = self.tokens[place].norm
        ordinal = self.language.ordinals.get(norm) or (int(norm) if norm.isdecimal() and len(norm) <= 2 else 0)
        for group, months in (("quarter", 3), ("half", 6)):
            number, end = 0, place
            if len(norm) == 2 and norm[0] == group[0] and norm[1].isdecimal():
                number, end = int(norm[1]), place + 1
            elif ordinal and (after := self._phrase(group, place + 1)):
                number, end = ordinal, after[0]
            elif (after := self._phrase(group, place)) and (counted := self._number(after[0])) and group == "quarter":
                number, end = int(counted), after[0] + 1
            elif norm in self.language.finals and (after := self._phrase(group, place + 1)) and self._year_after(after[0])[0]:
                number, end = 12 // months, after[0]
            if 1 <= number <= 12 // months:
                year, end = self._year_after(end)
                start = date(year, (number - 1) * months + 1, 1) if year else self._latest((number - 1) * months + 1, 1)
                return end, Point(start, moved(start, "month", months), group)
        return self._week(place)

    def _week(self, place: int) -> tuple[int, Point] | None:
        for end in self._phrase("week_number", place):
            number = self._number(end)
            if number is None or not 1 <= number <= 53 or number != int(number):
                continue
            year, after = self._year_after(end + 1)
            start = date.fromisocalendar(year or self.begun.year, int(number), 1)
            return after, Point(start, start + timedelta(days=7), "week")
        return None

    def _year(self, place: int) -> tuple[int, Point] | None:
        norm = self.tokens[place].norm
        if self.tokens[place].kind == "number" and len(norm) == 4 and norm.isdecimal() and YEAR_FIRST <= int(norm) <= YEAR_LAST:
            return place + 1, Point(date(int(norm), 1, 1), date(int(norm) + 1, 1, 1), "year", norm)
        return None

    # ── small parts ──────────────────────────────────────────────────────────────────────────────────────────

    def _latest(self, month: int, day: int) -> date:
        """The latest such day that has come at `begun`."""
        found = date(self.begun.year, month, day)
        return found if found <= self.begun else moved(found, "year", -1)

    def _year_after(self, place: int) -> tuple[int, int]:
        """The year named next and where it ends; 0 and the same place when there is none."""
        at = self._skip(place)
        if at < len(self.tokens) and (found := self._year(at)):
            return found[1].start.year, at + 1
        return 0, place

    def _year_of_list(self, place: int) -> int:
        """The year of another month that this one is joined with: `March and April 2017`."""
        for at in range(place, min(place + 4, len(self.tokens) - 1)):
            if self._month_name(at) and (year := self._year_after(at + 1)[0]):
                return year
        return 0

    def _skip(self, place: int) -> int:
        while place < len(self.tokens) and self.tokens[place].norm in _SKIPPED:
            place += 1
        return place

    def _month_name(self, place: int) -> int:
        return self.language.months.get(self.tokens[place].norm, 0) if 0 <= place < len(self.tokens) else 0

    def _day(self, place: int) -> int | None:
        if place >= len(self.tokens):
            return None
        norm = self.tokens[place].norm
        if norm in self.language.days:
            return self.language.days[norm]
        for ending in ("st", "nd", "rd", "th", "."):
            norm = norm.removesuffix(ending)
        return int(norm) if norm.isdecimal() and len(norm) <= 2 and 1 <= int(norm) <= DAYS_MAX else None

    def _number(self, place: int) -> float | None:
        if place >= len(self.tokens):
            return None
        norm = self.tokens[place].norm
        return self.language.numbers.get(norm) or (number_of(norm, decimal=self.language.decimal) if norm[:1].isdecimal() else None)

    def _grain(self, place: int) -> Grain | None:
        return self.language.grains.get(self.tokens[place].norm, (None,))[0] if place < len(self.tokens) else None

    def _phrase(self, group: str, place: int) -> list[int]:
        """Where phrases of a group that begin here end, the longest first."""
        words: list[str] = []
        ends = []
        for token in self.tokens[place : place + PHRASE_WORDS_MAX]:
            words.append(token.norm)
            if " ".join(words) in self._groups[group]:
                ends.append(place + len(words))
        return ends[::-1]


def _tried(read: Callable[[int], tuple[int, Point] | None], place: int) -> tuple[int, Point] | None:
    """A reading; none when it names a day that does not exist."""
    try:
        return read(place)
    except (ValueError, OverflowError):
        return None


def _day_point(day: date) -> Point:
    return Point(day, day + timedelta(days=1), "day", str(day))


def _month_point(year: int, month: int) -> Point:
    start = date(year, month, 1)
    return Point(start, moved(start, "month", 1), "month", f"{year:04}-{month:02}")
