"""Join paths: how many rows of one dataset lead to one row of another.

Only many-to-one steps are walked, so a join never multiplies rows. The shortest path wins; among equally short ones
the one with the most preferred relationships; when that is no single one the path is ambiguous, which is a fault.
"""

from __future__ import annotations

from collections.abc import Iterable

from seawall.app.model import Relationship, Semantics
from seawall.core.errors import InvalidInput

Path = tuple[Relationship, ...]
_Level = dict[str, list[tuple[int, Path]]]


class NoPath(InvalidInput):
    """No many-to-one relationships lead from the one dataset to the other."""

    slug = "no-path"


class AmbiguousPath(InvalidInput):
    """Several join paths are equally good. Mark a relationship of one of them as preferred."""

    slug = "ambiguous-path"

    def __init__(self, first: Path, second: Path) -> None:
        self.first, self.second = first, second
        names = " and ".join("→".join(step.name for step in path) for path in (first, second))
        super().__init__(
            f"{first[0].from_} reaches {first[-1].to} over {names}, which are equally good",
            expected="one shortest path",
            fix='Add {"preferred": true} to a relationship of the one you mean',
        )


def join_path(semantics: Semantics, from_dataset: str, to_dataset: str) -> Path:
    """The relationships to follow, none when both are the same dataset. NoPath or AmbiguousPath otherwise."""
    if from_dataset == to_dataset:
        return ()
    steps: dict[str, list[Relationship]] = {}
    for step in semantics.relationships:
        steps.setdefault(step.from_, []).append(step)
    level: _Level = {from_dataset: [(0, ())]}
    seen = {from_dataset}
    while level:
        level = _next_level(steps, level, seen)
        if to_dataset in level:
            return _best(level[to_dataset])
        seen |= set(level)
    raise NoPath(
        f"No many-to-one relationships lead from {from_dataset} to {to_dataset}",
        fix="Add a relationship, or use a field that can be reached",
    )


def _next_level(steps: dict[str, list[Relationship]], level: _Level, seen: set[str]) -> _Level:
    """The datasets one step further, each with its two best paths: two are enough to know of a tie."""
    found: _Level = {}
    for step in (step for name in level for step in steps.get(name, ())):
        if step.to not in seen:
            found.setdefault(step.to, []).extend((preferred + step.preferred, (*path, step)) for preferred, path in level[step.from_])
    return {name: sorted(paths, key=lambda p: -p[0])[:2] for name, paths in found.items()}


def _best(paths: list[tuple[int, Path]]) -> Path:
    if len(paths) > 1 and paths[0][0] == paths[1][0]:
        raise AmbiguousPath(paths[0][1], paths[1][1])
    return paths[0][1]


def reaches(semantics: Semantics, from_dataset: str, to_dataset: str) -> bool:
    """Whether there is a path at all, ambiguous or not."""
    try:
        join_path(semantics, from_dataset, to_dataset)
    except AmbiguousPath:
        return True
    except NoPath:
        return False
    return True


def fact_of(semantics: Semantics, datasets: Iterable[str]) -> str:
    """Of datasets named together in one aggregate, the one that leads to all others. NoPath when there is none."""
    names = sorted(set(datasets))
    facts = [name for name in names if all(reaches(semantics, name, other) for other in names)]
    if not facts:
        raise NoPath(f"None of {', '.join(names)} leads to all the others", fix="Aggregate each dataset by itself and combine the results")
    return facts[0]
