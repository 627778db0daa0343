"""What a panel asks → MetricQuery or RowsQuery, every name resolved and every combination checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from seawall.app.access import condition_node, typed_values
from seawall.app.conditions import InvalidCondition, parse_condition
from seawall.app.faults import suggestion
from seawall.app.model import Dataset, Dimension, Field, Filter, MetricQuery, Operator, Order, Policy, RowsQuery
from seawall.app.names import GRAINS
from seawall.app.scalars import NULL_TESTS, InvalidValue, check_period
from seawall.app.vocabulary import Vocabulary
from seawall.app.yaml_tree import Node


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
    asked = [(child, words.metric(child)) for child in _items(node, "metric") + _items(node, "metrics")]
    metrics = [metric for _, metric in asked if metric is not None]
    facts = tuple(sorted({fact for metric in metrics for fact in words.facts(metric.name)}))
    grouped = [(child, _dimension(child, facts, words)) for child in _items(node, "by")]
    dimensions = [found for _, found in grouped if found is not None]
    columns: dict[str, str] = {}
    for name, kind, place in [(d.name, k, n) for d, k, n in dimensions] + [(m.name, "quantitative", c) for c, m in asked if m is not None]:
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
        where=_where(node, facts, "", words),
        order=_order(node, columns, complete, words),
        limit=_whole(node, "limit"),
        last=_whole(node, "last"),
    )
    _check_time(node, query, facts, words)
    _check_engines(node, facts, query, words)
    return Asked(query, facts, columns, complete)


def _intended(node: Node) -> str:
    """The column an unknown name would have given, so that nothing more is said about it."""
    field = node.get("field") or node
    return _word(node, "as") or field.text().rpartition(".")[2]


def _dimension(node: Node, facts: tuple[str, ...], words: Vocabulary) -> tuple[Dimension, str, Node] | None:
    """One of `by`: a grain, a field, or a mapping."""
    field_node, grain, name = node, "", ""
    if isinstance(node.value, dict):
        grain, name = _word(node, "grain"), _word(node, "as")
        field_node = node.get("field") or node
        if node.get("field") is None and not grain:
            words.report.add(node, "missing_key", "An entry of `by` has neither `field` nor `grain`", fix="Add `field: dataset.field`")
            return None
    elif node.text() in GRAINS:
        grain = node.text()
    if field_node is node and grain:
        _needs_times(node, facts, words, "`by: " + grain + "`")
        return Dimension(name or grain, "", cast(Any, grain)), "temporal", node
    found = words.field(field_node)
    if found is None:
        return None
    words.reach(field_node, facts, found.dataset, "A metric of this panel")
    if grain and not found.is_time:
        detail = f"`{found.ref}` cannot be cut to {grain}s"
        words.report.add(
            field_node,
            "not_a_time_field",
            detail,
            expected="a time field",
            got=found.datatype,
            fix="Remove `grain`, or choose a time field",
        )
    return Dimension(name or grain or found.name, found.ref, cast(Any, grain or None)), _kind(found), node


def _check_time(node: Node, query: MetricQuery, facts: tuple[str, ...], words: Vocabulary) -> None:
    for key in ("last", "compare"):
        child = node.get(key)
        timed = [d for d in query.by if d.grain is not None]
        if child is None:
            continue
        if key == "last" and len(timed) != 1 and _items(node, "by"):
            detail = "`last` counts periods, but `by` has " + ("no grain" if not timed else "several")
            words.report.add(child, "needs_time", detail, expected="one time in `by`", fix="Add a grain such as `week` to `by`")
        elif not timed:
            _needs_times(child, facts, words, f"`{key}`")


def _needs_times(at: Node, facts: tuple[str, ...], words: Vocabulary, what: str) -> None:
    for fact in facts:
        if not words.has_time(fact):
            fix = 'Name the dataset\'s time: custom_extensions data {"time": "FIELD"}, or write {field: dataset.field, grain: …}'
            words.report.add(at, "needs_time", f"{what} needs a time, and the dataset `{fact}` names none", got=fact, fix=fix)


def _check_engines(node: Node, facts: tuple[str, ...], query: MetricQuery | RowsQuery, words: Vocabulary) -> None:
    used = set(facts) | {f.field.partition(".")[0] for f in query.where if f.field}
    used |= {d.field.partition(".")[0] for d in query.by if d.field} if isinstance(query, MetricQuery) else set()
    if len(words.engines(used)) > 1:
        detail = "The panel would read both the warehouse and the operational database"
        words.report.add(
            node.key_mark(), "mixed_engines", detail, where=node.where, got=", ".join(sorted(used)), fix="Split it into two panels"
        )


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_rows_query(node: Node, policies: dict[str, Policy], words: Vocabulary) -> Asked | None:
    """Raw rows of a dataset, paged by key."""
    dataset = words.dataset(node.entries()["dataset"])
    if dataset is None:
        return None
    fields = _columns(node, dataset, words)
    keyset = _keyset(node, dataset, policies.get(dataset.name), words)
    query = RowsQuery(
        dataset=dataset.name,
        columns=tuple(fields),
        keyset=keyset,
        where=_where(node, (dataset.name,), dataset.name, words),
        limit=_whole(node, "page_size") or 100,
        count=cast(Any, _word(node, "count") or "none"),
    )
    _check_engines(node, (dataset.name, *(f.dataset for f in fields.values())), query, words)
    return Asked(query, (dataset.name,), {name: _kind(found) for name, found in fields.items()})


def _columns(node: Node, dataset: Dataset, words: Vocabulary) -> dict[str, Field]:
    """The fields shown, by column: a bare name for the dataset's own, `dataset.field` for those of others it leads to."""
    if node.get("columns") is None:
        return dict(dataset.fields)
    found: dict[str, Field] = {}
    for child in _items(node, "columns"):
        item = words.field(child, home=dataset.name)
        if item is None:
            continue
        words.reach(child, (dataset.name,), item.dataset, f"Rows of `{dataset.name}`")
        name = item.name if item.dataset == dataset.name else item.ref
        if name in found:
            words.report.add(child, "duplicate_column", f"The column `{name}` is asked for twice", got=name, fix="Remove one")
        found[name] = item
    return found


