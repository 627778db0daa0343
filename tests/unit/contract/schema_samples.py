"""Random schemas of the subset, and values for them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

WORDS = ("up", "down", "UP", "a", "ab", "é😀", "", 'q"\\', "2024-02-30", "2024-02-29", "x1", "12")
KEYS = ("a", "b", "ab", 'k"', "é")
numbers = st.one_of(st.integers(-20, 20), st.sampled_from((0.5, 1.0, -2.5, 1e30, 12345678901234567890)))
scalars = st.one_of(st.none(), st.booleans(), numbers, st.sampled_from(WORDS), st.text(max_size=6))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)),
    max_leaves=12,
)


def _object(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)},
        optional={
            "required": st.lists(st.sampled_from(KEYS), max_size=2, unique=True),
            "additionalProperties": st.one_of(st.booleans(), inner),
            "minProperties": st.integers(0, 2),
            "maxProperties": st.integers(0, 4),
            "propertyNames": st.just({"maxLength": 1}),
        },
    )


def _array(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"type": st.just("array"), "items": inner},
        optional={
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "minItems": st.integers(0, 2),
            "maxItems": st.integers(0, 4),
            "uniqueItems": st.booleans(),
        },
    )


def _union(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        *(some.map(lambda branches, key=key: {key: branches}) for key in ("anyOf", "oneOf", "allOf")), inner.map(lambda one: {"not": one})
    )


text = st.fixed_dictionaries(
    {"type": st.just("string")},
    optional={
        "minLength": st.integers(0, 3),
        "maxLength": st.integers(0, 6),
        "pattern": st.sampled_from(("^[a-z]+$", "[0-9]", "^(up|down)$", "^.{1,3}$")),
        "format": st.sampled_from(("date",)),
    },
)
number = st.fixed_dictionaries(
    {"type": st.sampled_from(("number", "integer"))},
    optional={
        "minimum": st.integers(-5, 5),
        "exclusiveMaximum": st.integers(0, 9),
        "multipleOf": st.sampled_from((2, 0.5)),
    },
)
leaf = st.one_of(
    text,
    number,
    st.just(True),
    st.just({"$ref": "#/$defs/node"}),
    st.sampled_from(({"type": "null"}, {"type": "boolean"}, {"type": ["string", "null"]}, {"type": ["integer", "array"]})),
    st.lists(scalars, min_size=1, max_size=4).map(lambda some: {"enum": some}),
    values.map(lambda value: {"const": value}),
)
NODE = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}}
schemas = st.recursive(leaf, lambda inner: st.one_of(_object(inner), _array(inner), _union(inner)), max_leaves=8).map(
    lambda schema: {"allOf": [schema], "$defs": {"node": NODE}} if isinstance(schema, bool) else {**schema, "$defs": {"node": NODE}}
)


def fitting(schema: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that often keep a schema: its forms are followed, its bounds are not."""
    if not isinstance(schema, dict) or depth > 5:
        return values
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "$ref" in schema:
        return fitting(NODE, depth + 2)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return st.one_of(*(fitting(branch, depth + 1) for branch in schema[key]))
    if schema.get("type") == "object":
        required = schema.get("required", ())
        return st.fixed_dictionaries(
            {key: fitting(schema["properties"].get(key, True), depth + 1) for key in required},
            optional={key: fitting(inner, depth + 1) for key, inner in schema.get("properties", {}).items() if key not in required},
        )
    if schema.get("type") == "array":
        return st.lists(fitting(schema.get("items", True), depth + 1), max_size=3)
    if schema.get("type") == "string":
        return st.sampled_from(WORDS)
    return st.integers(-6, 9) if schema.get("type") in ("number", "integer") else values
