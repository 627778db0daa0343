"""Charts that lie on their side: names at the left, marks along a quantity or along time.

Chosen when x is what is shown and y the names, or when names are too long or too many to stand under upright bars on a phone. Bars
from zero carry their value at their ends and need no axis to look it up; points, ranges and times stand over one.
"""

from __future__ import annotations

from functools import cached_property

from seawall.ui.charts import axes, ends
from seawall.ui.charts.constants import constant
from seawall.ui.charts.drawing import LEGEND_PX, Drawing, Request
from seawall.ui.charts.names import range_words
from seawall.ui.charts.plot import TIERS, Plot, padding, px
from seawall.ui.charts.readout import Readout, Trace
from seawall.ui.charts.rules import rule_traces
from seawall.ui.charts.scales import Linear, Log, Scale, extent
from seawall.ui.charts.scene import Line, Scene
from seawall.ui.charts.sideways_marks import Rows, SidewaysPainter
from seawall.ui.charts.text import esc, fit, text_width
from seawall.ui.charts.ticks import Ticks, linear_ticks, log_ticks
from seawall.ui.charts.time_ticks import TimeTick, time_ticks

ROW_PX_MIN = 19
ROW_PX_MAX = 36
NAME_PX_MAX = 176
NAME_NARROW_PX_MAX = 120
UPRIGHT_COUNT_MAX = 12
TITLE_PX = 18
AXIS_PX = 22
TICKS_MAX = 5


def is_sideways(request: Request) -> bool:
    """Whether this layout suits the panel."""
    frame = request.frame
    if not frame.categories or frame.sideways:
        return frame.sideways and bool(frame.categories)
    if frame.views[0].mark != "bar" or any(view.mark in ("line", "area", "point") for view in frame.views):
        return False
    room = TIERS[0][1] / len(frame.categories)
    return len(frame.categories) > UPRIGHT_COUNT_MAX or any(text_width(name) + 8 > room for name in frame.categories)


def draw_sideways(request: Request) -> Drawing:
    """Lay out and draw."""
    return _Sideways(Scene(request)).draw()


