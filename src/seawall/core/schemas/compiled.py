"""A schema ready for use: its plan for reading step by step, and the `jsonschema` validator that has the last word.

Nothing is fetched: references lead within the schema. Schemas may come from anyone, so their size is bounded, patterns are linear-time,
and what a plan cannot decide early is decided by the validator at the value's end.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import msgspec
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.exceptions import Unresolvable

from seawall.core.schemas.errors import UnsupportedSchema, Violation
from seawall.core.schemas.formats import FORMATS, has_format
from seawall.core.schemas.patterns import pattern
from seawall.core.schemas.plan import ANYTHING, ENDLESS, KINDS, NOTHING, ArrayRules, NumberRules, ObjectRules, Plan, TextRules, Union
from seawall.core.schemas.shape import misshapen
from seawall.core.schemas.validator import SafeValidator
from seawall.core.schemas.work import TooMuch, begin

Schema: TypeAlias = "dict[str, Any] | bool"
BYTES_MAX = 128 << 10
PLACES_MAX = 4_000
DEPTH_MAX = 64
FORMS_MAX = 2_000
"""Places that hold for one and the same value: what `allOf`, `anyOf`, `oneOf` and references come to, written out."""
EXPLAINED_MAX = 80
"""Parts of a schema that the metaschema, which is slow and says well what is wrong, is asked about; larger ones have their form checked."""
COMPILE_STEPS_MAX = 50_000
"""Of making a schema ready, each about 2 µs: 12 for a place, one for an instruction of a pattern and one for a step of a reference."""
STEPS_A_PLACE = 12
PARTS_A_STEP = 8
"""Values in the schema's text, words of an `enum` for example."""
KEPT_MAX = 256
KEPT_STEPS_MAX = 500_000
"""Schemas that are kept ready, and the work of making them, which their size in memory goes with."""
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

    __slots__ = ("_validator", "plan", "schema", "steps")

    def __init__(self, schema: dict[str, Any] | bool) -> None:
        begin()
        patterns = _check_schema(schema)
        self.schema = schema
        self._validator = SafeValidator(schema, format_checker=_FORMATS, registry=Registry())
        try:
            compiler = _Compiler(schema, self._validator, patterns)
            self.plan = compiler.whole()
        except RecursionError as error:
            raise UnsupportedSchema("The schema's references follow one another too often") from error
        self.steps = compiler.steps
        """Work that making it took."""

    def fault(self, value: object) -> Violation | None:
        """The first thing wrong with a whole value, by the validator."""
        return next(self.faults(value), None)

    def faults(self, value: object) -> Iterator[Violation]:
        """Everything wrong with it."""
        begin()
        try:
            for error in self._validator.iter_errors(value):
                yield Violation(pointer(error.absolute_path), error.message[:300])
        except (RecursionError, Unresolvable, TooMuch) as error:
            yield Violation("", f"the schema cannot be followed: {type(error).__name__}")

    def is_valid(self, value: object) -> bool:
        """Whether a whole value keeps the schema."""
        return self.fault(value) is None


def compiled(schema: dict[str, Any] | bool) -> CompiledSchema:
    """The schema ready for use, kept by its text's digest. UnsupportedSchema."""
    text = msgspec.json.encode(schema)
    return found if (found := _KEPT.find(text)) is not None else _KEPT.make(text)


def kept(schema: dict[str, Any] | bool) -> CompiledSchema | None:
    """The schema, if it is kept ready: making one may take 100 ms."""
    return _KEPT.find(msgspec.json.encode(schema))


