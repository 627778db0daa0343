"""Ways around a mask or a row policy: another field over the same column, another dataset over the same table.

A mask leaks when somebody sees another field over one of its columns and does not see the masked field: in the same dataset,
in another over the same table, or at any end of relationships that hold the columns equal. A row policy leaks when somebody
who must obey it may read the same table through another dataset that does not hold it.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from seawall.app.audiences import Audience, Audiences, readers, viewers
from seawall.app.expressions import parse_expression
from seawall.app.model import Dataset, Field, Policy, Role, RowPolicy, Semantics
from seawall.app.paths import AmbiguousPath, NoPath, join_path
from seawall.app.physical import Column, SameColumns, siblings
from seawall.app.vocabulary import Vocabulary
from seawall.app.yaml_tree import Node

_Shown = dict[Column, dict[Audience, list[Field]]]
"""Column → who sees it → by which fields."""


def check_masks(policies: dict[str, Policy], roles: dict[str, Role], node: Node, words: Vocabulary) -> None:
    """Report every field that shows what a mask hides, at the mask, and every dataset that shows rows another hides, at its policy."""
    audiences, same = Audiences(roles), SameColumns(words.semantics)
    shown = _shown(policies, same, words.semantics)
    for name, policy in policies.items():
        fields = words.semantics.datasets[name].fields
        for masked in policy.mask:
            if masked in fields:
                at = node.entries()[name].entries()["mask"].entries()[masked]
                _check_mask(
                    fields[masked], viewers(policy, masked), (shown[column] for column in same.of(fields[masked])), audiences, at, words
                )
    for group in siblings(words.semantics.datasets.values()):
        _check_group([dataset for dataset in group if dataset.name in policies], policies, audiences, node, words)


def _shown(policies: dict[str, Policy], same: SameColumns, semantics: Semantics) -> _Shown:
    found: _Shown = {}
    for name, policy in policies.items():
        for field in semantics.datasets[name].fields.values():
            for column in same.of(field):
                found.setdefault(column, {}).setdefault(viewers(policy, field.name), []).append(field)
    return found


def _check_mask(
    masked: Field, guarded: Audience, shown: Iterable[dict[Audience, list[Field]]], audiences: Audiences, at: Node, words: Vocabulary
) -> None:
    for by_audience in shown:
        for audience, fields in by_audience.items():
            leaks_to = audiences.beyond(audience, guarded)
            for field in fields if leaks_to else ():
                detail = f"`{field.ref}` shows {_spoken(leaks_to)} a column that the mask of `{masked.ref}` hides"
                fix = f"Mask `{field.ref}` too, unless for roles that see `{masked.ref}`"
                words.report.add(at.key_mark(), "mask_leaks", detail, where=at.where, got=field.expression, fix=fix)


def _check_group(group: list[Dataset], policies: dict[str, Policy], audiences: Audiences, node: Node, words: Vocabulary) -> None:
    """Datasets over one table: each must show a person only rows that the others' policies show the same person."""
    for guarded, other in ((guarded, other) for guarded in group for other in group if other is not guarded):
        for row in policies[guarded.name].rows:
            free = _free_of(row, guarded, other, policies[other.name], words.semantics)
            leaks_to = audiences.beyond(free, frozenset({frozenset(row.unless)}))
            if leaks_to:
                at = node.entries()[other.name]
                detail = f"`{other.name}` shows {_spoken(leaks_to)} rows of `{other.source}` that the policy of `{guarded.name}` hides"
                fix = f"Give `{other.name}` the same condition on `{row.field}`, or only roles that see every row of `{guarded.name}`"
                words.report.add(at.key_mark(), "rows_leak", detail, where=at.where, got=f"{row.field} {row.op}", fix=fix)


def _free_of(row: RowPolicy, guarded: Dataset, other: Dataset, policy: Policy, semantics: Semantics) -> Audience:
    """Who reads `other` without the condition that `row` is for `guarded`."""
    meaning = _meaning(row, guarded, semantics)
    return readers(policy) | {frozenset(each.unless) for each in policy.rows if _meaning(each, other, semantics) == meaning}


def _meaning(row: RowPolicy, dataset: Dataset, semantics: Semantics) -> object:
    """A condition without the names that datasets over one table give to the same things. Equal meanings show equal rows."""
    field = semantics.field(row.field)
    test = (row.op, row.attribute, row.values, field.datatype)
    if field.dataset == dataset.name:
        return test, _bare(field)
    try:
        path = join_path(semantics, dataset.name, field.dataset)
    except (NoPath, AmbiguousPath):
        return dataset.name, row
    return test, row.field, tuple((_small(step.from_columns), step.to, _small(step.to_columns)) for step in path)


def _bare(field: Field) -> str:
    """A field's expression, the case of its columns aside."""
    if not field.expression:
        return field.ref
    tree = parse_expression(field.expression)
    for name in tree.find_all(exp.Identifier):
        name.set("this", name.name.casefold())
    return tree.sql()


def _small(columns: Iterable[str]) -> tuple[str, ...]:
    return tuple(column.casefold() for column in columns)


def _spoken(roles: tuple[str, ...]) -> str:
    return " with ".join(f"`{role}`" for role in roles)
