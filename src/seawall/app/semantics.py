"""Semantic models (Apache Ossie) → Semantics. Reports every fault; what is broken stays known by name.

Ours rides in `custom_extensions` with vendor SEAWALL: a JSON text, held to a schema of its own.
"""

from __future__ import annotations

import re
from typing import Any, cast

import msgspec

from seawall.app import names
from seawall.app.expressions import AGGREGATES, InvalidExpression, columns_of, parse_metric, parse_scalar
from seawall.app.faults import Report, suggestion
from seawall.app.model import Dataset, DataType, Field, Metric, Relationship, Semantics
from seawall.app.paths import NoPath
from seawall.app.shape import extension_validator, ossie_validator, shaped
from seawall.app.vocabulary import Vocabulary, metric_facts
from seawall.app.words import format_of, spoken, text_of
from seawall.app.yaml_tree import Mark, Node

VENDOR = "SEAWALL"
DIALECT = "ANSI_SQL"
_TIMES = ("Date", "Time", "DateTime", "DateTimeTz")
_NOTHING = Node({}, Mark(""))


def read_semantics(roots: list[Node], report: Report) -> Vocabulary:
    """All models of an app as one vocabulary."""
    models = [model for root in roots for model in _list(shaped(root, ossie_validator(), report), "semantic_model")]
    places: dict[str, Node] = {}
    datasets, broken = _datasets(models, places, report)
    declared = _declared(models, "relationships", "relationship", places, report)
    relationships = [_relationship(node, datasets, report) for node in declared]
    broken |= {f"path {_word(node, 'from')}" for node, made in zip(declared, relationships, strict=True) if made is None}
    semantics = Semantics(datasets, tuple(made for made in relationships if made is not None), {})
    metrics = {}
    for node in _declared(models, "metrics", "metric", places, report):
        metric = _metric(node, semantics, report)
        metrics[metric.name] = metric
    return Vocabulary(msgspec.structs.replace(semantics, metrics=metrics), places, report, frozenset(broken))


def _declared(models: list[Node], key: str, kind: str, places: dict[str, Node], report: Report) -> list[Node]:
    """The declarations of one kind in all models, each name once."""
    found = []
    for model in models:
        for node in _list(model, key):
            name = _name(node, kind, report)
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
            elif name:
                places[f"{kind} {name}"] = node
                found.append(node)
    return found


def _name(node: Node, kind: str, report: Report) -> str:
    """A declared name; a fault when it is not a plain word."""
    name = node.get("name")
    if name is None:
        return ""
    if re.search(names.KEY, name.text()) is None:
        expected = "small letters, digits and underscores, a letter first, at most 60"
        report.add(
            name, "bad_name", f"A {kind} may not be called `{name.text()[:60]}`", expected=expected, got=name.text(), fix="Rename it"
        )
    return name.text()


# ── datasets and fields ──────────────────────────────────────────────────────────────────────────────────────────


def _datasets(models: list[Node], places: dict[str, Node], report: Report) -> tuple[dict[str, Dataset], set[str]]:
    """Every dataset, and `time NAME` of those whose time is broken."""
    datasets: dict[str, Dataset] = {}
    broken = set()
    for node in _declared(models, "datasets", "dataset", places, report):
        extra = _extension(node, "dataset", report)
        made = _dataset(node, extra, report)
        datasets[made.name] = made
        if not made.time and (extra.broken or extra.get("time") is not None):
            broken.add(f"time {made.name}")
    return datasets, broken


