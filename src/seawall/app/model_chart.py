"""How rows are drawn: marks in layers, and what stands on their channels."""

from __future__ import annotations

from typing import Literal

import msgspec

from seawall.app.model_words import Format, Text, Value

Mark = Literal["line", "bar", "area", "point", "rule", "number", "table"]
Channel = Literal["x", "x2", "y", "y2", "color", "size", "tooltip"]
FieldType = Literal["quantitative", "temporal", "nominal", "ordinal"]
COLORS = ("accent", "blue", "vermilion", "purple", "slate", "orange", "sky", "green", "yellow", "grey")
"""Colours of charts by name: the accent, the palette in its order, and the colour of what has none of its own."""


class Encoding(Value, frozen=True):
    """One channel of a chart (a subset of Vega-Lite's)."""

    field: str = ""
    type: FieldType | None = None
    title: Text | None = None
    format: Format | None = None
    scale_zero: bool | None = None
    scale_type: Literal["linear", "log", "time", "band"] | None = None
    axis: bool = True
    legend: bool = True
    sort: Literal["ascending", "descending", "none"] = "none"
    value: float | str | None = None
    """A constant instead of a field: a rule's position or a range's end, one of `COLORS`, a dot's surface in square pixels."""


class Layer(Value, frozen=True):
    """A mark and its channels. `tooltip` may hold several encodings, every other channel one."""

    mark: Mark
    encoding: dict[Channel, tuple[Encoding, ...]] = msgspec.field(default_factory=dict)


class Chart(Value, frozen=True):
    """One or more layers over the panel's rows, in drawing order."""

    layers: tuple[Layer, ...]
    height_px: int = 240
