"""Shape before meaning: holds a tree to a JSON Schema, reports every breach in words, and cuts the broken parts out.

What `shaped` gives back has the right type wherever a key is present, so that reading goes on and one run finds every
fault; only required keys may still be missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import resources
from typing import Any

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from seawall.app.faults import Report, suggestion
from seawall.app.schema import app_schema, extension_schemas
from seawall.app.yaml_tree import Node

Path = tuple[str | int, ...]
Rule = dict[str, Any]
_KINDS = {
    dict: "a mapping",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    type(None): "nothing",
}
_TYPE_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "null": "null",
}
OSSIE_FILE = "ossie-0.2.0.dev0.schema.json"


@lru_cache
def app_validator() -> Draft202012Validator:
    """Holds app.yaml to its schema."""
    return Draft202012Validator(app_schema())


@lru_cache
def ossie_validator() -> Draft202012Validator:
    """Holds a semantic model to the Apache Ossie schema that ships with Seawall."""
    text = resources.files("seawall.app").joinpath("standards", OSSIE_FILE).read_bytes()
    return Draft202012Validator(msgspec.json.decode(text))


@lru_cache
def extension_validator(kind: str) -> Draft202012Validator:
    """Holds the data of a SEAWALL extension to its schema."""
    return Draft202012Validator(extension_schemas()[kind])


def shaped(root: Node, validator: Draft202012Validator, report: Report) -> Node:
    """The tree without its broken parts, each of which is reported."""
    cuts: set[Path] = set()
    for error in validator.iter_errors(root.plain()):
        for leaf in _leaves(error):
            cuts.update(_report(leaf, root, report))
    return _without(root, cuts, ())


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Of a union, the breaches of the one branch that was meant: the one whose type the value has."""
    if error.validator not in ("anyOf", "oneOf"):
        yield error
        return
    branches: dict[Any, list[ValidationError]] = {}
    for child in error.context or ():
        branches.setdefault(child.schema_path[0], []).append(child)
    meant = [errors for errors in branches.values() if not any(_wrong_type_here(e) for e in errors)]
    if len(meant) != 1:
        yield error
        return
    for child in meant[0]:
        yield from _leaves(child)


def _rule(error: ValidationError) -> Rule:
    """The part of the schema that was breached."""
    return error.schema if isinstance(error.schema, dict) else {}


def _limit(error: ValidationError) -> Any:  # noqa: ANN401
    """What the breached keyword says; its type is that of the keyword."""
    return error.validator_value


def _came(error: ValidationError) -> Any:  # noqa: ANN401
    """The value that breached the rule."""
    return error.instance


def _wrong_type_here(error: ValidationError) -> bool:
    if error.validator in ("anyOf", "oneOf"):
        return not error.relative_path and all(_wrong_type_here(e) for e in error.context or ())
    return error.validator in ("type", "enum") and not error.relative_path and not isinstance(error.instance, str)


def _report(error: ValidationError, root: Node, report: Report) -> Iterable[Path]:
    """Report one breach; gives the paths to cut."""
    path: Path = tuple(error.absolute_path)
    node = _at(root, path)
    kind = str(error.validator)
    if kind == "additionalProperties":
        return _unknown_keys(error, node, path, report)
    if kind == "required":
        _missing_keys(error, node, report)
        return ()
    if "propertyNames" in error.absolute_schema_path:
        _bad_key(error, node, report)
        return ()
    if kind in ("minItems", "maxItems", "minProperties", "maxProperties", "maxLength", "minLength"):
        word = "at least" if kind.startswith("min") else "at most"
        got = f"{len(_came(error)):,}"
        report.add(
            node,
            "wrong_count",
            f"`{_name(path)}` has too {'few' if kind.startswith('min') else 'many'} parts",
            expected=f"{word} {_limit(error):,}",
            got=got,
        )
        return (path,) if kind.endswith("Length") else ()
    _bad_value(error, node, path, report)
    return (path,)


def _unknown_keys(error: ValidationError, node: Node, path: Path, report: Report) -> list[Path]:
    known = _rule(error).get("properties", {})
    code = _rule(error).get("x-code", "unknown_key")
    extra = [key for key in node.entries() if key not in known]
    for key in extra:
        what = "channel" if code == "unknown_channel" else "key"
        where = f"{node.where}.{key}" if node.where else key
        fix = "YAML's merge key is not read; write the keys out" if key == "<<" else suggestion(key, known)
        place = f"in `{_name(path)}`" if path else "at the top of the file"
        detail = f"There is no {what} `{key[:60]}` {place}"
        report.add(node.entries()[key].key_mark(), code, detail, where=where, expected=_listed(known), got=key, fix=fix)
    return [(*path, key) for key in extra]


