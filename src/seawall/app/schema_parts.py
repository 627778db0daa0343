"""Building blocks of JSON Schemas, so that those of an app read like its reference.

`x-code` names the fault that breaking a rule is reported as, `x-expected` what a union expects; other readers ignore both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from seawall.app import durations, names

Schema = dict[str, Any]


def map_of(about: str, /, **properties: Schema) -> Schema:
    """A mapping of just these keys."""
    return {"type": "object", "description": about, "properties": properties, "additionalProperties": False}


def requiring(keys: str, schema: Schema) -> Schema:
    """The mapping, with some of its keys required; `keys` are separated by spaces."""
    return {**schema, "required": keys.split()}


def named(description: str, item: Schema, *, at_least: int = 0, at_most: int = 1000, pattern: str = names.KEY) -> Schema:
    """A mapping from names to one kind of thing."""
    schema: Schema = {"type": "object", "description": description, "maxProperties": at_most}
    if at_least:
        schema["minProperties"] = at_least
    return {**schema, "propertyNames": {"pattern": pattern, "x-code": "bad_name"}, "additionalProperties": item}


def list_of(description: str, item: Schema, *, at_least: int = 0, at_most: int = 1000) -> Schema:
    """A list of one kind of thing."""
    schema: Schema = {"type": "array", "description": description, "items": item, "maxItems": at_most}
    return {**schema, "minItems": at_least} if at_least else schema


def text(description: str, *, pattern: str = "", code: str = "") -> Schema:
    """A text, perhaps of a pattern; breaking it is reported as `code`."""
    schema: Schema = {"type": "string", "description": description, "maxLength": 4000}
    if pattern:
        schema |= {"pattern": pattern, "x-code": code}
    return schema


def text_schema() -> Schema:
    """A text for people, plain or by language."""
    return union(
        "A text, or a text for each language.",
        "a text, or a mapping from languages to texts",
        {"type": "string", "maxLength": 4000},
        {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": names.LOCALE, "x-code": "bad_value"},
            "additionalProperties": {"type": "string", "maxLength": 4000},
        },
    )


def choice(description: str, values: Iterable[str], *, code: str = "") -> Schema:
    """One of some words."""
    schema: Schema = {"description": description, "enum": list(values)}
    return {**schema, "x-code": code} if code else schema


def whole(description: str, least: int, most: int) -> Schema:
    """A whole number in a range."""
    return {"type": "integer", "description": description, "minimum": least, "maximum": most}


def duration(description: str, *, pattern: str = durations.PATTERN) -> Schema:
    """A duration."""
    return text(description, pattern=pattern, code="bad_duration")


def scalar(description: str) -> Schema:
    """A constant."""
    return {"type": ["string", "number", "boolean"], "description": description}


def one_or_many(description: str, expected: str) -> Schema:
    """One name, or a list of them."""
    return union(description, expected, {"type": "string"}, {"type": "array", "items": {"type": "string"}, "maxItems": 100})


def union(description: str, expected: str, *branches: Schema) -> Schema:
    """One of several forms, told apart by type; `expected` says them in words."""
    return {"description": description, "x-expected": expected, "anyOf": list(branches)}


def ref(name: str, description: str = "") -> Schema:
    """A definition, with a description of its own where one is given."""
    return {"$ref": f"#/$defs/{name}", "description": description} if description else {"$ref": f"#/$defs/{name}"}
