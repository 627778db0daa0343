"""Dots whose surface tells a quantity: how large each is, and what the largest stands for."""

from __future__ import annotations

import math

from seawall.ui.charts.constants import fixed_radius
from seawall.ui.charts.data import View
from seawall.ui.charts.drawing import LegendItem, Request
from seawall.ui.charts.scales import Linear, Log, Scale, extent

DOT_PX = 4.0
LEAST_PX, MORE_PX = 2.5, 9.0
"""The radius of the smallest dot, and what the largest has above it."""


class Sizes:
    """The radii of one layer's dots."""

    def __init__(self, view: View) -> None:
        self._fixed = fixed_radius(view)
        self._scale = _scale(view)

    def radius(self, size: float | None) -> float:
        """In CSS pixels."""
        if self._scale is None:
            return DOT_PX if self._fixed is None else self._fixed
        return LEAST_PX + MORE_PX * math.sqrt(max(0.0, self._scale.at(abs(size or 0.0))))


def has_legend(view: View) -> bool:
    """Whether what a dot's surface means is told above the chart."""
    return view.size is not None and view.size.encoding.legend and _largest(view) is not None


def legend_item(request: Request, view: View) -> LegendItem | None:
    """The largest dot, and what it stands for."""
    largest = _largest(view)
    if view.size is None or largest is None or not has_legend(view):
        return None
    value = request.short(view.size)(largest) if view.size.encoding.format is None else request.maker(view.size)(largest)
    return LegendItem(request.axis_name(view.size), -1, value, radius=Sizes(view).radius(largest))


def _largest(view: View) -> float | None:
    sizes = [point.size for each in view.series for point in each.points if point.y is not None and point.size is not None]
    return max(sizes, key=abs, default=None)


def _scale(view: View) -> Scale | None:
    """From sizes to surfaces, 0 to 1; None when there are none."""
    if view.size is None:
        return None
    sizes = [abs(point.size) for each in view.series for point in each.points if point.y is not None and point.size]
    found = extent(sizes)
    if found is None:
        return None
    low, high = found
    if view.size.encoding.scale_type == "log":
        return Log(low, high) if high > low else Linear(0.0, high)
    return Linear(low if view.size.encoding.scale_zero is False and high > low else 0.0, high)
