"""A layer of a chart while it is being checked: its nodes, its columns and what they hold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from seawall.app.chart_columns import Columns, Kind, columns_of_layer, encoding_of, is_constant
from seawall.app.model import Channel, Encoding, Layer, MetricQuery
from seawall.app.queries import Asked
from seawall.app.vocabulary import Vocabulary
from seawall.app.yaml_tree import Node

KINDS: dict[str, Kind] = {"quantitative": "number", "temporal": "time", "nominal": "category", "ordinal": "category"}


@dataclass(frozen=True)
class Checked:
    """One layer, where it was written, and the columns it can use."""

    node: Node
    """The mapping with `mark` and `encoding`."""
    layer: Layer
    asked: Asked
    words: Vocabulary

    @property
    def mark(self) -> str:
        """What it draws."""
        return self.layer.mark

    @property
    def a_mark(self) -> str:
        """The mark as a sentence begins: `An area`."""
        return f"{'An' if self.mark == 'area' else 'A'} {self.mark}"

    @cached_property
    def channels(self) -> dict[str, Node]:
        """The channels that were written."""
        encoding = self.node.get("encoding")
        return encoding.entries() if encoding is not None else {}

    def refuse(self, at: Node, detail: str, *, expected: str = "", got: object = "", fix: str = "") -> None:
        """Report what would not be drawn, at the key that asks for it."""
        self.words.report.add(at.key_mark(), "bad_chart", detail, where=at.where, expected=expected, got=got, fix=fix)

    def is_constant(self, channel: Channel) -> bool:
        """Whether a channel stands at a value."""
        return is_constant(self.layer, channel)

    def encoding(self, channel: Channel) -> Encoding | None:
        """A channel's encoding, if it has one."""
        return encoding_of(self.layer, channel)

    def holds(self, name: str) -> Kind | None:
        """What a column holds, whatever `type` says; None for one that is not known."""
        return KINDS.get(self.asked.columns.get(name, ""))

    def kind_of(self, name: str, encoding: Encoding) -> Kind | None:
        """How a column's values are placed."""
        return KINDS.get(encoding.type or "") or self.holds(name)

    @cached_property
    def columns(self) -> Columns:
        """The columns on x, y and color, with those that were left out."""
        query = self.asked.query
        dimensions = [dimension.name for dimension in query.by] if isinstance(query, MetricQuery) else []
        metrics = query.metrics if isinstance(query, MetricQuery) else ()
        return columns_of_layer(self.layer, dimensions, metrics, self.kind_of)

    @cached_property
    def x(self) -> Kind | None:
        """What lies on x; None when nothing does, or a constant."""
        return self._placed("x", self.columns.x)

    @cached_property
    def y(self) -> Kind | None:
        """What lies on y; None when nothing does, or a constant."""
        return self._placed("y", self.columns.y)

    @property
    def lies(self) -> bool:
        """Whether it is turned: names up the side, a quantity or times along."""
        return self.y == "category" and self.x != "category"

    @property
    def is_plain(self) -> bool:
        """Whether it is bars or a surface from zero."""
        if self.mark == "bar":
            return not ({"y2"} & set(self.channels)) and not (self.lies and "x2" in self.channels)
        return self.mark == "area" and "y2" not in self.channels

    @property
    def is_flags(self) -> bool:
        """Whether it is marks on the axis, of times and quantities along it, of names along the side."""
        if self.mark != "rule" or self.is_constant("x") or self.is_constant("y"):
            return False
        return ("y" not in self.channels) if "x" in self.channels else self.y == "category"

    @property
    def is_called_by_x(self) -> bool:
        """Whether the title of its x is what it is called, not what the axis is called."""
        return self.mark == "rule" and (self.is_flags or "x2" in self.channels)

    def is_metric(self, name: str) -> bool:
        """Whether a column is computed, not grouped by."""
        return isinstance(self.asked.query, MetricQuery) and name in self.asked.query.metrics

    def _placed(self, channel: Channel, name: str) -> Kind | None:
        return self.kind_of(name, self.encoding(channel) or Encoding()) if name else None
