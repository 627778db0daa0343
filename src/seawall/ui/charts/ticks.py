"""Round numbers for axes.

`linear_ticks` gives multiples of 1, 2, 2.5 or 5 times a power of ten that cover the domain, at most as many as asked for;
`log_ticks` gives powers of ten, with 2 and 5 between them while there is room.
"""

from __future__ import annotations

import math

import msgspec

from seawall.ui.charts.scales import HUGE

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TINY = 1e-300
NOTHING = 1e-290
"""Smaller values are zero to an axis."""
LOG_MAX = 1e200
"""What is further from one than this factor lies at the end of a log scale."""


class Ticks(msgspec.Struct, frozen=True):
    """Where an axis is marked. `values` ascend; the first and the last are the ends of the scale, unless `ends` says otherwise."""

    values: tuple[float, ...]
    ends: tuple[float, float] | None = None

    @property
    def low(self) -> float:
        """The start of the scale."""
        return self.ends[0] if self.ends else self.values[0]

    @property
    def high(self) -> float:
        """The end of the scale."""
        return self.ends[1] if self.ends else self.values[-1]


def linear_ticks(low: float, high: float, count_max: int) -> Ticks:
    """Round values from at most `low` to at least `high`, between two and `count_max` of them (at least three when zero lies inside)."""
    low, high = _apart(low, high)
    count_max = max(3, count_max)
    exponent = math.floor(math.log10(max((high - low) / (count_max - 1), _TINY)))
    for power in range(exponent, exponent + 3):
        for factor in _STEPS:
            step = factor * 10.0**power
            first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
            if last - first + 1 <= count_max and last > first:
                return Ticks(_multiples(first, last, factor, power))
    return Ticks((low, high))


def log_ticks(low: float, high: float, count_max: int) -> Ticks:
    """1, 2 and 5 times powers of ten that just cover a positive domain; thinned to powers when those are more than `count_max`."""
    low = min(max(low, 1 / LOG_MAX), LOG_MAX)
    high = min(max(high, low), LOG_MAX)
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    last = max(last, first + 1)
    fine = [factor * 10.0**power for power in range(first, last) for factor in (1, 2, 5)] + [10.0**last]
    start = max([value for value in fine if value <= low * (1 + 1e-9)], default=fine[0])
    end = min([value for value in fine if value >= high * (1 - 1e-9) and value > start], default=fine[-1])
    kept = [value for value in fine if start <= value <= end]
    if len(kept) <= count_max:
        return Ticks(tuple(kept))
    decades = [10.0**power for power in range(first, last + 1) if start <= 10.0**power <= end]
    if len(decades) < 2:
        return Ticks(tuple(sorted({start, *decades, end})))
    return Ticks(tuple(decades[:: math.ceil(len(decades) / count_max)]), (start, end))


def _apart(low: float, high: float) -> tuple[float, float]:
    """An interval wide enough that floating point can tell its ends apart."""
    low, high = max(min(low, high), -HUGE), min(max(low, high), HUGE)
    largest = max(abs(low), abs(high))
    if largest < NOTHING:
        return 0.0, 1.0
    if high - low > largest * 1e-9:
        return low, high
    margin = max(abs(low), abs(high)) * 0.5
    return (0.0, high + margin) if low > 0 else (low - margin, 0.0)


def _multiples(first: int, last: int, factor: float, power: int) -> tuple[float, ...]:
    """Multiples of factor × 10^power, computed so that 0.3 comes out as 0.3."""
    if power >= 0:
        return tuple(index * factor * 10.0**power for index in range(first, last + 1))
    return tuple(index * factor / 10.0**-power for index in range(first, last + 1))
