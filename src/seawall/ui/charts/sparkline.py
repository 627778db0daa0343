"""A word-sized line without axes, beside a big number."""

from __future__ import annotations

from collections.abc import Sequence

from seawall.ui.charts import marks
from seawall.ui.charts.data import Point
from seawall.ui.charts.plot import Plot
from seawall.ui.charts.scales import Linear, extent

HEIGHT_PX = 48


def sparkline(values: Sequence[float | None], height_px: float = HEIGHT_PX) -> str:
    """The shape of `values`, its last point marked; an empty string for fewer than two numbers. Hidden from screen readers."""
    points = [Point(float(index), value) for index, value in enumerate(values)]
    known = [point for point in points if point.y is not None]
    ends = extent(point.y for point in known)
    if len(known) < 2 or ends is None:
        return ""
    low, high = ends
    scale = Linear(low, high) if high > low else Linear(low - 1, high + 1)
    plot = Plot(top=5, height=height_px - 10, y_at=scale.at, x_at=Linear(0, len(points) - 1).at)
    line = marks.stroke(marks.line_path(plot, marks.runs(points, 1.5)), "s0")
    run = [(plot.x_units(point.x), plot.y_units(point.y or 0.0)) for point in known]
    floor = [(x, round(plot.height * 10)) for x, _ in (run[0], run[-1])]
    area = marks.fill(marks.area_path(run, floor), "bd s0")
    last = known[-1]
    dot = marks.dot(plot.percent(last.x), plot.y(last.y or 0.0), "ld s0", 3)
    return f'<svg class="spark" height="{height_px:.0f}" aria-hidden="true">{plot.inner(area + line)}{dot}</svg>'
