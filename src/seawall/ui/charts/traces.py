"""The readout of an upright chart: what its tooltips and its data table say."""

from __future__ import annotations

import msgspec

from seawall.ui.charts.data import Point, Series
from seawall.ui.charts.plot import Plot
from seawall.ui.charts.readout import Readout, Trace
from seawall.ui.charts.scene import Line, Scene
from seawall.ui.formats import ToText


def readout_of(scene: Scene, plot: Plot) -> Readout:
    """Every place with every line's value there; on a scatter plot every point by itself."""
    heading = scene.request.axis_name(scene.frame.x) if scene.frame.x is not None else ""
    if scene.is_free:
        return _free(scene, plot, heading)
    places = scene.frame.places
    index = {place: position for position, place in enumerate(places)}
    traces = [_trace(scene, plot, line, index) for line in sorted(scene.lines, key=lambda line: line.is_band)]
    traces += scene.request.told(scene.frame.views, lambda point: index[point.x], len(index))
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
            values[at] = _interval(scene, write, point)
            continue
        values[at] = write(point.y)
        if point.y is not None:
            spots[at] = round(plot.y(stack.top(line.series, point.x) if stack is not None else point.y))
    return Trace(line.name, line.color, values, spots, "bd" if line.is_band else "ds" if line.dashed else "")


def _known(series: Series) -> Series:
    return msgspec.structs.replace(series, points=tuple(point for point in series.points if point.y is not None))


def _interval(scene: Scene, write: ToText, point: Point) -> str:
    if point.y is None or point.y2 is None:
        return write(None)
    low, high = sorted((point.y, point.y2))
    return scene.request.ctx.messages.text("interval", low=write(low), high=write(high))


def _free(scene: Scene, plot: Plot, heading: str) -> Readout:
    spots = [(point, line) for line in scene.lines for point in line.series.points if point.y is not None]
    traces = []
    for line in scene.lines:
        write: ToText = scene.request.maker(line.view.y) if line.view.y is not None else str
        values = [write(point.y) if owner is line else "" for point, owner in spots]
        heights: list[float | None] = [round(plot.y(point.y or 0.0)) if owner is line else None for point, owner in spots]
        traces.append(Trace(line.name, line.color, values, heights))
    row = {point.row: position for position, (point, _) in enumerate(spots)}
    shown = [msgspec.structs.replace(view, series=tuple(_known(series) for series in view.series)) for view in scene.frame.views]
    traces += scene.request.told(shown, lambda point: row[point.row], len(spots))
    labels = [scene.request.point_label(point) for point, _ in spots]
    return Readout(heading, labels, [round(plot.x_at(point.x) * 100, 2) for point, _ in spots], traces, free=True)
