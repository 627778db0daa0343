"""Roles and policies of app.yaml → who may see what. Deny by default: a dataset without a policy is a fault."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import cast

from seawall.app import names
from seawall.app.faults import Report
from seawall.app.masks import check_masks
from seawall.app.model import Operator, Policy, Role, RowPolicy
from seawall.app.policy_circles import check_circles
from seawall.app.scalars import NULL_TESTS
from seawall.app.suggest import suggestion
from seawall.app.vocabulary import Vocabulary
from seawall.app.where import typed_values
from seawall.app.yaml_tree import Mark, Node


def read_roles(node: Node | None, report: Report) -> dict[str, Role]:
    """Every role; unknown parents and circles are reported."""
    entries = node.entries() if node else {}
    roles = {name: Role(name, tuple(parent.text() for parent in child.listed("extends"))) for name, child in entries.items()}
    circular: set[str] = set()
    for name, child in entries.items():
        known_roles(child.listed("extends"), roles, report)
        ancestors = _ancestors(name, roles)
        if name in ancestors and name not in circular:
            circular |= ancestors
            report.add(
                child.key_mark(),
                "role_cycle",
                f"The role `{name}` extends itself, by way of others",
                where=child.where,
                fix="Break the circle",
            )
    return roles


def known_roles(nodes: Iterable[Node], roles: Iterable[str], report: Report) -> tuple[str, ...]:
    """The roles named; unknown ones are reported."""
    known = tuple(roles)
    named = list(nodes)
    for node in named:
        if node.text() not in known:
            report.add(
                node,
                "unknown_role",
                f"There is no role `{node.text()[:80]}`",
                expected="a role of `roles`",
                got=node.text(),
                fix=suggestion(node.text(), known),
            )
    return tuple(node.text() for node in named)


def _ancestors(name: str, roles: dict[str, Role]) -> set[str]:
    found: set[str] = set()
    waiting = list(roles[name].extends)
    while waiting:
        parent = waiting.pop()
        if parent in roles and parent not in found:
            found.add(parent)
            waiting.extend(roles[parent].extends)
    return found


def read_policies(node: Node | None, roles: dict[str, Role], words: Vocabulary) -> dict[str, Policy]:
    """The rule of every dataset; datasets without one are reported where they were declared."""
    entries = node.entries() if node else {}
    known = words.semantics.datasets
    for name, child in entries.items():
        if name not in known:
            fix = suggestion(name, known)
            words.report.add(
                child.key_mark(), "unknown_dataset", f"There is no dataset `{name[:80]}`", where=child.where, got=name, fix=fix
            )
    for name in known:
        if node is None or not node.has(name):
            fix = f"Add `policies: {{{name}: {{}}}}` to app.yaml to show all its rows to every role, or state who may see what"
            words.report.add(
                words.places[f"dataset {name}"],
                "dataset_without_policy",
                f"The dataset `{name}` has no policy",
                expected="a rule in app.yaml",
                fix=fix,
            )
    policies = {name: _policy(name, child, roles, words) for name, child in entries.items() if name in known}
    check_masks(policies, roles, node or Node({}, Mark("")), words)
    check_circles(policies, node or Node({}, Mark("")), words)
    return policies


def _policy(dataset: str, node: Node, roles: dict[str, Role], words: Vocabulary) -> Policy:
    rows = node.get("rows")
    mask = {}
    for name, child in (node.get("mask") or Node({}, node.mark)).entries().items():
        if name not in words.semantics.datasets[dataset].fields:
            fix = suggestion(name, words.refs(dataset))
            words.report.add(
                child.key_mark(), "unknown_field", f"`{dataset}` has no field `{name[:80]}` to mask", where=child.where, got=name, fix=fix
            )
        mask[name] = known_roles(child.listed("unless"), roles, words.report)
    return Policy(
        dataset=dataset,
        roles=known_roles(node.listed("roles"), roles, words.report),
        rows=tuple(found for child in (rows.items() if rows else ()) if (found := _row_policy(dataset, child, roles, words)) is not None),
        mask=mask,
    )


def _row_policy(dataset: str, node: Node, roles: dict[str, Role], words: Vocabulary) -> RowPolicy | None:
    unless = known_roles(node.listed("unless"), roles, words.report)
    member, op_node = node.get("member"), node.get("op")
    found = words.field(member, home=dataset) if member else None
    if member is None or op_node is None or found is None:
        return None
    words.reach(member, (dataset,), found.dataset, f"The policy of `{dataset}`")
    if len(words.engines((dataset, found.dataset))) > 1:
        detail = f"The policy of `{dataset}` would need a field of another database"
        words.report.add(member, "mixed_engines", detail, got=found.ref, fix=f"Use a field of `{dataset}` itself")
    op = cast(Operator, op_node.text())
    attribute, values = node.get("attribute"), _values(node)
    if sum(node.has(key) for key in ("attribute", "value", "values")) != (op not in NULL_TESTS):
        expected = "none of `attribute`, `value`, `values`" if op in NULL_TESTS else "exactly one of `attribute`, `value` and `values`"
        words.report.add(
            node,
            "bad_row_policy",
            f"The condition on `{member.text()}` compares with nothing, or with too much",
            expected=expected,
            fix="State one",
        )
        return None
    for value in values:
        if re.search(names.ATTRIBUTE, value.text()):
            detail, fix = f"This compares with the words `{value.text()}`, not with what a user has", f"Write `attribute: {value.text()}`"
            words.report.add(value, "bad_row_policy", detail, expected="`attribute`", got=value.text(), fix=fix)
    typed = typed_values(values, op, found, op_node, words.report)
    return RowPolicy(found.ref, op, attribute.text() if attribute else "", typed or (), unless)


def _values(node: Node) -> list[Node]:
    return [child for key in ("value", "values") if (holder := node.get(key)) is not None for child in holder.items()]
