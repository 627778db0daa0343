"""Semantic models (Apache Ossie) → Semantics. Reports every fault; what is broken stays known by name.

Ours rides in `custom_extensions` with vendor SEAWALL: a JSON text, held to a schema of its own.
"""

from __future__ import annotations

import re
from typing import Any, cast

import msgspec

from seawall.app import names
from seawall.app.expressions import parse_scalar
from seawall.app.faults import Report
from seawall.app.grammar import InvalidExpression
from seawall.app.model import Dataset, DataType, Field, Semantics
from seawall.app.physical import siblings
from seawall.app.semantic_measures import read_metric, read_relationship
from seawall.app.semantic_parts import ansi_expression, declared_name, extension_of, key_columns, report_expression, synonyms_of
from seawall.app.styles import check_declared
from seawall.app.suggest import suggestion
from seawall.app.vocabulary import Vocabulary
from seawall.app.words import format_of, spoken, text_of
from seawall.app.yaml_tree import Node

DECLARED_MAX = 500
"""Datasets, relationships, metrics each; joins are searched among them, so their number is bounded."""
_TIMES = ("Date", "Time", "DateTime", "DateTimeTz")


def read_semantics(roots: list[Node], report: Report) -> Vocabulary:
    """All models of an app, whose shape was checked, as one vocabulary."""
    models = [model for root in roots for model in root.listed("semantic_model")]
    places: dict[str, Node] = {}
    datasets, broken = _datasets(models, places, report)
    _check_sources(datasets, places, report)
    declared = _declared(models, "relationships", "relationship", places, report)
    relationships = [read_relationship(node, datasets, broken, report) for node in declared]
    broken |= {f"path {node.word('from')}" for node, made in zip(declared, relationships, strict=True) if made is None}
    semantics = Semantics(datasets, tuple(made for made in relationships if made is not None), {})
    metrics = {}
    for node in _declared(models, "metrics", "metric", places, report):
        metric = read_metric(node, semantics, report)
        metrics[metric.name] = metric
    return Vocabulary(msgspec.structs.replace(semantics, metrics=metrics), places, report, frozenset(broken))


def _declared(models: list[Node], key: str, kind: str, places: dict[str, Node], report: Report) -> list[Node]:
    """The declarations of one kind in all models, each name once, in bounds."""
    found: list[Node] = []
    for model in models:
        for node in model.listed(key):
            name = declared_name(node, kind, report)
            if name and f"{kind} {name}" in places:
                first = places[f"{kind} {name}"].mark
                detail = f"There are two {kind}s named `{name}`"
                report.add(
                    node.entries()["name"],
                    "duplicate_name",
                    detail,
                    got=f"the first is at {first.file}:{first.line}",
                    fix="Rename or remove one",
                )
            elif name and len(found) == DECLARED_MAX:
                report.add(
                    node,
                    "too_large",
                    f"An app may have {DECLARED_MAX:,} {kind}s",
                    expected=f"at most {DECLARED_MAX:,}",
                    fix="Split the app",
                )
                return found
            elif name:
                places[f"{kind} {name}"] = node
                found.append(node)
    return found


def _datasets(models: list[Node], places: dict[str, Node], report: Report) -> tuple[dict[str, Dataset], set[str]]:
    """Every dataset, and `time NAME` and `key NAME` of those whose time or keys are broken."""
    datasets: dict[str, Dataset] = {}
    broken = set()
    for node in _declared(models, "datasets", "dataset", places, report):
        extra = extension_of(node, "dataset", report)
        made = _dataset(node, extra, report)
        datasets[made.name] = made
        if not made.time and (extra.broken or extra.get("time") is not None):
            broken.add(f"time {made.name}")
        if {"primary_key", "unique_keys"} & {*node.broken}:
            broken.add(f"key {made.name}")
    return datasets, broken


