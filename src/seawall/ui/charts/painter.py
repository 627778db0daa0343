"""Upright marks, drawn on a plot: bands and areas at the back, then bars, lines, rules and points."""

from __future__ import annotations

import math

from seawall.ui.charts import marks
from seawall.ui.charts.data import Point
from seawall.ui.charts.names import range_words
from seawall.ui.charts.plot import Plot, px
from seawall.ui.charts.rules import Rules
from seawall.ui.charts.scene import Line, Scene
from seawall.ui.charts.sizes import Sizes
from seawall.ui.charts.text import esc, fit, text_width
from seawall.ui.formats import ToText

BAR_PART = 0.78
BAR_WIDTH_MAX = 0.25
"""A lone bar is still a bar."""
BETWEEN = 0.985
TITLED_MAX = 40
"""More marks than this carry no `<title>` each: tooltips by script and the data table tell their values."""
NAMED_MAX = 24
"""In a larger cloud only the dots that stand apart are named."""
APART_MAX = 10
APART_PX = 14.0
NAMES_AT_PX = 460.0
"""The plot width at which names of dots must not cover each other."""
NAME_PX_MAX = 110
NAME_APART_PX = 12


_Spot = tuple[float, float]


def _striking(points: list[Point], spots: list[_Spot]) -> list[tuple[Point, _Spot]]:
    """The dots worth a name: all of a few; of many the outermost and those far from any other, the most remote first."""
    pairs = list(zip(points, spots, strict=True))
    if len(pairs) <= NAMED_MAX:
        return sorted(pairs, key=lambda pair: pair[1][1])
    remote = sorted(((_nearest(spot, spots), index) for index, spot in enumerate(spots)), reverse=True)
    apart = [index for distance, index in remote[:APART_MAX] if distance >= APART_PX]
    across = sorted(range(len(spots)), key=lambda index: spots[index][0])
    down = sorted(range(len(spots)), key=lambda index: spots[index][1])
    return [pairs[index] for index in dict.fromkeys([down[0], across[-1], *apart, across[0], down[-1]])]


def _nearest(spot: _Spot, spots: list[_Spot]) -> float:
    """How far the nearest other spot is."""
    return min(math.dist(spot, other) for other in spots if other is not spot)


def _is_free(start: float, end: float, y: float, taken: list[tuple[float, float, float]]) -> bool:
    """Whether a name from `start` to `end` covers nothing that is there."""
    return all(end < left or start > right or abs(y - other) > NAME_APART_PX for left, right, other in taken)


def _between(one: float, other: float) -> tuple[float, float]:
    """Where a bar between two places begins, and how wide it is: a hair less, so that neighbours keep apart."""
    left, right = sorted((one, other))
    return left, max(0.001, (right - left) * BETWEEN)


