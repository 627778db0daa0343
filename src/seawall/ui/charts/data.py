"""From a panel and its rows to what is drawn: which column goes on which channel, and one series per colour.

Encodings that are left out mean: x the first dimension, y the first metric, colour the second dimension.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

import msgspec
import pyarrow as pa

from seawall.app.model import Channel, Encoding, Format, Grain, Layer, Mark, MetricQuery, Panel
from seawall.query.port import Column
from seawall.ui.charts.scales import days
from seawall.ui.formats import is_missing, is_number

Kind = Literal["time", "number", "category"]
SERIES_MAX = 8
GRAIN_DAYS: dict[Grain, float] = {"hour": 1 / 24, "day": 1, "week": 7, "month": 28, "quarter": 90, "year": 365}


class PanelData(msgspec.Struct, frozen=True):
    """The rows of one panel, as the query service answered. Columns and the table's columns correspond one to one."""

    columns: tuple[Column, ...]
    table: pa.Table


class Axis(msgspec.Struct, frozen=True):
    """A column on a channel."""

    column: Column
    encoding: Encoding
    kind: Kind

    @property
    def format(self) -> Format:
        """The channel's format, else the column's."""
        return self.encoding.format or self.column.format


class Point(msgspec.Struct, frozen=True):
    """One row of one series, as drawn. `x` is days for time, an index for categories."""

    x: float
    y: float | None
    y2: float | None = None
    size: float | None = None
    row: int = 0


class Series(msgspec.Struct, frozen=True):
    """Points that belong together, in the order of x."""

    name: str
    color: int
    """0: the accent (a lone series); 1…8: the palette; -1: one of many, in grey."""
    points: tuple[Point, ...]


class View(msgspec.Struct, frozen=True):
    """A layer with its columns found and its rows sorted into series."""

    mark: Mark
    x: Axis | None
    y: Axis | None
    series: tuple[Series, ...]
    layer: Layer
    y2: Axis | None = None
    colored: bool = False
    tooltip: tuple[Axis, ...] = ()
    """Further columns that a tooltip tells, those on x and y left out."""

    @property
    def has_y2(self) -> bool:
        """Whether it spans from y to y2."""
        return self.y2 is not None


class Frame(msgspec.Struct, frozen=True):
    """All layers over one x axis."""

    views: tuple[View, ...]
    x: Axis | None
    categories: tuple[str, ...]
    """Names along a category axis, in drawing order."""
    grain: Grain | None
    """The period each point of a time axis stands for."""
    places: tuple[float, ...]
    """Every x that has a row, ascending."""


def frame_of(panel: Panel, data: PanelData) -> Frame:
    """Resolve the layers of a panel against its rows. Never raises for any data; what cannot be drawn has no points."""
    names = [column.name for column in data.columns]
    table: dict[str, list[object]] = dict(zip(names, (column.to_pylist() for column in data.table.columns), strict=False))
    finder = _Finder(data, table)
    layers = [(layer, *finder.axes(layer)) for layer in panel.chart.layers if layer.mark not in ("number", "table")]
    x = next((x for _, x, _, _ in layers if x is not None), None)
    categories = _categories(x, layers, table)
    colors = _colors(layers, table)
    views = tuple(_view(layer, x, y, color, table, finder, categories, colors) for layer, x, y, color in layers)
    places = sorted({point.x for view in views for series in view.series for point in series.points})
    across = next((view.x for view in views if view.x is not None), x)
    return Frame(views=views, x=across, categories=categories, grain=grain_of(panel, x), places=tuple(places))


def grain_of(panel: Panel, x: Axis | None) -> Grain | None:
    """The grain of the dimension on the x axis, when it is a time."""
    if x is None or x.kind != "time" or not isinstance(panel.query, MetricQuery):
        return None
    return next((dimension.grain for dimension in panel.query.by if dimension.name == x.column.name), None)


def number(value: object) -> float | None:
    """`value` as a finite float, or None."""
    if not is_number(value):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


class _Finder:
    """Finds columns by the names encodings use."""

    def __init__(self, data: PanelData, table: dict[str, list[object]]) -> None:
        self._columns = {column.name: column for column in data.columns if column.name in table}
        self._dimensions = [column for column in data.columns if column.role != "metric"]
        self._metrics = [column for column in data.columns if column.role == "metric"]

    def column(self, name: str) -> Column | None:
        return self._columns.get(name) or self._columns.get(name.rpartition(".")[2])

    def axis(self, layer: Layer, channel: Channel) -> Axis | None:
        encodings = layer.encoding.get(channel, ())
        if not encodings or not encodings[0].field:
            return None
        column = self.column(encodings[0].field)
        return None if column is None else Axis(column, encodings[0], _kind(column, encodings[0]))

    def tooltip(self, layer: Layer, *drawn: Axis | None) -> tuple[Axis, ...]:
        """The columns a tooltip adds to those that are drawn."""
        used = {axis.column.name for axis in drawn if axis is not None}
        found = [(self.column(each.field), each) for each in layer.encoding.get("tooltip", ()) if each.field]
        return tuple(Axis(column, each, _kind(column, each)) for column, each in found if column is not None and column.name not in used)

    def axes(self, layer: Layer) -> tuple[Axis | None, Axis | None, Axis | None]:
        """The columns on x, y and colour, with the defaults filled in."""
        x, y, color = (self.axis(layer, channel) for channel in ("x", "y", "color"))
        if x is None and not _constant(layer, "x") and not _constant(layer, "y"):
            free = [column for column in self._dimensions if y is None or column.name != y.column.name]
            x = _default(free)
        if y is None and layer.mark != "rule" and not _constant(layer, "y"):
            y = _default([column for column in self._metrics if x is None or column.name != x.column.name])
        if color is None and layer.mark != "rule" and "color" not in layer.encoding:
            used = {axis.column.name for axis in (x, y) if axis is not None}
            color = _default([column for column in self._dimensions if column.name not in used])
        return x, y, color


