"""Marks of a chart on its side, row by row: bars, ranges, dots and rules, and the values at the ends of bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import msgspec

from seawall.ui.charts import marks
from seawall.ui.charts.constants import constant
from seawall.ui.charts.data import Point, View
from seawall.ui.charts.names import range_words
from seawall.ui.charts.plot import percent, px
from seawall.ui.charts.rules import REFERENCES_MAX, by_color, classes_of, flagged, over, reference_words
from seawall.ui.charts.scales import Scale
from seawall.ui.charts.scene import Line, Scene
from seawall.ui.charts.sizes import Sizes
from seawall.ui.charts.text import esc, text_width

BAR_PART, GROUP_PART = 0.66, 0.78
LEAST_PART = 0.002
AIR_PX = 12
FLAG_PX = 5
LATE = 0.6
"""From this part of the width on, words of a line stand at its left."""


class Rows(msgspec.Struct, frozen=True):
    """Where the rows lie: CSS pixels from the top of the chart."""

    top: float
    each: float
    shown: int
    """How many there is room for."""

    @property
    def height(self) -> float:
        """Of all rows."""
        return self.each * self.shown

    def middle(self, place: float) -> float:
        """Of the row of a category."""
        return self.top + self.each * (place + 0.5)


class SidewaysPainter:
    """Draws the marks of one scene along its rows."""

    def __init__(self, scene: Scene, rows: Rows, scale: Scale, *, has_values: bool) -> None:
        self.scene = scene
        self.request = scene.request
        self.rows = rows
        self.scale = scale
        self._has_values = has_values

    def paint(self) -> str:
        """All marks, back to front, and the values at the ends of bars."""
        bars = "".join(self._bars(line) for line in self.scene.bars)
        rules = "".join(self._rule(view) for view in self.scene.frame.views if view.mark == "rule")
        dots = "".join(self._dots(line) for line in self.scene.lines if line.view.mark == "point")
        return f"{bars}{rules}{dots}{self._values()}"

    def upright_line(self, at: float, classes: str) -> str:
        """A line across all rows, at a part of the width."""
        return f'<line class="{classes}" {self._ends_of(at)}/>'

    def _ends_of(self, at: float) -> str:
        x, top = percent(at), self.rows.top
        return f'x1="{x}" x2="{x}" y1="{px(top)}" y2="{px(top + self.rows.height)}"'

    @cached_property
    def below_px(self) -> float:
        """The room that values left of negative bars need."""
        return max((text_width(text) + 8 for _, text, _, negative in self._ends if negative), default=0.0)

    @cached_property
    def right_px(self) -> float:
        """The room at the right."""
        return max((text_width(text) for _, text, _, negative in self._ends if not negative), default=0.0) + AIR_PX

    # ── bars ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _bars(self, line: Line) -> str:
        beside = self.scene.side_by_side if self.scene.grouped and not line.is_band else [line]
        slots, slot = len(beside), beside.index(line)
        thick = self.rows.each * (GROUP_PART if slots > 1 else BAR_PART) / slots
        classes, told = f"br {marks.color_class(line.color)}", self._teller(line)
        parts = []
        for x, low, high in self._spans(line):
            if x >= self.rows.shown:
                continue
            left, right = sorted((self.scale.at(low), self.scale.at(high)))
            y = self.rows.middle(x) - thick * slots / 2 + thick * slot
            title = f"{self.scene.frame.categories[int(x)]}, {line.name}: {told(low, high)}"
            wide = max(right - left, LEAST_PART if high != low else 0)
            parts.append(marks.rect(left, wide, y, thick - (1 if slots > 1 else 0), classes, title))
        return "".join(parts)

    def _spans(self, line: Line) -> Sequence[tuple[float, float, float]]:
        if line.is_band:
            return [(point.x, point.y, point.y2) for point in line.series.points if point.y is not None and point.y2 is not None]
        stack = self.scene.stack(line)
        if stack is not None:
            return stack.layers(line.series)
        return [(point.x, 0.0, point.y) for point in line.series.points if point.y is not None]

    def _teller(self, line: Line) -> Callable[[float, float], str]:
        """How a bar's value is written, or where a range begins and ends."""
        axis = line.view.y
        if axis is None:
            return lambda low, high: ""
        if line.is_band:
            return lambda low, high: range_words(self.request, line.view, axis, low, high)
        write = self.request.maker(axis)
        return lambda low, high: write(high - low)

    @cached_property
    def _ends(self) -> list[tuple[float, str, float, bool]]:
        """(place, words, where, below zero) of the value at each row's end; none when bars stand side by side or are ranges."""
        stacked = [(line, stack) for line in self.scene.bars if (stack := self.scene.stack(line)) is not None]
        axis = self.scene.y
        if not stacked or axis is None or not self._has_values or self.scene.grouped:
            return []
        totals: dict[float, float] = {}
        edges: dict[float, tuple[float, float]] = {}
        for line, stack in stacked:
            for x, low, high in stack.layers(line.series):
                totals[x] = totals.get(x, 0.0) + (high - low)
                least, most = edges.get(x, (0.0, 0.0))
                edges[x] = min(least, high), max(most, high)
        write = self.request.short(axis)
        shown = [(x, total) for x, total in sorted(totals.items()) if x < self.rows.shown]
        return [(x, write(total), edges[x][0] if total < 0 else edges[x][1], total < 0) for x, total in shown]

    def _values(self) -> str:
        parts = []
        for x, text, where, negative in self._ends:
            side = 'dx="-6" class="v b"' if negative else 'dx="6" class="v"'
            parts.append(f'<text {side} x="{percent(self.scale.at(where))}" y="{px(self.rows.middle(x) + 4)}">{esc(text)}</text>')
        return "".join(parts)

    # ── dots and rules ───────────────────────────────────────────────────────────────────────────────────────────

    def _dots(self, line: Line) -> str:
        sizes, classes = Sizes(line.view), f"pt {marks.color_class(line.color)}"
        parts = []
        for point in line.series.points:
            if point.y is None or point.x >= self.rows.shown or line.view.y is None:
                continue
            title = f"{self.scene.frame.categories[int(point.x)]}, {line.name}: {self.request.written(line.view.y, point.y)}"
            at = percent(self.scale.at(point.y))
            parts.append(marks.dot(at, self.rows.middle(point.x), classes, sizes.radius(point.size), title))
        return "".join(parts)

    def _rule(self, view: View) -> str:
        frame = self.scene.frame
        height, place = constant(frame, view, "y"), constant(frame, view, "x")
        if height is not None:
            return self._reference(height, view, -1)
        if place is not None:
            return self._row_line(place, view)
        return "".join(self._ruled(view, group.color, group.points) for group in by_color(view))

    def _ruled(self, view: View, color: int, points: Sequence[Point]) -> str:
        seen = [point for point in points if point.x < self.rows.shown]
        if view.is_flags:
            return "".join(self._flag(point, classes_of("fl", view, color), view) for point in flagged(view, seen))
        if view.is_span:
            return "".join(self._range(point, classes_of("eb", view, color)) for point in seen)
        heights = sorted({point.y for point in points if point.y is not None})[:REFERENCES_MAX]
        return "".join(self._reference(height, view, color) for height in heights)

    def _reference(self, height: float, view: View, color: int) -> str:
        at = self.scale.at(height)
        line = over(self.scene, self._ends_of(at), classes_of("ru", view, color))
        words = " ".join(reference_words(self.request, view, self.scene.y, height)).strip()
        if not words:
            return line
        side = 'class="at b" dx="-2"' if at > LATE else 'class="at" dx="2"'
        return f'{line}<text {side} x="{percent(at)}" y="{px(self.rows.top - 6)}">{esc(words)}</text>'

    def _row_line(self, place: float, view: View) -> str:
        if place >= self.rows.shown:
            return ""
        middle, words = round(self.rows.middle(place)), self.request.rule_words(view)
        y = px(middle + 0.5)
        text = f'<text class="at b" x="100%" y="{px(middle - 4)}">{esc(words)}</text>' if words else ""
        return over(self.scene, f'x2="100%" y1="{y}" y2="{y}"', classes_of("ru", view, -1)) + text

    def _range(self, point: Point, classes: str) -> str:
        if point.y is None or point.y2 is None:
            return ""
        y = px(self.rows.middle(point.x))
        return f'<line class="{classes}" x1="{percent(self.scale.at(point.y))}" x2="{percent(self.scale.at(point.y2))}" y1="{y}" y2="{y}"/>'

    def _flag(self, point: Point, classes: str, view: View) -> str:
        middle, words = self.rows.middle(point.x), self.request.rule_words(view)
        title = f"<title>{esc(words)}: {esc(self.scene.frame.categories[int(point.x)])}</title>" if words else ""
        return f'<line class="{classes}" x1="0" x2="0" y1="{px(middle - FLAG_PX)}" y2="{px(middle + FLAG_PX)}">{title}</line>'
