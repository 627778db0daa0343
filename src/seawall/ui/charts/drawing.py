"""What goes into a drawing and what comes out, and the words both layouts share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property

import msgspec

from seawall.app.model import Channel, Format, Panel
from seawall.ui.charts.data import GRAIN_DAYS, Axis, Frame, PanelData, Point, Series, View, number
from seawall.ui.charts.plot import px
from seawall.ui.charts.readout import Readout, Trace, points_json
from seawall.ui.charts.scales import days, moment, step_between
from seawall.ui.charts.text import esc, single_quoted
from seawall.ui.charts.written import written
from seawall.ui.formats import ToText
from seawall.ui.render.context import RenderContext

_RULE_CHANNELS: tuple[Channel, ...] = ("y", "x", "size")
DIRECT_MAX = 4
"""Up to this many series are labelled where they end; more get a legend."""
LEGEND_PX = 28
_BEGUN = ("note.begun", "note.left_out_begun")
_NOT_OVER = ("note.partial", "note.left_out")
_OUTSIDE = ("note.outside", "note.left_out_outside")
"""What is said of a period that is not whole: where it is drawn, and where it is left out."""


class LegendItem(msgspec.Struct, frozen=True):
    """A swatch, a name and the latest value."""

    name: str
    color: int
    value: str = ""
    dashed: bool = False
    radius: float = 0.0
    """Of a dot whose surface has a meaning, CSS pixels."""


class Drawing(msgspec.Struct, frozen=True):
    """A chart ready to be put into a panel."""

    svg: str
    legend: tuple[LegendItem, ...]
    legend_always: bool
    """Otherwise only where the panel is too narrow for labels at the ends of lines."""
    readout: Readout
    legend_title: str = ""
    note: str = ""
    """What a reader must know, such as that the last week is incomplete; plain text."""


class Request:
    """One panel's rows to be drawn."""

    def __init__(self, panel: Panel, data: PanelData, ctx: RenderContext, frame: Frame) -> None:
        self.panel = panel
        self.data = data
        self.ctx = ctx
        self.frame = written(frame, data, ctx)
        self.note = ""
        self._leave_out_partial()

    def _leave_out_partial(self) -> None:
        """Lines and areas have whole periods only: a drop that only means "not yet" would be the loudest thing said."""
        ends = (
            (self.begun_at, 0, _BEGUN),
            (self.outside_first, 0, _OUTSIDE),
            (self.partial_at, -1, _NOT_OVER),
            (self.outside_last, -1, _OUTSIDE),
        )
        places = self.frame.places
        notes = [self._left_out(at, end, keys) for at, end, keys in ends]
        self.note = " · ".join(note for note in notes if note)
        kept = self.frame.places
        self.left_out = (sum(place < kept[0] for place in places), sum(place > kept[-1] for place in places)) if kept else (0, 0)

    def _left_out(self, at: float | None, end: int, keys: Sequence[str]) -> str:
        """Leave a period at one end out of lines and areas; what a reader must know of it."""
        if at is None or not self.frame.places or self.frame.places[end] != at:
            return ""
        if len(self.frame.places) < 3:
            return self.ctx.messages.text(keys[0], period=self._period_words(at)) if keys is _OUTSIDE else ""
        kept = [view if view.mark in ("bar", "point") else _without(view, at) for view in self.frame.views]
        places = sorted({point.x for view in kept for series in view.series for point in series.points})
        self.frame = msgspec.structs.replace(self.frame, views=tuple(kept), places=tuple(places))
        return self.ctx.messages.text(keys[at not in places], period=self._period_words(at))

    def view_name(self, view: View) -> str:
        """What a layer shows: its y title, else its column's label."""
        return self.axis_name(view.y) if view.y is not None else ""

    def axis_name(self, axis: Axis) -> str:
        """A channel's title, else its column's label."""
        title = axis.encoding.title
        return (title.in_locale(self.ctx.locale) if title else "") or axis.column.label.in_locale(self.ctx.locale) or axis.column.name

    def _period_words(self, at: float) -> str:
        return self.ctx.messages.text(f"finding.period.{self.frame.grain}", date=self.place_label(at))

    def series_name(self, view: View, series: Series) -> str:
        """The series' own name when the layer is coloured by a field, else the layer's."""
        own = self.view_name(view)
        if not view.colored:
            return own
        shared = sum(1 for other in self.frame.views if other.colored and other.mark in ("line", "bar", "area") and not other.is_span)
        return f"{series.name}, {own}" if shared > 1 and view is not self.frame.views[0] and series.name != own else series.name

    def maker(self, axis: Axis) -> ToText:
        """How a channel's values are written in full."""
        return self.ctx.formatter.maker(axis.format, axis.column.datatype)

    def short(self, axis: Axis) -> Callable[[object], str]:
        """How a channel's values are written on a label."""
        return lambda value: self.ctx.formatter.short(value, axis.format, axis.column.datatype)

    @property
    def drawn(self) -> tuple[str, ...]:
        """The columns of numbers that are drawn; those that only a tooltip tells are not."""
        axes = [axis for view in self.frame.views for axis in (view.y, view.end) if axis is not None and axis.column.role == "metric"]
        return tuple(dict.fromkeys(axis.column.name for axis in axes))

    @cached_property
    def step(self) -> float:
        """The distance between two neighbours on the x axis: days for time."""
        if self.frame.grain is not None:
            return GRAIN_DAYS[self.frame.grain]
        return step_between(self.frame.places)

    @cached_property
    def gap(self) -> float:
        """More than this between two points is a gap in the line. Only known when the grain is."""
        longest = {"month": 31.0, "quarter": 92.0, "year": 366.0}.get(self.frame.grain or "", self.step)
        return longest * 1.01 if self.frame.grain is not None else float("inf")

    @cached_property
    def begun_at(self) -> float | None:
        """The place of the period in which the data begins, when it lacks days (`query/first_period.py` says when it does)."""
        whole_from, place = self.ctx.whole_from, min(self.frame.places, default=None)
        if self.frame.grain is None or whole_from is None or place is None:
            return None
        return place if place < days(whole_from) else None

    @cached_property
    def partial_at(self) -> float | None:
        """The place of the period in which the data ends, when it is not over (`query/periods.py` says when one is complete)."""
        grain, as_of = self.frame.grain, self.ctx.as_of
        if grain is None or as_of is None or grain == "hour":
            return None
        place = max((place for place in self.frame.places if place <= days(as_of)), default=None)
        return place if place is not None and period_end(moment(place).date(), grain) > as_of else None

    @cached_property
    def outside_first(self) -> float | None:
        """The place of a first period that begins before the days asked about."""
        asked, place = self.ctx.asked, min(self.frame.places, default=None)
        if self.frame.grain is None or asked is None or asked.start is None or place is None or place == self.begun_at:
            return None
        return place if place < days(asked.start) else None

    @cached_property
    def outside_last(self) -> float | None:
        """The place of a last period that ends after the days asked about."""
        grain, asked, place = self.frame.grain, self.ctx.asked, max(self.frame.places, default=None)
        if grain in (None, "hour") or asked is None or asked.end is None or place is None or place == self.partial_at:
            return None
        return place if period_end(moment(place).date(), str(grain)) > asked.end else None

    @cached_property
    def not_whole(self) -> frozenset[float]:
        """The places of all periods that lack days."""
        found = (self.begun_at, self.outside_first, self.partial_at, self.outside_last)
        return frozenset(place for place in found if place is not None)

    def place_label(self, place: float) -> str:
        """A place on the x axis in words."""
        axis = self.frame.x
        if axis is not None and axis.kind == "number":
            return self.maker(axis)(place)
        if axis is None or axis.kind == "category":
            index = int(place)
            return self.frame.categories[index] if 0 <= index < len(self.frame.categories) else ""
        if axis.encoding.format is not None:
            return self.written(axis, place)
        when = moment(place)
        return self.period_label(when.date() if place == int(place) else when)

    def writer(self, axis: Axis) -> ToText:
        """How places on an axis of quantities or times are written; made once for many of them."""
        return self.maker(axis) if axis.kind != "time" else lambda place: self.written(axis, number(place))

    def written(self, axis: Axis, place: float | None) -> str:
        """A place on any axis of quantities or times, as its column is written."""
        if axis.kind != "time" or place is None:
            return self.maker(axis)(place)
        when = moment(place)
        return self.ctx.formatter.value(when.date() if place == int(place) else when, _dated(axis), axis.column.datatype)

    def period_label(self, when: date) -> str:
        """The period that begins at `when`, by the x axis' grain."""
        grain, write = self.frame.grain, self.ctx.formatter.date
        if grain == "quarter":
            return self.ctx.messages.text("quarter", quarter=(when.month + 2) // 3, year=when.year)
        skeleton = {"hour": "datetime", "month": "yMMM", "year": "y"}.get(grain or "", "")
        if not skeleton and self.frame.x is not None and grain is None:
            return self.ctx.formatter.value(when, _dated(self.frame.x), self.frame.x.column.datatype)
        return write(when, skeleton or "yMMMd")

    def told(self, views: Sequence[View], place_of: Callable[[Point], int | None], count: int) -> list[Trace]:
        """Traces of what only tooltips tell; of a coloured layer one for each series where several of its rows share a place."""
        traces = []
        for view in views:
            axes = (*view.tooltip, *((view.size,) if view.size is not None else ()))
            groups = self._apart(view, place_of) if axes else {}
            for axis in axes:
                column = self.data.table.column([each.name for each in self.data.columns].index(axis.column.name)).to_pylist()
                write = self.maker(axis)
                for name, points in groups.items():
                    values = [""] * count
                    for point in points:
                        at = place_of(point)
                        if at is not None:
                            values[at] = write(column[point.row])
                    own = self.axis_name(axis)
                    traces.append(Trace(f"{name}, {own}" if name else own, -1, values, [None] * count))
        return traces

    def _apart(self, view: View, place_of: Callable[[Point], int | None]) -> dict[str, list[Point]]:
        """A layer's points by the name of their series, or all under no name where no two share a place."""
        points = [point for series in view.series for point in series.points]
        if not view.colored or len({place_of(point) for point in points}) == len(points):
            return {"": points}
        return {series.name: list(series.points) for series in view.series}

    def point_label(self, point: Point) -> str:
        """What a single point is: the values of the dimensions that are not on an axis, else its place."""
        names = self._free_names
        return names[point.row] if point.row < len(names) else self.place_label(point.x)

    @cached_property
    def _free_names(self) -> list[str]:
        if self.frame.x is None or self.frame.x.kind != "number":
            return []
        used = {self.frame.x.column.name}
        free = [index for index, column in enumerate(self.data.columns) if column.role != "metric" and column.name not in used]
        lists = [self.data.table.column(index).to_pylist() for index in free]
        makers = [self.ctx.formatter.maker(self.data.columns[index].format, self.data.columns[index].datatype) for index in free]
        return [", ".join(write(value) for write, value in zip(makers, row, strict=True)) for row in zip(*lists, strict=True)]

    def rule_words(self, view: View) -> str:
        """What a rule is called: the first title among its channels."""
        titles = [encoding.title for channel in _RULE_CHANNELS for encoding in view.layer.encoding.get(channel, ())]
        return next((title.in_locale(self.ctx.locale) for title in titles if title is not None), "")

    def svg(self, inside: str, classes: str, height: float, readout: Readout) -> str:
        """The chart's element around its marks, with its readout for the browser script."""
        points = points_json(readout)
        hover = f" tabindex=\"0\" data-points='{single_quoted(points)}'" if points else ""
        name = esc(self.panel.name)
        return (
            f'<svg class="chart {classes}" height="{px(height)}" role="img" aria-labelledby="h-{name}" aria-describedby="d-{name}"{hover}>'
            f"{inside}</svg>"
        )


def as_day(value: date) -> date:
    """A date, of a datetime too: the two do not compare."""
    return value.date() if isinstance(value, datetime) else value


def period_end(start: date, grain: str) -> date:
    """The first day after the period that begins on `start`. Weeks begin on whichever day the field says."""
    start = as_day(start)
    if grain in ("day", "week"):
        return start + timedelta(days=min(1 if grain == "day" else 7, (date.max - start).days))
    first = {"month": start.month, "quarter": (start.month - 1) // 3 * 3 + 1}.get(grain, 1)
    months = start.year * 12 + first - 1 + {"month": 1, "quarter": 3}.get(grain, 12)
    return date(months // 12, months % 12 + 1, 1) if months < 120_000 else date.max


def _without(view: View, at: float) -> View:
    series = tuple(msgspec.structs.replace(each, points=tuple(point for point in each.points if point.x != at)) for each in view.series)
    return msgspec.structs.replace(view, series=series)


def _dated(axis: Axis) -> Format:
    return axis.format if axis.format.style in ("date", "week", "month", "datetime") else Format()