class _Sideways:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.request = scene.request
        self.frame = scene.frame
        self.legend = ends.legend(scene)
        self.scale, self.ticks, self.tiers = self._axis()
        self.height = self.request.panel.chart.height_px - (LEGEND_PX if self.legend else 0)
        self.rows = self._rows()
        self.painter = SidewaysPainter(scene, self.rows, self.scale, has_values=self._shows_quantity and not self._has_axis)

    def draw(self) -> Drawing:
        """The whole chart."""
        readout = self._readout()
        inside = f"{self.painter.paint()}{self._zero()}{self._names()}{self._under()}{self._titles()}"
        svg = self.request.svg(inside, f"sw {self._padding()}", self.height, readout)
        return Drawing(
            svg=svg, legend=self.legend, legend_always=bool(self.legend), readout=readout,
            legend_title=self.scene.legend_title, note=self._note(),
        )  # fmt: skip

    # ── layout ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _rows(self) -> Rows:
        beside = len(self.scene.side_by_side) if self.scene.grouped else 1
        top = (TITLE_PX if any(self._written_titles) else 0) + (TITLE_PX if self._has_references else 0)
        bottom = 0.0
        if self._has_axis:
            bottom = axes.time_axis_height(self.tiers) if self.tiers else AXIS_PX
        room = max(ROW_PX_MIN, self.height - top - bottom)
        count = len(self.frame.categories)
        shown = max(1, min(count, int(room / (ROW_PX_MIN * (max(1, beside * 0.7) if self.scene.grouped else 1)))))
        return Rows(top, min(ROW_PX_MAX * (1.4 if self.scene.grouped else 1), room / shown), shown)

    @cached_property
    def _shows_quantity(self) -> bool:
        return self.scene.y is None or self.scene.y.encoding.axis

    @cached_property
    def _shows_names(self) -> bool:
        return self.frame.x is None or self.frame.x.encoding.axis

    @cached_property
    def _has_axis(self) -> bool:
        """Whether there is something that does not carry its value at its end."""
        is_time = self.scene.y is not None and self.scene.y.kind == "time"
        return self._shows_quantity and (is_time or any(view.is_span or view.mark == "point" for view in self.frame.views))

    @cached_property
    def _has_references(self) -> bool:
        rules = [view for view in self.frame.views if view.mark == "rule" and not view.span and self.request.rule_words(view)]
        return any(view.y is not None or constant(self.frame, view, "y") is not None for view in rules)

    @cached_property
    def _written_titles(self) -> tuple[str, str]:
        """What their author wrote of the names and of the quantity, where their axes are shown."""
        x = self.frame.x
        names = x.encoding.title.in_locale(self.request.ctx.locale) if x is not None and x.encoding.title is not None else ""
        return (names if self._shows_names else "", self.scene.written_title() if self._shows_quantity else "")

    def _axis(self) -> tuple[Scale, Ticks | None, list[tuple[TimeTick, ...]]]:
        low, high = extent(self.scene.heights()) or (0.0, 1.0)
        encoding = self.scene.y.encoding if self.scene.y is not None else None
        if self.scene.y is not None and self.scene.y.kind == "time":
            high = high if high > low else low + 1
            width = [time_ticks(max(1.0, low), high, room, self.request.ctx.formatter, format=encoding.format if encoding else None)
                     for _, room in TIERS]  # fmt: skip
            return Linear(low, high), None, width
        positive = extent(value for value in self.scene.heights() if value is not None and value > 0)
        if encoding is not None and encoding.scale_type == "log" and not self.scene.from_zero and positive is not None:
            ticks = log_ticks(*positive, TICKS_MAX)
            return Log(ticks.low, ticks.high), ticks, []
        if self.scene.reaches_zero(low, high):
            low, high = min(0.0, low), max(0.0, high)
        if self._has_axis:
            ticks = linear_ticks(low, high, TICKS_MAX)
            return Linear(ticks.low, ticks.high), ticks, []
        return Linear(low, high if high > low else low + 1), None, []

    def _padding(self) -> str:
        names = self.frame.categories[: self.rows.shown] if self._shows_names else ()
        widest = max((text_width(name) for name in (*names, fit(self._written_titles[0], NAME_PX_MAX))), default=0) + 12
        below, right = self.painter.below_px, self.painter.right_px
        wide, narrow = min(widest, NAME_PX_MAX) + below, min(widest, NAME_NARROW_PX_MAX) + below
        return f"{padding('l', wide)} {padding('m', narrow)} {padding('r', right)} {padding('n', right)}"

    # ── around the marks ─────────────────────────────────────────────────────────────────────────────────────────

    def _names(self) -> str:
        if not self._shows_names:
            return ""
        return "".join(self._name(name, index) for index, name in enumerate(self.frame.categories[: self.rows.shown]))

    def _name(self, name: str, index: int) -> str:
        y, x = px(self.rows.middle(index) + 4), px(-10 - self.painter.below_px)
        wide, narrow = fit(name, NAME_PX_MAX - 12), fit(name, NAME_NARROW_PX_MAX - 12)
        title = f"<title>{esc(name)}</title>" if narrow != name else ""
        if wide == narrow:
            return f'<text class="k" x="{x}" y="{y}">{title}{esc(wide)}</text>'
        return (
            f'<text class="k tm tl" x="{x}" y="{y}">{title}{esc(wide)}</text>'
            f'<text class="k ts" x="{x}" y="{y}">{title}{esc(narrow)}</text>'
        )  # fmt: skip

    def _zero(self) -> str:
        axis, scale = self.scene.y, self.scale
        if not self._shows_quantity or not isinstance(scale, Linear) or (axis is not None and axis.kind == "time"):
            return ""
        return self.painter.upright_line(scale.at(0.0), "z") if scale.low <= 0 <= scale.high else ""

    def _under(self) -> str:
        if not self._has_axis or self.scene.y is None:
            return ""
        plot = Plot(top=self.rows.top, height=self.rows.height, y_at=lambda value: value, x_at=self.scale.at)
        if self.tiers:
            return axes.time_axis(plot, self.tiers)
        if self.ticks is None:
            return ""
        return axes.number_axis(plot, self.ticks, self.request.ctx.formatter.axis(self.ticks.values, self.scene.y.format))

    def _titles(self) -> str:
        names, quantity = self._written_titles
        left = f'<text class="at b" x="{px(-10 - self.painter.below_px)}" y="12">{esc(fit(names, NAME_PX_MAX))}</text>' if names else ""
        return left + (f'<text class="at" y="12">{esc(quantity)}</text>' if quantity else "")

    def _note(self) -> str:
        if self.rows.shown == len(self.frame.categories):
            return ""
        return self.request.ctx.messages.text("note.cut", shown=self.rows.shown, total=len(self.frame.categories))

    # ── what it says ─────────────────────────────────────────────────────────────────────────────────────────────

    def _readout(self) -> Readout:
        names = list(self.frame.categories)
        traces = [self._trace(line, len(names)) for line in self.scene.lines]
        for view in self.frame.views:
            traces += rule_traces(self.request, view, lambda point: int(point.x), len(names))
        traces += self.request.told(self.frame.views, lambda point: int(point.x), len(names))
        heading = self.request.axis_name(self.frame.x) if self.frame.x is not None else ""
        places = [round(self.rows.middle(index), 1) for index in range(len(names))]
        return Readout(heading, names, places, traces, sideways=True)

    def _trace(self, line: Line, count: int) -> Trace:
        values: list[str] = [""] * count
        places: list[float | None] = [None] * count
        axis, stack = line.view.y, self.scene.stack(line)
        write, at, shown = self.request.writer(axis) if axis is not None else str, self.scale.at, self.rows.shown
        for point in line.series.points:
            place = int(point.x)
            if line.is_band and axis is not None:
                values[place] = range_words(self.request, line.view, axis, point.y, point.y2)
                continue
            values[place] = write(point.y)
            top = stack.top(line.series, point.x) if stack is not None else point.y
            if top is not None and place < shown:
                places[place] = round(at(top) * 100, 2)
        return Trace(line.name, line.color, values, places)
