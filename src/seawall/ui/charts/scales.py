"""From values to places. A scale maps its domain onto 0…1 and never gives a number that is not finite.

Time is counted in days since 0001-01-01 (`date.toordinal`), with a fraction for the time of day, so that one linear
scale serves numbers and dates.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

import msgspec

SECONDS_OF_DAY = 86_400
HUGE = 1e300


class Scale(Protocol):
    """A domain with a place for each of its values."""

    def at(self, value: float) -> float:
        """Where `value` lies: 0 at the start of the domain, 1 at its end, beyond them outside."""


class Linear(msgspec.Struct, frozen=True):
    """Equal steps, equal distances."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """The place of `value`."""
        span = self.high - self.low
        return (value - self.low) / span if span else 0.5


class Months(msgspec.Struct, frozen=True):
    """Time in which every month is as long as any other, for months, quarters and years. The domain is in days."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """The place of `value`."""
        low, high = months(self.low), months(self.high)
        return (months(value) - low) / (high - low) if high > low else 0.5


class Log(msgspec.Struct, frozen=True):
    """Equal factors, equal distances. What is not positive lies at the start."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """The place of `value`."""
        low, high = math.log10(self.low), math.log10(self.high)
        return (math.log10(value) - low) / (high - low) if value > 0 and high > low else 0.0


class Band(msgspec.Struct, frozen=True):
    """Categories side by side, each with the same room."""

    count: int
    padding: float = 0.28
    """The part of a band that stays empty."""

    @property
    def step(self) -> float:
        """The room of one category, from 0 to 1."""
        return 1 / max(1, self.count)

    @property
    def width(self) -> float:
        """What a mark may fill of it."""
        return self.step * (1 - self.padding)

    def at(self, value: float) -> float:
        """The middle of the category with index `value`."""
        return (value + 0.5) * self.step

    def start(self, index: float) -> float:
        """Where the mark of a category begins."""
        return self.at(index) - self.width / 2


def days(value: date) -> float:
    """A date or datetime on the time axis, in days."""
    if isinstance(value, datetime):
        seconds = value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
        return value.toordinal() + seconds / SECONDS_OF_DAY
    return float(value.toordinal())


def moment(at_days: float) -> datetime:
    """The time `days` gave."""
    whole = min(max(int(at_days), 1), date.max.toordinal())
    seconds = min(SECONDS_OF_DAY - 1, max(0, round((at_days - whole) * SECONDS_OF_DAY)))
    return datetime.fromordinal(whole).replace(hour=seconds // 3600, minute=seconds // 60 % 60, second=seconds % 60)


@lru_cache(maxsize=2048)
def months(at_days: float) -> float:
    """Months since the year 0, with a fraction for the day."""
    when = moment(at_days)
    return when.year * 12 + when.month - 1 + (when.day - 1 + at_days % 1) / 31


def extent(values: Iterable[float | None]) -> tuple[float, float] | None:
    """The least and the greatest finite value, or None when there is none. Cut at ±1e300 so that spans stay finite."""
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if not finite:
        return None
    return max(min(finite), -HUGE), min(max(finite), HUGE)


def step_between(places: Sequence[float]) -> float:
    """The least distance between two neighbours of an ascending sequence; 1 when there are fewer than two."""
    gaps = [later - earlier for earlier, later in pairwise(places) if later > earlier]
    return min(gaps, default=1.0)
