"""Faults that only echo another: what was declared in a part that could not be read is not missing where it is used.

A part that is broken is reported where it is. Until it is mended nobody can say what it would have declared, so nothing is said
about names that it may have held.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from seawall.app.faults import Fault
from seawall.app.folder import APP_FILE
from seawall.app.yaml_tree import Node

MODEL = "model"
"""A whole semantic model is lost."""
_OF_MODEL = frozenset({"unknown_dataset", "unknown_field", "unknown_metric", "unknown_column", "needs_time", "not_groupable"})


def lost_in_model(tree: Node | None) -> Iterator[str]:
    """What a semantic file, already shaped, would have declared: `model`, `datasets`, `metrics`, `fields DATASET`."""
    models = tree.get("semantic_model") if tree is not None else None
    if models is None or models.broken:
        yield MODEL
        return
    for model in models.items():
        yield from (key for key in ("datasets", "metrics") if _is_lost(model, key))
        yield from (f"fields {dataset.word('name')}" for dataset in model.listed("datasets") if _is_lost(dataset, "fields"))


def lost_in_app(root: Node) -> Iterator[str]:
    """What app.yaml, already shaped, would have declared: `policies`, `roles`, `role NAME`."""
    if root.get("policies") is None:
        yield "policies"
    roles = root.get("roles")
    if roles is None:
        yield "roles"
    yield from (f"role {name}" for name in (roles.broken if roles is not None else ()))


def without_echoes(faults: Iterable[Fault], lost: Iterable[str]) -> tuple[Fault, ...]:
    """The faults that say something of their own."""
    known = frozenset(lost)
    return tuple(fault for fault in faults if not _is_echo(fault, known))


def _is_lost(node: Node, key: str) -> bool:
    child = node.get(key)
    return key in node.broken or (child is not None and bool(child.broken))


def _is_echo(fault: Fault, lost: frozenset[str]) -> bool:
    if MODEL in lost and fault.file == APP_FILE and fault.code in _OF_MODEL:
        return True
    match fault.code:
        case "unknown_dataset":
            return "datasets" in lost
        case "unknown_metric":
            return "metrics" in lost
        case "unknown_field":
            return _may_be_lost(fault.got, lost)
        case "unknown_role":
            return "roles" in lost or f"role {fault.got}" in lost
        case "dataset_without_policy":
            return "policies" in lost
    return False


def _may_be_lost(name: str, lost: frozenset[str]) -> bool:
    """Whether a field may have been declared in what was lost; a name without its dataset in any of it."""
    dataset, dot, _ = name.partition(".")
    if dot:
        return f"fields {dataset}" in lost
    return any(part.startswith("fields ") for part in lost)
