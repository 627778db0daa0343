"""What a model is asked to write, and how what it wrote becomes a `Question`.

A *draft* is small and flat, in the words people use, because weak models keep to that; its JSON Schema lists the metrics and fields it
may name, so that a model served with constrained decoding cannot name others. `settled` mends what can be mended without guessing
(a label for a name, a bare field, a value in other letters) and refuses the rest with a sentence a model can repair by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

import msgspec

from seawall.app.model import App, Dimension, Filter, Grain, Order
from seawall.app.names import GRAINS
from seawall.app.scalars import check_period
from seawall.ask.question import Question
from seawall.core.errors import InvalidInput
from seawall.query.compile_names import Vocabulary
from seawall.query.filters import typed
from seawall.query.policy import EffectivePolicy

Sign = Literal["=", "!=", "in", "not in", "<", "<=", ">", ">=", "contains"]
_OPERATORS = {"=": "eq", "!=": "ne", "in": "in", "not in": "not_in", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "contains": "contains"}
_SIGNS = {op: sign for sign, op in _OPERATORS.items()}
NAMES_MAX = 40
"""Metrics, and fields, that one schema lists."""
ValueOf = Callable[[str, str], str | None]
"""A field and a text → the field's value as the data writes it; None when there is none."""


class Condition(msgspec.Struct, frozen=True):
    """`field op values`, the values as texts."""

    field: str
    op: Sign
    values: tuple[str, ...]


class Draft(msgspec.Struct, frozen=True, omit_defaults=True):
    """A question as a model writes it. `order` is a column, with a leading `-` for the largest first; empty and 0 mean none."""

    answerable: bool
    metrics: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    period: str = ""
    order: str = ""
    limit: int = 0
    compare: str = ""


class Words(msgspec.Struct, frozen=True):
    """The part of a vocabulary that a prompt names: what a question could be about, nearest first."""

    metrics: tuple[str, ...]
    fields: tuple[str, ...]


def draft_of(question: Question) -> Draft:
    """How a model should have written it; for examples in a prompt."""
    period = next((str(one.values[0]) for one in question.where if one.op == "during"), "")
    if question.last is not None:
        grain = next((one.grain for one in question.by if one.grain), "week")
        period = f"last_{question.last}_{grain}s"
    where = tuple(
        Condition(one.field, cast("Sign", _SIGNS[one.op]), tuple(map(str, one.values))) for one in question.where if one.op in _SIGNS
    )
    order = "".join(f"{'-' if one.descending else ''}{one.name}" for one in question.order[:1])
    by = tuple(one.field or str(one.grain) for one in question.by)
    return Draft(True, question.metrics, by, where, period, order, question.limit or 0, question.compare)


def schema_of(words: Words) -> dict[str, Any]:
    """JSON Schema of a draft over these words."""
    text = {"type": "string", "maxLength": 60}
    condition = {
        "type": "object",
        "properties": {
            "field": {"enum": list(words.fields) or [""]},
            "op": {"enum": list(_OPERATORS)},
            "values": {"type": "array", "items": text, "minItems": 1, "maxItems": 6},
        },
        "required": ["field", "op", "values"],
        "additionalProperties": False,
    }
    properties = {
        "answerable": {"type": "boolean"},
        "metrics": {"type": "array", "items": {"enum": list(words.metrics) or [""]}, "maxItems": 3},
        "by": {"type": "array", "items": {"enum": [*GRAINS[1:], *words.fields]}, "maxItems": 3},
        "where": {"type": "array", "items": condition, "maxItems": 4},
        "period": {"type": "string", "maxLength": 24},
        "order": {"enum": ["", *(f"-{name}" for name in words.metrics), *words.metrics]},
        "limit": {"type": "integer", "minimum": 0, "maximum": 1000},
        "compare": {"type": "string", "maxLength": 24},
    }
    return {"type": "object", "properties": properties, "required": ["answerable", "metrics"], "additionalProperties": False}


