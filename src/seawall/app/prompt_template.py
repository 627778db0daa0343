"""Templates without logic: words, and `{{a.b}}` where a value of the input goes. A value is never read as a template again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from seawall.app.prompt import Part

_HOLE = re.compile(r"\{\{(.*?)\}\}|\{\{|\}\}", re.DOTALL)
_PATH = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_-]{0,59}(?:\.[A-Za-z_][A-Za-z0-9_-]{0,59}){0,7})\s*")


def parse_template(text: str) -> tuple[tuple[Part, ...], tuple[tuple[int, str], ...]]:
    """The parts, and faults as (offset, what is wrong there)."""
    parts: list[Part] = []
    faults: list[tuple[int, str]] = []
    at = 0
    for hole in _HOLE.finditer(text):
        if hole.start() > at:
            parts.append(Part(text[at : hole.start()]))
        at = hole.end()
        path = _PATH.fullmatch(hole[1]) if hole[1] is not None else None
        if path is None:
            faults.append((hole.start(), f"`{hole[0][:60]}` is no place for a value"))
        else:
            parts.append(Part(path=tuple(path[1].split("."))))
    if at < len(text):
        parts.append(Part(text[at:]))
    return tuple(parts), tuple(faults)


def names_at(schema: Any, root: dict[str, Any], path: tuple[str, ...]) -> tuple[str, ...] | None:  # noqa: ANN401 -- a JSON Schema
    """None when a path leads to a value that an input may have; else the names there are where it leaves the schema."""
    forms = list(_forms(schema, root, 0))
    if not path or any(form is True or not isinstance(form, dict) for form in forms):
        return None
    known = {name: inner for form in forms for name, inner in form.get("properties", {}).items()}
    open_ = [form["additionalProperties"] for form in forms if form.get("additionalProperties", False) is not False]
    if path[0] in known:
        return names_at(known[path[0]], root, path[1:])
    return names_at(open_[0], root, path[1:]) if open_ else tuple(known)


def _forms(schema: Any, root: dict[str, Any], depth: int) -> Iterator[Any]:  # noqa: ANN401 -- JSON Schemas
    """A schema and those it is combined of."""
    if not isinstance(schema, dict) or depth > 8:
        yield schema
        return
    yield schema
    for inner in (*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _forms(inner, root, depth + 1)
    ref = schema.get("$ref")
    if isinstance(ref, str) and ref.startswith("#/$defs/"):
        yield from _forms(root.get("$defs", {}).get(ref[8:], {}), root, depth + 1)
