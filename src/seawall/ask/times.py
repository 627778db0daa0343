"""Words about time as periods: `last 4 weeks`, `im März`, `between 3 and 9 April`, `since June`, `Q2 2017`, `vs a year ago`.

Relative periods stay relative where the language of queries has a word for them (`last_4_weeks`); all others become days. A month
without a year is the latest one that has begun at `as_of`, the day on which the data was complete. Knows no app.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal

import msgspec

from seawall.app.model import Grain
from seawall.ask.language import PHRASE_WORDS_MAX, Language
from seawall.ask.tokens import Token, number_of
from seawall.query.periods import PERIODS_MAX, moved, truncated

Role = Literal["period", "previous", "year_ago", "future", "ever", "unknown"]
DAYS_MAX, YEAR_FIRST, YEAR_LAST = 31, 1900, 2100
_SKIPPED = frozenset({",", "of", "the", "des", "im", "der", "in", "year", "jahr", "jahres", "'"})


class Time(msgspec.Struct, frozen=True):
    """A period as `during` takes it, or what else words about time ask for."""

    text: str = ""
    role: Role = "period"
    unit: Grain | None = None
    count: int = 0
    """With `unit`: how many whole ones back from now; 0 when the period is no `last`."""
    lacks_year: bool = False
    """Whether the latest such period was taken because no year was named."""


class Point(msgspec.Struct, frozen=True):
    """Days named by one name: a day, a month, a quarter, a half, a year."""

    start: date
    end: date
    """The first day after."""
    grain: str
    text: str = ""
    lacks_year: bool = False

    def period(self) -> str:
        """As a period."""
        return self.text or f"{self.start}..{self.end - timedelta(days=1)}"


class TimeReader:
    """The periods that begin at each place of one text."""

    def __init__(self, tokens: tuple[Token, ...], language: Language, as_of: date, begun: date) -> None:
        self.tokens = tokens
        self.language = language
        self.as_of = as_of
        self.begun = begun
        """Months and days without a year are the latest ones that have begun on this day."""
        self._groups = language.time

    def at(self, place: int) -> Iterator[tuple[int, Time]]:
        """Every reading of the words from `place` on: where it ends, and what it means."""
        yield from self._fixed(place)
        starts = {place, *self._phrase("in", place)}
        for start in sorted(starts):
            yield from self._relative(start)
            yield from self._around(start)
            if (found := self._point(start)) and self._may_stand(place, start, found):
                yield found[0], Time(found[1].period(), lacks_year=found[1].lacks_year)
        yield from self._ranges(place)

    # ── what has a name ──────────────────────────────────────────────────────────────────────────────────────

    def _fixed(self, place: int) -> Iterator[tuple[int, Time]]:
        fixed: dict[str, Callable[[], Time]] = {
            "year_to_date": lambda: Time("this_year", unit="year"),
            "year_ago": lambda: Time(role="year_ago", unit="year"),
            "previous": lambda: Time(role="previous"),
            "today": lambda: Time(str(self.as_of), unit="day"),
            "yesterday": lambda: Time("last_1_day", unit="day", count=1),
            "ever": lambda: Time(role="ever"),
        }
        for group, make in fixed.items():
            for end in self._phrase(group, place):
                yield end, msgspec.structs.replace(make(), unit=make().unit or self._unit_within(place, end))

    def _unit_within(self, place: int, end: int) -> Grain | None:
        """The grain that one of these words ends with: `Vormonat` is the last month."""
        for token in self.tokens[place:end]:
            for word, grains in self.language.grains.items():
                if token.norm.endswith(word) and len(token.norm) > len(word) > 2:
                    return grains[0]
        return None

    def _relative(self, place: int) -> Iterator[tuple[int, Time]]:
        for end in self._phrase("last", place):
            count, after = self._count(end)
            if (grain := self._grain(after)) and 1 <= count <= PERIODS_MAX and grain != "hour":
                yield after + 1, Time(f"last_{count}_{grain}{'s' if count > 1 else ''}", unit=grain, count=count)
            for after in self._phrase("fortnight", end):
                yield after, Time("last_2_weeks", unit="week", count=2)
        for end in self._phrase("this", place):
            if (grain := self._grain(end)) and grain != "hour":
                yield end + 1, Time(f"this_{grain}", unit=grain)
        for end in self._phrase("next", place):
            count, after = self._count(end)
            if (grain := self._grain(after)) and 1 <= count <= PERIODS_MAX and grain != "hour":
                yield after + 1, self._coming(count, grain)
        count, after = self._count(place)
        if after > place and self._grain(after):
            for end in self._phrase("ago", after + 1):
                yield end, Time(role="unknown")
            for end in self._phrase("earlier", after + 1):
                yield end, Time(role="previous")

    def _coming(self, count: int, grain: Grain) -> Time:
        """The next whole periods: the one that begins at `as_of` is the first of them."""
        try:
            start = truncated(self.as_of, grain)
            start = start if start == self.as_of else moved(start, grain, 1)
            return Time(f"{start}..{moved(start, grain, count) - timedelta(days=1)}", "future", grain)
        except (ValueError, OverflowError):
            return Time(role="unknown")

    def _around(self, place: int) -> Iterator[tuple[int, Time]]:
        """`the week of December 18`, `the week before last`."""
        if place >= len(self.tokens) or not (grain := self._grain(place)) or grain == "hour":
            return
        at = next(iter(self._phrase("starting", place + 1)), self._skip(place + 1))
        if at > place + 1 and (found := self._point(at)) and found[1].grain == "day":
            start = truncated(found[1].start, grain)
            yield found[0], Time(Point(start, moved(start, grain, 1), "").period())
        for end in self._phrase("before_last", place + 1):
            start = moved(truncated(self.as_of, grain), grain, -2)
            yield end, Time(Point(start, moved(start, grain, 1), "").period())

    def _count(self, place: int) -> tuple[int, int]:
        """A number of periods, 1 when there is none, and where it ends."""
        number = self._number(place)
        return (int(number), place + 1) if number is not None and number == int(number) else (1, place)

    # ── ranges ───────────────────────────────────────────────────────────────────────────────────────────────

    def _ranges(self, place: int) -> Iterator[tuple[int, Time]]:
        for group in ("between", "from"):
            for start in {*self._phrase(group, place)} if self._is_free(place) else ():
                yield from self._pair(start)
        for start in {place, *self._phrase("in", place)}:
            yield from self._neighbours(start)
        yield from self._pair(place, joined=frozenset({"-", "–", "to", "bis", "through", "until", "thru", "till"}))
        for start in self._phrase("from", place):
            if found := self._point(start):
                for end in self._phrase("onwards", found[0]):
                    yield end, Time(f"{found[1].start}..")
        ends: dict[str, Callable[[Point], str]] = {
            "since": lambda point: f"{point.start}..",
            "after": lambda point: f"{point.end}..",
            "before": lambda point: f"..{point.start - timedelta(days=1)}",
            "until": lambda point: f"..{(point.start if point.grain == 'day' else point.end) - timedelta(days=1)}",
            "through": lambda point: f"..{point.end - timedelta(days=1)}",
        }
        for group, make in ends.items():
            for start in self._phrase(group, place):
                begins = self._phrase("beginning_of", start) if group == "since" else []
                if found := self._point(begins[0] if begins else start):
                    yield found[0], Time(make(found[1]))

    def _pair(self, place: int, joined: frozenset[str] | None = None) -> Iterator[tuple[int, Time]]:
        """Two points and what joins them; a day or month alone takes the rest from the second."""
        first = self._point(place)
        middle = first[0] if first else (place + 1 if self._day(place) else 0)
        for start in self._phrase("range_to", middle) if middle else ():
            if joined is not None and self.tokens[middle].norm not in joined:
                continue
            second = self._point(start)
            if second is None:
                continue
            begin = first[1].start if first and not self._is_bare_number(place, middle) else self._same_month(place, second[1])
            if begin and begin > second[1].start and first and first[1].grain in ("month", "day"):
                begin = moved(begin, "year", -1)
            if begin and begin < second[1].end:
                yield second[0], Time(f"{begin}..{second[1].end - timedelta(days=1)}")

    def _neighbours(self, place: int) -> Iterator[tuple[int, Time]]:
        """`24 and 25 December`, `March and April`: one period when they follow each other."""
        for end, time in self._pair(place, joined=frozenset({"and", "und", ","})) if self._is_free(place) else ():
            first, _, last = time.text.partition("..")
            days = (date.fromisoformat(last) - date.fromisoformat(first)).days
            middle = self._point(place)
            grain = middle[1].grain if middle and not self._is_bare_number(place, place + 1) else "day"
            if (grain == "day" and days == 1) or (grain == "month" and 58 <= days <= 62) or (grain == "quarter" and 180 <= days <= 184):
                yield end, time

    def _same_month(self, place: int, other: Point) -> date | None:
        day = self._day(place)
        return other.start.replace(day=day) if day and other.grain == "day" and day <= other.start.day else None

    def _is_bare_number(self, place: int, end: int) -> bool:
        return end == place + 1 and self._day(place) is not None

    def _is_free(self, place: int) -> bool:
        """Whether `between` is about one period, and not about the difference of two."""
        words = [token.norm for token in self.tokens]
        phrases = {*words, *(" ".join(pair) for pair in pairwise(words))}
        return not any({"difference", "compare", "versus"} & set(self.language.tags.get(phrase, ())) for phrase in phrases)

    # ── points ───────────────────────────────────────────────────────────────────────────────────────────────

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
            return _day_point(self._latest(month, day))
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
        return end, _day_point(date(year, month, day) if year else self._latest(month, day))

    def _month(self, place: int) -> tuple[int, Point] | None:
        month = self._month_name(place)
        if not month:
            return None
        year, end = self._year_after(place + 1)
        year = year or self._year_of_list(place + 1)
        found = date(year, month, 1) if year else self._latest(month, 1)
        return end, msgspec.structs.replace(_month_point(found.year, found.month), lacks_year=not year)

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

    def _may_stand(self, place: int, start: int, found: tuple[int, Point]) -> bool:
        """A number alone is a year only after a preposition, or where nothing else could be meant by four digits of our time."""
        return start > place or found[1].grain != "year" or 1990 <= found[1].start.year <= 2060


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
