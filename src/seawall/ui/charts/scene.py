"""What an upright chart is made of: named lines over shared scales, and the stacks among them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import msgspec

from seawall.ui.charts.constants import constant, fixed_color
from seawall.ui.charts.data import Axis, Frame, Point, Series, View
from seawall.ui.charts.drawing import DIRECT_MAX, Request
from seawall.ui.charts.frames import merged, titled
from seawall.ui.charts.names import line_name
from seawall.ui.charts.scales import Band
from seawall.ui.charts.sizes import has_legend
from seawall.ui.charts.stacks import Stack, is_grouped

NEAR_ZERO = 0.6
"""Lines start at zero unless even their least value is this near to their greatest."""


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
        """Whether it goes from one value to another."""
        return self.view.is_span

    @property
    def is_nameless(self) -> bool:
        """Whether its author hid the names that colours stand for."""
        return self.view.color is not None and not self.view.color.encoding.legend


class Scene:
    """The lines of one chart and what follows from them."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.frame: Frame = request.frame
        self.lines = _lines(request)
        self.named = _named(self.lines)
        self.named += _ruled(self.frame.views, {line.series.name for line in self.named})
        self.bars = [line for line in self.lines if line.view.mark == "bar"]
        self.side_by_side = [line for line in self.bars if not line.view.span] if is_grouped(self.frame.views) else []
        self.grouped = len(self.side_by_side) > 1
        self.band = Band(len(self.frame.categories))

    @cached_property
    def stacks(self) -> dict[int, Stack]:
        """The stack of each layer that has one, by the layer's identity."""
        views = [view for view in self.frame.views if not view.is_span]
        made = {id(view): Stack(view.series) for view in views if view.mark == "area"}
        made.update({id(view): Stack(view.series) for view in views if view.mark == "bar" and not (self.grouped and not view.span)})
        return made

    def stack(self, line: Line) -> Stack | None:
        """The stack a line is part of."""
        return self.stacks.get(id(line.view))

    @cached_property
    def y(self) -> Axis | None:
        """The column of the first layer that has one, with what all of them say of the axis; ranges and rules keep their titles."""
        views = [view for view in self.frame.views if view.y is not None and view.y.kind != "category"]
        return titled(merged(view.y for view in views), [view.y for view in views if not view.is_span and view.mark != "rule"])

    @property
    def is_free(self) -> bool:
        """Whether x is a quantity."""
        return self.frame.x is not None and self.frame.x.kind == "number"

    @cached_property
    def legend_title(self) -> str:
        """What its author wrote before the names of colours."""
        colors = [line.view.color for line in self.told if line.view.color is not None]
        title = next((color.encoding.title for color in colors if color.encoding.title is not None), None)
        return title.in_locale(self.request.ctx.locale) if title is not None and len(self.named) > 1 else ""

    @cached_property
    def told(self) -> list[Line]:
        """The lines whose names may be written."""
        return [line for line in self.named if not line.is_nameless]

    @cached_property
    def legend_always(self) -> bool:
        """Whether names cannot stand beside the ends of lines, however wide the panel."""
        if any(has_legend(view) for view in self.frame.views):
            return True
        if len(self.named) < 2 or not self.told:
            return False
        apart = any(line.view.mark in ("point", "rule") or line.is_band for line in self.told)
        return len(self.told) > DIRECT_MAX or self.grouped or apart or bool(self.legend_title)

    @cached_property
    def from_zero(self) -> bool:
        """Whether something is seen by its length."""
        return bool(self.stacks) or any(not line.is_band for line in self.bars)

    def reaches_zero(self, low: float, high: float) -> bool:
        """Whether the quantity's axis includes zero: bars do, others as asked, or unless even the least value is near to the greatest."""
        if self.from_zero:
            return True
        if self.y is not None and self.y.encoding.scale_zero is not None:
            return self.y.encoding.scale_zero
        return (low > 0 and low / high < NEAR_ZERO) or (high < 0 and high / low < NEAR_ZERO)

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
            yield constant(self.frame, view, "y")

    def written_title(self) -> str:
        """What its author wrote of the y axis, unless that is what a line is called."""
        views = list({id(line.view): line.view for line in self.named}.values()) or [
            view for view in self.frame.views if view.y is not None
        ]
        for view in views:
            title = view.y.encoding.title if view.y is not None else None
            text = title.in_locale(self.request.ctx.locale) if title is not None else ""
            lines = [line for line in self.named if line.view is view]
            if text and (len(self.named) == 1 or not any(text in line.name for line in lines)) and not _is_called(view):
                return text
        return ""


def _is_called(view: View) -> bool:
    """Whether its y title is its own name: of references across and of error bars."""
    return view.mark == "rule" and view.span != "x"


def _named(lines: list[Line]) -> list[Line]:
    """Lines with names of their own. Ranges are told by the tooltip, unless only they show what a colour means."""
    plain = [line for line in lines if not line.is_band]
    known = {line.series.name for line in plain if line.view.colored}
    return [line for line in lines if not line.is_band or (line.view.colored and line.series.name not in known)]


def _ruled(views: Iterable[View], known: set[str]) -> list[Line]:
    """What the colours of rules stand for, where no line tells it already."""
    series = {each.name: (view, each) for view in views if view.mark == "rule" and view.colored for each in view.series}
    return [Line(view, each, name, each.color) for name, (view, each) in series.items() if name not in known]


def _lines(request: Request) -> list[Line]:
    views = [view for view in request.frame.views if view.mark in ("line", "area", "bar", "point")]
    made, plain = [], 0
    for place, view in enumerate(views):
        order = plain
        plain += not view.colored and not view.is_span
        dashed = view.mark == "line" and any(other.mark == "line" for other in views[:place])
        made += [Line(view, one, line_name(request, view, one), color_of(view, one, order, dashed), dashed) for one in view.series]
    return made


def color_of(view: View, series: Series, order: int, dashed: bool) -> int:
    """A second line is the first one's companion and keeps its colour; further layers take the palette's."""
    fixed = fixed_color(view)
    if fixed is not None:
        return fixed
    if view.colored or view.is_span:
        return series.color
    if view.mark == "line" and dashed:
        return 0 if order <= 1 else (order - 1) % 8 + 1
    return 0 if order == 0 else order % 8 + 1
