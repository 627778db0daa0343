"""A schema ready for use: its plan for reading step by step, and the `jsonschema` validator that has the last word.

Nothing is fetched: references lead within the schema. Schemas may come from anyone, so their size is bounded, patterns are linear-time,
and what a plan cannot decide early is decided by the validator at the value's end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from seawall.core.schemas.errors import UnsupportedSchema, Violation
from seawall.core.schemas.formats import FORMATS, has_format
from seawall.core.schemas.patterns import pattern
from seawall.core.schemas.plan import ANYTHING, ENDLESS, KINDS, NOTHING, ArrayRules, NumberRules, ObjectRules, Plan, TextRules, Union

Schema: TypeAlias = "dict[str, Any] | bool"
BYTES_MAX = 128 << 10
PLACES_MAX = 4_000
DEPTH_MAX = 64
_LATE: tuple[str, ...] = (
    "not",
    "if",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "contains",
    "patternProperties",
    "uniqueItems",
)
_LATE += ("unevaluatedItems", "unevaluatedProperties")
_REFUSED = ("$dynamicRef", "$recursiveRef", "$dynamicAnchor")


class CompiledSchema:
    """`plan` to read by, `fault` for a whole value."""

    __slots__ = ("_validator", "plan", "schema")

    def __init__(self, schema: dict[str, Any] | bool) -> None:
        _check_schema(schema)
        self.schema = schema
        self._validator = _VALIDATOR(schema, format_checker=_FORMATS, registry=Registry())
        self.plan = _Compiler(schema, self._validator).plan(schema, 0)

    def fault(self, value: object) -> Violation | None:
        """The first thing wrong with a whole value, by the validator."""
        return next(self.faults(value), None)

    def faults(self, value: object) -> Iterator[Violation]:
        """Everything wrong with it."""
        try:
            for error in self._validator.iter_errors(value):
                yield Violation(pointer(error.absolute_path), error.message[:300])
        except (RecursionError, Unresolvable) as error:
            yield Violation("", f"the schema cannot be followed: {type(error).__name__}")

    def is_valid(self, value: object) -> bool:
        """Whether a whole value keeps the schema."""
        return self.fault(value) is None


def compiled(schema: dict[str, Any] | bool) -> CompiledSchema:
    """The schema ready for use, kept by its text. UnsupportedSchema."""
    return _compiled(msgspec.json.encode(schema))


@lru_cache(maxsize=256)
def _compiled(text: bytes) -> CompiledSchema:
    if len(text) > BYTES_MAX:
        raise UnsupportedSchema("The schema is too large", expected=f"at most {BYTES_MAX >> 10} KB", got=f"{len(text) >> 10} KB")
    return CompiledSchema(msgspec.json.decode(text))


def pointer(path: Iterable[str | int]) -> str:
    """A JSON pointer. RFC 6901"""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


# ── the validator ──


def _pattern(validator: Validator, source: str, instance: object, schema: object) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not pattern(source).matches(instance):
        yield ValidationError(f"does not match {source[:80]}")


_VALIDATOR: Any = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
_FORMATS = FormatChecker(formats=())
for _name in FORMATS:
    _FORMATS.checks(_name)(lambda value, name=_name: not isinstance(value, str) or has_format(name, value))


def _check_schema(schema: object) -> None:
    if not isinstance(schema, dict | bool):
        raise UnsupportedSchema("The schema is no schema", expected="an object", got=type(schema).__name__)
    try:
        depth = _depth(schema)
        if depth <= DEPTH_MAX:
            Draft202012Validator.check_schema(schema, format_checker=FormatChecker(formats=()))
    except (SchemaError, RecursionError) as error:
        where = pointer(error.absolute_path) if isinstance(error, SchemaError) else ""
        raise UnsupportedSchema(f"The schema is wrong at {where or '/'}: {getattr(error, 'message', 'too deep')[:200]}") from error
    if depth > DEPTH_MAX:
        raise UnsupportedSchema("The schema is nested too deeply", expected=f"at most {DEPTH_MAX} levels")


def _depth(value: object) -> int:
    """Levels of nesting; at most one more than may be."""
    level, depth = [value], 0
    while level and depth <= DEPTH_MAX:
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())]
        depth += 1
    return depth


# ── the plan ──


class _Compiler:
    def __init__(self, root: dict[str, Any] | bool, validator: Validator) -> None:
        self._root, self._validator = root, validator
        self._known: dict[str, Plan] = {}
        self._open: set[str] = set()
        self._places = 0

    def plan(self, schema: Schema, depth: int) -> Plan:
        """The plan of one place. References are followed once, so a schema may lead to itself."""
        if isinstance(schema, bool):
            return ANYTHING if schema else NOTHING
        if not schema:
            return ANYTHING
        if schema.keys() == {"$ref"}:
            return self._target(schema["$ref"])
        return self._filled(Plan(), schema, depth)

    def _target(self, ref: str) -> Plan:
        if ref not in self._known:
            schema, seen = self._resolved(ref), {ref}
            while isinstance(schema, dict) and schema.keys() == {"$ref"}:
                if schema["$ref"] in seen:
                    raise UnsupportedSchema("A reference leads to itself", got=ref[:80])
                seen.add(schema["$ref"])
                schema = self._resolved(schema["$ref"])
            plan = self._known[ref] = Plan()
            if not isinstance(schema, bool):
                self._filled(plan, schema, 0)
            elif not schema:
                plan.types = frozenset()
        return self._known[ref]

    def _resolved(self, ref: str) -> Schema:
        schema: Any = self._root
        if ref != "#" and not ref.startswith("#/"):
            raise UnsupportedSchema("A reference leads out of the schema", got=ref[:80], fix="Write `#/$defs/NAME`")
        for step in ref[2:].split("/") if ref != "#" else ():
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(schema, list) and key.isdigit() and int(key) < len(schema):
                schema = schema[int(key)]
            elif isinstance(schema, dict) and key in schema:
                schema = schema[key]
            else:
                raise UnsupportedSchema("A reference leads nowhere", got=ref[:80])
        if isinstance(schema, dict | bool):
            return schema
        raise UnsupportedSchema("A reference leads to no schema", got=ref[:80])

    def _filled(self, plan: Plan, schema: dict[str, Any], depth: int) -> Plan:
        self._places += 1
        if self._places > PLACES_MAX:
            raise UnsupportedSchema("The schema has too many parts", expected=f"at most {PLACES_MAX:,}")
        refused = next((key for key in _REFUSED if key in schema), None) or ("$id" if depth and "$id" in schema else None)
        if refused:
            raise UnsupportedSchema(f"`{refused}` is not supported", fix="Use $ref and $defs")
        types = schema.get("type", list(KINDS))
        types = {types} if isinstance(types, str) else set(types)
        plan.types = frozenset("number" if kind == "integer" else kind for kind in types)
        late = any(key in schema for key in _LATE) or self._constants(plan, schema, types)
        plan.object, plan.array = self._object(schema, depth), self._array(schema, depth)
        self._combine(plan, schema, depth)
        plan.check = self._late(schema) if late else None
        return plan

    def _constants(self, plan: Plan, schema: dict[str, Any], types: set[str]) -> bool:
        """Words of `enum` and `const`, sorted by kind; whether there are objects or arrays among them, which are compared at their end."""
        given = [schema["const"]] if "const" in schema else schema.get("enum")
        both = given is not None and "enum" in schema and "const" in schema
        values = None if given is None else given
        texts = numbers = None
        if values is not None:
            texts = frozenset(value for value in values if isinstance(value, str))
            numbers = frozenset(value for value in values if isinstance(value, int | float) and not isinstance(value, bool))
            plan.constants = frozenset(value for value in values if value is None or isinstance(value, bool))
            plan.types &= frozenset(kind for value in values if (kind := kind_of(value)))
        plan.text = self._text(schema, texts)
        integer = "integer" in types and "number" not in types
        bounded = any(key in schema for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"))
        plan.number = NumberRules(schema, integer=integer, words=numbers) if integer or bounded or numbers is not None else None
        return both or (values is not None and any(isinstance(value, dict | list) for value in values))

    def _text(self, schema: dict[str, Any], words: frozenset[str] | None) -> TextRules:
        formats = (schema["format"],) if schema.get("format") in FORMATS else ()
        patterns = (pattern(schema["pattern"]),) if "pattern" in schema else ()
        return TextRules(int(schema.get("minLength", 0)), int(schema.get("maxLength", ENDLESS)), words, patterns, formats)

    def _object(self, schema: dict[str, Any], depth: int) -> ObjectRules | None:
        keys = ("properties", "required", "additionalProperties", "minProperties", "maxProperties", "propertyNames")
        if not any(key in schema for key in keys):
            return None
        properties = {name: self.plan(inner, depth + 1) for name, inner in schema.get("properties", {}).items()}
        others = ANYTHING if "patternProperties" in schema else self.plan(schema.get("additionalProperties", True), depth + 1)
        rules = ObjectRules(
            properties,
            None if others is NOTHING else others,
            frozenset(schema.get("required", ())),
            int(schema.get("minProperties", 0)),
            int(schema.get("maxProperties", ENDLESS)),
        )
        rules.names = self.plan(schema["propertyNames"], depth + 1) if "propertyNames" in schema else None
        return rules

    def _array(self, schema: dict[str, Any], depth: int) -> ArrayRules | None:
        if not any(key in schema for key in ("items", "prefixItems", "minItems", "maxItems")):
            return None
        prefix = tuple(self.plan(inner, depth + 1) for inner in schema.get("prefixItems", ()))
        items = self.plan(schema.get("items", True), depth + 1)
        return ArrayRules(prefix, None if items is NOTHING else items, int(schema.get("minItems", 0)), int(schema.get("maxItems", ENDLESS)))

    def _combine(self, plan: Plan, schema: dict[str, Any], depth: int) -> None:
        parts = [self.plan(inner, depth + 1) for inner in schema.get("allOf", ())]
        if "$ref" in schema:
            parts.append(self._target(schema["$ref"]))
        plan.parts = tuple(parts)
        plan.unions = tuple(
            Union(tuple(self.plan(inner, depth + 1) for inner in schema[key]), single=key == "oneOf")
            for key in ("anyOf", "oneOf")
            if key in schema
        )

    def _late(self, schema: dict[str, Any]) -> Callable[[object], str]:
        validator: Any = self._validator.evolve(schema=schema)

        def check(value: object) -> str:
            try:
                error = next(validator.iter_errors(value), None)
            except (RecursionError, Unresolvable):
                return "the schema cannot be followed"
            return "" if error is None else f"{pointer(error.absolute_path)} {error.message[:300]}".strip()

        return check


def kind_of(value: object) -> str:
    """The kind of a JSON value; "" when it is none."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for kind, types in (("string", str), ("number", (int, float)), ("object", dict), ("array", list)):
        if isinstance(value, types):
            return kind
    return ""
