"""Ways around a mask: another field over the same column, here or at the other end of a relationship."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.app.expressions import columns_of, parse_expression
from seawall.app.model import Field, Policy
from seawall.app.vocabulary import Vocabulary
from seawall.app.yaml_tree import Node


def check_masks(policies: dict[str, Policy], node: Node, words: Vocabulary) -> None:
    """Report every field that shows what a mask hides, at the mask."""
    for name, policy in policies.items():
        fields = words.semantics.datasets[name].fields
        for masked in policy.mask:
            if masked in fields:
                _check_mask(fields[masked], policies, node.entries()[name].entries()["mask"].entries()[masked], words)


def _check_mask(masked: Field, policies: dict[str, Policy], at: Node, words: Vocabulary) -> None:
    hidden = _columns(masked)
    for dataset, columns in [(masked.dataset, hidden), *_joined(masked.dataset, hidden, words)]:
        policy = policies.get(dataset)
        if policy is None or (policy.roles and dataset != masked.dataset):
            continue
        for field in words.semantics.datasets[dataset].fields.values():
            if field.name not in policy.mask and _columns(field) & columns:
                detail = f"`{field.ref}` shows a column that the mask of `{masked.ref}` hides"
                words.report.add(at.key_mark(), "mask_leaks", detail, where=at.where, got=field.expression, fix=f"Mask `{field.ref}` too")


def _joined(dataset: str, hidden: frozenset[str], words: Vocabulary) -> Iterator[tuple[str, frozenset[str]]]:
    """The columns of other datasets that are the hidden ones, by the same table or by a relationship that holds them equal."""
    source = words.semantics.datasets[dataset].source
    yield from ((name, hidden) for name, other in words.semantics.datasets.items() if name != dataset and other.source == source)
    for step in words.semantics.relationships:
        pairs = list(zip(step.from_columns, step.to_columns, strict=False))
        if step.from_ == dataset:
            yield step.to, frozenset(to for from_, to in pairs if from_ in hidden)
        elif step.to == dataset:
            yield step.from_, frozenset(from_ for from_, to in pairs if to in hidden)


def _columns(field: Field) -> frozenset[str]:
    """The physical columns a field is made of; none when its expression is broken."""
    return frozenset(name for _, name in columns_of(parse_expression(field.expression))) if field.expression else frozenset()