class _Kept:
    """Schemas that were used last, by digest; bounded in number and in the work that went into them. Used by several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, CompiledSchema] = OrderedDict()
        self._steps = 0
        self._lock = threading.Lock()

    def find(self, text: bytes) -> CompiledSchema | None:
        """One that is kept."""
        key = hashlib.blake2b(text, digest_size=32).digest()
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
        return found

    def make(self, text: bytes) -> CompiledSchema:
        """One that is not. UnsupportedSchema."""
        if len(text) > BYTES_MAX:
            raise UnsupportedSchema("The schema is too large", expected=f"at most {BYTES_MAX >> 10} KB", got=f"{len(text) >> 10} KB")
        made = CompiledSchema(msgspec.json.decode(text))
        key = hashlib.blake2b(text, digest_size=32).digest()
        with self._lock:
            before = self._kept.pop(key, None)
            self._steps += made.steps - (before.steps if before is not None else 0)
            self._kept[key] = made
            while len(self._kept) > KEPT_MAX or (self._steps > KEPT_STEPS_MAX and len(self._kept) > 1):
                self._steps -= self._kept.popitem(last=False)[1].steps
        return made


_KEPT = _Kept()


def pointer(path: Iterable[str | int]) -> str:
    """A JSON pointer. RFC 6901"""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


# ── the validator ──


_FORMATS = FormatChecker(formats=())
for _name in FORMATS:
    _FORMATS.checks(_name)(lambda value, name=_name: not isinstance(value, str) or has_format(name, value))


def _check_schema(schema: object) -> int:
    """The instructions of its patterns. UnsupportedSchema."""
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
                    raise _too_much_work()
                keys |= item.keys()
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())]
        depth += 1
    if {"unevaluatedProperties", "patternProperties"} <= keys:
        raise UnsupportedSchema("`unevaluatedProperties` beside `patternProperties` is not supported", fix="Use additionalProperties")
    return depth, parts, instructions + parts // PARTS_A_STEP


def _too_much_work() -> UnsupportedSchema:
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
                raise _too_much_work()
    if isinstance(alone := schema.get("pattern"), str):
        size += pattern(alone).size
    return size


# ── the plan ──


class _Compiler:
    def __init__(self, root: dict[str, Any] | bool, validator: Validator, steps: int) -> None:
        self._root, self._validator = root, validator
        self.steps = steps
        self._known: dict[str, Plan] = {}
        self._places = 0
        self._plans: list[Plan] = []

    def _took(self, steps: int) -> None:
        self.steps += steps
        if self.steps > COMPILE_STEPS_MAX:
            raise _too_much_work()

    def whole(self) -> Plan:
        """The plan of the schema. UnsupportedSchema."""
        plan = self.plan(self._root, 0)
        forms: dict[Plan, int] = {}
        for one in self._plans:
            _forms(one, forms)
        return plan

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
        self._took(1 + ref.count("/"))
        if ref != "#" and not ref.startswith("#/"):
            raise UnsupportedSchema("A reference leads out of the schema", got=ref[:80], fix="Write `#/$defs/NAME`")
        for step in ref[2:].split("/") if ref != "#" else ():
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(schema, list) and key.isdecimal() and key.isascii() and len(key) < 8 and int(key) < len(schema):
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
        self._took(STEPS_A_PLACE)
        refused = next((key for key in _REFUSED if key in schema), None) or ("$id" if depth and "$id" in schema else None)
        if refused:
            raise UnsupportedSchema(f"`{refused}` is not supported", fix="Use $ref and $defs")
        self._plans.append(plan)
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
        whole: Any = self._validator
        part: list[Any] = []  # made when it is first asked: that takes longer than making the place

        def check(value: object) -> str:
            """Its work counts for the value that is read, of which this is a part."""
            if not part:
                part.append(whole.evolve(schema=schema))
            try:
                error = next(part[0].iter_errors(value), None)
            except (RecursionError, Unresolvable, TooMuch):
                return "the schema cannot be followed"
            return "" if error is None else f"{pointer(error.absolute_path)} {error.message[:300]}".strip()

        return check


def _forms(plan: Plan, known: dict[Plan, int]) -> int:
    """Places that hold for the value `plan` is for. UnsupportedSchema when they are too many, or without end."""
    found = known.get(plan)
    if found is None:
        known[plan] = FORMS_MAX  # while it is open: who comes by here again leads to itself
        inner = (*plan.parts, *(branch for union in plan.unions for branch in union.branches))
        found = known[plan] = 1 + sum(_forms(one, known) for one in inner)
        if found > FORMS_MAX:
            raise UnsupportedSchema(
                "The schema asks for too much of one value, or leads to itself",
                expected=f"at most {FORMS_MAX:,} forms, written out",
                fix="Use fewer allOf, anyOf, oneOf and $ref at one place",
            )
    return found


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
