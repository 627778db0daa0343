"""Bars that lie on their side: names at the left, the value at each bar's end, no axis to look up.

Chosen when x is the quantity, or when names are too long or too many to stand under upright bars on a phone.
"""

from __future__ import annotations

from functools import cached_property

from seawall.ui.charts import marks
from seawall.ui.charts.data import Series, View
from seawall.ui.charts.drawing import LEGEND_PX, Drawing, LegendItem, Request
from seawall.ui.charts.plot import TIERS, padding, percent, px
from seawall.ui.charts.readout import Readout, Trace
from seawall.ui.charts.scales import Linear, extent
from seawall.ui.charts.stacks import Stack, is_grouped
from seawall.ui.charts.text import esc, fit, text_width

ROW_PX_MIN = 19
ROW_PX_MAX = 36
BAR_PART = 0.66
NAME_PX_MAX = 176
NAME_NARROW_PX_MAX = 120
UPRIGHT_COUNT_MAX = 12


def is_sideways(request: Request) -> bool:
    """Whether this layout suits the panel."""
    frame = request.frame
    first = frame.views[0]
    if first.mark != "bar" or not frame.categories:
        return False
    if first.y is not None and first.y.column.name == _layer_field(first, "x"):
        return True
    if any(view.mark in ("line", "area", "point") for view in frame.views):
        return False
    room = TIERS[0][1] / len(frame.categories)
    return len(frame.categories) > UPRIGHT_COUNT_MAX or any(text_width(name) + 8 > room for name in frame.categories)


def draw_sideways(request: Request) -> Drawing:
    """Lay out and draw."""
    return _Sideways(request).draw()


