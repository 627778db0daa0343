"""What is asked: metrics by dimensions, or the rows of a dataset."""

from __future__ import annotations

from typing import Literal

from seawall.app.model_words import Scalar, Value

Grain = Literal["hour", "day", "week", "month", "quarter", "year"]
Operator = Literal["eq", "ne", "in", "not_in", "lt", "le", "gt", "ge", "contains", "starts_with", "is_null", "not_null", "during"]


class Dimension(Value, frozen=True):
    """What to group by: a field, or with field "" the default time field of each fact, cut to `grain`."""

    name: str
    """The output column's name: the field's own name, or the grain's."""
    field: str = ""
    grain: Grain | None = None


class Filter(Value, frozen=True):
    """A condition on a field (`dataset.field`, or "" for each fact's default time field).

    `contains` and `starts_with` ignore case. `during` takes one period, `2017-01-01..2017-03-31` (both days inside),
    `last_4_weeks` (complete at the watermark) or `this_month`. Rows without a value match `is_null` only.
    """

    field: str
    op: Operator
    values: tuple[Scalar, ...] = ()


class Order(Value, frozen=True):
    """Sort by an output column (metric queries) or a field name (row queries)."""

    name: str
    descending: bool = False


class MetricQuery(Value, frozen=True, tag="metrics"):
    """Metrics by dimensions."""

    metrics: tuple[str, ...]
    by: tuple[Dimension, ...] = ()
    where: tuple[Filter, ...] = ()
    order: tuple[Order, ...] = ()
    limit: int | None = None
    last: int | None = None
    """With a single time dimension: only the last N periods that are complete at the watermark's date."""


class RowsQuery(Value, frozen=True, tag="rows"):
    """Raw rows of one dataset, paged by key."""

    dataset: str
    columns: tuple[str, ...]
    keyset: tuple[Order, ...]
    """The sort, whose fields together must be unique (checked against the keys)."""
    where: tuple[Filter, ...] = ()
    limit: int = 100
    count: Literal["none", "estimate", "exact"] = "none"


Query = MetricQuery | RowsQuery
