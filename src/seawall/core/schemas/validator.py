"""`jsonschema`'s validator, made safe for schemas from anyone: patterns in linear time, and a bound on the work of one value.

A schema of a few lines can ask for work that doubles with every level (`allOf` of twice the same reference), and Python's `re` for more
than that; here each keyword that is looked at counts, and a value that takes too many is taken for wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from seawall.core.schemas.formats import FORMATS, has_format
from seawall.core.schemas.patterns import pattern
from seawall.core.schemas.work import spend

Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]
MEMBERS_A_STEP = 16
"""Of a keyword that lists things, each looked at: `enum`, `required`, `properties`."""

NAMES_A_STEP = 4
"""Held against one pattern."""


def _counted(keyword: Keyword) -> Keyword:
    def look(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError] | None:  # noqa: ANN401 -- jsonschema's
        spend(1 + len(value) // MEMBERS_A_STEP if isinstance(value, dict | list) else 1)
        return keyword(validator, value, instance, schema)

    return look


def _pattern(validator: Any, source: str, instance: object, schema: object) -> Iterator[ValidationError]:  # noqa: ANN401 -- jsonschema's
    if isinstance(instance, str) and not pattern(source).matches(instance):
        yield ValidationError(f"does not match {source[:80]}")


def _pattern_properties(
    validator: Any,  # noqa: ANN401 -- jsonschema's
    patterns: Mapping[str, Any],
    instance: object,
    schema: object,
) -> Iterator[ValidationError]:
    for source, inner in patterns.items() if isinstance(instance, dict) else ():
        spend(len(instance) // NAMES_A_STEP)  # type: ignore[arg-type]  # a dict, as was asked a line above
        for name, value in instance.items():  # type: ignore[attr-defined]  # the same
            if pattern(source).matches(name):
                yield from validator.descend(value, inner, path=name, schema_path=source)


def _additional_properties(validator: Any, others: object, instance: object, schema: dict[str, Any]) -> Iterator[ValidationError]:  # noqa: ANN401 -- jsonschema's
    if not isinstance(instance, dict):
        return
    known = schema.get("properties", {})
    patterns = [pattern(source) for source in schema.get("patternProperties", {})]
    spend(len(instance) * len(patterns) // NAMES_A_STEP)
    extra = [name for name in instance if name not in known and not any(one.matches(name) for one in patterns)]
    if isinstance(others, dict):
        for name in extra:
            yield from validator.descend(instance[name], others, path=name)
    elif not others and extra:
        yield ValidationError(f"Additional properties are not allowed ({', '.join(repr(name[:80]) for name in sorted(extra)[:12])})")


def _unique_items(validator: Any, wanted: object, instance: object, schema: object) -> Iterator[ValidationError]:  # noqa: ANN401 -- jsonschema's
    if wanted and isinstance(instance, list) and len({_encode(_plain(one)) for one in instance}) < len(instance):
        yield ValidationError("has items that are not unique")


_encode = msgspec.json.Encoder(order="sorted").encode


def _plain(value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    """The value with whole numbers written in one way: 1.0 is 1."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


_OURS: dict[str, Keyword] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
}
_KEYWORDS: dict[str, Keyword] = {**Draft202012Validator.VALIDATORS, **_OURS}
SafeValidator: Any = extend(Draft202012Validator, {name: _counted(keyword) for name, keyword in _KEYWORDS.items()})  # type: ignore[no-untyped-call]

FORMAT_CHECKER = FormatChecker(formats=())
"""The formats of ours, and no others."""
for _name in FORMATS:
    FORMAT_CHECKER.checks(_name)(lambda value, name=_name: not isinstance(value, str) or has_format(name, value))
