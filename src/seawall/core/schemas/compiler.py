"""Makes the plan of a schema: every place once, references followed within it; what cannot be decided early is left to the validator.

Bounded: places, forms of one value, and steps of work, so that no schema can stall a process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jsonschema.protocols import Validator
from referencing.exceptions import Unresolvable

from seawall.core.schemas.errors import UnsupportedSchema, pointer
from seawall.core.schemas.formats import FORMATS
from seawall.core.schemas.intake import COMPILE_STEPS_MAX, STEPS_A_PLACE, Schema, too_much_work
from seawall.core.schemas.patterns import pattern
from seawall.core.schemas.plan import (
    ANYTHING,
    ENDLESS,
    KINDS,
    NOTHING,
    ArrayRules,
    NumberRules,
    ObjectRules,
    Plan,
    TextRules,
    Union,
    kind_of,
)
from seawall.core.schemas.work import TooMuch

PLACES_MAX = 4_000
FORMS_MAX = 2_000
"""Places that hold for one and the same value: what `allOf`, `anyOf`, `oneOf` and references come to, written out."""
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


class Compiler:
    """Makes one plan: `whole()`, and afterwards `steps`, the work it took."""

    def __init__(self, root: Schema, validator: Validator, steps: int) -> None:
        self._root, self._validator = root, validator
        self.steps = steps
        self._known: dict[str, Plan] = {}
        self._places = 0
        self._plans: list[Plan] = []

    def _took(self, steps: int) -> None:
        self.steps += steps
        if self.steps > COMPILE_STEPS_MAX:
            raise too_much_work()

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
