"""Raw rows of a dataset → RowsQuery: columns resolved, the keyset unique and visible to everyone."""

from __future__ import annotations

from typing import Any, cast

from seawall.app.model import Dataset, Field, Order, Policy, RowsQuery
from seawall.app.queries import Asked, check_engines, kind_of, ordered
from seawall.app.suggest import suggestion
from seawall.app.vocabulary import Vocabulary
from seawall.app.where import read_where
from seawall.app.yaml_tree import Node


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
        where=read_where(node, (dataset.name,), dataset.name, words),
        limit=node.whole("page_size") or 100,
        count=cast(Any, node.word("count") or "none"),
    )
    check_engines(node, (dataset.name, *(f.dataset for f in fields.values())), query, words)
    return Asked(query, (dataset.name,), {name: kind_of(found) for name, found in fields.items()})


def _columns(node: Node, dataset: Dataset, words: Vocabulary) -> dict[str, Field]:
    """The fields shown, by column: a bare name for the dataset's own, `dataset.field` for those of others it leads to."""
    if node.get("columns") is None:
        return dict(dataset.fields)
    found: dict[str, Field] = {}
    for child in node.listed("columns"):
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
    items = node.listed("keyset")
    by_column = {_column(item): item.name for item in dataset.fields.values()}
    if items:
        orders = [ordered(child.text()) for child in items]
        for child, order in zip(items, orders, strict=True):
            if order.name not in dataset.fields:
                fix = suggestion(order.name, dataset.fields)
                words.report.add(child, "unknown_field", f"`{dataset.name}` has no field `{order.name[:80]}`", got=order.name, fix=fix)
                return ()
    else:
        orders = [Order(by_column[column]) for column in dataset.primary_key if column in by_column]
    columns = {_column(dataset.fields[order.name]) for order in orders}
    keys = [key for key in (dataset.primary_key, *dataset.unique_keys) if key]
    if not any(set(key) <= columns for key in keys) and f"key {dataset.name}" not in words.broken:
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
