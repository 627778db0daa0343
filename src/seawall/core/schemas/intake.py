"""What a schema must be before anything is made of it: of JSON Schema's form, not too deep, its patterns linear-time, their work bounded.

Schemas come from anyone: whatever is looked at here is looked at once, and nothing of it is run.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError

from seawall.core.schemas.errors import UnsupportedSchema, pointer
from seawall.core.schemas.patterns import pattern
from seawall.core.schemas.shape import misshapen

Schema: TypeAlias = "dict[str, Any] | bool"
DEPTH_MAX = 64
EXPLAINED_MAX = 80
"""Parts of a schema that the metaschema, which is slow and says well what is wrong, is asked about; larger ones have their form checked."""
COMPILE_STEPS_MAX = 50_000
"""Of making a schema ready, each about 2 µs: 12 for a place, one for an instruction of a pattern and one for a step of a reference."""
STEPS_A_PLACE = 12
PARTS_A_STEP = 8
"""Values in the schema's text, words of an `enum` for example."""


def check_schema(schema: object) -> int:
    """Steps that its patterns and parts will take to make ready. UnsupportedSchema."""
    if not isinstance(schema, dict | bool):
        raise UnsupportedSchema("The schema is no schema", expected="an object", got=type(schema).__name__)
    depth, parts, instructions = _extent(schema)
    if depth > DEPTH_MAX:
        raise UnsupportedSchema("The schema is nested too deeply", expected=f"at most {DEPTH_MAX} levels")
    if parts > EXPLAINED_MAX:
        if isinstance(schema, dict) and (wrong := misshapen(schema)):
            raise UnsupportedSchema(f"The schema is wrong: {wrong[:200]}")
        return instructions
    try:
        Draft202012Validator.check_schema(schema, format_checker=FormatChecker(formats=()))
    except SchemaError as error:
        raise UnsupportedSchema(f"The schema is wrong at {pointer(error.absolute_path) or '/'}: {error.message[:200]}") from error
    return instructions


def _extent(value: object) -> tuple[int, int, int]:
    """Levels of nesting, at most one more than may be; parts; instructions of patterns. UnsupportedSchema where no automaton can decide."""
    level, depth, parts, instructions = [value], 0, 0, 0
    keys: set[str] = set()
    while level and depth <= DEPTH_MAX:
        parts += len(level)
        for item in level:
            if isinstance(item, dict):
                instructions += _check_patterns(item)
                if instructions > COMPILE_STEPS_MAX:
                    raise too_much_work()
                keys |= item.keys()
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())]
        depth += 1
    if {"unevaluatedProperties", "patternProperties"} <= keys:
        raise UnsupportedSchema("`unevaluatedProperties` beside `patternProperties` is not supported", fix="Use additionalProperties")
    return depth, parts, instructions + parts // PARTS_A_STEP


def too_much_work() -> UnsupportedSchema:
    """Making it ready takes more than COMPILE_STEPS_MAX."""
    return UnsupportedSchema(
        "The schema takes too much work to make ready",
        expected=f"at most {COMPILE_STEPS_MAX:,} steps: {STEPS_A_PLACE} a part, one a state of a pattern, one a step of a reference",
        fix="Use fewer patterns, repetitions in them, or references",
    )


def _check_patterns(schema: dict[str, Any]) -> int:
    """Wherever they stand: no other regular expression engine ever reads them. How many instructions they have."""
    size = 0
    by_name = schema.get("patternProperties")
    if isinstance(by_name, dict):
        for source in by_name:
            size += pattern(source).size
            if size > COMPILE_STEPS_MAX:
                raise too_much_work()
    if isinstance(alone := schema.get("pattern"), str):
        size += pattern(alone).size
    return size
