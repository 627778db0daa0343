"""What a chart is made of once its columns are found: axes, points, series, views and the frame they share."""

from __future__ import annotations

from typing import Literal

import msgspec
import pyarrow as pa

from seawall.app.chart_columns import Kind
from seawall.app.model import Encoding, Format, Grain, Layer, Mark
from seawall.query.port import Column
from seawall.ui.formats import is_missing, is_number

GRAIN_DAYS: dict[Grain, float] = {"hour": 1 / 24, "day": 1, "week": 7, "month": 28, "quarter": 90, "year": 365}


class PanelData(msgspec.Struct, frozen=True):
    """The rows of one panel, as the query service answered. Columns and the table's columns correspond one to one."""

    columns: tuple[Column, ...]
    table: pa.Table


class Axis(msgspec.Struct, frozen=True):
    """A column on a channel."""

    column: Column
    encoding: Encoding
    kind: Kind

    @property
    def format(self) -> Format:
        """The channel's format, else the column's."""
        return self.encoding.format or self.column.format


class Point(msgspec.Struct, frozen=True):
    """One row of one series, as drawn. `x` is days for time, an index for categories."""

    x: float
    y: float | None
    y2: float | None = None
    size: float | None = None
    row: int = 0
    x2: float | None = None


class Series(msgspec.Struct, frozen=True):
    """Points that belong together, in the order of x."""

    name: str
    color: int
    """0: the accent (a lone series); 1…8: the palette; -1: one of many, in grey."""
    points: tuple[Point, ...]


class View(msgspec.Struct, frozen=True):
    """A layer with its columns found and its rows sorted into series. Of a chart on its side `x` is what is up the side."""

    mark: Mark
    x: Axis | None
    y: Axis | None
    series: tuple[Series, ...]
    layer: Layer
    end: Axis | None = None
    """The column where ranges end; None for a constant, too."""
    span: Literal["", "y", "x"] = ""
    """Whether it draws ranges: along the quantity, or along x."""
    color: Axis | None = None
    size: Axis | None = None
    tooltip: tuple[Axis, ...] = ()
    """Further columns that a tooltip tells, those on x and y left out."""

    @property
    def is_span(self) -> bool:
        """Whether it goes from one quantity to another."""
        return self.span == "y"

    @property
    def colored(self) -> bool:
        """Whether its series are told apart by a column."""
        return self.color is not None

    @property
    def is_flags(self) -> bool:
        """Whether it is marks on the axis."""
        return self.mark == "rule" and self.y is None and self.x is not None


class Frame(msgspec.Struct, frozen=True):
    """All layers over one x axis."""

    views: tuple[View, ...]
    x: Axis | None
    """What lies along x, with what all layers say of it."""
    categories: tuple[str, ...]
    """Names along a category axis, in drawing order."""
    grain: Grain | None
    """The period each point of a time axis stands for."""
    places: tuple[float, ...]
    """Every x that has a row, ascending."""
    sideways: bool = False
    """Whether its layers were written with names up the side."""
    values: tuple[object, ...] = ()
    """What the categories are the names of."""

    @property
    def names(self) -> tuple[str, ...]:
        """The categories as the rows have them, before any format."""
        return tuple(label(value) for value in self.values)


def number(value: object) -> float | None:
    """`value` as a finite float, or None."""
    if not is_number(value):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def label(value: object) -> str:
    """A category's name; an em dash when it has none."""
    return "—" if is_missing(value) else str(value)
