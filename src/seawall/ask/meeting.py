"""Which rows of two times stand beside each other: equal groups, each as far from the beginning of its own time.

The third week meets the third, also where an earlier one has no rows. Periods that lie in their times to different parts, three days of a
week beside five, meet nothing: neither would be more nor less than the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec

from seawall.app.model import Grain
from seawall.query.periods import Span, WeekStart, moved, truncated

_MONTHS: dict[Grain, int] = {"month": 1, "quarter": 3, "year": 12}
HOURS = 24
Pair = tuple[int | None, int | None]
"""The places of a row at one time and at the other."""
Cell = Any


class Stretch(msgspec.Struct, frozen=True):
    """Days from the first to the one before `end`, cut into periods."""

    start: date
    end: date
    grain: Grain
    week_starts: WeekStart = "monday"

    def place(self, value: date) -> int:
        """How many periods after the first one a period begins."""
        day, first = _day(value), truncated(self.start, self.grain, self.week_starts)
        if self.grain == "hour":
            return (day - first).days * HOURS + (value.hour if isinstance(value, datetime) else 0)
        if months := _MONTHS.get(self.grain):
            return ((day.year - first.year) * 12 + day.month - first.month) // months
        return (day - first).days // (7 if self.grain == "week" else 1)

    def begins(self, place: int) -> date:
        """The first day of the period that is so many after the first; of an hour its day."""
        if self.grain == "hour":
            return self.start + timedelta(days=place // HOURS)
        return moved(truncated(self.start, self.grain, self.week_starts), self.grain, place)

    def part(self, place: int) -> int | None:
        """How many of a period's days lie in the stretch, none among them; None for all of them."""
        if self.grain == "hour":
            return None
        start, end = self.begins(place), self.begins(place + 1)
        inside = min(end, self.end) - max(start, self.start)
        return None if inside == end - start else max(inside.days, 0)


class Meeting(msgspec.Struct, frozen=True):
    """Two stretches of time, and the columns that hold their periods."""

    now: Stretch
    before: Stretch
    columns: frozenset[str]
    known_from: date | None = None
    """Where the data begins within the time before: that day. Periods that begin earlier meet nothing."""

    def met(self, names: Sequence[str], now: Sequence[Sequence[Cell]], before: Sequence[Sequence[Cell]]) -> list[Pair]:
        """Pairs of rows by their keys, columns of values; where time is the first key they are in its order."""
        first, second = self._places(names, now, self.now), self._places(names, before, self.before)
        kept = {key: None for key in (*first, *second) if key in first or self._is_within(names, key)}
        keys = sorted(kept, key=lambda key: _later(key[0])) if names[0] in self.columns else list(kept)
        pairs = [(first.get(key), second.get(key) if self._is_fair(names, key) else None) for key in keys]
        return [pair for pair in pairs if pair != (None, None)]

    def called(self, value: Cell) -> Cell:
        """What a period of the time before is called now."""
        if value is None:
            return None
        place = self.before.place(value)
        day, hour = self.now.begins(place), place % HOURS if self.now.grain == "hour" else 0
        return datetime.combine(day, time(hour), value.tzinfo) if isinstance(value, datetime) else day

    def _places(self, names: Sequence[str], columns: Sequence[Sequence[Cell]], stretch: Stretch) -> dict[tuple[Cell, ...], int]:
        told = [
            [stretch.place(value) if value is not None else None for value in values] if name in self.columns else values
            for name, values in zip(names, columns, strict=True)
        ]
        return {key: place for place, key in enumerate(zip(*told, strict=True))}

    def _is_within(self, names: Sequence[str], key: tuple[Cell, ...]) -> bool:
        """Whether periods have come at the time that is asked about."""
        return all(self.now.begins(place) < self.now.end for place in self._periods(names, key))

    def _is_fair(self, names: Sequence[str], key: tuple[Cell, ...]) -> bool:
        """Whether periods of both times are whole, or cut alike."""
        places = self._periods(names, key)
        known = self.known_from is None or all(self.before.begins(place) >= self.known_from for place in places)
        parts = [(self.now.part(place), self.before.part(place)) for place in places]
        return known and all(now == before != 0 for now, before in parts)

    def _periods(self, names: Sequence[str], key: tuple[Cell, ...]) -> list[int]:
        return [place for name, place in zip(names, key, strict=True) if name in self.columns and place is not None]


def _later(place: Cell) -> tuple[bool, int]:
    return place is None, place or 0


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def stretches(now: Span, before: Span, grain: Grain, week_starts: WeekStart, as_of: date | None) -> tuple[Stretch, Stretch] | None:
    """Both times cut to a grain, the first no longer than the data; None where one has no beginning or end."""
    if now.start is None or now.end is None or before.start is None or before.end is None:
        return None
    end = min(now.end, as_of) if as_of is not None else now.end
    return Stretch(now.start, max(end, now.start), grain, week_starts), Stretch(before.start, before.end, grain, week_starts)
