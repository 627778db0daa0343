"""What a value may be, as a graph made once from a schema: for each kind of value the rules that hold, unions reduced to what is left.

A `Plan` is one place of a schema. `case(kind)` is what holds for a value of that kind: a single set of rules nearly always (`anyOf`
whose branches differ by kind needs no choice); several, and unions still open, otherwise. Keywords that need the whole value (`not`,
`if`, `uniqueItems`, `patternProperties`…) make a place `late`: its value is checked when it has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from seawall.core.schemas.formats import has_format
from seawall.core.schemas.patterns import Pattern

Kind = Literal["object", "array", "string", "number", "boolean", "null"]
KINDS: tuple[Kind, ...] = ("object", "array", "string", "number", "boolean", "null")
Scalar: TypeAlias = "str | int | float | bool | None"
NESTED_MAX = 48
"""Unions within unions at one place."""
ENDLESS = 1 << 60


class TextRules:
    """Of a string. `mode` says how much a reader must know: nothing, the length, or the text."""

    __slots__ = ("formats", "least", "mode", "most", "patterns", "words")
    FREE, COUNTED, WHOLE = 0, 1, 2

    def __init__(
        self, least: int, most: int, words: frozenset[str] | None, patterns: tuple[Pattern, ...], formats: tuple[str, ...]
    ) -> None:
        self.least, self.most, self.words, self.patterns, self.formats = least, most, words, patterns, formats
        whole = words is not None or patterns or formats
        self.mode = self.WHOLE if whole else self.COUNTED if least or most < ENDLESS else self.FREE

    def fault(self, text: str) -> str:
        """Why a whole text does not do; "" when it does."""
        if self.words is not None and text not in self.words:
            return f"expected one of {listed(self.words)}"
        if not self.least <= len(text) <= self.most:
            return f"expected {bounds(self.least, self.most)} characters"
        wrong = next((pattern.source for pattern in self.patterns if not pattern.matches(text)), None)
        if wrong is not None:
            return f"expected a text that matches {wrong[:80]}"
        wrong = next((name for name in self.formats if not has_format(name, text)), None)
        return f"expected a {wrong}" if wrong else ""


class NumberRules:
    """Of a number; a bound that is None does not hold."""

    __slots__ = ("above", "below", "integer", "maximum", "minimum", "multiple", "words")

    def __init__(self, schema: dict[str, Any], *, integer: bool, words: frozenset[float] | None) -> None:
        self.integer, self.words = integer, words
        self.minimum, self.maximum = schema.get("minimum"), schema.get("maximum")
        self.above, self.below, self.multiple = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum"), schema.get("multipleOf")

    def fault(self, value: int | float) -> str:
        """Why a number does not do; "" when it does."""
        if self.integer and isinstance(value, float) and not value.is_integer():
            return "expected a whole number"
        if self.words is not None and value not in self.words:
            return f"expected one of {listed(self.words)}"
        if (self.minimum is not None and value < self.minimum) or (self.above is not None and value <= self.above):
            return f"expected at least {self.minimum}" if self.minimum is not None else f"expected more than {self.above}"
        if (self.maximum is not None and value > self.maximum) or (self.below is not None and value >= self.below):
            return f"expected at most {self.maximum}" if self.maximum is not None else f"expected less than {self.below}"
        return f"expected a multiple of {self.multiple}" if self.multiple and not _is_multiple(value, self.multiple) else ""


class ObjectRules:
    """Of an object. `others` None: no key but those of `properties`."""

    __slots__ = ("least", "most", "names", "others", "properties", "required")

    def __init__(self, properties: dict[str, Plan], others: Plan | None, required: frozenset[str], least: int, most: int) -> None:
        self.properties, self.others, self.required, self.least, self.most = properties, others, required, least, most
        self.names: Plan | None = None


class ArrayRules:
    """Of an array. `items` None: no more than those of `prefix`."""

    __slots__ = ("items", "least", "most", "prefix")

    def __init__(self, prefix: tuple[Plan, ...], items: Plan | None, least: int, most: int) -> None:
        self.prefix, self.items, self.least, self.most = prefix, items, least, most

    def item(self, index: int) -> Plan | None:
        """The place of the item at `index`; None: there may be none."""
        return self.prefix[index] if index < len(self.prefix) else self.items


class Union:
    """`anyOf`, or `oneOf` when `single`, of plans."""

    __slots__ = ("branches", "single")

    def __init__(self, branches: tuple[Plan, ...], *, single: bool) -> None:
        self.branches, self.single = branches, single


class Case:
    """What holds for one kind of value: rules that all hold, unions of which each holds, and checks for its end."""

    __slots__ = ("checks", "groups", "rules", "simple", "unions")

    def __init__(
        self, kind: str, rules: tuple[Plan, ...], unions: tuple[Union, ...] = (), checks: tuple[Callable[[object], str], ...] = ()
    ) -> None:
        self.rules, self.unions, self.checks = rules, unions, checks
        self.simple = rules[0] if len(rules) == 1 and not unions else None
        self.groups: tuple[Union, ...] = ()
        """Where it is not simple: of each group one branch (or more) must hold."""
        if self.simple is None:
            self.groups = (*(Union((_alone(kind, rule),), single=False) for rule in rules), *unions)


class Plan:
    """One place of a schema."""

    __slots__ = ("_cases", "array", "check", "constants", "number", "object", "parts", "text", "types", "unions")

    def __init__(self) -> None:
        self.types: frozenset[str] = frozenset(KINDS)
        self.text = FREE_TEXT
        self.number: NumberRules | None = None
        self.object: ObjectRules | None = None
        self.array: ArrayRules | None = None
        self.constants: frozenset[bool | None] = frozenset((True, False, None))
        self.parts: tuple[Plan, ...] = ()
        self.unions: tuple[Union, ...] = ()
        self.check: Callable[[object], str] | None = None
        """Of the whole value, at its end: what is wrong, or ""."""
        self._cases: dict[str, Case | None] = {}

    def case(self, kind: str) -> Case | None:
        """What holds for values of a kind; None: there may be none."""
        try:
            return self._cases[kind]
        except KeyError:
            found = self._cases[kind] = self._case(kind)
            return found

    def admits(self, kind: str, depth: int = 0) -> bool:
        """Whether a value of this kind may be here."""
        if depth > NESTED_MAX:
            return True
        return (
            kind in self.types
            and all(part.admits(kind, depth + 1) for part in self.parts)
            and all(any(branch.admits(kind, depth + 1) for branch in union.branches) for union in self.unions)
        )

    def _case(self, kind: str) -> Case | None:
        if not self.admits(kind):
            return None
        rules: list[Plan] = []
        unions: list[Union] = []
        checks: list[Callable[[object], str]] = []
        self._gather(kind, rules, unions, checks, 0)
        told = tuple(dict.fromkeys(plan for plan in rules if plan.limits(kind)))
        if not told and len(unions) == 0:
            told = (ANYTHING,)
        return Case(kind, told, tuple(unions), tuple(checks))

    def _gather(self, kind: str, rules: list[Plan], unions: list[Union], checks: list[Callable[[object], str]], depth: int) -> None:
        rules.append(self)
        if self.check is not None:
            checks.append(self.check)
        for part in self.parts if depth <= NESTED_MAX else ():
            part._gather(kind, rules, unions, checks, depth + 1)
        for union in self.unions if depth <= NESTED_MAX else ():
            left = tuple(branch for branch in union.branches if branch.admits(kind))
            if len(left) == 1:
                left[0]._gather(kind, rules, unions, checks, depth + 1)
            else:
                unions.append(Union(left, single=union.single))

    def limits(self, kind: str) -> bool:
        """Whether its own rules say anything of a value of this kind."""
        if kind == "object":
            return self.object is not None
        if kind == "array":
            return self.array is not None
        if kind == "string":
            return self.text.mode != TextRules.FREE
        return self.number is not None if kind == "number" else len(self.constants) < 3

    def scalar_fault(self, kind: str, value: Scalar) -> str:
        """Why a whole scalar does not do here, unions and all; "" when it does."""
        case = self.case(kind)
        if case is None:
            return f"expected {kinds_of(self)}, got {a(kind)}"
        for plan in case.rules:
            fault = plan.own_scalar_fault(kind, value)
            if fault:
                return fault
        for union in case.unions:
            fits = sum(not branch.scalar_fault(kind, value) for branch in union.branches)
            if not fits or (union.single and fits > 1):
                return "expected one of several forms" if not fits else "expected just one of several forms"
        return next((fault for check in case.checks if (fault := check(value))), "")

    def own_scalar_fault(self, kind: str, value: Scalar) -> str:
        """The same by its own rules alone."""
        if isinstance(value, str):
            return self.text.fault(value) if self.text.mode else ""
        if kind == "number" and value is not None:
            return self.number.fault(value) if self.number else ""
        return "" if value in self.constants else f"expected one of {listed(self.constants)}"


def _alone(kind: str, rules: Plan) -> Plan:
    """A plan of one case."""
    plan = Plan()
    plan._cases[kind] = Case(kind, (rules,))
    return plan


FREE_TEXT = TextRules(0, ENDLESS, None, (), ())
ANYTHING = Plan()
"""Any JSON value."""
NOTHING = Plan()
"""No value at all."""
NOTHING.types = frozenset()


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


def kinds_of(plan: Plan) -> str:
    """The kinds a place admits, in words."""
    return " or ".join(a(kind) for kind in KINDS if plan.admits(kind)) or "nothing"


def a(kind: str) -> str:
    """`an object`, `a number`, `null`."""
    return kind if kind == "null" else f"an {kind}" if kind[0] in "ao" else f"a {kind}"


def bounds(least: int, most: int) -> str:
    """`3 to 5`, `at most 5`, `at least 3`."""
    return f"at least {least}" if most >= ENDLESS else f"at most {most}" if not least else f"{least} to {most}"


def listed(values: frozenset[Any]) -> str:
    """A few of the values."""
    shown = sorted(str(value)[:40] for value in values)
    return ", ".join(shown[:12]) + (" …" if len(shown) > 12 else "")


def _is_multiple(value: int | float, of: int | float) -> bool:
    if isinstance(value, int) and isinstance(of, int):
        return value % of == 0
    try:
        quotient = value / of
        return int(quotient) == quotient
    except (OverflowError, ValueError):
        return False