def _default(columns: Sequence[Column]) -> Axis | None:
    return Axis(columns[0], Encoding(field=columns[0].name), _kind(columns[0], Encoding())) if columns else None


def _constant(layer: Layer, channel: Channel) -> bool:
    return any(encoding.value is not None for encoding in layer.encoding.get(channel, ()))


def _kind(column: Column, encoding: Encoding) -> Kind:
    if encoding.type is not None:
        return "number" if encoding.type == "quantitative" else "time" if encoding.type == "temporal" else "category"
    if column.datatype in ("Date", "DateTime", "DateTimeTz"):
        return "time"
    return "number" if column.role == "metric" and column.datatype in ("Integer", "Decimal", "Float") else "category"


_Layers = Sequence[tuple[Layer, Axis | None, Axis | None, Axis | None]]


def _categories(x: Axis | None, layers: _Layers, table: dict[str, list[object]]) -> tuple[str, ...]:
    """Distinct names on a category axis: of x, or of y when the chart lies on its side."""
    axis = category_axis(x, layers[0][2] if layers else None)
    if axis is None:
        return ()
    names = list(dict.fromkeys(label(value) for value in table.get(axis.column.name, [])))
    if axis.encoding.sort != "none":
        names.sort(reverse=axis.encoding.sort == "descending")
    return tuple(names)


def category_axis(x: Axis | None, y: Axis | None) -> Axis | None:
    """Which of the two carries categories."""
    if x is not None and x.kind == "category":
        return x
    return y if y is not None and y.kind == "category" else None


def label(value: object) -> str:
    """A category's name; an em dash when it has none."""
    return "—" if is_missing(value) else str(value)


def _colors(layers: _Layers, table: dict[str, list[object]]) -> dict[str, int]:
    """Palette places by the size of each series, largest first, the same in every layer."""
    totals: dict[str, float] = {}
    for _, _, y, color in layers:
        if color is None:
            continue
        names = table.get(color.column.name, [])
        values = table.get(y.column.name, []) if y is not None else [None] * len(names)
        sums: dict[object, float] = {}
        for name, value in zip(names, values, strict=False):
            sums[name] = sums.get(name, 0.0) + abs(number(value) or 0.0)
        for name, amount in sums.items():
            totals[label(name)] = totals.get(label(name), 0.0) + amount
    ranked = sorted(totals, key=lambda name: (-totals[name], name))
    if len(ranked) == 1:
        return {ranked[0]: 0}
    return {name: index + 1 if index < SERIES_MAX else -1 for index, name in enumerate(ranked)}


def _view(
    layer: Layer, x: Axis | None, y: Axis | None, color: Axis | None, table: dict[str, list[object]],
    finder: _Finder, categories: tuple[str, ...], colors: dict[str, int],
) -> View:  # fmt: skip
    sideways = x is not None and x.kind == "number" and y is not None and y.kind == "category"
    across, up = (y, x) if sideways else (x, y)
    rows = _points(layer, across, up, table, finder, categories)
    names = table.get(color.column.name, []) if color is not None else None
    groups: dict[str, list[Point]] = {}
    for point in rows:
        groups.setdefault(label(names[point.row]) if names is not None else "", []).append(point)
    series = tuple(
        Series(name, colors.get(name, 0) if names is not None else 0, tuple(sorted(points, key=lambda point: point.x)))
        for name, points in sorted(groups.items(), key=lambda item: colors.get(item[0], 0) % 1000)
    )
    y2, told = finder.axis(layer, "y2"), finder.tooltip(layer, across, up, color)
    return View(mark=layer.mark, x=across, y=up, series=series, layer=layer, y2=y2, colored=names is not None, tooltip=told)


def _points(
    layer: Layer, x: Axis | None, y: Axis | None, table: dict[str, list[object]], finder: _Finder, categories: tuple[str, ...]
) -> list[Point]:
    places = _places(x, table, categories)
    heights, ends, sizes = (_numbers(axis, table) for axis in (y, finder.axis(layer, "y2"), finder.axis(layer, "size")))
    return [
        Point(place, heights[row] if heights else None, ends[row] if ends else None, sizes[row] if sizes else None, row)
        for row, place in enumerate(places)
        if place is not None
    ]


def _places(x: Axis | None, table: dict[str, list[object]], categories: tuple[str, ...]) -> list[float | None]:
    if x is None:
        return []
    values = table.get(x.column.name, [])
    if x.kind == "category":
        index = {name: float(place) for place, name in enumerate(categories)}
        return [index.get(label(value)) for value in values]
    if x.kind == "time":
        return [days(value) if isinstance(value, date) else None for value in values]
    return [number(value) for value in values]


def _numbers(axis: Axis | None, table: dict[str, list[object]]) -> list[float | None]:
    if axis is None:
        return []
    return [_amount(value) for value in table.get(axis.column.name, [])]


def _amount(value: object) -> float | None:
    return float(value) if isinstance(value, bool) else number(value)