def _dataset(node: Node, extra: Node, report: Report) -> Dataset:
    name = node.entries()["name"].text()
    fields: dict[str, Field] = {}
    for child in _list(node, "fields"):
        field_name = _name(child, "field", report)
        if field_name in fields:
            detail = f"`{name}` has two fields named `{field_name}`"
            report.add(child.entries()["name"], "duplicate_name", detail, fix="Rename or remove one")
        elif field_name:
            fields[field_name] = _field(child, name, field_name, report)
    return Dataset(
        name=name,
        source=_source(node, report),
        fields=fields,
        primary_key=_columns(node.get("primary_key"), report),
        unique_keys=tuple(_columns(key, report) for key in _list(node, "unique_keys")),
        time=_time(extra, fields, report),
        engine=cast(Any, _word(extra, "engine") or "warehouse"),
        label=text_of(extra.get("label"), spoken(name)),
        description=_word(node, "description"),
        synonyms=_synonyms(node),
    )


def _source(node: Node, report: Report) -> str:
    source = node.get("source")
    if source is None:
        return ""
    if re.search(names.TABLE, source.text()) is None:
        expected = "a plain table name: letters, digits and underscores"
        fix = "Name the table alone; paths, queries, functions and qualified names are not read"
        report.add(source, "bad_source", "`source` must name a table of the catalogue", expected=expected, got=source.text(), fix=fix)
    return source.text()


def _columns(node: Node | None, report: Report) -> tuple[str, ...]:
    """Physical columns of a key."""
    columns = [] if node is None else node.items() if isinstance(node.value, list) else []
    for column in columns:
        if re.search(names.TABLE, column.text()) is None:
            report.add(
                column,
                "bad_name",
                f"`{column.text()[:60]}` is not a column's name",
                expected="letters, digits and underscores",
                got=column.text(),
                fix="Name a column of the table",
            )
    return tuple(column.text() for column in columns)


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
    if not found.is_time:
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
    extra = _extension(node, "field", report)
    datatype = node.get("datatype")
    if datatype is None:
        fix = "Add `datatype: String`, Integer, Decimal, Float, Boolean, Date, DateTime…"
        report.add(
            node, "missing_datatype", f"The field `{name}` has no datatype", expected="one, so that values can be bound and shown", fix=fix
        )
    kind = cast(DataType, datatype.text() if datatype else "Opaque")
    expression, at = _expression(node, report)
    if at is not None:
        try:
            parse_scalar(expression)
        except InvalidExpression as error:
            _bad_expression(at, error, report)
            expression = ""
    dimension = node.get("dimension")
    marked = dimension.get("is_time") if dimension else None
    return Field(
        dataset=dataset,
        name=name,
        expression=expression,
        datatype=kind,
        label=text_of(extra.get("label") or node.get("label"), spoken(name)),
        description=_word(node, "description"),
        synonyms=_synonyms(node),
        is_time=bool(marked.value) if marked is not None else kind in _TIMES,
        format=format_of(extra.get("format"), kind),
        week_starts=cast(Any, _word(extra, "week_starts") or "monday"),
    )


# ── relationships and metrics ────────────────────────────────────────────────────────────────────────────────────


def _relationship(node: Node, datasets: dict[str, Dataset], report: Report) -> Relationship | None:
    ends = {key: child for key in ("from", "to") if (child := node.get(key)) is not None}
    for child in ends.values():
        if child.text() not in datasets:
            fix = suggestion(child.text(), datasets)
            report.add(child, "unknown_dataset", f"There is no dataset `{child.text()[:80]}`", got=child.text(), fix=fix)
    from_columns, to_columns = (_columns(node.get(key), report) for key in ("from_columns", "to_columns"))
    if len(ends) < 2 or any(child.text() not in datasets for child in ends.values()):
        return None
    preferred = _extension(node, "relationship", report).get("preferred")
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


def _metric(node: Node, semantics: Semantics, report: Report) -> Metric:
    name = node.entries()["name"].text()
    extra = _extension(node, "metric", report)
    expression, at = _expression(node, report)
    inferred: DataType = "Float"
    if at is not None:
        inferred = _vetted_metric(name, expression, at, semantics, report) or "Opaque"
        expression = "" if inferred == "Opaque" else expression
    kind = cast(DataType, _word(node, "datatype") or ("Float" if inferred == "Opaque" else inferred))
    return Metric(
        name=name,
        expression=expression,
        datatype=kind,
        label=text_of(extra.get("label"), spoken(name)),
        description=text_of(extra.get("description") or node.get("description")),
        synonyms=_synonyms(node),
        format=format_of(extra.get("format"), kind),
        better=cast(Any, _word(extra, "better") or "up"),
    )


