"""prompts/NAME.yaml → typed functions. Every fault is reported with its line: schemas, templates, examples, roles, keys."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, cast

from jsonschema import Draft202012Validator

from seawall.app.access import known_roles
from seawall.app.faults import Report
from seawall.app.model import Role
from seawall.app.names import APP
from seawall.app.prompt import Example, Message, Part, Prompt, Variant
from seawall.app.prompt_template import names_at, parse_template
from seawall.app.schema_prompt import prompt_schema
from seawall.app.shape import shaped
from seawall.app.suggest import suggestion
from seawall.app.words import spoken, text_of
from seawall.app.yaml_tree import Node
from seawall.core.schemas.compiled import CompiledSchema, compiled
from seawall.core.schemas.errors import UnsupportedSchema, Violation

VERSION_DIGITS = 16


@lru_cache
def prompt_validator() -> Draft202012Validator:
    """Holds a prompt's file to its schema."""
    return Draft202012Validator(prompt_schema())


def read_prompts(trees: dict[str, Node], hashes: dict[str, str], roles: dict[str, Role], report: Report) -> dict[str, Prompt]:
    """Every prompt, by name; `trees` and `hashes` by path."""
    found: dict[str, Prompt] = {}
    paths: dict[str, str] = {}
    for path, tree in trees.items():
        prompt = _prompt(path, tree, hashes[path], roles, report)
        if prompt.name in found:
            detail, got = f"There are two prompts named `{prompt.name}`", f"the first is {paths[prompt.name]}"
            report.add(tree, "duplicate_name", detail, got=got, fix="Rename one of the files")
        found[prompt.name] = prompt
        paths.setdefault(prompt.name, path)
    return found


def _prompt(path: str, tree: Node, digest: str, roles: dict[str, Role], report: Report) -> Prompt:
    root = shaped(tree, prompt_validator(), report)
    name = PurePosixPath(path).stem
    _check_name(root, name, report)
    given, answer = _schema(root.get("input"), report), _schema(root.get("output"), report)
    if given is not None and not (given.plan.admits("object")):
        report.add(cast(Node, root.get("input")), "bad_schema", "A prompt takes an object", fix="Write `type: object` and `properties`")
    scope = given.schema if given is not None and isinstance(given.schema, dict) else None
    for key in ("system", "user") if root.has("messages") else ():
        if (child := root.get(key)) is not None:
            detail = f"Beside `messages` there is no `{key}`"
            report.add(child.key_mark(), "unknown_key", detail, where=child.where, got=key, fix="Write it as one of the messages")
    messages = _messages(root, scope, report)
    if not messages and not (root.has("messages") or root.has("system") or root.has("user")):
        fix = "Write what the model is asked under `user`"
        report.add(root, "missing_key", "The prompt says nothing", expected="`user`, `system` or `messages`", fix=fix)
    return Prompt(
        name=name,
        title=dict(text_of(root.get("title"), spoken(name)).by_locale),
        input=cast(dict[str, Any], given.schema) if given is not None else {},
        output=cast(dict[str, Any], answer.schema) if answer is not None else {},
        messages=messages,
        version=digest[:VERSION_DIGITS],
        examples=tuple(_example(node, given, answer, report) for node in root.listed("examples")),
        variants=tuple(_variant(key, node, scope, report) for key, node in (root.get("variants") or Node({}, root.mark)).entries().items()),
        tier=cast(Any, root.word("tier") or "small"),
        temperature=_number(root, "temperature") or 0.0,
        max_tokens=root.whole("max_tokens") or 512,
        batch=_truth(root, "batch", default=False),
        cache=_truth(root, "cache", default=True),
        data_class=cast(Any, root.word("class") or "internal"),
        check=root.word("check"),
        roles=known_roles(root.listed("roles"), roles, report),
    )


def _check_name(root: Node, name: str, report: Report) -> None:
    written = root.get("name")
    if written is not None and written.text() != name:
        fix = f"Write `name: {name}`, or rename the file"
        report.add(written, "bad_name", "The name is not that of the file", expected=name, got=written.text(), fix=fix)
    if re.fullmatch(APP, name) is None:
        expected = "small letters, digits and dashes, a letter first, at most 40"
        report.add(root, "bad_name", f"A prompt may not be called `{name[:60]}`", expected=expected, fix="Rename the file")


def _schema(node: Node | None, report: Report) -> CompiledSchema | None:
    if node is None or not isinstance(node.value, dict):
        return None
    try:
        return compiled(cast(dict[str, Any], node.plain()))
    except UnsupportedSchema as error:
        report.add(node, "bad_schema", error.detail, expected=error.expected, got=error.got, fix=error.fix)
        return None


def _messages(node: Node, scope: dict[str, Any] | None, report: Report) -> tuple[Message, ...]:
    written = [(child.word("role"), child.get("content")) for child in node.listed("messages")]
    written = written or [(role, node.get(role)) for role in ("system", "user")]
    return tuple(Message(cast(Any, role), _parts(content, scope, report)) for role, content in written if role and content is not None)


def _parts(node: Node, scope: dict[str, Any] | None, report: Report) -> tuple[Part, ...]:
    text = node.text()
    parts, faults = parse_template(text)
    for offset, wrong in faults:
        report.add(node.inside(offset), "bad_template", wrong, where=node.where, expected="{{name}} or {{name.inner}}")
    for part in parts:
        names = names_at(scope, scope, part.path) if scope is not None and part.path else None
        if names is not None:
            path = ".".join(part.path)
            report.add(
                node.inside(max(0, text.find("{{" + path))),
                "unknown_variable",
                f"The input has no `{path[:80]}`",
                where=node.where,
                got=path,
                fix=suggestion(part.path[-1], names),
            )
    return parts


def _variant(name: str, node: Node, scope: dict[str, Any] | None, report: Report) -> Variant:
    weight = node.whole("weight")
    return Variant(
        name,
        100 if weight is None else weight,
        _messages(node, scope, report),
        node.word("model"),
        _number(node, "temperature"),
        node.whole("max_tokens") or 0,
    )


def _example(node: Node, given: CompiledSchema | None, answer: CompiledSchema | None, report: Report) -> Example:
    for key, schema in (("input", given), ("output", answer)):
        child = node.get(key)
        for wrong in _faults(schema, child):
            at = _inner(cast(Node, child), wrong.path)
            detail = f"The example's {key} does not keep its schema at {wrong.path or '/'}: {wrong.sentence}"
            report.add(at, "bad_example", detail, where=at.where, fix="Mend the example or the schema")
    values = {key: child.plain() if (child := node.get(key)) is not None else None for key in ("input", "output")}
    return Example(**values)


def _faults(schema: CompiledSchema | None, node: Node | None) -> Iterable[Violation]:
    return schema.faults(node.plain()) if schema is not None and node is not None else ()


def _inner(node: Node, path: str) -> Node:
    """The node a JSON pointer leads to, as far as it does."""
    for step in path.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        child = node.get(key)
        if child is None and isinstance(node.value, list) and key.isdigit() and int(key) < len(node.value):
            child = node.value[int(key)]
        if child is None:
            break
        node = child
    return node


def _number(node: Node, key: str) -> float | None:
    child = node.get(key)
    return float(child.value) if child is not None and isinstance(child.value, int | float) else None


def _truth(node: Node, key: str, *, default: bool) -> bool:
    child = node.get(key)
    return child.value if child is not None and isinstance(child.value, bool) else default
