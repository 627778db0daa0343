"""What a layer fixes instead of taking it from a column: a place, a colour, a size."""

from __future__ import annotations

import math
from typing import Literal

from seawall.app.chart_columns import encoding_of
from seawall.app.model import COLORS, Channel
from seawall.ui.charts.data import Frame, View
from seawall.ui.charts.frames import constant_place

GREY = COLORS.index("grey")


def constant(frame: Frame, view: View, channel: Literal["x", "y"]) -> float | None:
    """Where a rule stands, if that is fixed: on the axis its marks run along (x), or on that of the quantity (y)."""
    written: Channel = channel
    if frame.sideways:
        written = "y" if channel == "x" else "x"
    encoding = encoding_of(view.layer, written)
    if encoding is None or encoding.value is None:
        return None
    if channel == "x" and frame.categories:
        name = str(encoding.value)
        return float(frame.names.index(name)) if name in frame.names else None
    return constant_place(encoding.value)


def fixed_color(view: View) -> int | None:
    """The place in the palette of a layer's one colour, if its author chose one."""
    encoding = encoding_of(view.layer, "color")
    if encoding is None or encoding.value not in COLORS:
        return None
    place = COLORS.index(str(encoding.value))
    return -1 if place == GREY else place


def fixed_radius(view: View) -> float | None:
    """The radius in pixels of a layer's dots, if their surface is fixed."""
    encoding = encoding_of(view.layer, "size")
    if encoding is None or not isinstance(encoding.value, int | float):
        return None
    return math.sqrt(max(0.0, float(encoding.value)) / math.pi)
