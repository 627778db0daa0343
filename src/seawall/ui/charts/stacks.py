"""Sums of one series upon another, negative values below zero."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from seawall.ui.charts.data import Series, View
from seawall.ui.charts.scales import HUGE


class Stack:
    """Where each series' part of each place begins and ends."""

    def __init__(self, series: Sequence[Series]) -> None:
        self._parts: dict[int, dict[float, tuple[float, float]]] = {}
        above: dict[float, float] = {}
        below: dict[float, float] = {}
        for one in series:
            mine = self._parts[id(one)] = {}
            for point in one.points:
                if point.y is None:
                    continue
                sums = above if point.y >= 0 else below
                base = sums.get(point.x, 0.0)
                top = max(-HUGE, min(HUGE, base + point.y))
                sums[point.x] = top
                mine[point.x] = (mine[point.x][0] if point.x in mine else base, top)
        self._ends = [*above.values(), *below.values()]

    def extremes(self) -> Iterable[float]:
        """Every sum, and zero."""
        return [0.0, *self._ends]

    def layers(self, series: Series) -> list[tuple[float, float, float]]:
        """(place, from, to) of one series, in the order of places."""
        return [(x, base, top) for x, (base, top) in sorted(self._parts[id(series)].items())]

    def top(self, series: Series, x: float) -> float:
        """Where the part of a series at `x` ends."""
        return self._parts[id(series)].get(x, (0.0, 0.0))[1]

    def middle(self, series: Series, x: float) -> float:
        """The middle of the part of a series at `x`."""
        base, top = self._parts[id(series)].get(x, (0.0, 0.0))
        return base / 2 + top / 2


def is_grouped(views: Sequence[View]) -> bool:
    """Whether bars stand side by side: several bar layers, or shares, which do not add up; never ranges."""
    bars = [view for view in views if view.mark == "bar" and not view.span]
    return len(bars) > 1 or any(view.y is not None and view.y.format.style == "percent" for view in bars)
