"""Conditions as people write them: `department = GROCERY`, `store in 12, 13`, `name contains milk`, `size is null`."""

from __future__ import annotations

import re

import msgspec

from seawall.app.model import Operator
from seawall.core.errors import InvalidInput

_FIELD = r"(?P<field>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)?)"
_OPERATORS: dict[str, Operator] = {
    "=": "eq",
    "==": "eq",
    "!=": "ne",
    "<>": "ne",
    "<=": "le",
    ">=": "ge",
    "<": "lt",
    ">": "gt",
    "in": "in",
    "not in": "not_in",
    "contains": "contains",
    "starts with": "starts_with",
    "during": "during",
    "is null": "is_null",
    "is not null": "not_null",
}
SIGNS = {sign: op for sign, op in _OPERATORS.items() if not sign[0].isalpha()}
"""Operators as people write them in texts; mappings take the words."""
_CONDITION = re.compile(
    rf"\s*{_FIELD}\s*(?:(?P<sign>==|=|!=|<>|<=|>=|<|>)|\s(?P<word>not\s+in|in|contains|during|starts\s+with|is\s+not\s+null|is\s+null)(?=[\s(]|\Z))\s*(?P<rest>.*?)\s*",
    re.IGNORECASE | re.DOTALL,
)
_VALUE = re.compile(r"""\s*(?:'((?:[^']|'')*)'|"((?:[^"]|"")*)"|([^,'"]*))\s*(?:,|\Z)""")
_QUOTED = re.compile(r"""(?<!\w)(?:'(?:[^']|'')*'|"(?:[^"]|"")*")""")
_AND = re.compile(
    rf"\s(and|or)\s+{_FIELD}\s*(=|!=|<|>|\s(is\s+(not\s+)?null\b|contains\s|starts\s+with\s|not\s+in[\s(]"
    r"|in\s*\(|in\s[^,]*,|during\s+(\.\.|\d|last_|this_)))",
    re.IGNORECASE,
)
"""A second condition. Names hold `in` and `during` too: these count before a list, and before a period."""
LENGTH_MAX = 1_000
VALUES_MAX = 1_000


class InvalidCondition(InvalidInput):
    """The condition is not written `field operator value`."""

    slug = "invalid-condition"


class Condition(msgspec.Struct, frozen=True):
    """A field as written, an operator, and values still as texts."""

    field: str
    op: Operator
    values: tuple[str, ...] = ()


def parse_condition(text: str) -> Condition:
    """Read one condition. InvalidCondition says what is missing."""
    match = _CONDITION.fullmatch(text) if len(text) <= LENGTH_MAX else None
    if match is None:
        raise _invalid(text)
    op = _OPERATORS[match["sign"] or re.sub(r"\s+", " ", match["word"].lower())]
    rest = match["rest"]
    if op in ("is_null", "not_null"):
        if rest:
            raise _invalid(text)
        return Condition(match["field"], op)
    if _AND.search(_QUOTED.sub("''", rest)):
        raise _several(text)
    if op in ("in", "not_in"):
        inner = rest[1:-1] if rest.startswith("(") and rest.endswith(")") else rest
        return Condition(match["field"], op, _values(inner, text))
    return Condition(match["field"], op, (_unquoted(rest, text),))


def _values(rest: str, text: str) -> tuple[str, ...]:
    values: list[str] = []
    position = 0
    while position < len(rest) and len(values) <= VALUES_MAX:
        match = _VALUE.match(rest, position)
        if match is None or match.end() == position:
            raise _invalid(text)
        if match[3] is not None and not _is_balanced(match[3]):
            raise _invalid(text)
        values.append(_content(match))
        position = match.end()
    if not values or "" in values or rest.rstrip().endswith(","):
        raise _invalid(text)
    return tuple(values)


def _is_balanced(bare: str) -> bool:
    """Whether each parenthesis that opens closes."""
    depth = 0
    for sign in bare:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return False
    return depth == 0


def _unquoted(rest: str, text: str) -> str:
    """A single value; without quotes it may hold spaces and commas."""
    match = _VALUE.fullmatch(rest) if rest[:1] in ("'", '"') else None
    if (rest[:1] in ("'", '"') and match is None) or not rest:
        raise _invalid(text)
    return _content(match) if match else rest


def _content(match: re.Match[str]) -> str:
    single, double, bare = match.groups()
    if single is not None:
        return single.replace("''", "'")
    return double.replace('""', '"') if double is not None else bare.strip()


def _several(text: str) -> InvalidCondition:
    return InvalidCondition(
        "This is more than one condition",
        expected="one `field operator value`",
        got=repr(text[:60]),
        fix="Write each as an item of its own; instead of `or` write `field in a, b`; put a text that is meant in quotes",
    )


def _invalid(text: str) -> InvalidCondition:
    return InvalidCondition(
        expected="`field = value` with one of = != < <= > >= in, not in, contains, starts with, is null, is not null",
        got=repr(text[:60]),
        fix="Write it like `department = GROCERY`; put values with commas or edge spaces in quotes",
    )
