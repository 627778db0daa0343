"""What lines, ranges and their ends are called."""

from __future__ import annotations

from seawall.app.chart_columns import encoding_of
from seawall.app.model import Channel
from seawall.ui.charts.data import Axis, Series, View
from seawall.ui.charts.drawing import Request
from seawall.ui.charts.frames import constant_place

_ENDS: tuple[Channel, ...] = ("x2", "y2")


def line_name(request: Request, view: View, series: Series) -> str:
    """A series' name; of ranges their title, or from what to what they go."""
    if not view.is_span:
        return request.series_name(view, series)
    own = span_name(request, view, view.y)
    return f"{series.name}, {own}" if view.colored else own


def span_name(request: Request, view: View, begin: Axis | None) -> str:
    """What ranges that begin at a column are called."""
    title = begin.encoding.title if begin is not None else None
    own = title.in_locale(request.ctx.locale) if title is not None else ""
    if own or begin is None:
        return own or request.ctx.messages["interval_label"]
    return request.ctx.messages.text("interval", low=request.axis_name(begin), high=end_name(request, view, begin))


def end_name(request: Request, view: View, begin: Axis) -> str:
    """What the end of a layer's ranges is called: its title, its column, or the constant."""
    if view.end is not None:
        return request.axis_name(view.end)
    encoding = next((found for channel in _ENDS if (found := encoding_of(view.layer, channel)) is not None), None)
    if encoding is None:
        return ""
    title = encoding.title.in_locale(request.ctx.locale) if encoding.title is not None else ""
    return title or request.written(begin, constant_place(encoding.value))


def range_words(request: Request, view: View, begin: Axis, low: float | None, high: float | None) -> str:
    """From one end to the other, the lesser first, each as its own column is written; a dash when one is missing."""
    if low is None or high is None:
        return request.maker(begin)(None)
    end = view.end if view.end is not None and begin.encoding.format is None else begin
    first, last = sorted(((low, request.written(begin, low)), (high, request.written(end, high))))
    return request.ctx.messages.text("interval", low=first[1], high=last[1])