class _Sideways:
    def __init__(self, request: Request) -> None:
        self.request = request
        self.views = [view for view in request.frame.views if view.mark == "bar"]
        self.bars = [(view, series) for view in self.views for series in view.series]
        self.grouped = is_grouped(self.views) and len(self.bars) > 1
        self.stack = Stack([series for _, series in self.bars]) if not self.grouped else None
        several = len(self.bars) > 1
        self.height = request.panel.chart.height_px - (LEGEND_PX if several else 0)
        per_row = ROW_PX_MIN * (max(1, len(self.bars) * 0.7) if self.grouped else 1)
        self.count = len(request.frame.categories)
        self.shown = max(1, min(self.count, int(self.height / per_row)))
        self.row = min(ROW_PX_MAX * (1.4 if self.grouped else 1), self.height / self.shown)
        self.scale = self._scale()

    def draw(self) -> Drawing:
        """The whole chart."""
        names = self.request.frame.categories[: self.shown]
        heading = "".join(self._name(name, index) for index, name in enumerate(names))
        bars = "".join(self._bar(view, series, slot) for slot, (view, series) in enumerate(self.bars))
        zero = percent(self.scale.at(0.0))
        line = f'<line class="z" x1="{zero}" x2="{zero}" y2="{px(self.row * self.shown)}"/>'
        readout = self._readout()
        inside = f"{bars}{line}{heading}{self._values()}"
        legend = (
            tuple(LegendItem(self._label(view, series), self._color(view, series)) for view, series in self.bars)
            if len(self.bars) > 1
            else ()
        )
        svg = self.request.svg(inside, f"sw {self._padding(names)}", self.height, readout)
        return Drawing(svg=svg, legend=legend, legend_always=bool(legend), readout=readout, note=self._note())

    def _scale(self) -> Linear:
        if self.stack is not None:
            low, high = extent(self.stack.extremes()) or (0.0, 1.0)
        else:
            low, high = extent(point.y for _, series in self.bars for point in series.points) or (0.0, 1.0)
        low, high = min(0.0, low), max(0.0, high)
        return Linear(low, high if high > low else low + 1)

    def _padding(self, names: tuple[str, ...]) -> str:
        widest = max((text_width(name) for name in names), default=0) + 12
        texts = [text for _, text, negative in self._ends if not negative]
        below = self._below
        right = max((text_width(text) for text in texts), default=0) + 12
        wide, narrow = min(widest, NAME_PX_MAX) + below, min(widest, NAME_NARROW_PX_MAX) + below
        return f"{padding('l', wide)} {padding('m', narrow)} {padding('r', right)} {padding('n', right)}"

    def _name(self, name: str, index: int) -> str:
        y = px(self.row * (index + 0.5) + 4)
        x = px(-10 - self._below)
        wide, narrow = fit(name, NAME_PX_MAX - 12), fit(name, NAME_NARROW_PX_MAX - 12)
        title = f"<title>{esc(name)}</title>" if narrow != name else ""
        if wide == narrow:
            return f'<text class="k" x="{x}" y="{y}">{title}{esc(wide)}</text>'
        return (
            f'<text class="k tm tl" x="{x}" y="{y}">{title}{esc(wide)}</text>'
            f'<text class="k ts" x="{x}" y="{y}">{title}{esc(narrow)}</text>'
        )  # fmt: skip

    def _bar(self, view: View, series: Series, slot: int) -> str:
        write = self.request.maker(view.y) if view.y else str
        classes = f"br {marks.color_class(self._color(view, series))}"
        slots = len(self.bars) if self.grouped else 1
        thick = self.row * (0.78 if slots > 1 else BAR_PART) / slots
        parts = []
        for x, low, high in self._spans(series):
            if x >= self.shown:
                continue
            left, right = sorted((self.scale.at(low), self.scale.at(high)))
            y = self.row * (x + 0.5) - thick * slots / 2 + thick * (slot if slots > 1 else 0)
            title = f"{self.request.frame.categories[int(x)]}, {self._label(view, series)}: {write(high - low)}"
            parts.append(
                marks.rect(left, max(right - left, 0.002 if high != low else 0), y, thick - (1 if slots > 1 else 0), classes, title)
            )
        return "".join(parts)

    def _spans(self, series: Series) -> list[tuple[float, float, float]]:
        if self.stack is not None:
            return self.stack.layers(series)
        return [(point.x, 0.0, point.y) for point in series.points if point.y is not None]

    @cached_property
    def _below(self) -> float:
        """The room that values left of negative bars need."""
        return max((text_width(text) + 8 for _, text, negative in self._ends if negative), default=0.0)

    @cached_property
    def _ends(self) -> list[tuple[float, str, bool]]:
        """(place, words, below zero) of the value at each row's end; none when bars stand side by side."""
        view = self.views[0]
        if self.stack is None or view.y is None:
            return []
        totals: dict[float, float] = {}
        for _, series in self.bars:
            for x, low, high in self.stack.layers(series):
                totals[x] = totals.get(x, 0.0) + (high - low)
        write = self.request.short(view.y)
        return [(x, write(total), total < 0) for x, total in sorted(totals.items()) if x < self.shown]

    def _values(self) -> str:
        if self.stack is None:
            return ""
        edges: dict[float, tuple[float, float]] = {}
        for _, series in self.bars:
            for x, _, top in self.stack.layers(series):
                low, high = edges.get(x, (0.0, 0.0))
                edges[x] = min(low, top), max(high, top)
        parts = []
        for x, text, negative in self._ends:
            at = percent(self.scale.at(edges[x][0] if negative else edges[x][1]))
            side = 'dx="-6" class="v b"' if negative else 'dx="6" class="v"'
            parts.append(f'<text {side} x="{at}" y="{px(self.row * (x + 0.5) + 4)}">{esc(text)}</text>')
        return "".join(parts)

    def _label(self, view: View, series: Series) -> str:
        return self.request.series_name(view, series)

    def _color(self, view: View, series: Series) -> int:
        if view.colored:
            return series.color
        return self.views.index(view) if len(self.views) > 1 else 0

    def _note(self) -> str:
        if self.shown == self.count:
            return ""
        return self.request.ctx.messages.text("note.cut", shown=self.shown, total=self.count)

    def _readout(self) -> Readout:
        names = list(self.request.frame.categories)
        traces = []
        for view, series in self.bars:
            write = self.request.maker(view.y) if view.y else str
            values, places = [""] * len(names), [None] * len(names)  # type: tuple[list[str], list[float | None]]
            for point in series.points:
                values[int(point.x)] = write(point.y)
            for x, _, high in self._spans(series):
                places[int(x)] = round(self.scale.at(high) * 100, 2) if x < self.shown else None
            traces.append(Trace(self._label(view, series), self._color(view, series), values, places))
        traces += self.request.told(self.views, lambda point: int(point.x), len(names))
        axis = self.request.frame.x if self.request.frame.categories and self.request.frame.x else None
        across = self.views[0].x
        heading = self.request.axis_name(across) if across else (self.request.axis_name(axis) if axis else "")
        return Readout(heading, names, [round(self.row * (index + 0.5), 1) for index in range(len(names))], traces, sideways=True)


def _layer_field(view: View, channel: str) -> str:
    for encoding in view.layer.encoding.get(channel, ()):  # type: ignore[call-overload]
        return str(encoding.field).rpartition(".")[2]
    return ""
