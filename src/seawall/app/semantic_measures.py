"""Relationships and metrics of a semantic model: how datasets lead to each other, and what is measured on them."""

from __future__ import annotations

from collections.abc import Set
from typing import Any, cast

from sqlglot import exp

from seawall.app.expression_types import type_of
from seawall.app.expressions import columns_of, parse_metric
from seawall.app.faults import Report
from seawall.app.grammar import InvalidExpression
from seawall.app.model import Dataset, DataType, Metric, Relationship, Semantics
from seawall.app.paths import NoPath
from seawall.app.semantic_parts import ansi_expression, extension_of, key_columns, report_expression, synonyms_of
from seawall.app.styles import check_declared
from seawall.app.suggest import suggestion
from seawall.app.vocabulary import metric_facts
from seawall.app.words import format_of, spoken, text_of
from seawall.app.yaml_tree import Node


def read_relationship(node: Node, datasets: dict[str, Dataset], broken: Set[str], report: Report) -> Relationship | None:
    """A relationship; None when it cannot be walked (reported). `broken` names those whose keys are not known."""
    ends = {key: child for key in ("from", "to") if (child := node.get(key)) is not None}
    for child in ends.values():
        if child.text() not in datasets:
            fix = suggestion(child.text(), datasets)
            report.add(child, "unknown_dataset", f"There is no dataset `{child.text()[:80]}`", got=child.text(), fix=fix)
    from_columns, to_columns = (key_columns(node.get(key), report) for key in ("from_columns", "to_columns"))
    if len(ends) < 2 or any(child.text() not in datasets for child in ends.values()):
        return None
    preferred = extension_of(node, "relationship", report).get("preferred")
    made = Relationship(
        node.entries()["name"].text(), ends["from"].text(), ends["to"].text(), from_columns, to_columns, bool(preferred and preferred.value)
    )
    if made.from_ == made.to:
        report.add(
            node,
            "relationship_not_to_key",
            f"`{made.name}` leads from a dataset to itself",
            fix="Declare the other end as a dataset of its own",
        )
        return None
    if f"key {made.to}" not in broken:
        _check_key(made, node, datasets[made.to], report)
    return made


def _check_key(made: Relationship, node: Node, to: Dataset, report: Report) -> None:
    """A relationship must lead to a key, or a join would multiply rows."""
    if len(made.from_columns) != len(made.to_columns):
        got = f"{len(made.from_columns)} and {len(made.to_columns)}"
        detail = f"`{made.name}` joins different numbers of columns"
        report.add(node, "relationship_not_to_key", detail, expected="as many from_columns as to_columns", got=got, fix="Pair the columns")
        return
    keys = [key for key in (to.primary_key, *to.unique_keys) if key]
    if not any(set(key) <= set(made.to_columns) for key in keys):
        listed = " or ".join(f"({', '.join(key)})" for key in keys) or f"`{to.name}` to declare a primary_key"
        fix = f"Join all columns of a key of `{to.name}`, or declare the columns as one of its unique_keys"
        at = node.get("to_columns") or node
        report.add(
            at,
            "relationship_not_to_key",
            f"`{made.name}` does not lead to a key of `{to.name}`",
            expected=listed,
            got=f"({', '.join(made.to_columns)})",
            fix=fix,
        )


def read_metric(node: Node, semantics: Semantics, report: Report) -> Metric:
    """A metric; a broken one keeps its name and has expression ""."""
    name = node.entries()["name"].text()
    extra = extension_of(node, "metric", report)
    expression, at = ansi_expression(node, report)
    tree = _vetted_metric(name, expression, at, semantics, report) if at is not None else None
    expression = expression if tree is not None else ""
    known = cast(DataType | None, node.word("datatype") or None) or (type_of(tree, semantics) if tree is not None else None)
    kind = known or "Float"
    if known is not None:
        check_declared(extra.get("format"), known, name, report)
    return Metric(
        name=name,
        expression=expression,
        datatype=kind,
        label=text_of(extra.get("label"), spoken(name)),
        description=text_of(extra.get("description") or node.get("description")),
        synonyms=synonyms_of(node),
        format=format_of(extra.get("format"), kind),
        better=cast(Any, extra.word("better") or "up"),
    )


def _vetted_metric(name: str, expression: str, at: Node, semantics: Semantics, report: Report) -> exp.Expr | None:
    """The expression as a tree; None when it is broken."""
    try:
        tree = parse_metric(expression)
    except InvalidExpression as error:
        report_expression(at, error, report)
        return None
    missing = [ref for ref in columns_of(tree) if not _exists(semantics, ref)]
    for dataset, column in missing:
        known = semantics.datasets[dataset].fields if dataset in semantics.datasets else {}
        code = "unknown_field" if dataset in semantics.datasets else "unknown_dataset"
        what = f"field `{dataset}.{column}`" if known else f"dataset `{dataset}`"
        fix = suggestion(f"{dataset}.{column}", [f"{dataset}.{f}" for f in known]) if known else suggestion(dataset, semantics.datasets)
        place = at.inside(max(0, expression.find(f"{dataset}.{column}")))
        report.add(place, code, f"The metric `{name}` uses {what}, which is not there", where=at.where, got=f"{dataset}.{column}", fix=fix)
    if missing:
        return None
    try:
        metric_facts(semantics, Metric(name, expression, "Float", text_of(None)))
    except NoPath as error:
        report.add(at, "not_groupable", f"The metric `{name}` aggregates over datasets that are not related: {error.detail}", fix=error.fix)
        return None
    engines = {semantics.datasets[dataset].engine for dataset, _ in columns_of(tree)}
    if len(engines) > 1:
        detail = f"The metric `{name}` would read both the warehouse and the operational database"
        report.add(at, "mixed_engines", detail, expected="fields of one database", fix="Make a metric for each, or copy the data")
        return None
    return tree


def _exists(semantics: Semantics, ref: tuple[str, str]) -> bool:
    return ref[0] in semantics.datasets and ref[1] in semantics.datasets[ref[0]].fields