def _keyset(node: Node, dataset: Dataset, policy: Policy | None, words: Vocabulary) -> tuple[Order, ...]:
    """The sort; its fields must be unique together and visible to everyone."""
    place = node.get("keyset") or node.entries()["dataset"]
    items = _items(node, "keyset")
    by_column = {_column(item): item.name for item in dataset.fields.values()}
    if items:
        orders = [_ordered(child.text()) for child in items]
        for child, order in zip(items, orders, strict=True):
            if order.name not in dataset.fields:
                fix = suggestion(order.name, dataset.fields)
                words.report.add(child, "unknown_field", f"`{dataset.name}` has no field `{order.name[:80]}`", got=order.name, fix=fix)
                return ()
    else:
        orders = [Order(by_column[column]) for column in dataset.primary_key if column in by_column]
    columns = {_column(dataset.fields[order.name]) for order in orders}
    keys = [key for key in (dataset.primary_key, *dataset.unique_keys) if key]
    if not any(set(key) <= columns for key in keys):
        listed = (
            " or ".join(f"({', '.join(by_column.get(c, c) for c in key)})" for key in keys)
            or "a primary_key of the dataset, which declares none"
        )
        fix = "End the keyset with the fields of a key"
        words.report.add(
            place,
            "keyset_not_unique",
            "The keyset is not unique, so pages could repeat or lose rows",
            expected=f"all fields of {listed}",
            fix=fix,
        )
    for order in orders:
        if policy is not None and order.name in policy.mask:
            detail = f"`{order.name}` is masked for some roles, whose pages it could not cut"
            words.report.add(place, "keyset_masked", detail, fix="Cut pages by another key, or do not mask the field")
    return tuple(orders)


