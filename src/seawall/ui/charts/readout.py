"""What a chart says, as numbers: the source of its tooltips and of its data table, so that both tell the same.

The JSON is documented in `render/panel.py`, where the browser script's author will look.
"""

from __future__ import annotations

from typing import Literal

import msgspec

POINTS_MAX = 3000
"""Beyond this many values a chart carries no tooltips: the data table and the downloads do."""
ROWS_MAX = 200


class Trace(msgspec.Struct, frozen=True):
    """One series' written values, one for each label; an empty string where it has none."""

    name: str
    color: int
    values: list[str]
    places: list[float | None]
    """CSS pixels from the top (upright charts) or per cent from the left (charts on their side); None: nothing to point at."""
    kind: Literal["", "bd", "ds"] = ""
    """How its key is drawn: a pale band, a dotted line, or plainly."""


class Readout(msgspec.Struct, frozen=True):
    """Labels along the category or time axis, and the series over them."""

    heading: str
    labels: list[str]
    places: list[float]
    """Per cent from the left, or CSS pixels from the top when the chart lies on its side."""
    traces: list[Trace]
    sideways: bool = False
    free: bool = False
    """A scatter plot: every label is a point of its own, so the nearest in both directions counts."""
    drawn: tuple[str, ...] = ()
    """The columns whose values an upright chart draws."""
    left_out: tuple[int, int] = (0, 0)
    """How many periods at the beginning and at the end the rows and the table have and the chart leaves out, as they are not whole."""


_encode = msgspec.json.Encoder().encode


def points_json(readout: Readout) -> str:
    """The `data-points` attribute's value, not yet escaped; empty when there is too much."""
    if len(readout.labels) * max(1, len(readout.traces)) > POINTS_MAX:
        return ""
    along, across = ("y", "x") if readout.sideways else ("x", "y")
    series: list[dict[str, object]] = [
        {"n": trace.name, "c": trace.color, "v": trace.values, across: trace.places} | ({"k": trace.kind} if trace.kind else {})
        for trace in readout.traces
    ]
    made: dict[str, object] = {along: readout.places, "t": readout.labels, "s": series}
    if readout.sideways:
        made["h"] = 1
    if readout.free:
        made["f"] = 1
    return _encode(made).decode()