def _check_sources(datasets: dict[str, Dataset], places: dict[str, Node], report: Report) -> None:
    """Report sources that differ only by case: DuckDB reads the same table by both names."""
    for first, *others in siblings(datasets.values()):
        for other in others:
            if other.source != first.source and (at := places[f"dataset {other.name}"].get("source")) is not None:
                detail = f"The sources of `{first.name}` and `{other.name}` differ only by case"
                report.add(at, "source_case", detail, expected=first.source, got=other.source, fix=f"Write `{first.source}`")


def _dataset(node: Node, extra: Node, report: Report) -> Dataset:
    name = node.entries()["name"].text()
    fields: dict[str, Field] = {}
    for child in node.listed("fields"):
        field_name = declared_name(child, "field", report)
        if field_name in fields:
            detail = f"`{name}` has two fields named `{field_name}`"
            report.add(child.entries()["name"], "duplicate_name", detail, fix="Rename or remove one")
        elif field_name:
            fields[field_name] = _field(child, name, field_name, report)
    return Dataset(
        name=name,
        source=_source(node, report),
        fields=fields,
        primary_key=key_columns(node.get("primary_key"), report),
        unique_keys=tuple(key_columns(key, report) for key in node.listed("unique_keys")),
        time=_time(extra, fields, report),
        engine=cast(Any, extra.word("engine") or "warehouse"),
        label=text_of(extra.get("label"), spoken(name)),
        description=node.word("description"),
        synonyms=synonyms_of(node),
    )


def _source(node: Node, report: Report) -> str:
    source = node.get("source")
    if source is None:
        return ""
    if re.search(names.TABLE, source.text()) is None or source.text().lower().startswith(names.SYSTEM_TABLES):
        expected = "a plain table name: letters, digits and underscores"
        fix = "Name the table alone; paths, queries, functions and qualified names are not read"
        report.add(source, "bad_source", "`source` must name a table of the catalogue", expected=expected, got=source.text(), fix=fix)
    return source.text()


def _time(extra: Node, fields: dict[str, Field], report: Report) -> str:
    node = extra.get("time")
    if node is None:
        return ""
    found = fields.get(node.text())
    if found is None:
        report.add(
            node,
            "unknown_field",
            f"The dataset's time `{node.text()}` is no field of it",
            got=node.text(),
            fix=suggestion(node.text(), fields),
        )
        return ""
    if not found.is_dated:
        detail = f"`{node.text()}` is not a time field"
        report.add(
            node,
            "not_a_time_field",
            detail,
            expected="a field with datatype Date, DateTime or DateTimeTz",
            got=found.datatype,
            fix="Choose a time field, or mend its datatype",
        )
    return node.text()


def _field(node: Node, dataset: str, name: str, report: Report) -> Field:
    extra = extension_of(node, "field", report)
    datatype = node.get("datatype")
    if not node.has("datatype"):
        fix = "Add `datatype: String`, Integer, Decimal, Float, Boolean, Date, DateTime…"
        report.add(
            node, "missing_datatype", f"The field `{name}` has no datatype", expected="one, so that values can be bound and shown", fix=fix
        )
    kind = cast(DataType, datatype.text() if datatype else "Opaque")
    expression, at = ansi_expression(node, report)
    if at is not None:
        try:
            parse_scalar(expression)
        except InvalidExpression as error:
            report_expression(at, error, report)
            expression = ""
    dimension = node.get("dimension")
    marked = dimension.get("is_time") if dimension else None
    check_declared(extra.get("format"), kind, f"{dataset}.{name}", report)
    return Field(
        dataset=dataset,
        name=name,
        expression=expression,
        datatype=kind,
        label=text_of(extra.get("label") or node.get("label"), spoken(name)),
        description=node.word("description"),
        definition=text_of(extra.get("description"), node.word("description")),
        synonyms=synonyms_of(node),
        is_time=bool(marked.value) if marked is not None else kind in _TIMES,
        format=format_of(extra.get("format"), kind),
        week_starts=cast(Any, extra.word("week_starts") or "monday"),
    )