def _column(item: Field) -> str:
    """The physical column a field is; "" when it is computed."""
    text = item.expression.strip().strip('"')
    return text if text.replace("_", "a").isalnum() else ""


# ── conditions, order ────────────────────────────────────────────────────────────────────────────────────────────


def _where(node: Node, facts: tuple[str, ...], home: str, words: Vocabulary) -> tuple[Filter, ...]:
    return tuple(found for child in _items(node, "where") if (found := _condition(child, facts, home, words)) is not None)


def _condition(node: Node, facts: tuple[str, ...], home: str, words: Vocabulary) -> Filter | None:
    """One condition, in either form."""
    if isinstance(node.value, dict):
        field_node, op_node = node.get("field"), node.get("op")
        if op_node is None:
            return None
        values = [v for key in ("value", "values") if (holder := node.get(key)) is not None for v in holder.items()]
        if field_node is None:
            return _own_time(node, op_node.text(), values, facts, words)
        return _filter(field_node, field_node.text(), cast(Operator, op_node.text()), values, facts, home, words)
    try:
        parsed = parse_condition(node.text())
    except InvalidCondition as error:
        words.report.add(node, "bad_condition", error.detail, expected=error.expected, got=node.text(), fix=error.fix)
        return None
    return _filter(node, parsed.field, parsed.op, condition_node(parsed, node), facts, home, words)


def _own_time(node: Node, op: str, values: list[Node], facts: tuple[str, ...], words: Vocabulary) -> Filter | None:
    """A condition without a field: a period of each dataset's own time."""
    if op != "during":
        words.report.add(node, "missing_key", "The condition has no `field`", expected="a field, unless `op` is during", fix="Add `field`")
        return None
    _needs_times(node, facts, words, "`during`")
    try:
        return Filter("", "during", tuple(check_period(cast(Any, value.value)) for value in values))
    except InvalidValue as error:
        words.report.add(node, "bad_condition", error.detail, expected=error.expected, got=error.got, fix="Mend the period")
        return None


def _filter(at: Node, ref: str, op: Operator, values: list[Node], facts: tuple[str, ...], home: str, words: Vocabulary) -> Filter | None:
    found = words.field(at, home=home, ref=ref)
    if found is None:
        return None
    words.reach(at, facts, found.dataset, "A condition of this panel")
    if bool(values) == (op in NULL_TESTS):
        expected = "no value" if op in NULL_TESTS else "`value`, or `values` for in and not_in"
        words.report.add(
            at, "bad_condition", f"`{op}` has {'a value' if values else 'no value'}", expected=expected, fix="Add or remove it"
        )
        return None
    typed = typed_values(values, op, found, at, words.report)
    return None if typed is None else Filter(found.ref, op, typed)


def _order(node: Node, columns: dict[str, str], complete: bool, words: Vocabulary) -> tuple[Order, ...]:
    orders = []
    for child in _items(node, "order"):
        order = _ordered(child.text())
        if order.name not in columns and (complete or not words.means_column(order.name)):
            fix = suggestion(order.name, columns)
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


def _ordered(text: str) -> Order:
    return Order(text[1:], descending=True) if text.startswith("-") else Order(text)


def _kind(item: Field) -> str:
    if item.is_time and item.datatype != "String":
        return "temporal"
    return "quantitative" if item.datatype in ("Integer", "Decimal", "Float") else "nominal"


def _items(node: Node, key: str) -> list[Node]:
    child = node.get(key)
    return [] if child is None or child.value is None else child.items()


def _word(node: Node, key: str) -> str:
    child = node.get(key)
    return child.text() if child is not None else ""


def _whole(node: Node, key: str) -> int | None:
    child = node.get(key)
    return child.value if child is not None and isinstance(child.value, int) else None
