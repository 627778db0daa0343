"""A breach of a JSON Schema in words: where it is, what was expected, what came and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jsonschema.exceptions import ValidationError

from seawall.app.faults import Report
from seawall.app.remedies import choice_meant, key_meant, plain_name, right_type
from seawall.app.yaml_tree import Node

Path = tuple[str | int, ...]
_KINDS = {dict: "a mapping", list: "a list", type(None): "nothing"}
_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "null": "null",
}
_COUNTS = ("minItems", "maxItems", "minProperties", "maxProperties", "maxLength", "minLength")
_PATTERNS = (
    (r"^user\.", "`user.` and a name", "Write it like `user.store_groups`"),
    (r"^(?!0+", "a whole number from 1 and ms, s, m, h, d or w", "Write it like `900ms` or `24h`"),
    (r"^[0-9]{1,9}(ms", "a whole number and ms, s, m, h, d or w", "Write it like `900ms` or `24h`"),
    (r"^[a-z][a-z0-9-]", "small letters, digits and dashes, a letter first, at most 40", ""),
    (r"^[a-z][a-z0-9_]", "small letters, digits and underscores, a letter first, at most 60", ""),
    (r"^[a-z]{2,3}(-", "a language tag", "Write it like `en` or `de-AT`"),
    (r"^[A-Z]{3}", "an ISO 4217 code", "Write it like `EUR`"),
)


def report_breach(error: ValidationError, root: Node, report: Report) -> Iterable[Path]:
    """Report one breach; gives the paths that cannot be used."""
    path: Path = tuple(error.absolute_path)
    node = _at(root, path)
    kind = str(error.validator)
    if kind == "additionalProperties":
        return _unknown_keys(error, node, path, report)
    if kind == "required":
        _missing_keys(error, node, path, report)
        return ()
    if "propertyNames" in error.absolute_schema_path:
        _bad_key(error, node, report)
        return ()
    if kind in _COUNTS:
        _bad_count(error, node, path, report)
        return (path,) if kind.endswith("Length") else ()
    code, expected, fix = _explained(error)
    report.add(
        node, code, f"`{_name(node, path)}` is not what it should be", expected=expected, got=_came(error), fix=fix or f"Write {expected}"
    )
    return (path,)


def _unknown_keys(error: ValidationError, node: Node, path: Path, report: Report) -> list[Path]:
    known = _rule(error).get("properties", {})
    code = _rule(error).get("x-code", "unknown_key")
    extra = [key for key in node.entries() if key not in known]
    place = f"in `{_name(node, path)}`" if path else "here"
    for key in extra:
        detail = f"There is no {'channel' if code == 'unknown_channel' else 'key'} `{key[:60]}` {place}"
        fix = "YAML's merge key is not read; write the keys out" if key == "<<" else key_meant(key, known)
        report.add(
            node.entries()[key].key_mark(), code, detail, where=_below(node, key), expected=_listed(known), got=key, fix=fix or "Remove it"
        )
    return [(*path, key) for key in extra]


def _missing_keys(error: ValidationError, node: Node, path: Path, report: Report) -> None:
    place = f"`{_name(node, path)}`" if path else "The file"
    properties = _rule(error).get("properties", {})
    for key in _limit(error):
        if key not in node.entries():
            about = str(properties.get(key, {}).get("description", "")).split(". ")[0].rstrip(".")
            report.add(node, "missing_key", f"{place} has no `{key}`", expected=about, fix=f"Add `{key}`")


def _bad_key(error: ValidationError, node: Node, report: Report) -> None:
    key = str(error.instance)
    at = node.entries()[key].key_mark() if key in node.entries() else node.mark
    expected, fix = _pattern(_limit(error))
    detail = f"`{key[:60]}` is not a name that may stand here"
    code = _rule(error).get("x-code", "bad_name")
    report.add(at, code, detail, where=_below(node, key), expected=expected, got=key, fix=fix or plain_name(key, str(_limit(error))))


def _bad_count(error: ValidationError, node: Node, path: Path, report: Report) -> None:
    least = str(error.validator).startswith("min")
    parts = {"Items": "items", "Properties": "keys", "Length": "characters"}[str(error.validator)[3:]]
    came = len(_instance(error))
    report.add(
        node,
        "wrong_count",
        f"`{_name(node, path)}` has too {'few' if least else 'many'} {parts}",
        expected=f"{'at least' if least else 'at most'} {_limit(error):,}",
        got=f"{came:,}",
        fix="Add what is missing, or remove it" if least else "Shorten it",
    )


def _explained(error: ValidationError) -> tuple[str, str, str]:
    """The code, what was expected, and the way to mend it where that is not the same."""
    value, rule = _limit(error), _rule(error)
    match error.validator:
        case "type":
            types = value if isinstance(value, list) else [value]
            return "wrong_type", " or ".join(_TYPES[name] for name in types), right_type(error, types)
        case "enum":
            code = rule.get("x-code", "bad_choice") if isinstance(error.instance, str) else "wrong_type"
            return code, "one of " + _listed(value), choice_meant(error.instance, [str(v) for v in value])
        case "const":
            return "bad_choice", str(value), ""
        case "pattern":
            expected, fix = _pattern(value)
            return rule.get("x-code", "bad_value"), expected, fix or plain_name(str(error.instance), str(value))
        case "minimum" | "maximum":
            return (
                "out_of_range",
                f"{'at least' if error.validator == 'minimum' else 'at most'} {value:,}",
                f"Write {value} or {_side(error)}",
            )
        case _:
            return "wrong_type", rule.get("x-expected", "one of the forms documented"), ""


def _side(error: ValidationError) -> str:
    return "more" if error.validator == "minimum" else "less"


def _came(error: ValidationError) -> str:
    """The offending value as the author would know it again."""
    value = error.instance
    if isinstance(value, bool):
        return str(value).lower()
    return _KINDS.get(type(value)) or repr(value)


def _pattern(pattern: str) -> tuple[str, str]:
    return next(((words, fix) for start, words, fix in _PATTERNS if pattern.startswith(start)), (pattern, ""))


def _listed(values: Iterable[object], most: int = 16) -> str:
    words = [f"`{value}`" for value in values]
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")


def _name(node: Node, path: Path) -> str:
    """What to call a node: its own `name`, else the last key of its path with its indices, `rows[0]`."""
    name = node.get("name")
    if path and isinstance(path[-1], int) and name is not None and name.text():
        return name.text()[:80]
    text = ""
    for part in reversed(path):
        text = f"[{part}]{text}" if isinstance(part, int) else f"{part}{text}"
        if isinstance(part, str):
            break
    return text[:80] or "the file"


def _below(node: Node, key: str) -> str:
    return f"{node.where}.{key}" if node.where else key


def _at(root: Node, path: Path) -> Node:
    node = root
    for part in path:
        children: Any = node.value
        node = children[part]
    return node


def _rule(error: ValidationError) -> dict[str, Any]:
    """The part of the schema that was breached."""
    return error.schema if isinstance(error.schema, dict) else {}


def _limit(error: ValidationError) -> Any:  # noqa: ANN401
    """What the breached keyword says; its type is that of the keyword."""
    return error.validator_value


def _instance(error: ValidationError) -> Any:  # noqa: ANN401
    """The value that breached the rule."""
    return error.instance
