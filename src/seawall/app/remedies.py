"""How to mend what breaks a JSON Schema: what an author, or a model used to other tools, will have meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

import msgspec
from jsonschema.exceptions import ValidationError

from seawall.app.conditions import SIGNS
from seawall.app.suggest import suggestion

_TRUE, _FALSE = ("yes", "on"), ("no", "off")
"""What YAML 1.1 took for truth values; 1.2 reads words."""
_ELSEWHERE = {
    "field": ("member",),
    "column": ("field", "member"),
    "operator": ("op",),
    "groupby": ("by",),
    "dimension": ("by",),
    "dimensions": ("by",),
    "measure": ("metric",),
    "measures": ("metrics",),
    "orderby": ("order",),
    "sort": ("order",),
    "filter": ("where",),
    "filters": ("where",),
    "table": ("dataset",),
    "type": ("mark", "control", "datatype"),
    "label": ("title",),
    "name": ("title",),
}
"""What keys are called in other tools → what they are called here."""


def key_meant(key: str, known: Iterable[str]) -> str:
    """The key that is called so in other tools, else the nearest."""
    names = tuple(known)
    meant = next((each for each in _ELSEWHERE.get(key.lower().replace("_", ""), ()) if each in names), "")
    return f"Write `{meant}`" if meant else suggestion(key, names)


def choice_meant(came: object, choices: Sequence[str]) -> str:
    """One of some words, for a sign, for Vega-Lite's `{type: line}`, or for a word like it; "" when there is none."""
    if isinstance(came, dict):
        return f"Write `{came['type']}`" if came.get("type") in choices else ""
    if not isinstance(came, str):
        return ""
    sign = SIGNS.get(came, "")
    return f"Write `{sign}`" if sign in choices else suggestion(came, choices)


def plain_name(key: str, pattern: str) -> str:
    """A rename that would do."""
    joint = "_" if "_" in pattern else "-"
    letters = (c for c in unicodedata.normalize("NFKD", key[:40].lower()) if not unicodedata.combining(c))
    plain = "".join(c if c.isascii() and c.isalnum() else joint for c in letters).strip(joint)
    return f"Rename it, for example to `{plain}`" if plain and not plain[0].isdigit() else "Rename it"


def right_type(error: ValidationError, types: list[str]) -> str:
    """How to write a value of one of the types; "" when that needs no more words."""
    came = error.instance
    if "boolean" in types and came in _TRUE + _FALSE:
        return f"Write {'true' if came in _TRUE else 'false'}; YAML 1.2 reads `{came}` as a word"
    if types == ["string"] and isinstance(came, bool | int | float):
        return "Put it in quotes"
    if types == ["string"] and isinstance(came, dict) and "data" in error.absolute_path:
        return f"Write it as a text of JSON: `'{msgspec.json.encode(came).decode()[:120]}'`"
    if types == ["object"]:
        return _as_mapping(error)
    return _as_list(error) if types == ["array"] else ""


def _as_list(error: ValidationError) -> str:
    """How to write a list where a text or a mapping stands: panels side by side, columns, conditions, declarations."""
    came = error.instance
    if isinstance(came, dict):
        name = next((key for key, child in came.items() if isinstance(child, dict)), "")
        return f"Write a list: `- name: {name[:60]}` and so on" if name else ""
    if not isinstance(came, str):
        return ""
    if came == "*":
        return "Leave it out to have all of them"
    names = came[:60].replace(",", " ").split()
    are_names = all(name.isidentifier() for name in names) and names[-1:] not in (["desc"], ["asc"])
    return f"Write `[{', '.join(names)}]`" if are_names or "layout" in error.absolute_path else f"Write `[{came[:60]}]`"


def _as_mapping(error: ValidationError) -> str:
    """How to write a mapping where something else stands."""
    if error.absolute_path and error.absolute_path[-1] == "expression":
        return "Write `{dialects: [{dialect: ANSI_SQL, expression: …}]}`"
    needed = error.schema.get("required", []) if isinstance(error.schema, dict) else []
    if error.instance is None and not needed:
        return "Write `{}`"
    return f"Write a mapping with {' and '.join(f'`{key}`' for key in needed)}" if needed else ""
