"""Charts whose x axis lies along the bottom: lines, areas, bars, points and rules over time, categories or a quantity."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from seawall.ui.charts import axes, marks
from seawall.ui.charts.data import Axis, Point, Series, View
from seawall.ui.charts.drawing import DIRECT_MAX, LEGEND_PX, Drawing, LegendItem, Request
from seawall.ui.charts.labels import EndLabel, spread
from seawall.ui.charts.plot import TIERS, Plot, padding, px
from seawall.ui.charts.readout import Readout, Trace, points_json
from seawall.ui.charts.scales import Band, Linear, Log, Scale, extent
from seawall.ui.charts.stacks import Stack, is_grouped, stacked
from seawall.ui.charts.text import esc, fit, text_width
from seawall.ui.charts.ticks import Ticks, linear_ticks, log_ticks
from seawall.ui.charts.time_ticks import TimeTick, time_ticks

TOP_PX = 12
TICK_ROOM_PX = 52
LABEL_PX_MAX = 168
EARLY = 0.94
"""A line that ends before this part of the width is labelled at its end, not in the margin."""
BARS_APART_MAX = 24


class Line(msgspec.Struct, frozen=True):
    """One thing with a name: a series of a view, and how it is told from the others."""

    view: View
    series: Series
    name: str
    color: int
    dashed: bool = False


def draw_upright(request: Request) -> Drawing:
    """Lay out and draw."""
    return _Upright(request).draw()


class _Upright:
    def __init__(self, request: Request) -> None:
        self.request = request
        self.frame = request.frame
        self.formatter = request.ctx.formatter
        self.lines = _lines(request)
        self.stacks = {id(view): stacked(view) for view in self.frame.views if view.mark in ("bar", "area") and not view.has_y2}
        self.grouped = is_grouped(self.frame.views)
        self.bar_lines = [line for line in self.lines if line.view.mark == "bar"]
        named = [line for line in self.lines if not line.view.has_y2]
        self.many = len(named) > DIRECT_MAX
        self.apart = self.grouped and len(self.bar_lines) > 1
        self.legend_always = self.many or self.apart or (len(named) > 1 and any(line.view.mark == "point" for line in named))
        self.height = request.panel.chart.height_px - (LEGEND_PX if self.legend_always else 0)
        self.y_axis_of = next((view.y for view in self.frame.views if view.y is not None), None)
        self.band = Band(len(self.frame.categories))

    # ── layout ───────────────────────────────────────────────────────────────────────────────────────────────

    def draw(self) -> Drawing:
        """The whole chart."""
        x_scale, x_ticks = self._x_scale()
        tiers = self._time_tiers(x_scale)
        bottom = axes.time_axis_height(tiers) if tiers else 22
        room = max(40.0, self.height - TOP_PX - bottom)
        ticks, y_scale = self._y_scale(max(3, int(room / TICK_ROOM_PX) + 1))
        plot = Plot(top=TOP_PX, height=room, y_at=y_scale.at, x_at=x_scale.at)
        labels = self.formatter.axis(ticks.values, self.y_axis_of.format) if self.y_axis_of else [""] * len(ticks.values)
        under = axes.y_axis(plot, ticks, labels) + self._x_axis(plot, tiers, x_ticks)
        body = self._marks(plot)
        ends = [] if self.legend_always else self._end_labels(plot)
        left = max((text_width(text) for text in labels), default=0) + 12
        return self._assemble(plot, under + body + self._ends(plot, ends), ends, left)

    def _assemble(self, plot: Plot, inside: str, ends: list[EndLabel], left: float) -> Drawing:
        made = self._readout(plot)
        points = points_json(made)
        hover = f" tabindex=\"0\" data-points='{_single_quoted(points)}'" if points else ""
        one = len(ends) == 1 and not ends[0].name
        wide = max((text_width(end.value) + (text_width(end.name) + 6 if end.name else 0) for end in ends), default=0)
        narrow = max((text_width(end.value) for end in ends), default=0)
        classes = f"{padding('l', left)} {padding('r', min(wide, LABEL_PX_MAX) + 14)} {padding('n', narrow + 14)}"
        svg = f'<svg class="chart {classes}" height="{px(self.height)}" {self.request.attributes()}{hover}>{inside}</svg>'
        legend = () if one or len(self.lines) < 2 else self._legend()
        return Drawing(svg=svg, legend=legend, legend_always=self.legend_always, readout=made, note=self._note())

    def _x_scale(self) -> tuple[Scale, Ticks | None]:
        axis, places = self.frame.x, self.frame.places
        if axis is None or not places:
            return Linear(0, 1), None
        if axis.kind == "category":
            return self.band, None
        low, high = places[0], places[-1]
        if axis.kind == "number":
            wants_log = axis.encoding.scale_type == "log" and low > 0
            ticks = log_ticks(low, high, 6) if wants_log else linear_ticks(low, high, 6)
            return (Log(ticks.low, ticks.high) if wants_log else Linear(ticks.low, ticks.high)), ticks
        if any(view.mark == "bar" for view in self.frame.views) or low == high:
            low, high = low - self.request.step / 2, high + self.request.step / 2
        return Linear(low, high), None

    def _time_tiers(self, scale: Scale) -> list[tuple[TimeTick, ...]]:
        if self.frame.x is None or self.frame.x.kind != "time" or not isinstance(scale, Linear) or not self.frame.places:
            return []
        finest = self.request.step if self.frame.grain else min(1.0, self.request.step)
        return [time_ticks(max(1, scale.low), scale.high, width, self.formatter, finest_days=finest) for _, width in TIERS]

    def _x_axis(self, plot: Plot, tiers: list[tuple[TimeTick, ...]], ticks: Ticks | None) -> str:
        axis = self.frame.x
        if axis is None or not axis.encoding.axis:
            return ""
        if tiers:
            return axes.time_axis(plot, tiers)
        if ticks is not None:
            return axes.number_axis(plot, ticks, self.formatter.axis(ticks.values, axis.format))
        places = [self.band.at(index) for index in range(len(self.frame.categories))]
        return axes.category_axis(plot, self.frame.categories, places, self.band.step)

    def _y_scale(self, count_max: int) -> tuple[Ticks, Scale]:
        low, high = extent(self._heights()) or (0.0, 1.0)
        encoding = self.y_axis_of.encoding if self.y_axis_of else None
        if encoding is not None and encoding.scale_type == "log" and high > 0:
            positive = extent(value for value in self._heights() if value is not None and value > 0) or (1.0, 10.0)
            ticks = log_ticks(*positive, count_max)
            return ticks, Log(ticks.low, ticks.high)
        if self._from_zero(low, high, encoding.scale_zero if encoding else None):
            low, high = min(0.0, low), max(0.0, high)
        ticks = linear_ticks(low, high, count_max)
        return ticks, Linear(ticks.low, ticks.high)

    def _from_zero(self, low: float, high: float, asked: bool | None) -> bool:
        if any(id(view) in self.stacks for view in self.frame.views):
            return True
        if asked is not None:
            return asked
        return (low > 0 and low / high < 0.6) or (high < 0 and high / low < 0.6)

    def _heights(self) -> Iterable[float | None]:
        for view in self.frame.views:
            stack = self.stacks.get(id(view))
            if stack is not None and not (view.mark == "bar" and self.grouped):
                yield from stack.extremes()
                continue
            for series in view.series:
                for point in series.points:
                    yield point.y
                    yield point.y2
            yield _constant(view, "y")

    # ── marks ────────────────────────────────────────────────────────────────────────────────────────────────

    def _marks(self, plot: Plot) -> str:
        """Bands and areas first, then bars, lines, rules and points; within a kind in the order of the layers."""
        inner = [self._area(plot, line) for line in self.lines if line.view.mark == "area"]
        outer = [self._bars(plot, line) for line in self.bar_lines]
        lines = [self._line(plot, line) for line in self.lines if line.view.mark == "line"]
        rules = [self._rule(plot, view) for view in self.frame.views if view.mark == "rule"]
        dots = [self._dots(plot, line) for line in self.lines if line.view.mark == "point"]
        return plot.inner("".join(inner)) + "".join(outer) + plot.inner("".join(lines)) + "".join(rules) + "".join(dots)

    def _area(self, plot: Plot, line: Line) -> str:
        color = marks.color_class(line.color)
        if line.view.has_y2:
            runs = marks.runs([point for point in line.series.points if point.y2 is not None], self.request.gap)
            d = "".join(
                marks.area_path(plot, [(plot.x_units(point.x), plot.y_units(point.y2 or 0)) for point in run],
                                [(plot.x_units(point.x), plot.y_units(point.y or 0)) for point in run])
                for run in runs
            )  # fmt: skip
            return marks.fill(d, f"bd {color}", line.name)
        layers = self.stacks[id(line.view)].layers(line.series)
        upper = [(plot.x_units(x), plot.y_units(top)) for x, _, top in layers]
        lower = [(plot.x_units(x), plot.y_units(base)) for x, base, _ in layers]
        lone = not line.view.colored or len(line.view.series) == 1
        edge = marks.stroke(marks.line_path(plot, [[Point(x, top) for x, _, top in layers]]), color) if lone else ""
        return marks.fill(marks.area_path(plot, upper, lower), f"{'bd' if lone else 'ar'} {color}", self._summary(line)) + edge

    def _line(self, plot: Plot, line: Line) -> str:
        points, partial = self._complete(line.series)
        color = marks.color_class(line.color) + (" ds" if line.dashed else "")
        d = marks.line_path(plot, marks.runs(points, self.request.gap))
        text = marks.stroke(d, color, self._summary(line))
        if partial:
            text += marks.stroke(marks.line_path(plot, [partial]), f"{marks.color_class(line.color)} pa")
        return text

    def _bars(self, plot: Plot, line: Line) -> str:
        base = plot.y(0.0) if plot.y_at(0.0) >= 0 else plot.bottom
        slots, slot = (len(self.bar_lines), self.bar_lines.index(line)) if self.grouped else (1, 0)
        width = self._bar_width(plot)
        each = width / slots
        bars = (
            [(x, 0.0, point_y) for x, point_y in _values(line.series)] if self.grouped else self.stacks[id(line.view)].layers(line.series)
        )
        write = self.request.maker(line.view.y) if line.view.y else str
        titled = len(bars) * len(self.bar_lines) <= BARS_APART_MAX * 4
        parts = []
        for x, low, high in bars:
            top, foot = plot.y(high), plot.y(low) if low else base
            start = plot.x_at(x) - width / 2 + slot * each
            height = max(abs(foot - top), 1.0 if high != low else 0.0)
            title = f"{line.name}, {self.request.place_label(x)}: {write(high - low)}" if titled else ""
            classes = f"br {marks.color_class(line.color)}" + (" pa" if x == self.request.partial_at else "")
            parts.append(marks.rect(start, each * (0.92 if slots > 1 else 1), min(top, foot), height, classes, title))
        return "".join(parts)

    def _bar_width(self, plot: Plot) -> float:
        if self.frame.x is not None and self.frame.x.kind == "category":
            return self.band.width
        return abs(plot.x_at(self.request.step) - plot.x_at(0.0)) * 0.78 if self.frame.x is not None else 0.5

    def _dots(self, plot: Plot, line: Line) -> str:
        largest = max((abs(point.size) for point in line.series.points if point.size), default=0.0)
        titled = len(line.series.points) <= 200
        color = marks.color_class(line.color)
        write = self.request.maker(line.view.y) if line.view.y else str
        return "".join(
            marks.dot(
                plot.percent(point.x), plot.y(point.y), f"pt {color}",
                2.5 + 9 * (abs(point.size or 0.0) / largest) ** 0.5 if largest else 3.5,
                f"{line.name}, {self.request.place_label(point.x)}: {write(point.y)}" if titled else "",
            )
            for point in line.series.points if point.y is not None
        )  # fmt: skip

    def _rule(self, plot: Plot, view: View) -> str:
        across, down = _constant(view, "y"), _constant(view, "x")
        if across is not None:
            return self._reference(plot, across, self._rule_words(view))
        if down is not None:
            x = plot.percent(down)
            return f'<line class="ru" x1="{x}" x2="{x}" y1="{px(plot.top)}" y2="{px(plot.bottom)}"/>'
        points = [point for series in view.series for point in series.points]
        if view.y is not None and view.has_y2:
            return "".join(self._error_bar(plot, point) for point in points)
        if view.y is not None:
            heights = sorted({point.y for point in points if point.y is not None})
            return "".join(self._reference(plot, height, "") for height in heights[:8])
        places = sorted({point.x for point in points if not view.layer.encoding.get("size") or (point.size or 0) > 0})
        return "".join(self._flag(plot, place, self._rule_words(view)) for place in places)

    def _reference(self, plot: Plot, height: float, words: str) -> str:
        y = px(round(plot.y(height)) + 0.5)
        text = f'<text class="rl" x="100%" y="{px(plot.y(height) - 5)}">{esc(words)}</text>' if words else ""
        return f'<line class="ru" x2="100%" y1="{y}" y2="{y}"/>{text}'

    def _error_bar(self, plot: Plot, point: Point) -> str:
        if point.y is None or point.y2 is None:
            return ""
        x = plot.percent(point.x)
        return f'<line class="eb" x1="{x}" x2="{x}" y1="{px(plot.y(point.y))}" y2="{px(plot.y(point.y2))}"/>'

    def _flag(self, plot: Plot, place: float, words: str) -> str:
        """A short, strong mark that stands on the axis."""
        x = plot.percent(place)
        title = f"<title>{esc(words)}: {esc(self.request.place_label(place))}</title>" if words else ""
        return f'<line class="fl" x1="{x}" x2="{x}" y1="{px(plot.bottom - 7)}" y2="{px(plot.bottom)}">{title}</line>'

    def _rule_words(self, view: View) -> str:
        for channel in ("y", "x", "size"):
            for encoding in view.layer.encoding.get(channel, ()):
                if encoding.title is not None:
                    return str(encoding.title.in_locale(self.request.ctx.locale))
        return ""

    # ── words ────────────────────────────────────────────────────────────────────────────────────────────────

    def _complete(self, series: Series) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
        """The points of periods that are over, and the last segment when its period is not."""
        points, at = series.points, self.request.partial_at
        if at is None or len(points) < 2 or points[-1].x != at or points[-1].y is None or points[-2].y is None:
            return points, ()
        return points[:-1], points[-2:]

    def _latest(self, line: Line) -> Point | None:
        points, _ = self._complete(line.series)
        return next((point for point in reversed(points) if point.y is not None), None)

    def _summary(self, line: Line) -> str:
        latest = self._latest(line)
        if latest is None or line.view.y is None:
            return line.name
        value = self.request.maker(line.view.y)(latest.y)
        return self.request.ctx.messages.text("point.latest", name=line.name, value=value, date=self.request.place_label(latest.x))

    def _end_labels(self, plot: Plot) -> list[EndLabel]:
        named = [line for line in self.lines if not line.view.has_y2 and line.view.mark in ("line", "area", "bar")]
        labels = []
        for line in named:
            latest = self._latest(line)
            if latest is None or latest.y is None or line.view.y is None or (line.view.mark == "bar" and len(named) == 1):
                continue
            name = fit(line.name, LABEL_PX_MAX - 60) if len(named) > 1 else ""
            at = self.stacks[id(line.view)].middle(line.series, latest.x) if id(line.view) in self.stacks else latest.y
            labels.append(EndLabel(plot.y(at), name, self.request.short(line.view.y)(latest.y), line.color, line.dashed))
        return labels

    def _ends(self, plot: Plot, labels: list[EndLabel]) -> str:
        places = spread([label.y for label in labels], plot.top, plot.bottom)
        parts = [self._last_dots(plot)] if labels or self.legend_always else []
        for label, y in zip(labels, places, strict=True):
            name = f'<tspan class="nm">{esc(label.name)} </tspan>' if label.name else ""
            value = f'<tspan class="vl">{esc(label.value)}</tspan>'
            parts.append(f'<text class="dl {marks.color_class(label.color)}" x="100%" dx="9" y="{px(y + 4)}">{name}{value}</text>')
        return "".join(parts)

    def _last_dots(self, plot: Plot) -> str:
        parts = []
        for line in self.lines:
            latest = self._latest(line)
            if line.view.mark == "line" and latest is not None and latest.y is not None:
                parts.append(marks.dot(plot.percent(latest.x), plot.y(latest.y), f"ld {marks.color_class(line.color)}"))
        return "".join(parts)

    def _legend(self) -> tuple[LegendItem, ...]:
        items = []
        for line in self.lines:
            if line.view.has_y2 and line.view.colored:
                continue
            latest = self._latest(line)
            told = (
                latest is not None
                and line.view.y is not None
                and line.view.mark != "point"
                and self.frame.x is not None
                and self.frame.x.kind == "time"
            )
            value = self.request.short(line.view.y)(latest.y) if told and latest and line.view.y and not line.view.has_y2 else ""
            items.append(LegendItem(line.name, line.color, value, line.dashed))
        return tuple(items)

    def _note(self) -> str:
        at = self.request.partial_at
        if at is None or at not in self.frame.places:
            return ""
        last = max((line.series.points[-1].x for line in self.lines if line.series.points), default=None)
        return self.request.ctx.messages.text("note.partial", period=self.request.place_label(at)) if last == at else ""

    def _readout(self, plot: Plot) -> Readout:
        if self.frame.x is not None and self.frame.x.kind == "number":
            return self._free_readout(plot)
        places = self.frame.places
        index = {place: position for position, place in enumerate(places)}
        traces = [self._trace(plot, line, index) for line in self.lines]
        heading = self.request.axis_name(self.frame.x) if self.frame.x else ""
        labels = [self.request.place_label(place) for place in places]
        return Readout(heading, labels, [round(plot.x_at(place) * 100, 2) for place in places], traces)

    def _trace(self, plot: Plot, line: Line, index: dict[float, int]) -> Trace:
        values, spots = [""] * len(index), [None] * len(index)  # type: tuple[list[str], list[float | None]]
        write: Callable[[object], str] = self.request.maker(line.view.y) if line.view.y else str
        stack = self.stacks.get(id(line.view)) if not (line.view.mark == "bar" and self.grouped) else None
        for point in line.series.points:
            at = index[point.x]
            if line.view.has_y2:
                values[at] = self._interval(write, point)
                continue
            values[at] = write(point.y)
            if point.y is not None:
                spots[at] = round(plot.y(stack.top(line.series, point.x) if stack else point.y))
        return Trace(line.name, line.color, values, spots)

    def _interval(self, write: Callable[[object], str], point: Point) -> str:
        if point.y is None or point.y2 is None:
            return write(None)
        low, high = sorted((point.y, point.y2))
        return self.request.ctx.messages.text("interval", low=write(low), high=write(high))

    def _free_readout(self, plot: Plot) -> Readout:
        spots = [(point, line) for line in self.lines for point in line.series.points if point.y is not None]
        traces = []
        for line in self.lines:
            write = self.request.maker(line.view.y) if line.view.y else str
            values = [write(point.y) if owner is line else "" for point, owner in spots]
            heights: list[float | None] = [round(plot.y(point.y or 0)) if owner is line else None for point, owner in spots]
            traces.append(Trace(line.name, line.color, values, heights))
        labels = [self.request.place_label(point.x) for point, _ in spots]
        heading = self.request.axis_name(self.frame.x) if self.frame.x else ""
        return Readout(heading, labels, [round(plot.x_at(point.x) * 100, 2) for point, _ in spots], traces, free=True)


def _lines(request: Request) -> list[Line]:
    """Every series with its name, colour and dash."""
    views = [view for view in request.frame.views if view.mark in ("line", "area", "bar", "point")]
    made, plain = [], 0
    for view in views:
        order = plain if not view.colored and not view.has_y2 else 0
        plain += not view.colored and not view.has_y2
        dashed = view.mark == "line" and any(other.mark == "line" for other in views[: views.index(view)])
        for series in view.series:
            name = request.series_name(view, series)
            if view.has_y2:
                name = (
                    request.ctx.messages["interval_label"]
                    if not view.colored
                    else f"{series.name}, {request.ctx.messages['interval_label']}"
                )
            made.append(Line(view, series, name, _color(view, series, order, dashed), dashed))
    return made


def _color(view: View, series: Series, order: int, dashed: bool) -> int:
    if view.colored or view.has_y2:
        return series.color
    return 0 if order == 0 or (dashed and order == 1) else (order - 1) % 8 + 1


def _constant(view: View, channel: str) -> float | None:
    for encoding in view.layer.encoding.get(channel, ()):  # type: ignore[call-overload]
        if isinstance(encoding.value, int | float):
            return float(encoding.value)
    return None


def _values(series: Series) -> list[tuple[float, float]]:
    return [(point.x, point.y) for point in series.points if point.y is not None]


def _single_quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&#39;")


__all__ = ["Axis", "Stack", "draw_upright"]
