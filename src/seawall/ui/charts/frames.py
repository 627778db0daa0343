"""From a panel and its rows to what is drawn: which column goes on which channel, and one series per colour.

Encodings that are left out mean: x the first dimension, y the first metric, colour the second dimension (`app/chart_columns.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Literal

import msgspec

from seawall.app.chart_columns import Kind, columns_of_layer, encoding_of, is_constant
from seawall.app.model import Channel, Encoding, Grain, Layer, MetricQuery, Panel
from seawall.query.port import Column
from seawall.ui.charts.data import Axis, Frame, PanelData, Point, Series, View, label, number
from seawall.ui.charts.scales import days
from seawall.ui.charts.series_order import colors_of, in_order

Rows = dict[str, list[object]]
_DRAWN: tuple[Channel, ...] = ("x", "y", "color")


class Found(msgspec.Struct, frozen=True):
    """A layer and its columns."""

    layer: Layer
    x: Axis | None
    y: Axis | None
    color: Axis | None

    @property
    def lies(self) -> bool:
        """Whether names are up the side."""
        return self.y is not None and self.y.kind == "category" and (self.x is None or self.x.kind != "category")

    @property
    def across(self) -> Axis | None:
        """What places the marks."""
        return self.y if self.lies else self.x

    @property
    def up(self) -> Axis | None:
        """What makes them long."""
        return self.x if self.lies else self.y


def frame_of(panel: Panel, data: PanelData) -> Frame:
    """Resolve the layers of a panel against its rows. Never raises for any data; what cannot be drawn has no points."""
    names = [column.name for column in data.columns]
    table: Rows = dict(zip(names, (column.to_pylist() for column in data.table.columns), strict=False))
    finder = _Finder(data, table)
    layers = [finder.found(layer) for layer in panel.chart.layers if layer.mark not in ("number", "table")]
    values = _categories(layers, table)
    colors = colors_of([(each.y if not each.lies else each.x, each.color) for each in layers], table)
    views = tuple(_view(each, table, finder, [label(value) for value in values], colors) for each in layers)
    places = sorted({point.x for view in views for series in view.series for point in series.points})
    speakers = [view.x for view in views if view.mark != "rule" or not (view.is_flags or view.span == "x")]
    x = titled(merged(view.x for view in views), speakers)
    return Frame(
        views=views, x=x, categories=tuple(label(value) for value in values), grain=_grain_of(panel, x), places=tuple(places),
        sideways=any(each.lies for each in layers), values=values,
    )  # fmt: skip


def merged(axes: Iterable[Axis | None]) -> Axis | None:
    """The first of several layers' axes, with what any of them says of the axis they share."""
    found = [axis for axis in axes if axis is not None]
    if len(found) < 2:
        return found[0] if found else None
    said = [axis.encoding for axis in found]
    encoding = msgspec.structs.replace(
        said[0],
        title=next((each.title for each in said if each.title is not None), None),
        format=next((each.format for each in said if each.format is not None), None),
        scale_zero=next((each.scale_zero for each in said if each.scale_zero is not None), None),
        scale_type=next((each.scale_type for each in said if each.scale_type is not None), None),
        axis=all(each.axis for each in said),
        sort=next((each.sort for each in said if each.sort != "none"), "none"),
    )
    return msgspec.structs.replace(found[0], encoding=encoding)


def titled(axis: Axis | None, speakers: Iterable[Axis | None]) -> Axis | None:
    """The shared axis under the first title that speakers for it have: what ranges and marks on it are called is another thing."""
    if axis is None:
        return None
    title = next((each.encoding.title for each in speakers if each is not None and each.encoding.title is not None), None)
    if axis.encoding.title == title:
        return axis
    return msgspec.structs.replace(axis, encoding=msgspec.structs.replace(axis.encoding, title=title))


def _grain_of(panel: Panel, x: Axis | None) -> Grain | None:
    """The grain of the dimension on the x axis, when it is a time."""
    if x is None or x.kind != "time" or not isinstance(panel.query, MetricQuery):
        return None
    return next((dimension.grain for dimension in panel.query.by if dimension.name == x.column.name), None)


class _Finder:
    """Finds columns by the names encodings use."""

    def __init__(self, data: PanelData, table: Rows) -> None:
        self._columns = {column.name: column for column in data.columns if column.name in table}
        self._dimensions = [column.name for column in data.columns if column.role != "metric"]
        self._metrics = [column.name for column in data.columns if column.role == "metric"]

    def found(self, layer: Layer) -> Found:
        """A layer's columns, with the defaults filled in."""
        names = msgspec.structs.astuple(columns_of_layer(layer, self._dimensions, self._metrics, self._kind_of))
        x, y, color = (self._axis(name, encoding_of(layer, channel)) for channel, name in zip(_DRAWN, names, strict=True))
        return Found(layer, x, y, color)

    def axis(self, layer: Layer, channel: Channel) -> Axis | None:
        """The column that a channel names."""
        encoding = encoding_of(layer, channel)
        return self._axis(encoding.field, encoding) if encoding is not None else None

    def tooltip(self, layer: Layer, *drawn: Axis | None) -> tuple[Axis, ...]:
        """The columns a tooltip adds to those that are drawn, unless it tells those in its own way."""
        used = {axis.column.name for axis in drawn if axis is not None}
        found = [self._axis(each.field, each) for each in layer.encoding.get("tooltip", ())]
        return tuple(
            axis for axis in found if axis is not None and (axis.column.name not in used or axis.encoding.title or axis.encoding.format)
        )

    def _axis(self, name: str, encoding: Encoding | None) -> Axis | None:
        column = (self._columns.get(name) or self._columns.get(name.rpartition(".")[2])) if name else None
        if column is None:
            return None
        written = encoding if encoding is not None and encoding.field else Encoding(field=column.name)
        return Axis(column, written, _kind(column, written))

    def _kind_of(self, name: str, encoding: Encoding) -> Kind | None:
        column = self._columns.get(name)
        return _kind(column, encoding) if column is not None else None


