"""Marks as SVG text. Paths use relative whole units, which keeps a year of weeks under 400 bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from seawall.ui.charts.data import Point
from seawall.ui.charts.plot import Plot, percent, px
from seawall.ui.charts.text import esc

Pair = tuple[int, int]


def runs(points: Sequence[Point], gap: float) -> list[list[Point]]:
    """Points with a value, cut where one is missing or where more than `gap` lies between two."""
    made: list[list[Point]] = [[]]
    last: Point | None = None
    for point in points:
        if point.y is None:
            made.append([])
            last = None
            continue
        if last is not None and point.x - last.x > gap:
            made.append([])
        made[-1].append(point)
        last = point
    return [run for run in made if run]


def line_path(plot: Plot, some_runs: Iterable[Sequence[Point]]) -> str:
    """The `d` of a line with gaps; a point alone becomes a dot (round caps)."""
    return "".join(_relative(_pairs(plot, run)) + ("h0" if len(run) == 1 else "") for run in some_runs)


def area_path(upper: Sequence[Pair], lower: Sequence[Pair]) -> str:
    """The `d` of the closed shape between two edges given from left to right."""
    return _relative([*upper, *reversed(lower)]) + "z" if upper else ""


def stroke(d: str, classes: str, title: str = "") -> str:
    """A path that is a line."""
    return f'<path class="ln {classes}" d="{d}">{_title(title)}</path>' if d else ""


def fill(d: str, classes: str, title: str = "") -> str:
    """A path that is a surface."""
    return f'<path class="{classes}" d="{d}">{_title(title)}</path>' if d else ""


def rect(x: float, width: float, y: float, height: float, classes: str, title: str) -> str:
    """A bar whose horizontal extent is given as fractions of the plot."""
    return f'<rect class="{classes}" x="{percent(x)}" width="{percent(width)}" y="{px(y)}" height="{px(height)}">{_title(title)}</rect>'


def dot(x: str, y: float, classes: str, radius: float = 3.5, title: str = "") -> str:
    """A point; `x` as an SVG length."""
    return f'<circle class="{classes}" cx="{x}" cy="{px(y)}" r="{px(radius)}">{_title(title)}</circle>'


def color_class(color: int) -> str:
    """The class that gives a series its colour."""
    return f"s{color}" if color >= 0 else "sx"


def _pairs(plot: Plot, run: Sequence[Point]) -> list[Pair]:
    return [(plot.x_units(point.x), plot.y_units(point.y or 0.0)) for point in run]


def _relative(pairs: Sequence[Pair]) -> str:
    if not pairs:
        return ""
    parts = [f"M{pairs[0][0]} {pairs[0][1]}"]
    letter = "l"
    for (x0, y0), (x1, y1) in pairwise(pairs):
        down = y1 - y0
        parts.append(f"{letter}{x1 - x0}{down if down < 0 else f' {down}'}")
        letter = " "
    return "".join(parts)


def _title(title: str) -> str:
    return f"<title>{esc(title)}</title>" if title else ""