def read_draft(text: str) -> Draft:
    """The draft in a model's answer. InvalidInput when it is not one."""
    begin, end = text.find("{"), text.rfind("}")
    try:
        return msgspec.json.decode(text[begin : end + 1], type=Draft)
    except msgspec.DecodeError as error:
        raise InvalidInput("The answer is not a query", expected="one JSON object as the schema says", got=str(error)[:200]) from error


def settled(draft: Draft, app: App, policy: EffectivePolicy, value_of: ValueOf) -> Question | None:
    """The question a draft means; None when it says that there is no answer. InvalidInput or NotFound say what cannot be mended."""
    if not draft.answerable:
        return None
    words = Vocabulary(app, policy)
    metrics = tuple(dict.fromkeys(_metric(words, name) for name in draft.metrics))
    by = tuple({one.name: one for one in (_dimension(words, text) for text in draft.by)}.values())
    where = tuple(_filter(words, one, value_of) for one in draft.where)
    last = _last(draft.period, by)
    if draft.period and last is None:
        where = (*where, Filter("", "during", (check_period(draft.period),)))
    limit = draft.limit or None
    order = _order(draft.order, metrics, by, limit)
    compare = draft.compare if draft.compare in ("", "previous", "year_ago") else check_period(draft.compare)
    return Question(metrics, by, where, order, limit, last, compare=compare)


def written(draft: Draft) -> str:
    """JSON, every key there, as examples show it."""
    return msgspec.json.encode(msgspec.to_builtins(draft) if draft.answerable else {"answerable": False, "metrics": []}).decode()


def _metric(words: Vocabulary, name: str) -> str:
    """By its name, or by its label."""
    wanted = name.strip().casefold()
    for metric in words.semantics.metrics.values():
        if wanted in {metric.name, *(label.casefold() for label in metric.label.by_locale.values())}:
            return words.metric(metric.name).name
    return words.metric(name).name


def _dimension(words: Vocabulary, text: str) -> Dimension:
    grain = text.strip().lower().removesuffix("ly").rstrip("s")
    grain = {"dai": "day"}.get(grain, grain)
    if grain in GRAINS:
        return Dimension(grain, "", cast("Grain", grain))
    field = words.field(text)
    return Dimension(field.name, field.ref)


def _filter(words: Vocabulary, one: Condition, value_of: ValueOf) -> Filter:
    field = words.field(one.field)
    if field.datatype == "String" and one.op in ("=", "!=", "in", "not in"):
        values = tuple(dict.fromkeys(_value(field.ref, text, value_of) for text in one.values))
        several = len(values) > 1
        op = {"=": "in" if several else "eq", "in": "in" if several else "eq", "!=": "not_in" if several else "ne"}
        return Filter(field.ref, cast(Any, op.get(one.op, "not_in" if several else "ne")), values)
    typed_values = tuple(typed(value, field) for value in one.values)
    return Filter(field.ref, cast(Any, _OPERATORS[one.op]), typed_values)


def _value(ref: str, text: str, value_of: ValueOf) -> str:
    found = value_of(ref, text)
    if found is None:
        raise InvalidInput(f"{ref} has no value {text[:60]!r}", expected="a value as the data writes it", got=repr(text[:60]))
    return found


def _last(period: str, by: Sequence[Dimension]) -> int | None:
    """`last_8_weeks` by week is the last eight whole weeks of the series."""
    parts = period.split("_")
    grains = [one.grain for one in by if one.grain]
    if len(parts) != 3 or parts[0] != "last" or not parts[1].isdigit() or len(grains) != 1:
        return None
    return int(parts[1]) if parts[2].rstrip("s") == grains[0] else None


def _order(text: str, metrics: Sequence[str], by: Sequence[Dimension], limit: int | None) -> tuple[Order, ...]:
    name = text.lstrip("-")
    if name in metrics or name in {one.name for one in by}:
        return (Order(name, text.startswith("-")),)
    return (Order(metrics[0], descending=True),) if limit and metrics and by else ()