class Painter:
    """Draws the marks of one scene."""

    def __init__(self, scene: Scene, plot: Plot) -> None:
        self.scene = scene
        self.request = scene.request
        self.plot = plot

    def paint(self) -> str:
        """All marks, back to front; within a kind in the order of the layers."""
        lines, views = self.scene.lines, self.scene.frame.views
        areas = "".join([self.area(line) for line in lines if line.view.mark == "area"])
        bars = "".join([self.bar(line) for line in self.scene.bars])
        strokes = "".join([self.line(line) for line in lines if line.view.mark == "line"])
        ruler = Rules(self.scene, self.plot)
        rules = "".join([ruler.draw(view) for view in views if view.mark == "rule"])
        clouds = [line for line in lines if line.view.mark == "point"]
        dots = "".join([self.dots(line) for line in clouds])
        if self.scene.is_free:
            dots += self._names([point for line in clouds for point in line.series.points if point.y is not None])
        return self._inner(areas) + bars + self._inner(strokes) + rules + dots + self._last_dots()

    def area(self, line: Line) -> str:
        """An interval, a lone area with its edge, or one layer of a stack."""
        color = marks.color_class(line.color)
        if line.is_band:
            return marks.fill(self._band(line), f"bd {color}", line.name)
        stack = self.scene.stacks[id(line.view)]
        parts = [(self.plot.x_units(x), self.plot.y_units(base), self.plot.y_units(top)) for x, base, top in stack.layers(line.series)]
        d = marks.area_path([(x, top) for x, _, top in parts], [(x, base) for x, base, _ in parts])
        if len(line.view.series) > 1:
            return marks.fill(d, f"ar {color}", self.summary(line))
        runs = marks.runs(line.series.points, self.request.gap)
        return marks.fill(d, f"bd {color}", self.summary(line)) + marks.stroke(marks.line_path(self.plot, runs), color)

    def line(self, line: Line) -> str:
        """A line with its gaps."""
        d = marks.line_path(self.plot, marks.runs(line.series.points, self.request.gap))
        return marks.stroke(d, marks.color_class(line.color) + (" ds" if line.dashed else ""), self.summary(line))

    def bar(self, line: Line) -> str:
        """One series of bars, stacked or side by side."""
        beside = self.scene.side_by_side if self.scene.grouped and not line.view.span else [line]
        slots, slot = len(beside), beside.index(line)
        width = self._bar_width()
        each = width / slots
        spans = self._spans(line)
        titled = len(spans) * len(self.scene.bars) <= TITLED_MAX
        color = f"br {marks.color_class(line.color)}"
        parts = []
        for x, low, high, right in spans:
            top, foot = sorted((self.plot.y(high), self.plot.y(low)))
            title = f"{line.name}, {self.request.place_label(x)}: {self._told(line, low, high)}" if titled else ""
            classes = f"{color} pa" if x in self.request.not_whole else color
            start, wide = self.plot.x_at(x) - width / 2 + slot * each, each * (0.92 if slots > 1 else 1)
            if right is not None:
                start, wide = _between(self.plot.x_at(x), self.plot.x_at(right))
            height = max(foot - top, 1.0 if high != low else 0.0)
            parts.append(marks.rect(start, wide, top, height, classes, title))
        return "".join(parts)

    def dots(self, line: Line) -> str:
        """One dot a row; their surface follows `size`."""
        points = [point for point in line.series.points if point.y is not None]
        sizes = Sizes(line.view)
        write, color = self._writer(line), f"pt {marks.color_class(line.color)}"
        parts = []
        for point in points:
            title = f"{self.request.point_label(point)}: {write(point.y)}" if len(points) <= TITLED_MAX else ""
            parts.append(marks.dot(self.plot.percent(point.x), self.plot.y(point.y or 0.0), color, sizes.radius(point.size), title))
        return "".join(parts)

    def summary(self, line: Line) -> str:
        """A line's last value in words."""
        latest = line.latest
        if latest is None:
            return line.name
        value, day = self._writer(line)(latest.y), self.request.place_label(latest.x)
        return self.request.ctx.messages.text("point.latest", name=line.name, value=value, date=day)

    def _names(self, points: list[Point]) -> str:
        """Names beside the dots of a scatter plot, as far as they do not cover each other; not on narrow panels."""
        spots = [(self.plot.x_at(point.x) * NAMES_AT_PX, self.plot.y(point.y or 0.0)) for point in points]
        taken = [(x - 4, x + 4, y) for x, y in spots]
        parts = []
        for point, (x, y) in _striking(points, spots):
            name = fit(self.request.point_label(point), NAME_PX_MAX)
            width = text_width(name)
            for start, side in ((x + 5, 'dx="9" class="pn"'), (x - width - 16, 'dx="-9" class="pn b"')):
                end = start + width + 11
                if start >= 0 and end < NAMES_AT_PX + 24 and _is_free(start, end, y, taken):
                    parts.append(f'<text {side} x="{self.plot.percent(point.x)}" y="{px(y + 4)}">{esc(name)}</text>')
                    taken.append((start, end, y))
                    break
        return f'<g class="tm tl">{"".join(parts)}</g>' if parts else ""

    def _inner(self, paths: str) -> str:
        return self.plot.inner(paths) if paths else ""

    def _writer(self, line: Line) -> ToText:
        return self.request.maker(line.view.y) if line.view.y is not None else str

    def _band(self, line: Line) -> str:
        plot = self.plot
        runs = marks.runs([point for point in line.series.points if point.y2 is not None], self.request.gap)
        return "".join(
            marks.area_path(
                [(plot.x_units(point.x), plot.y_units(point.y2 or 0.0)) for point in run],
                [(plot.x_units(point.x), plot.y_units(point.y or 0.0)) for point in run],
            )
            for run in runs
        )

    def _spans(self, line: Line) -> list[tuple[float, float, float, float | None]]:
        """(place, from, to, where it ends along x, if that is not by its own width) of one series' bars."""
        points = line.series.points
        if line.is_band:
            return [(point.x, point.y, point.y2, None) for point in points if point.y is not None and point.y2 is not None]
        stack = self.scene.stack(line)
        if stack is not None:
            rights = {point.x: point.x2 for point in points}
            return [(x, low, high, rights.get(x)) for x, low, high in stack.layers(line.series)]
        return [(point.x, 0.0, point.y, point.x2) for point in points if point.y is not None]

    def _told(self, line: Line, low: float, high: float) -> str:
        if line.is_band and line.view.y is not None:
            return range_words(self.request, line.view, line.view.y, low, high)
        return self._writer(line)(high - low)

    def _bar_width(self) -> float:
        x = self.scene.frame.x
        if x is None or x.kind == "category":
            return min(BAR_WIDTH_MAX, self.scene.band.width)
        first = self.scene.frame.places[0]
        return min(BAR_WIDTH_MAX, abs(self.plot.x_at(first + self.request.step) - self.plot.x_at(first)) * BAR_PART)

    def _last_dots(self) -> str:
        parts = []
        for line in self.scene.lines:
            latest = line.latest
            if line.view.mark == "line" and latest is not None and latest.y is not None:
                parts.append(marks.dot(self.plot.percent(latest.x), self.plot.y(latest.y), f"ld {marks.color_class(line.color)}"))
        return "".join(parts)
