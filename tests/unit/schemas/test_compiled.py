"""Schemas from anyone: what cannot be followed is refused before it is used."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.core.schemas.compiled import compiled
from seawall.core.schemas.errors import UnsupportedSchema

DEEP: Any = {}
for _ in range(80):
    DEEP = {"items": DEEP}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nothing"},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "#/$defs/none"},
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        {"pattern": "(?=x)"},
        {"minLength": -1},
        {"description": "x" * 200_000},
        {"$dynamicRef": "#x"},
        DEEP,
    ],
)
def test_a_schema_that_cannot_be_followed_is_refused(schema: Any) -> None:
    """Nothing is fetched, nothing recurses for ever."""
    with pytest.raises(UnsupportedSchema):
        compiled(schema)


def test_equal_schemas_are_compiled_once() -> None:
    """By their text."""
    assert compiled({"type": "string"}) is compiled({"type": "string"})


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("date", "2024-02-29", "2023-02-29"),
        ("date-time", "2024-02-29T10:00:00Z", "2024-02-29 10:00"),
        ("time", "10:00:00+02:00", "25:00:00Z"),
        ("email", "a@b.example", "a@"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123"),
        ("ipv4", "10.0.0.1", "10.0.0.256"),
        ("uri", "https://example.com/a", "no uri"),
        ("duration", "P1DT2H", "P"),
    ],
)
def test_formats_are_held(name: str, right: str, wrong: str) -> None:
    """By the plan and the validator alike."""
    schema = compiled({"type": "string", "format": name})
    assert schema.is_valid(right)
    assert not schema.plan.scalar_fault("string", right)
    assert not schema.is_valid(wrong)
    assert schema.plan.scalar_fault("string", wrong)
