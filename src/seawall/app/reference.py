"""The generated parts of docs/reference/app.md and prompts.md, and the JSON Schemas beside them.

`python -m seawall.app.reference docs/reference` rewrites both; a test holds that they are current.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from seawall.app.codes import CODES
from seawall.app.schema import app_schema
from seawall.app.schema_parts import Schema
from seawall.app.schema_prompt import prompt_schema
from seawall.app.schema_semantic import extension_schemas

_REGION = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_TITLES = {
    "role": "A role",
    "policy": "A policy",
    "row_policy": "A row policy",
    "page": "A page",
    "filter": "A filter",
    "panel": "A panel",
    "condition": "A condition",
    "outage": "`on_outage`",
    "similar": "`similar`",
    "chart": "A chart",
    "position": "A position: `x` or `y`",
    "range_end": "The end of a range: `x2` or `y2`",
    "color": "Colour: `color`",
    "size": "Size: `size`",
    "tooltip": "A tooltip's line",
    "format": "A format",
}


def schema_text() -> str:
    """docs/reference/app.schema.json."""
    return json.dumps(app_schema(), indent=2, ensure_ascii=False) + "\n"


def prompt_schema_text() -> str:
    """docs/reference/prompt.schema.json."""
    return json.dumps(prompt_schema(), indent=2, ensure_ascii=False) + "\n"


def refreshed(text: str) -> str:
    """The page with its generated regions made anew."""
    return _REGION.sub(lambda match: f"{match[1]}{_REGIONS[match[2]]()}{match[3]}", text)


def _keys() -> str:
    schema = app_schema()
    parts = ["### The file\n\n", *_table(schema)]
    for name, title in _TITLES.items():
        definition = schema["$defs"][name]
        mapping = next((branch for branch in definition.get("anyOf", []) if branch.get("type") == "object"), definition)
        parts += [f"\n### {title}\n\n{definition.get('description', '')}\n\n", *_table(mapping)]
    return "".join(parts)


def _extensions() -> str:
    parts = []
    for kind, schema in extension_schemas().items():
        if schema["properties"]:
            parts += [f"\n### Of a {kind}\n\n", *_table(schema)]
    return "".join(parts).lstrip("\n")


def _prompts() -> str:
    schema = prompt_schema()
    parts = ["### The file\n\n", *_table(schema)]
    for name, title in (("message", "A message"), ("example", "An example"), ("variant", "A variant")):
        parts += [f"\n### {title}\n\n", *_table(schema["$defs"][name])]
    return "".join(parts)


def _codes() -> str:
    return "| code | meaning |\n|---|---|\n" + "".join(f"| `{code}` | {meaning} |\n" for code, meaning in CODES.items())


_REGIONS: dict[str, Callable[[], str]] = {"keys": _keys, "extensions": _extensions, "codes": _codes, "prompts": _prompts}


def _table(schema: Schema) -> Iterator[str]:
    yield "| key | kind | meaning |\n|---|---|---|\n"
    for key, value, required in _rows(schema, ""):
        about = value.get("description") or _definition(value).get("description", "")
        yield f"| `{key}`{' (required)' if required else ''} | {_kind(value)} | {_bounded(about, value)} |\n"


def _rows(schema: Schema, prefix: str) -> Iterator[tuple[str, Schema, bool]]:
    """Every key of a mapping, those of mappings written inside it too: `scale.zero`, `mask.NAME.unless`, `layer[].mark`."""
    for key, value in schema["properties"].items():
        yield prefix + key, value, key in schema.get("required", ())
        for suffix, inner in (("", value), (".NAME", value.get("additionalProperties")), ("[]", value.get("items"))):
            if not isinstance(inner, dict):
                continue
            for branch in (inner, *inner.get("anyOf", ())):
                if "properties" in branch:
                    yield from _rows(branch, f"{prefix}{key}{suffix}.")


def _kind(schema: Schema) -> str:
    """The kind of value, in a few words."""
    if "$ref" in schema:
        choices = _definition(schema).get("enum")
        return _kind(_definition(schema)) if choices else str(schema["$ref"]).rpartition("/")[2].replace("_", " ")
    if "enum" in schema:
        return " ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return str(schema.get("x-expected", "several forms"))
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"name → {_kind(schema['additionalProperties'])}"
    if schema.get("x-code") == "bad_duration":
        return "duration"
    words = {"string": "text", "integer": "whole number", "boolean": "true or false", "object": "mapping"}
    types = schema.get("type", "any")
    return " or ".join(words.get(name, name) for name in ([types] if isinstance(types, str) else types))


def _bounded(about: str, schema: Schema) -> str:
    if "minimum" in schema:
        about += f" From {schema['minimum']:,} to {schema['maximum']:,}."
    return about.replace("|", "\\|")


def _definition(schema: Schema) -> Schema:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return dict({**prompt_schema()["$defs"], **app_schema()["$defs"]}.get(name, {}))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "app.schema.json").write_text(schema_text())
    (folder / "prompt.schema.json").write_text(prompt_schema_text())
    for page in ("app.md", "prompts.md"):
        (folder / page).write_text(refreshed((folder / page).read_text()))
