"""Whether a chart shows what its panel asks for: every metric, and a place for every row.

Rows that share a place would be drawn over each other, and one of them told for all.
"""

from __future__ import annotations

from collections.abc import Sequence

from seawall.app.chart_layer import Checked
from seawall.app.chart_marks import has_unknown
from seawall.app.model import Chart, Dimension, MetricQuery
from seawall.app.queries import Asked
from seawall.app.vocabulary import Vocabulary
from seawall.app.yaml_tree import Node

_PLACED = ("line", "area", "bar")
"""Marks of which a series has one at each place. Points and rules may lie over each other."""


def check_rows(panel: Node, chart: Chart, asked: Asked, words: Vocabulary) -> None:
    """Report what a panel groups by and its chart does not tell apart."""
    if not isinstance(asked.query, MetricQuery) or not asked.complete:
        return
    written = panel.get("chart")
    layers = written.get("layer") if written is not None else None
    parts = layers.items() if layers is not None else [written or panel]
    known = [Checked(part, layer, asked, words) for part, layer in zip(parts, chart.layers, strict=False)]
    if any("mark" in each.node.broken or has_unknown(each) for each in known):
        return
    for checked in known:
        if checked.mark == "number":
            _check_number(panel, checked, asked.query)
        elif checked.mark in _PLACED:
            _check_places(panel, checked, asked.query)
    if not any(checked.mark == "table" for checked in known):
        _check_metrics(panel, known, asked.query)


def _check_number(panel: Node, checked: Checked, query: MetricQuery) -> None:
    time = next((dimension for dimension in query.by if dimension.grain), None)
    free = [dimension.name for dimension in _several(query) if dimension is not time]
    if free:
        detail = f"A number is one value, and there is one for each {_listed(free)}"
        _refuse(panel, checked, free, detail, "nothing in `by`, or one grain", "choose `mark: bar`")


def _check_places(panel: Node, checked: Checked, query: MetricQuery) -> None:
    columns = checked.columns
    names = [dimension.name for dimension in query.by]
    drawn = {columns.x, columns.y, columns.color}
    free = [dimension.name for dimension in _several(query) if dimension.name not in drawn]
    if free and (columns.y if checked.lies else columns.x) in names:
        detail = f"{checked.a_mark} has one place for rows that differ in {_listed(free)}"
        _refuse(panel, checked, free, detail, "each of `by` on `x`, `y` or `color`", "choose `mark: table`")


def _check_metrics(panel: Node, layers: Sequence[Checked], query: MetricQuery) -> None:
    """Each metric stands on a channel of some layer, or is what rows are sorted by."""
    shown = {order.name for order in query.order}
    for each in layers:
        shown |= {each.columns.x, each.columns.y, each.columns.color}
        shown |= {encoding.field for found in each.layer.encoding.values() for encoding in found}
    missing = [name for name in query.metrics if name not in shown]
    if missing:
        at = panel.get("metrics") or panel
        detail = f"The chart does not show {_listed(missing)}"
        fix = f"Write a layer, a channel or a panel for {_listed(missing)}, or choose `mark: table`"
        layers[0].words.report.add(at, "bad_chart", detail, expected="every metric on a channel", got=", ".join(missing), fix=fix)


def _several(query: MetricQuery) -> list[Dimension]:
    """The dimensions that may have more than one value: none in a single row, and time not in a single period."""
    if query.limit == 1:
        return []
    fixed = {each.field for each in query.where if each.op in ("eq", "in") and len(each.values) == 1}
    return [dimension for dimension in query.by if (query.last != 1 if dimension.grain else dimension.field not in fixed)]


def _refuse(panel: Node, checked: Checked, free: Sequence[str], detail: str, expected: str, instead: str) -> None:
    at = panel.get("by") or panel
    fix = f"Remove {_listed(free)} from `by`, or {instead}"
    checked.words.report.add(at, "bad_chart", detail, expected=expected, got=", ".join(free), fix=fix)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)
