"""What a panel asks → MetricQuery, every name resolved and every combination checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from seawall.app.model import DATED, Dimension, Field, Metric, MetricQuery, Order, RowsQuery
from seawall.app.names import GRAINS
from seawall.app.suggest import suggestion
from seawall.app.vocabulary import Vocabulary
from seawall.app.where import read_where
from seawall.app.yaml_tree import Node

_NUMBERS = ("Integer", "Decimal", "Float")


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, the datasets it is computed on, and its output columns with what they hold."""

    query: MetricQuery | RowsQuery
    facts: tuple[str, ...]
    columns: dict[str, str]
    """Column → quantitative, temporal or nominal."""
    complete: bool = True
    """Whether every name it asks for is known; when not, some columns are not known either."""


def read_metric_query(node: Node, words: Vocabulary) -> Asked:
    """Metrics by dimensions."""
    asked = [(child, words.metric(child)) for child in node.listed("metric") + node.listed("metrics")]
    metrics = [metric for _, metric in asked if metric is not None]
    facts = tuple(sorted({fact for metric in metrics for fact in words.facts(metric.name)}))
    grouped = [(child, _dimension(child, facts, words)) for child in node.listed("by")]
    dimensions = [found for _, found in grouped if found is not None]
    columns: dict[str, str] = {}
    for name, kind, place in [(d.name, k, n) for d, k, n in dimensions] + [
        (m.name, _kind_of_metric(m), c) for c, m in asked if m is not None
    ]:
        if name in columns:
            fix = "Name one of them with `as`, or ask for it once"
            words.report.add(place, "duplicate_column", f"Two columns would be called `{name}`", got=name, fix=fix)
        columns[name] = kind
    for child in [c for c, m in asked if m is None] + [c for c, d in grouped if d is None]:
        columns.setdefault(_intended(child), "nominal")
    complete = len(metrics) == len(asked) and len(dimensions) == len(grouped)
    query = MetricQuery(
        metrics=tuple(metric.name for metric in metrics),
        by=tuple(dimension for dimension, _, _ in dimensions),
        where=read_where(node, facts, "", words),
        order=_order(node, columns, complete, words),
        limit=node.whole("limit"),
        last=node.whole("last"),
    )
    _check_time(node, query, facts, words)
    check_engines(node, facts, query, words)
    return Asked(query, facts, columns, complete)


def _intended(node: Node) -> str:
    """The column an unknown name would have given, so that nothing more is said about it."""
    field = node.get("field") or node
    return node.word("as") or field.text().rpartition(".")[2]


def _dimension(node: Node, facts: tuple[str, ...], words: Vocabulary) -> tuple[Dimension, str, Node] | None:
    """One of `by`: a grain, a field, or a mapping."""
    field_node, grain, name = node, "", ""
    if isinstance(node.value, dict):
        grain, name = node.word("grain"), node.word("as")
        field_node = node.get("field") or node
        if node.get("field") is None and not grain:
            words.report.add(node, "missing_key", "An entry of `by` has neither `field` nor `grain`", fix="Add `field: dataset.field`")
            return None
    elif node.text() in GRAINS:
        grain = node.text()
    if field_node is node and grain:
        words.need_times(node, facts, "`by: " + grain + "`")
        return Dimension(name or grain, "", cast(Any, grain)), "temporal", node
    found = words.field(field_node)
    if found is None:
        return None
    words.reach(field_node, facts, found.dataset, "A metric of this panel")
    if grain and not found.is_dated:
        detail = f"`{found.ref}` cannot be cut to {grain}s"
        words.report.add(
            field_node,
            "not_a_time_field",
            detail,
            expected="a field that is a date, or a date and time",
            got=found.datatype,
            fix="Remove `grain`, or choose such a field",
        )
    return Dimension(name or grain or found.name, found.ref, cast(Any, grain or None)), kind_of(found), node


def _check_time(node: Node, query: MetricQuery, facts: tuple[str, ...], words: Vocabulary) -> None:
    for key in ("last", "compare"):
        child = node.get(key)
        timed = [d for d in query.by if d.grain is not None]
        if child is None:
            continue
        if key == "last" and len(timed) != 1 and "by" not in node.broken:
            what = "`by` has several" if timed else "`by` has no grain" if node.listed("by") else "there is no `by`"
            detail = f"`last` counts periods, but {what}"
            words.report.add(child, "needs_time", detail, expected="one time in `by`", fix="Add a grain such as `week` to `by`")
        elif key == "last" and timed and timed[0].grain == "hour":
            fix = "Write the days as a condition, `during last_2_days`"
            words.report.add(child, "needs_time", "`last` does not count hours", expected="a day or a longer period", got="hour", fix=fix)
        elif not timed:
            words.need_times(child, facts, f"`{key}`")


def check_engines(node: Node, facts: tuple[str, ...], query: MetricQuery | RowsQuery, words: Vocabulary) -> None:
    """One panel reads one database."""
    used = set(facts) | {f.field.partition(".")[0] for f in query.where if f.field}
    used |= {d.field.partition(".")[0] for d in query.by if d.field} if isinstance(query, MetricQuery) else set()
    if len(words.engines(used)) > 1:
        detail = "The panel would read both the warehouse and the operational database"
        words.report.add(
            node.key_mark(), "mixed_engines", detail, where=node.where, got=", ".join(sorted(used)), fix="Split it into two panels"
        )


def _order(node: Node, columns: dict[str, str], complete: bool, words: Vocabulary) -> tuple[Order, ...]:
    orders = []
    for child in node.listed("order"):
        order = ordered(child.text())
        if order.name not in columns and (complete or not words.means_column(order.name)):
            fix = descending(order.name, columns) or suggestion(order.name, columns)
            words.report.add(
                child,
                "unknown_column",
                f"The panel has no column `{order.name[:80]}` to sort by",
                expected="a metric or an entry of `by`",
                got=order.name,
                fix=fix,
            )
        orders.append(order)
    return tuple(orders)


def descending(text: str, known: Iterable[str]) -> str:
    """How to write `revenue desc` here; "" for anything else."""
    name, _, direction = text.strip().rpartition(" ")
    sign = {"desc": "-", "asc": ""}.get(direction.lower())
    return f"Write `{sign}{name}`" if sign is not None and name in {*known} else ""


def ordered(text: str) -> Order:
    """`-name` sorts descending."""
    return Order(text[1:], descending=True) if text.startswith("-") else Order(text)


def _kind_of_metric(metric: Metric) -> str:
    """How a metric's values are scaled: the latest of some dates is a date."""
    if metric.datatype in DATED:
        return "temporal"
    return "quantitative" if metric.datatype in (*_NUMBERS, "Boolean") else "nominal"


def kind_of(item: Field) -> str:
    """How values of a field are scaled: quantitative, temporal or nominal."""
    if item.is_dated:
        return "temporal"
    return "quantitative" if item.datatype in _NUMBERS else "nominal"
