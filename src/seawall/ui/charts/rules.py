"""Rules on an upright chart: references across and down, error bars, ranges along x, and marks on the axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from seawall.app.chart_columns import encoding_of
from seawall.app.model import Channel
from seawall.ui.charts.constants import constant, fixed_color
from seawall.ui.charts.data import Axis, Point, Series, View
from seawall.ui.charts.drawing import Request
from seawall.ui.charts.marks import color_class
from seawall.ui.charts.names import range_words, span_name
from seawall.ui.charts.plot import Plot, px
from seawall.ui.charts.readout import Trace
from seawall.ui.charts.scene import Scene
from seawall.ui.charts.text import esc

_POSITIONS: tuple[Channel, ...] = ("x", "y")
REFERENCES_MAX = 8
FLAG_PX = 7
FLAG_COLOR = 2
MARKED = "✓"
LATE = 0.6
"""From this part of the width on, the words of a line down stand at its left."""


class Rules:
    """Draws the rules of one scene."""

    def __init__(self, scene: Scene, plot: Plot) -> None:
        self.scene = scene
        self.request = scene.request
        self.plot = plot

    def draw(self, view: View) -> str:
        """One layer."""
        across, down = constant(self.scene.frame, view, "y"), constant(self.scene.frame, view, "x")
        if across is not None:
            return self._across(across, classes_of("ru", view, -1))
        if down is not None:
            return self._down(down, view)
        return "".join(self._series(view, group.color, group.points) for group in by_color(view))

    def _series(self, view: View, color: int, points: Sequence[Point]) -> str:
        if view.is_flags:
            classes = classes_of("fl", view, color)
            return "".join(self._flag(point, classes, view) for point in flagged(view, points))
        classes = classes_of("eb", view, color)
        if view.span == "y":
            return "".join(self._error_bar(point, classes) for point in points)
        if view.span == "x":
            return "".join(self._range(point, classes) for point in points)
        heights = sorted({point.y for point in points if point.y is not None})[:REFERENCES_MAX]
        return "".join(self._across(height, classes_of("ru", view, color)) for height in heights)

    def _across(self, height: float, classes: str) -> str:
        y = px(round(self.plot.y(height)) + 0.5)
        return over(self.scene, f'x2="100%" y1="{y}" y2="{y}"', classes)

    def _down(self, place: float, view: View) -> str:
        x = self.plot.percent(place)
        ends = f'x1="{x}" x2="{x}" y1="{px(self.plot.top)}" y2="{px(self.plot.bottom)}"'
        line = over(self.scene, ends, classes_of("ru", view, -1))
        words = " ".join(reference_words(self.request, view, self.scene.frame.x, place)).strip()
        if not words:
            return line
        side = 'class="at b" dx="-5"' if self.plot.x_at(place) > LATE else 'class="at" dx="5"'
        return f'{line}<text {side} x="{x}" y="{px(self.plot.top + 10)}">{esc(words)}</text>'

    def _error_bar(self, point: Point, classes: str) -> str:
        if point.y is None or point.y2 is None:
            return ""
        x = self.plot.percent(point.x)
        return f'<line class="{classes}" x1="{x}" x2="{x}" y1="{px(self.plot.y(point.y))}" y2="{px(self.plot.y(point.y2))}"/>'

    def _range(self, point: Point, classes: str) -> str:
        if point.y is None or point.x2 is None:
            return ""
        y = px(self.plot.y(point.y))
        return f'<line class="{classes}" x1="{self.plot.percent(point.x)}" x2="{self.plot.percent(point.x2)}" y1="{y}" y2="{y}"/>'

    def _flag(self, point: Point, classes: str, view: View) -> str:
        """A short, strong mark that stands on the axis, or lies along it from one place to another."""
        x, foot = self.plot.percent(point.x), self.plot.bottom
        axis, right, top = self.scene.frame.x, x, foot - FLAG_PX
        said, words = self.request.place_label(point.x), self.request.rule_words(view)
        if point.x2 is not None and axis is not None:
            right, top = self.plot.percent(point.x2), foot - 2
            foot, said = foot - 2, range_words(self.request, view, axis, point.x, point.x2)
        title = f"<title>{esc(words)}: {esc(said)}</title>" if words else ""
        return f'<line class="{classes}" x1="{x}" x2="{right}" y1="{px(top)}" y2="{px(foot)}">{title}</line>'


def over(scene: Scene, ends: str, classes: str) -> str:
    """A dashed line that is also seen across bars and surfaces: there its gaps are light."""
    line = f'<line class="{classes}" {ends}/>'
    return f'<line class="pt" {ends}/>{line}' if scene.from_zero else line


def flagged(view: View, points: Sequence[Point]) -> list[Point]:
    """Where marks on the axis stand: everywhere, or where `size` is true or above zero; one for each place."""
    chosen = [point for point in points if not view.layer.encoding.get("size") or (point.size or 0) > 0]
    return list({(point.x, point.x2): point for point in chosen if view.span != "x" or point.x2 is not None}.values())


def reference_words(request: Request, view: View, axis: Axis | None, place: float) -> tuple[str, str]:
    """What stands beside a reference line: its title, and the value where its format says how; else nothing."""
    words = request.rule_words(view)
    encoding = next((found for channel in _POSITIONS if (found := encoding_of(view.layer, channel)) is not None), None)
    if encoding is None or encoding.format is None:
        return words, ""
    if axis is None or axis.kind == "category":
        return words, request.place_label(place)
    own = msgspec.structs.replace(axis.encoding, format=encoding.format)
    return words, request.written(msgspec.structs.replace(axis, encoding=own), place)


PlaceOf = Callable[[Point], int | None]


def rule_traces(request: Request, view: View, place_of: PlaceOf, count: int) -> list[Trace]:
    """What the tooltip tells of ranges and of marks on the axis, for each colour."""
    begin = view.y if view.span == "y" else view.x
    words = request.rule_words(view) if view.is_flags else ""
    if view.mark != "rule" or begin is None or not (view.span or words):
        return []
    name = words or span_name(request, view, begin)
    return [_trace(request, view, group, name, place_of, count) for group in by_color(view) if group.points]


def _trace(request: Request, view: View, group: Series, name: str, place_of: PlaceOf, count: int) -> Trace:
    values = [""] * count
    begin = view.y if view.span == "y" else view.x
    for point in flagged(view, group.points) if view.is_flags else group.points:
        at = place_of(point)
        start, end = (point.y, point.y2) if view.span == "y" else (point.x, point.x2)
        if at is not None and begin is not None:
            values[at] = range_words(request, view, begin, start, end) if view.span else MARKED
    shade = group.color if view.colored else FLAG_COLOR if view.is_flags else -1
    return Trace(f"{group.name}, {name}" if view.colored else name, shade, values, [None] * count)


def by_color(view: View) -> list[Series]:
    """The series of a coloured layer; of another all of its points as one, without a colour of their own."""
    if view.colored:
        return list(view.series)
    return [Series("", -1, tuple(point for series in view.series for point in series.points))]


def classes_of(plain: str, view: View, color: int) -> str:
    """The class of a rule: its own look, or a line in a colour where one is asked for."""
    fixed = fixed_color(view)
    if fixed is None and not view.colored:
        return plain
    return f"ln {color_class(color if fixed is None else fixed)}" + (" ds" if plain == "ru" else "")
