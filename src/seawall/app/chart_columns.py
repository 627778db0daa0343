"""Which column stands on which channel of a layer, those included that its author left out.

The check and the drawing both ask here, so that what is checked is what is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from seawall.app.model import Channel, Encoding, Layer

Kind = Literal["time", "number", "category"]
KindOf = Callable[[str, Encoding], Kind | None]


class Columns(msgspec.Struct, frozen=True):
    """Names of columns; "" where there is none."""

    x: str = ""
    y: str = ""
    color: str = ""


def encoding_of(layer: Layer, channel: Channel) -> Encoding | None:
    """The channel's encoding, if it has one."""
    return next(iter(layer.encoding.get(channel, ())), None)


def is_constant(layer: Layer, channel: Channel) -> bool:
    """Whether a channel stands at a value rather than at a column's values."""
    encoding = encoding_of(layer, channel)
    return encoding is not None and encoding.value is not None


def columns_of_layer(layer: Layer, dimensions: Sequence[str], metrics: Sequence[str], kind_of: KindOf) -> Columns:
    """x is the first dimension, y the first metric, color the second dimension; with names on y (or the one metric on x) it is turned."""
    known = {*dimensions, *metrics}
    x, y, color, *ends = (_named(layer, channel, known) for channel in ("x", "y", "color", "x2", "y2"))
    fixed = is_constant(layer, "x") or is_constant(layer, "y")
    if not x and not fixed:
        x = _x_beside(layer, y, dimensions, metrics, kind_of, ends)
    if not y and layer.mark != "rule" and not is_constant(layer, "y"):
        y = _y_beside(layer, x, dimensions, metrics, kind_of)
    if not color and layer.mark != "rule" and "color" not in layer.encoding:
        color = _first(dimensions, {x, y, *ends})
    return Columns(x, y, color)


def _x_beside(layer: Layer, y: str, dimensions: Sequence[str], metrics: Sequence[str], kind_of: KindOf, ends: Sequence[str]) -> str:
    if y and kind_of(y, encoding_of(layer, "y") or Encoding()) == "category" and y in dimensions:
        return "" if layer.mark == "rule" else _first(metrics, {y})
    return _first(dimensions, {y, *ends})


def _y_beside(layer: Layer, x: str, dimensions: Sequence[str], metrics: Sequence[str], kind_of: KindOf) -> str:
    """Bars along the one quantity there is lie on their side."""
    beside = _first(metrics, {x})
    if beside or layer.mark != "bar":
        return beside
    names = [name for name in dimensions if kind_of(name, Encoding()) == "category"]
    return _first(names, {x})


def _named(layer: Layer, channel: Channel, known: set[str]) -> str:
    """The column of a channel; a field may be written with its dataset."""
    encoding = encoding_of(layer, channel)
    if encoding is None:
        return ""
    return encoding.field if encoding.field in known else encoding.field.rpartition(".")[2]


def _first(names: Sequence[str], used: set[str]) -> str:
    return next((name for name in names if name not in used), "")
