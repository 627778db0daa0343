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
from seawall.ask.points import Point, PointReader
from seawall.query.periods import PERIODS_MAX, moved, truncated

Role = Literal["period", "previous", "year_ago", "future", "ever", "unknown"]


class Time(msgspec.Struct, frozen=True):
    """A period as `during` takes it, or what else words about time ask for."""

    text: str = ""
    role: Role = "period"
    unit: Grain | None = None
    count: int = 0
    """With `unit`: how many whole ones back from now; 0 when the period is no `last`."""
    lacks_year: bool = False
    """Whether the latest such period was taken because no year was named."""


class TimeReader(PointReader):
    """The periods that begin at each place of one text."""

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
                yield end, self._gone(count, self._grain(after))
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

    def _gone(self, count: int, grain: Grain | None) -> Time:
        """The one whole period so many back: `last_1_week` is one week ago."""
        try:
            start = moved(truncated(self.as_of, grain or "day"), grain or "day", -count)
            is_known = grain not in (None, "hour") and 1 <= count <= PERIODS_MAX
            return Time(Point(start, moved(start, grain or "day", 1), "").period()) if is_known else Time(role="unknown")
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
            if begin and begin > second[1].start and first and first[1].grain in ("month", "day") and not first[1].has_year:
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

    def _may_stand(self, place: int, start: int, found: tuple[int, Point]) -> bool:
        """A number alone is a year only after a preposition, or where nothing else could be meant by four digits of our time."""
        return start > place or found[1].grain != "year" or 1990 <= found[1].start.year <= 2060
