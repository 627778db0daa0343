"""What somebody asked, understood: a metric query, and what to do with its rows. Immutable; everything is a name of the app's vocabulary.

A `Question` is what the small tier reads out of words, what the large tier answers in JSON, what chips on the page edit, what the
semantic cache keeps and what golden files expect. Two that mean the same have the same `canonical` form.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from seawall.app.model import Dimension, Filter, Grain, MetricQuery, Order, Scalar
from seawall.query.errors import InvalidQuery
from seawall.query.periods import span_of

Show = Literal["auto", "table", "bar", "line", "number"]
Comparison = Literal["", "previous", "year_ago"]
RELATIVE = ("previous", "year_ago")
"""Comparisons that count from the question's own period."""
VALUES_MAX = 50
CONDITIONS_MAX = 12


class Question(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Metrics by dimensions under conditions, perhaps as a ratio or compared with another period."""

    metrics: tuple[str, ...]
    by: tuple[Dimension, ...] = ()
    where: tuple[Filter, ...] = ()
    """Conditions hold together. A period is a `during` filter; on the default time field its `field` is ""."""
    order: tuple[Order, ...] = ()
    """By output columns: a metric's name, a dimension's name, `ratio` or `change`."""
    limit: int | None = None
    last: int | None = None
    """With one time dimension: the last N complete periods of its grain."""
    ratio: bool = False
    """The first metric over the second, as a column `ratio`."""
    compare: Comparison | str = ""
    """The same question about another time beside it: the period before, a year ago, or a period by its name (`2017-03`)."""
    show: Show = "auto"

    def query(self) -> MetricQuery:
        """The part that a database answers."""
        where = tuple(sorted(self.where, key=_filter_key))
        return MetricQuery(self.metrics, self.by, where, self._plain_order(), self._plain_limit(), self.last)

    def canonical(self) -> bytes:
        """Equal for questions that mean the same: conditions and their values sorted, defaults left out, `show` not counted.

        `2017-03` is 2017-03-01..2017-03-31; `last_4_weeks` stays what it is, since its days move with the data.
        """
        where = tuple(sorted((_canonical_filter(one) for one in self.where), key=_filter_key))
        by = tuple(msgspec.structs.replace(one, name="") for one in self.by)
        metrics = self.metrics if self.ratio or not self.metrics else (self.metrics[0], *sorted(self.metrics[1:]))
        compare = self.compare if self.compare in ("", *RELATIVE) else _canonical_period(self.compare)
        return msgspec.json.encode(msgspec.structs.replace(self, metrics=metrics, where=where, by=by, compare=compare, show="auto"))

    def _plain_order(self) -> tuple[Order, ...]:
        made = {*self.metrics, *(one.name for one in self.by)}
        return tuple(one for one in self.order if one.name in made)

    def _plain_limit(self) -> int | None:
        """Rows ordered by what is computed afterwards are cut afterwards."""
        return self.limit if len(self._plain_order()) == len(self.order) else None


def by_time(grain: Grain) -> Dimension:
    """The default time of each fact, cut to a grain."""
    return Dimension(grain, "", grain)


def by_field(ref: str) -> Dimension:
    """A field, named as its dataset names it."""
    return Dimension(ref.partition(".")[2], ref)


def during(period: str, field: str = "") -> Filter:
    """A condition on time; `field` "" is each fact's default time."""
    return Filter(field, "during", (period,))


def _canonical_filter(one: Filter) -> Filter:
    """A choice among one is an equality; the order of values says nothing."""
    if one.op == "during":
        return Filter(one.field, one.op, tuple(_canonical_period(str(value)) for value in one.values))
    values = tuple(sorted(set(one.values), key=_value_key)) if one.op in ("in", "not_in") else one.values
    if len(values) == 1 and one.op == "in":
        return Filter(one.field, "eq", values)
    if len(values) == 1 and one.op == "not_in":
        return Filter(one.field, "ne", values)
    return Filter(one.field, one.op, values)


def _canonical_period(text: str) -> str:
    """Named days as first..last; what is relative, or no period at all, as it is."""
    try:
        return span_of(text, None).text()
    except InvalidQuery:
        return text.removesuffix("s")


def _filter_key(one: Filter) -> tuple[str, str, str]:
    return one.field, one.op, repr(one.values)


def _value_key(value: Scalar) -> tuple[str, str]:
    return type(value).__name__, str(value)
