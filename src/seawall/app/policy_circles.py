"""Row policies that need each other: to show rows of one dataset they would look at another, whose policy looks at the first."""

from __future__ import annotations

from seawall.app.model import Policy, Semantics
from seawall.app.paths import AmbiguousPath, NoPath, join_path
from seawall.app.vocabulary import Vocabulary
from seawall.app.yaml_tree import Node


def check_circles(policies: dict[str, Policy], node: Node, words: Vocabulary) -> None:
    """Report each circle once, where the rows of its first dataset are restricted."""
    needs = {name: _needed(policy, words.semantics) for name, policy in policies.items()}
    told: set[str] = set()
    for name in policies:
        circle = _circle(name, needs)
        if circle and name not in told:
            told |= {*circle}
            at = node.entries()[name]
            words.report.add(
                at.get("rows") or at,
                "policy_circle",
                f"The row policies of {' and '.join(f'`{each}`' for each in circle)} need each other",
                expected="row policies over fields of datasets that do not look back",
                got=" → ".join((*circle, name)),
                fix=f"Restrict one of them by a field of its own, such as a column of `{name}` itself",
            )


def _needed(policy: Policy, semantics: Semantics) -> tuple[str, ...]:
    """The datasets that a policy reads beside its own: all on the way to its fields."""
    found: dict[str, None] = {}
    for row in policy.rows:
        try:
            found |= {step.to: None for step in join_path(semantics, policy.dataset, row.field.partition(".")[0])}
        except (NoPath, AmbiguousPath):
            continue
    return tuple(found)


def _circle(start: str, needs: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The shortest way from a dataset back to itself, without its end; none when there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for each in needs.get(way[-1], ()):
            if each == start:
                return way
            if each not in seen:
                seen.add(each)
                ways.append((*way, each))
    return ()
