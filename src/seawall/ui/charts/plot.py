"""Where things lie in a chart, without knowing how wide it will be.

A chart is as wide as its panel: 300 px on a phone, 1,300 on a desk. Scaling a fixed drawing would scale its text, so
the outer `<svg>` has no viewBox: its units are CSS pixels, text keeps its size, and horizontal places are percentages. What
needs a path (lines, areas) lies in an inner `<svg preserveAspectRatio="none">` whose strokes do not scale. The room for labels on
both sides is padding, by class (`l48 r120`, and `n40` at the right on narrow panels), because style attributes are not allowed.
Labels that only fit in wide panels are in groups that container queries show (`ts`, `tm`, `tl`: small, medium, large).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

UNITS_WIDE = 2000
"""Width of the inner viewBox: a tenth of a pixel matters to no one at 1,300 px."""
TIERS = (("ts", 270.0), ("tm", 500.0), ("tl", 860.0))
"""Classes of panel width and the plot width in CSS pixels each can count on."""
PADDING_STEP = 8
FAR = 4.0
"""Nothing is drawn further than this many plots away."""
PADDING_MAX = {"l": 272, "m": 272, "r": 200, "n": 200}


class Plot(msgspec.Struct, frozen=True):
    """The inner rectangle: `top` and `height` in CSS pixels; its width is 100 %."""

    top: float
    height: float
    y_at: Callable[[float], float]
    """A value's height on the scale, 0 (bottom) to 1 (top)."""
    x_at: Callable[[float], float]
    """A place's distance from the left, 0 to 1."""

    @property
    def bottom(self) -> float:
        """The lower edge in CSS pixels."""
        return self.top + self.height

    def y(self, value: float) -> float:
        """CSS pixels from the top of the chart."""
        return self.top + (1 - bounded(self.y_at(value))) * self.height

    def y_units(self, value: float) -> int:
        """Tenths of a pixel from the top of the plot, the inner viewBox's unit."""
        return round((1 - bounded(self.y_at(value))) * self.height * 10)

    def x_units(self, value: float) -> int:
        """The inner viewBox's unit."""
        return round(bounded(self.x_at(value)) * UNITS_WIDE)

    def percent(self, value: float) -> str:
        """A place as an SVG length."""
        return percent(self.x_at(value))

    def inner(self, paths: str) -> str:
        """The inner `<svg>` around paths."""
        return (
            f'<svg class="p" y="{px(self.top)}" height="{px(self.height)}" viewBox="0 0 {UNITS_WIDE} {px(self.height * 10)}"'
            f' preserveAspectRatio="none">{paths}</svg>'
        )


def bounded(fraction: float) -> float:
    """A fraction near enough to the plot to be written as a coordinate."""
    if -FAR <= fraction <= FAR:
        return fraction
    return 0.0 if math.isnan(fraction) else math.copysign(FAR, fraction)


def percent(fraction: float) -> str:
    """`0.1234` as `12.34%`."""
    return f"{bounded(fraction) * 100:.2f}".rstrip("0").rstrip(".") + "%"


def px(value: float) -> str:
    """A coordinate with at most one decimal."""
    if value == int(value):
        return str(int(value))
    text = f"{value:.1f}"
    return text[:-2] if text[-2:] == ".0" else text


def padding(letter: str, width_px: float) -> str:
    """The class that leaves at least `width_px` free on a side: `l` left, `r` right, `m`/`n` the same on narrow panels."""
    steps = math.ceil(max(0.0, width_px) / PADDING_STEP)
    return f"{letter}{min(PADDING_MAX[letter], steps * PADDING_STEP)}"
