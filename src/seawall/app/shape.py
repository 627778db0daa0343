"""Shape before meaning: holds a tree to a JSON Schema, reports every breach in words, and cuts the broken parts out.

What `shaped` gives back has the right type wherever a key is present, so that reading goes on and one run finds every
fault; only required keys may still be missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from typing import Any

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from seawall.app.breaches import Path, report_breach
from seawall.app.faults import Report
from seawall.app.schema import app_schema
from seawall.app.schema_semantic import extension_schemas
from seawall.app.yaml_tree import Node

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
            cuts.update(report_breach(leaf, root, report))
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


def _wrong_type_here(error: ValidationError) -> bool:
    if error.validator in ("anyOf", "oneOf"):
        return not error.relative_path and all(_wrong_type_here(e) for e in error.context or ())
    return error.validator in ("type", "enum") and not error.relative_path and not isinstance(error.instance, str)


def _without(node: Node, cuts: set[Path], path: Path) -> Node:
    """The same tree without the nodes at `cuts`; each parent remembers what it lost."""
    if path in cuts:
        return Node(None, node.mark, node.where, node.key)
    if isinstance(node.value, dict):
        lost = tuple(key for key in node.value if (*path, key) in cuts)
        kept = {key: _without(child, cuts, (*path, key)) for key, child in node.value.items() if key not in lost}
        return Node(kept, node.mark, node.where, node.key, lost)
    if isinstance(node.value, list):
        missing = tuple(str(i) for i in range(len(node.value)) if (*path, i) in cuts)
        items = [_without(child, cuts, (*path, i)) for i, child in enumerate(node.value) if (*path, i) not in cuts]
        return Node(items, node.mark, node.where, node.key, missing)
    return node
