"""Two-level time axes: a fine level (hours, days, weeks, months, quarters, years) and the period that holds it.

Each level is written once: `2 9 16 23 30` over `Jan 2017`, `Jan Feb Mar` over `2017`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import msgspec

from seawall.app.model import Format
from seawall.ui.charts.scales import days, moment
from seawall.ui.charts.text import text_width
from seawall.ui.formats import Formatter

Unit = Literal["hour", "day", "week", "month", "year"]
_AIR_PX = 9
_COUNT_MAX = 14
"""More ticks than this say no more than fewer do: thirteen weeks, a year of months."""
_LEVELS: tuple[tuple[Unit, int, float], ...] = (
    ("hour", 1, 1 / 24), ("hour", 3, 3 / 24), ("hour", 6, 6 / 24), ("hour", 12, 12 / 24),
    ("day", 1, 1), ("day", 2, 2), ("week", 1, 7), ("week", 2, 14),
    ("month", 1, 30.4), ("month", 2, 60.9), ("month", 3, 91.3), ("month", 6, 182.6),
    ("year", 1, 365.2), ("year", 2, 730.5), ("year", 5, 1826), ("year", 10, 3652), ("year", 20, 7305),
    ("year", 50, 18262), ("year", 100, 36524), ("year", 500, 182621), ("year", 1000, 365243), ("year", 5000, 1826211),
)  # fmt: skip
_FINE = {"hour": "time", "day": "d", "week": "d", "month": "LLL", "year": "y"}
_COARSE = {"hour": "MMMd", "day": "yMMM", "week": "yMMM", "month": "y", "year": ""}


class TimeTick(msgspec.Struct, frozen=True):
    """One mark on a time axis."""

    at: float
    """Days, as `scales.days` counts them."""
    label: str
    period: str
    """The second level's words; empty when the tick before already said them."""


@lru_cache(maxsize=512)
def time_ticks(
    low: float, high: float, width_px: float, formatter: Formatter, *, finest_days: float = 0.0, format: Format | None = None
) -> tuple[TimeTick, ...]:  # fmt: skip
    """The densest ticks within [low, high] whose labels keep apart on an axis of `width_px`; never finer than `finest_days`.

    With data by week (`finest_days` 7) months and years begin at their first Monday, where there is a point to mark. With a `format`
    there is one level, written so; a label that would be said twice is said once.
    """
    for unit, step, length in _LEVELS:
        if length < finest_days * 0.85 or (high - low) / length > _COUNT_MAX:
            continue
        ticks = _ticks(low, high, unit, step, formatter, weekly=finest_days == 7)
        ticks = _written(ticks, format, formatter) if format is not None else ticks
        if ticks and _fits(ticks, low, high, width_px):
            return ticks
    alone = (_tick(moment(low), low, "day", formatter, says_year=True),)
    return _written(alone, format, formatter) if format is not None else alone


def _written(ticks: tuple[TimeTick, ...], format: Format, formatter: Formatter) -> tuple[TimeTick, ...]:
    made: dict[str, TimeTick] = {}
    for tick in ticks:
        label = formatter.value(moment(tick.at), format, "DateTime")
        made.setdefault(label, TimeTick(tick.at, label, ""))
    return tuple(made.values())


def _ticks(low: float, high: float, unit: Unit, step: int, formatter: Formatter, *, weekly: bool) -> tuple[TimeTick, ...]:
    made: list[TimeTick] = []
    said = ""
    snaps = weekly and unit in ("month", "year")
    year = 0
    for when in _moments(low - 6 if snaps else low, high, unit, step):
        at = days(when) + (-when.weekday() % 7 if snaps else 0)
        if not low - 1e-9 <= at <= high + 1e-9:
            continue
        tick = _tick(when, at, unit, formatter, says_year=when.year != year)
        period = _period(when, unit, formatter, says_year=True)
        made.append(tick if period != said else msgspec.structs.replace(tick, period=""))
        said, year = period, when.year
    return tuple(made)


def _tick(when: datetime, at: float, unit: Unit, formatter: Formatter, *, says_year: bool) -> TimeTick:
    return TimeTick(at=at, label=formatter.date(when, _FINE[unit]), period=_period(when, unit, formatter, says_year=says_year))


def _period(when: datetime, unit: Unit, formatter: Formatter, *, says_year: bool) -> str:
    """The second level's words: a month says its year once."""
    skeleton = _COARSE[unit] if says_year else _COARSE[unit].replace("yMMM", "LLL")
    return formatter.date(when, skeleton) if skeleton else ""


def _fits(ticks: tuple[TimeTick, ...], low: float, high: float, width_px: float) -> bool:
    scale = width_px / ((high - low) or 1)
    return _apart([(tick.at * scale, text_width(tick.label)) for tick in ticks]) and _apart(
        [(tick.at * scale, text_width(tick.period)) for tick in ticks if tick.period]
    )


def _apart(labels: list[tuple[float, float]]) -> bool:
    """Whether centred labels (place, width) in order keep their distance."""
    return all(
        later - later_width / 2 - (earlier + earlier_width / 2) >= _AIR_PX
        for (earlier, earlier_width), (later, later_width) in pairwise(labels)
    )


def _moments(low: float, high: float, unit: Unit, step: int) -> Iterator[datetime]:
    start = moment(low)
    when = _first(start, unit, step)
    while days(when) <= high + 1e-9:
        if days(when) >= low - 1e-9:
            yield when
        try:
            when = _next(when, unit, step)
        except (OverflowError, ValueError):
            return


def _first(start: datetime, unit: Unit, step: int) -> datetime:
    """The last round moment not after `start`."""
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "hour":
        return midnight.replace(hour=start.hour - start.hour % step)
    if unit == "day":
        return midnight.replace(day=start.day - (start.day - 1) % step)
    if unit == "week":
        back = start.weekday() + (7 if step == 2 and midnight.toordinal() // 7 % 2 else 0)
        return midnight - timedelta(days=min(back, midnight.toordinal() - 1))
    if unit == "month":
        return midnight.replace(day=1, month=start.month - (start.month - 1) % step)
    return midnight.replace(day=1, month=1, year=max(1, start.year - start.year % step))


def _next(when: datetime, unit: Unit, step: int) -> datetime:
    if unit == "hour":
        return when + timedelta(hours=step)
    if unit == "week":
        return when + timedelta(days=7 * step)
    if unit == "month":
        months = when.year * 12 + when.month - 1 + step
        return when.replace(year=months // 12, month=months % 12 + 1)
    if unit == "year":
        return when.replace(year=step if when.year == 1 and step > 1 else when.year + step)
    later = when + timedelta(days=step)
    return later if later.month == when.month or step == 1 else later.replace(day=1)