def _vetted_metric(name: str, expression: str, at: Node, semantics: Semantics, report: Report) -> DataType | None:
    """The type the expression gives when nothing else says; None when it is broken."""
    try:
        tree = parse_metric(expression)
    except InvalidExpression as error:
        _bad_expression(at, error, report)
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
    return "Integer" if isinstance(tree, AGGREGATES) and tree.key == "count" else "Float"


def _exists(semantics: Semantics, ref: tuple[str, str]) -> bool:
    return ref[0] in semantics.datasets and ref[1] in semantics.datasets[ref[0]].fields


# ── what fields and metrics share ────────────────────────────────────────────────────────────────────────────────


def _expression(node: Node, report: Report) -> tuple[str, Node | None]:
    """The ANSI_SQL text and its node; ("", None) when there is none (which is reported, unless the schema already did)."""
    expression = node.get("expression")
    if expression is None:
        return "", None
    for item in _list(expression, "dialects"):
        if _word(item, "dialect") == DIALECT and (found := item.get("expression")) is not None:
            return found.text(), found
    if _list(expression, "dialects"):
        report.add(
            expression, "bad_expression", "There is no expression in the dialect ANSI_SQL", expected="a dialect ANSI_SQL", fix="Add one"
        )
    return "", None


def _bad_expression(at: Node, error: InvalidExpression, report: Report) -> None:
    report.add(
        at.inside(error.offset),
        "bad_expression",
        error.detail,
        where=at.where,
        expected=error.expected,
        got=error.got or at.text(),
        fix=error.fix,
    )


def _extension(node: Node, kind: str, report: Report) -> Node:
    """Our extension's content, shaped; an empty mapping when there is none."""
    for item in _list(node, "custom_extensions"):
        data = item.get("data")
        if _word(item, "vendor_name") != VENDOR or data is None:
            continue
        try:
            content = msgspec.json.decode(data.text())
        except (msgspec.DecodeError, RecursionError) as error:
            report.add(
                data,
                "bad_extension",
                f"The extension's data is not JSON: {error}",
                got=data.text(),
                fix="Write a JSON object in single quotes",
            )
            return Node({}, data.mark, data.where, broken=("data",))
        inner = Report()
        tree = shaped(_as_node(content, data, data.where, 0), extension_validator(kind), inner)
        for fault in inner.faults():
            report.add(data, "bad_extension", fault.detail, where=fault.where, expected=fault.expected, got=fault.got, fix=fault.fix)
        return tree
    return _NOTHING


def _as_node(content: object, at: Node, where: str, depth: int) -> Node:
    """JSON that stood inside a text, as nodes that all stand where the text does."""
    if isinstance(content, dict) and depth < 8:
        return Node({str(k): _as_node(v, at, f"{where}.{k}", depth + 1) for k, v in content.items()}, at.mark, where)
    if isinstance(content, list) and depth < 8:
        return Node([_as_node(v, at, f"{where}[{i}]", depth + 1) for i, v in enumerate(content)], at.mark, where)
    return Node(content if isinstance(content, str | int | float | bool) else None, at.mark, where)


def _list(node: Node, key: str) -> list[Node]:
    child = node.get(key)
    return child.value if child is not None and isinstance(child.value, list) else []


def _word(node: Node, key: str) -> str:
    child = node.get(key)
    return child.text() if child is not None else ""


def _synonyms(node: Node) -> tuple[str, ...]:
    context = node.get("ai_context")
    return tuple(child.text() for child in _list(context, "synonyms")) if context else ()
