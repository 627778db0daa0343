"""What an upright chart is made of: named lines over shared scales, and the stacks among them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import msgspec

from seawall.app.model import Channel
from seawall.ui.charts.data import Axis, Frame, Point, Series, View
from seawall.ui.charts.drawing import DIRECT_MAX, Request
from seawall.ui.charts.scales import Band
from seawall.ui.charts.stacks import Stack, is_grouped


class Line(msgspec.Struct, frozen=True):
    """One thing with a name: a series of a view, and how it is told from the others."""

    view: View
    series: Series
    name: str
    color: int
    dashed: bool = False

    @property
    def latest(self) -> Point | None:
        """The last point that has a value."""
        return next((point for point in reversed(self.series.points) if point.y is not None), None)

    @property
    def is_band(self) -> bool:
        """Whether it is an interval, not a value."""
        return self.view.has_y2


class Scene:
    """The lines of one chart and what follows from them."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.frame: Frame = request.frame
        self.lines = _lines(request)
        self.named = [line for line in self.lines if not line.is_band]
        self.bars = [line for line in self.lines if line.view.mark == "bar"]
        self.grouped = is_grouped(self.frame.views) and len(self.bars) > 1
        self.band = Band(len(self.frame.categories))

    @cached_property
    def stacks(self) -> dict[int, Stack]:
        """The stack of each layer that has one, by the layer's identity."""
        views = self.frame.views
        made = {id(view): Stack(view.series) for view in views if view.mark == "area" and not view.has_y2}
        if not self.grouped:
            made.update({id(view): Stack(view.series) for view in views if view.mark == "bar"})
        return made

    def stack(self, line: Line) -> Stack | None:
        """The stack a line is part of."""
        return self.stacks.get(id(line.view))

    @cached_property
    def y(self) -> Axis | None:
        """The column of the first layer that has one: the axis speaks its format."""
        return next((view.y for view in self.frame.views if view.y is not None and view.y.kind != "category"), None)

    @property
    def is_free(self) -> bool:
        """Whether x is a quantity."""
        return self.frame.x is not None and self.frame.x.kind == "number"

    @cached_property
    def legend_always(self) -> bool:
        """Whether names cannot stand beside the ends of lines, however wide the panel."""
        if len(self.named) < 2:
            return False
        return len(self.named) > DIRECT_MAX or (self.grouped and bool(self.bars)) or any(line.view.mark == "point" for line in self.named)

    def heights(self) -> Iterable[float | None]:
        """Every value the y axis must hold."""
        for view in self.frame.views:
            stack = self.stacks.get(id(view))
            if stack is not None:
                yield from stack.extremes()
                continue
            for series in view.series:
                for point in series.points:
                    yield point.y
                    yield point.y2
            yield constant(view, "y")


def constant(view: View, channel: Channel) -> float | None:
    """The number a channel is fixed at, if it is."""
    for encoding in view.layer.encoding.get(channel, ()):
        if isinstance(encoding.value, int | float):
            return float(encoding.value)
    return None


def _lines(request: Request) -> list[Line]:
    views = [view for view in request.frame.views if view.mark in ("line", "area", "bar", "point")]
    made, plain = [], 0
    for place, view in enumerate(views):
        order = plain
        plain += not view.colored and not view.has_y2
        dashed = view.mark == "line" and any(other.mark == "line" for other in views[:place])
        made += [Line(view, one, _name(request, view, one), _color(view, one, order, dashed), dashed) for one in view.series]
    return made


def _name(request: Request, view: View, series: Series) -> str:
    if not view.has_y2:
        return request.series_name(view, series)
    title = view.y.encoding.title if view.y is not None else None
    own = (title.in_locale(request.ctx.locale) if title else "") or _span_name(request, view)
    return f"{series.name}, {own}" if view.colored else own


def _span_name(request: Request, view: View) -> str:
    if view.y is None or view.y2 is None:
        return request.ctx.messages["interval_label"]
    return request.ctx.messages.text("interval", low=request.axis_name(view.y), high=request.axis_name(view.y2))


def _color(view: View, series: Series, order: int, dashed: bool) -> int:
    """A second line is the first one's companion and keeps its colour; further layers take the palette's."""
    if view.colored or view.has_y2:
        return series.color
    if view.mark == "line" and dashed:
        return 0 if order <= 1 else (order - 1) % 8 + 1
    return 0 if order == 0 else order % 8 + 1
