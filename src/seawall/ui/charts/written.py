"""Names along an axis and of series, as a channel's format or the reader's language writes them."""

from __future__ import annotations

import msgspec

from seawall.ui.charts.data import Axis, Frame, PanelData, Series, View
from seawall.ui.formats import ToText
from seawall.ui.render.context import RenderContext

_TIMES = ("Date", "DateTime", "DateTimeTz")


def written(frame: Frame, data: PanelData, ctx: RenderContext) -> Frame:
    """The frame with its names as readers see them."""
    write = _writer(frame.x, ctx)
    categories = tuple(write(value) for value in frame.values) if write is not None else frame.categories
    views = tuple(_named(view, data, ctx) for view in frame.views)
    return msgspec.structs.replace(frame, categories=categories, views=views)


def _writer(axis: Axis | None, ctx: RenderContext) -> ToText | None:
    """How names are written; None for those that are shown as they are."""
    if axis is None or (axis.encoding.format is None and axis.column.datatype not in _TIMES):
        return None
    return ctx.formatter.maker(axis.format, axis.column.datatype)


def _named(view: View, data: PanelData, ctx: RenderContext) -> View:
    write = _writer(view.color, ctx)
    if write is None or view.color is None:
        return view
    values = data.table.column([column.name for column in data.columns].index(view.color.column.name)).to_pylist()
    return msgspec.structs.replace(view, series=tuple(_renamed(series, values, write) for series in view.series))


def _renamed(series: Series, values: list[object], write: ToText) -> Series:
    return msgspec.structs.replace(series, name=write(values[series.points[0].row]))
