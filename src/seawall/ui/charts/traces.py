"""The readout of an upright chart: what its tooltips and its data table say."""

from __future__ import annotations

from seawall.ui.charts.data import Point, View
from seawall.ui.charts.names import end_name, range_words
from seawall.ui.charts.plot import Plot
from seawall.ui.charts.readout import Readout, Trace
from seawall.ui.charts.rules import PlaceOf, rule_traces
from seawall.ui.charts.scene import Line, Scene
from seawall.ui.formats import ToText


def readout_of(scene: Scene, plot: Plot) -> Readout:
    """Every place with every line's value there; on a scatter plot every point by itself."""
    heading = scene.request.axis_name(scene.frame.x) if scene.frame.x is not None else ""
    if scene.is_free and scene.lines:
        return _free(scene, plot, heading)
    places = scene.frame.places
    index = {place: position for position, place in enumerate(places)}
    traces = [_trace(scene, plot, line, index) for line in sorted(scene.lines, key=lambda line: line.is_band)]
    traces += _beside(scene, lambda point: index.get(point.x), len(index))
    labels = [scene.request.place_label(place) for place in places]
    return Readout(heading, labels, [round(plot.x_at(place) * 100, 2) for place in places], traces)


def _trace(scene: Scene, plot: Plot, line: Line, index: dict[float, int]) -> Trace:
    values: list[str] = [""] * len(index)
    spots: list[float | None] = [None] * len(index)
    write: ToText = scene.request.maker(line.view.y) if line.view.y is not None else str
    stack = scene.stack(line)
    for point in line.series.points:
        at = index[point.x]
        if line.is_band:
            values[at] = _told(scene, line, write, point)
            continue
        values[at] = write(point.y)
        if point.y is not None:
            spots[at] = round(plot.y(stack.top(line.series, point.x) if stack is not None else point.y))
    is_pale = line.is_band and line.view.mark == "area"
    return Trace(line.name, line.color, values, spots, "bd" if is_pale else "ds" if line.dashed else "")


def _beside(scene: Scene, place_of: PlaceOf, count: int) -> list[Trace]:
    """What is told beside the lines: where bars end along x, what rules show, and further columns."""
    traces = []
    for view in scene.frame.views:
        traces += _ends(scene, view, place_of, count)
        traces += rule_traces(scene.request, view, place_of, count)
    return traces + scene.request.told(scene.frame.views, place_of, count)


def _ends(scene: Scene, view: View, place_of: PlaceOf, count: int) -> list[Trace]:
    if view.mark != "bar" or view.span != "x" or view.x is None:
        return []
    values = [""] * count
    for point in (point for series in view.series for point in series.points):
        at = place_of(point)
        if at is not None:
            values[at] = scene.request.written(view.x, point.x2)
    return [Trace(end_name(scene.request, view, view.x), -1, values, [None] * count)]


def _free(scene: Scene, plot: Plot, heading: str) -> Readout:
    spots = [(point, line) for line in scene.lines for point in line.series.points if point.y is not None]
    traces = []
    for line in scene.lines:
        write: ToText = scene.request.maker(line.view.y) if line.view.y is not None else str
        values = [_told(scene, line, write, point) if owner is line else "" for point, owner in spots]
        heights: list[float | None] = [round(plot.y(point.y or 0.0)) if owner is line else None for point, owner in spots]
        traces.append(Trace(line.name, line.color, values, heights))
    row = {point.row: position for position, (point, _) in enumerate(spots)}
    traces += _beside(scene, lambda point: row.get(point.row), len(spots))
    labels = [scene.request.point_label(point) for point, _ in spots]
    return Readout(heading, labels, [round(plot.x_at(point.x) * 100, 2) for point, _ in spots], traces, free=True)


def _told(scene: Scene, line: Line, write: ToText, point: Point) -> str:
    if line.is_band and line.view.y is not None:
        return range_words(scene.request, line.view, line.view.y, point.y, point.y2)
    return write(point.y)