def _missing_keys(error: ValidationError, node: Node, report: Report) -> None:
    for key in _limit(error):
        if key not in node.entries():
            place = f"`{_name(tuple(error.absolute_path))}`" if error.absolute_path else "The file"
            report.add(node, "missing_key", f"{place} has no `{key}`", expected=_about(_rule(error), key), fix=f"Add `{key}`")


def _bad_key(error: ValidationError, node: Node, report: Report) -> None:
    key = str(error.instance)
    at = node.entries()[key].key_mark() if key in node.entries() else node.mark
    where = f"{node.where}.{key}" if node.where else key
    report.add(
        at,
        _rule(error).get("x-code", "bad_name"),
        f"`{key[:60]}` is not a name that may stand here",
        where=where,
        expected=_pattern(_limit(error)),
        got=key,
        fix=_plain_name(key),
    )


def _bad_value(error: ValidationError, node: Node, path: Path, report: Report) -> None:
    code, expected, fix = _explained(error)
    got = f"{_KINDS.get(type(error.instance), 'something else')}"
    if isinstance(error.instance, str | int | float) and not isinstance(error.instance, bool):
        got = repr(error.instance) if isinstance(error.instance, str) else str(error.instance)
    elif isinstance(error.instance, bool):
        got = str(error.instance).lower()
    report.add(node, code, f"`{_name(path)}` is not what it should be", expected=expected, got=got, fix=fix)


def _explained(error: ValidationError) -> tuple[str, str, str]:
    """The code, what was expected, and the way to mend it."""
    value, schema = _limit(error), _rule(error)
    if error.validator == "type":
        types = value if isinstance(value, list) else [value]
        fix = (
            f"Write {'true' if error.instance in ('yes', 'on') else 'false'}"
            if "boolean" in types and error.instance in ("yes", "no", "on", "off")
            else ""
        )
        return "wrong_type", " or ".join(_TYPE_WORDS[t] for t in types), fix
    if error.validator in ("anyOf", "oneOf"):
        return "wrong_type", schema.get("x-expected", "one of the forms documented"), ""
    if error.validator == "enum":
        if not isinstance(error.instance, str):
            return "wrong_type", "one of " + _listed(value), ""
        return schema.get("x-code", "bad_choice"), "one of " + _listed(value), suggestion(error.instance, [str(v) for v in value])
    if error.validator == "const":
        return "bad_choice", repr(value), f"Write {value}"
    if error.validator == "pattern":
        return schema.get("x-code", "bad_value"), _pattern(value), ""
    if error.validator in ("minimum", "maximum"):
        return "out_of_range", f"{'at least' if error.validator == 'minimum' else 'at most'} {value:,}", ""
    return "bad_value", schema.get("description", "a valid value"), ""


_PATTERN_WORDS = (
    (r"^user\.", "`user.` and a name, like `user.store_groups`"),
    (r"^[0-9]{1,9}(ms", "a whole number and ms, s, m, h, d or w, like 24h"),
    (r"^[a-z][a-z0-9-]", "small letters, digits and dashes, a letter first, at most 40"),
    (r"^[a-z][a-z0-9_]", "small letters, digits and underscores, a letter first, at most 60"),
    (r"^[a-z]{2,3}(-", "a language tag like `en` or `de-AT`"),
    (r"^[A-Z]{3}", "three capital letters, like `EUR`"),
)


def _pattern(pattern: str) -> str:
    return next((words for start, words in _PATTERN_WORDS if pattern.startswith(start)), pattern)


def _plain_name(key: str) -> str:
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in key[:60].lower()).strip("_")
    return f"Rename it, for example to `{plain}`" if plain and not plain[0].isdigit() else "Rename it"


def _about(schema: Rule, key: str) -> str:
    return str(schema.get("properties", {}).get(key, {}).get("description", ""))


def _listed(values: Iterable[object], most: int = 16) -> str:
    words = [f"`{value}`" for value in values]
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")


def _name(path: Path) -> str:
    """The last key of a path, with its indices: `rows[0]`."""
    text = ""
    for part in reversed(path):
        text = f"[{part}]{text}" if isinstance(part, int) else f"{part}{text}"
        if isinstance(part, str):
            break
    return text[:80] or "the file"


def _at(root: Node, path: Path) -> Node:
    node = root
    for part in path:
        children: Any = node.value
        node = children[part]
    return node


def _without(node: Node, cuts: set[Path], path: Path) -> Node:
    """The same tree without the nodes at `cuts`."""
    if path in cuts:
        return Node(None, node.mark, node.where, node.key)
    if isinstance(node.value, dict):
        kept = {key: _without(child, cuts, (*path, key)) for key, child in node.value.items() if (*path, key) not in cuts}
        return Node(kept, node.mark, node.where, node.key)
    if isinstance(node.value, list):
        items = [_without(child, cuts, (*path, i)) for i, child in enumerate(node.value) if (*path, i) not in cuts]
        return Node(items, node.mark, node.where, node.key)
    return node
