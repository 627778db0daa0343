"""In which order names stand: as the rows have them, by value, or by how much there is of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from seawall.ui.charts.data import Axis, label, number

SERIES_MAX = 8


def in_order(values: Iterable[object], sort: str) -> list[object]:
    """Distinct values sorted: numbers as numbers, times as times, what cannot be compared by its name; `none` keeps the order."""
    listed = list(values)
    if sort == "none":
        return listed
    known = [value for value in listed if value is not None]
    try:
        known.sort(key=lambda value: cast("Any", value), reverse=sort == "descending")
    except TypeError:
        known.sort(key=label, reverse=sort == "descending")
    return known + [value for value in listed if value is None]


def colors_of(layers: Sequence[tuple[Axis | None, Axis | None]], table: dict[str, list[object]]) -> dict[str, int]:
    """Name → palette place, in drawing order, the same in every layer: the largest first, unless a layer sorts; as the rows
    have them when there is nothing to compare.

    `layers` are pairs of what is drawn and what colours tell apart.
    """
    totals: dict[str, float] = {}
    values: dict[str, object] = {}
    sort = "none"
    for drawn, color in layers:
        if color is None:
            continue
        sort = color.encoding.sort if sort == "none" else sort
        names = table.get(color.column.name, [])
        amounts = table.get(drawn.column.name, []) if drawn is not None else [None] * len(names)
        sums: dict[object, float] = {}
        for name, value in zip(names, amounts, strict=False):
            sums[name] = sums.get(name, 0.0) + abs(number(value) or 0.0)
        for name, amount in sums.items():
            values.setdefault(label(name), name)
            totals[label(name)] = totals.get(label(name), 0.0) + amount
    ranked = sorted(totals, key=lambda name: (-totals[name], name)) if any(totals.values()) else list(totals)
    if sort != "none":
        ranked = [label(value) for value in in_order((values[name] for name in ranked), sort)]
    if len(ranked) == 1:
        return {ranked[0]: 0}
    return {name: index + 1 if index < SERIES_MAX else -1 for index, name in enumerate(ranked)}