def _kind(column: Column, encoding: Encoding) -> Kind:
    if encoding.type is not None:
        return "number" if encoding.type == "quantitative" else "time" if encoding.type == "temporal" else "category"
    if column.datatype in ("Date", "DateTime", "DateTimeTz"):
        return "time"
    return "number" if column.role == "metric" and column.datatype in ("Integer", "Decimal", "Float") else "category"


def _categories(layers: Sequence[Found], table: Rows) -> tuple[object, ...]:
    """Distinct values on a category axis, in drawing order: of x, or of y when the chart lies on its side."""
    axes = [each.across for each in layers if each.across is not None and each.across.kind == "category"]
    axis = merged(axes)
    if axis is None:
        return ()
    columns = dict.fromkeys(each.column.name for each in axes)
    values = list({label(value): value for name in columns for value in table.get(name, [])}.values())
    return tuple(in_order(values, axis.encoding.sort))


def _view(found: Found, table: Rows, finder: _Finder, categories: Sequence[str], colors: dict[str, int]) -> View:
    layer, across, up = found.layer, found.across, found.up
    rows = _points(found, table, finder, categories)
    names = table.get(found.color.column.name, []) if found.color is not None else None
    ranks = {name: rank for rank, name in enumerate(colors)}
    groups: dict[str, list[Point]] = {}
    for point in rows:
        groups.setdefault(label(names[point.row]) if names is not None else "", []).append(point)
    series = tuple(
        Series(name, colors.get(name, 0) if names is not None else 0, tuple(sorted(points, key=lambda point: point.x)))
        for name, points in sorted(groups.items(), key=lambda item: ranks.get(item[0], 0))
    )
    end = finder.axis(layer, "x2") or finder.axis(layer, "y2")
    size = finder.axis(layer, "size") if layer.mark == "point" else None
    told = finder.tooltip(layer, across, up, found.color, size)
    return View(layer.mark, across, up, series, layer, end, _span(found), found.color, size, told)


def _span(found: Found) -> Literal["", "y", "x"]:
    if found.layer.encoding.get("x2"):
        return "y" if found.lies else "x"
    return "y" if found.layer.encoding.get("y2") else ""


def _points(found: Found, table: Rows, finder: _Finder, categories: Sequence[str]) -> list[Point]:
    layer = found.layer
    places = _places(found.across, table, categories)
    count = len(places)
    heights = _numbers(found.up, table) or [None] * count
    tops = _ends(layer, "x2" if found.lies else "y2", finder, table, count)
    rights = _ends(layer, "y2" if found.lies else "x2", finder, table, count)
    sizes = _numbers(finder.axis(layer, "size"), table) or [None] * count
    return [Point(place, heights[row], tops[row], sizes[row], row, rights[row]) for row, place in enumerate(places) if place is not None]


def _ends(layer: Layer, channel: Channel, finder: _Finder, table: Rows, count: int) -> list[float | None]:
    """Where the ranges of a layer end: by a column, or all at a constant."""
    encoding = encoding_of(layer, channel)
    if encoding is not None and is_constant(layer, channel):
        return [constant_place(encoding.value)] * count
    return _numbers(finder.axis(layer, channel), table) or [None] * count


def constant_place(value: object) -> float | None:
    """A constant on an axis of quantities or times."""
    if isinstance(value, str):
        try:
            return days(date.fromisoformat(value))
        except ValueError:
            return None
    return number(value)


def _places(x: Axis | None, table: Rows, categories: Sequence[str]) -> list[float | None]:
    if x is None:
        return []
    values = table.get(x.column.name, [])
    if x.kind == "category":
        index = {name: float(place) for place, name in enumerate(categories)}
        return [index.get(label(value)) for value in values]
    return [_writer(x)(value) for value in values]


def _numbers(axis: Axis | None, table: Rows) -> list[float | None]:
    if axis is None:
        return []
    place = _writer(axis)
    return [place(value) for value in table.get(axis.column.name, [])]


def _writer(axis: Axis) -> Callable[[object], float | None]:
    return _day if axis.kind == "time" else _amount


def _day(value: object) -> float | None:
    return days(value) if isinstance(value, date) else None


def _amount(value: object) -> float | None:
    return float(value) if isinstance(value, bool) else number(value)
