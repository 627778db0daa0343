"""Charts whose x axis lies along the bottom: scales, axes and room for labels around what `painter` draws."""

from __future__ import annotations

import msgspec

from seawall.ui.charts import axes, ends
from seawall.ui.charts.constants import constant
from seawall.ui.charts.data import Axis
from seawall.ui.charts.drawing import LEGEND_PX, Drawing, Request
from seawall.ui.charts.painter import Painter
from seawall.ui.charts.plot import TIERS, Plot, padding
from seawall.ui.charts.scales import Linear, Log, Months, Scale, extent
from seawall.ui.charts.scene import Scene
from seawall.ui.charts.text import text_width
from seawall.ui.charts.ticks import Ticks, linear_ticks, log_ticks
from seawall.ui.charts.time_ticks import TimeTick, time_ticks
from seawall.ui.charts.traces import readout_of

TOP_PX = 12
TITLE_PX = 18
AXIS_PX = 22
PLOT_PX_MIN = 40.0
TICK_ROOM_PX = 52
X_TICKS_MAX = 5
BOTTOM_PX = 4
"""Under a plot without an axis."""


def draw_upright(request: Request) -> Drawing:
    """Lay out and draw."""
    return _Upright(Scene(request)).draw()


class _Upright:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.frame = scene.frame
        self.request = scene.request
        self.formatter = scene.request.ctx.formatter

    def draw(self) -> Drawing:
        """The whole chart."""
        height = self.request.panel.chart.height_px - (LEGEND_PX if self.scene.legend_always else 0)
        x_scale, x_ticks = self._x_scale()
        tiers = self._time_tiers(x_scale)
        titles = self._titles()
        top = TOP_PX + (TITLE_PX if titles[1] else 0)
        under = self._under_px(tiers)
        bottom = under + (TITLE_PX if titles[0] else 0)
        room = max(PLOT_PX_MIN, height - top - bottom)
        ticks, y_scale = self._y_scale(max(3, int(room / TICK_ROOM_PX) + 1))
        plot = Plot(top=top, height=room, y_at=y_scale.at, x_at=x_scale.at)
        return self._assemble(plot, height, ticks, self._x_axis(plot, tiers, x_ticks) + axes.titles(plot, *titles, under))

    def _under_px(self, tiers: list[tuple[TimeTick, ...]]) -> float:
        if self.frame.x is None or not self.frame.x.encoding.axis:
            return BOTTOM_PX
        return axes.time_axis_height(tiers) if tiers else AXIS_PX

    def _assemble(self, plot: Plot, height: float, ticks: Ticks, under: str) -> Drawing:
        labels = self._y_labels(ticks)
        margin, inside = ends.end_labels(self.scene, plot)
        shown = self.scene.y is None or self.scene.y.encoding.axis
        parts = [
            axes.y_axis(plot, ticks, labels) if shown else axes.zero_line(plot, ticks),
            under,
            Painter(self.scene, plot).paint(),
            inside,
            ends.draw_margin(margin, plot),
        ]
        left = max((text_width(text) for text in labels), default=0.0) + 12
        wide, narrow = ends.margin_px(margin)
        classes = f"{padding('l', left)} {padding('m', left)} {padding('r', wide)} {padding('n', narrow)}"
        request = self.request
        told = readout_of(self.scene, plot)
        readout = msgspec.structs.replace(told, drawn=request.drawn, left_out=request.left_out)
        legend = ends.legend(self.scene)
        return Drawing(
            svg=self.request.svg("".join(parts), classes, height, readout),
            legend=legend, legend_always=self.scene.legend_always, readout=readout, legend_title=self.scene.legend_title,
            note=self.request.note,
        )  # fmt: skip

    # ── x ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _x_scale(self) -> tuple[Scale, Ticks | None]:
        axis, places = self.frame.x, self.frame.places
        if axis is None or not places:
            return Linear(0, 1), None
        if axis.kind == "category":
            return self.scene.band, None
        low, high = extent(self._across()) or (places[0], places[-1])
        if axis.kind == "time":
            wide = any(line.view.span != "x" for line in self.scene.bars)
            half = self.request.step / 2 if wide or low == high else 0.0
            kind = Months if self.frame.grain in ("month", "quarter", "year") else Linear
            return kind(low - half, high + half), None
        positive = extent(place for place in (*places, *self._across()) if place is not None and place > 0)
        if axis.encoding.scale_type == "log" and positive is not None:
            ticks = log_ticks(*positive, X_TICKS_MAX)
            return Log(ticks.low, ticks.high), ticks
        if axis.encoding.scale_zero:
            low, high = min(0.0, low), max(0.0, high)
        ticks = linear_ticks(low, high, X_TICKS_MAX)
        return Linear(ticks.low, ticks.high), ticks

    def _across(self) -> list[float | None]:
        """What the x axis must hold: the first and the last place of a row, the ends of ranges, and lines down."""
        ranges = [series for view in self.frame.views if view.span == "x" for series in view.series]
        fixed = [constant(self.frame, view, "x") for view in self.frame.views if view.mark == "rule"]
        return [*self.frame.places[:1], *self.frame.places[-1:], *(point.x2 for series in ranges for point in series.points), *fixed]

    def _time_tiers(self, scale: Scale) -> list[tuple[TimeTick, ...]]:
        if self.frame.x is None or self.frame.x.kind != "time" or not isinstance(scale, Linear | Months) or not self.frame.places:
            return []
        finest = self.request.step if self.frame.grain else min(1.0, self.request.step)
        low, high = max(1.0, scale.low), scale.high
        written = self.frame.x.encoding.format
        return [time_ticks(low, high, width, self.formatter, finest_days=finest, format=written) for _, width in TIERS]

    def _x_axis(self, plot: Plot, tiers: list[tuple[TimeTick, ...]], ticks: Ticks | None) -> str:
        axis = self.frame.x
        if axis is None or not axis.encoding.axis:
            return ""
        if tiers:
            return axes.time_axis(plot, tiers)
        if ticks is not None:
            return axes.number_axis(plot, ticks, self.formatter.axis(ticks.values, axis.format))
        band = self.scene.band
        return axes.category_axis(plot, self.frame.categories, [band.at(index) for index in range(band.count)], band.step)

    # ── y ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _y_scale(self, count_max: int) -> tuple[Ticks, Scale]:
        encoding = self.scene.y.encoding if self.scene.y is not None else None
        if encoding is not None and encoding.scale_type == "log" and not self.scene.from_zero:
            positive = extent(value for value in self.scene.heights() if value is not None and value > 0)
            if positive is not None:
                ticks = log_ticks(*positive, count_max)
                return ticks, Log(ticks.low, ticks.high)
        low, high = extent(self.scene.heights()) or (0.0, 1.0)
        if self.scene.reaches_zero(low, high):
            low, high = min(0.0, low), max(0.0, high)
        ticks = linear_ticks(low, high, count_max)
        return ticks, Linear(ticks.low, ticks.high)

    def _y_labels(self, ticks: Ticks) -> list[str]:
        axis = self.scene.y
        if axis is None or not axis.encoding.axis:
            return [""] * len(ticks.values)
        return self.formatter.axis(ticks.values, axis.format)

    def _axis_title(self, axis: Axis) -> str:
        """An axis' name, and that its steps are factors when they are."""
        name = self.request.axis_name(axis)
        return self.request.ctx.messages.text("axis.log", name=name) if axis.encoding.scale_type == "log" else name

    def _titles(self) -> tuple[str, str]:
        """Names of the x and y axes: a scatter plot needs both, others only what their author wrote. None where there is no axis."""
        x = self.frame.x if self.frame.x is not None and self.frame.x.encoding.axis else None
        y = self.scene.y if self.scene.y is not None and self.scene.y.encoding.axis else None
        if self.scene.is_free:
            return (self._axis_title(x) if x else "", self._axis_title(y) if y else "")
        across = x.encoding.title.in_locale(self.request.ctx.locale) if x is not None and x.encoding.title is not None else ""
        return across, (self.scene.written_title() if y is not None else "")
