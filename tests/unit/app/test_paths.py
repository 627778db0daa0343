"""Joins follow many-to-one relationships along the one best path."""

from __future__ import annotations

import pytest

from seawall.app.model import Relationship, Semantics
from seawall.app.paths import AmbiguousPath, NoPath, fact_of, join_path, reaches


def semantics(*steps: str) -> Semantics:
    """Relationships written `a>b`, or `a>b!` when preferred; each is named by its number."""
    made = []
    for number, step in enumerate(steps):
        from_, _, to = step.rstrip("!").partition(">")
        made.append(Relationship(str(number), from_, to, ("id",), ("id",), step.endswith("!")))
    return Semantics({}, tuple(made), {})


def names(model: Semantics, start: str, end: str) -> str:
    """The numbers of the relationships on the path."""
    return "".join(step.name for step in join_path(model, start, end))


def test_the_shortest_path_wins() -> None:
    """A direct relationship is taken before a detour, and none at all at home."""
    model = semantics("a>b", "b>c", "a>c")
    assert names(model, "a", "c") == "2"
    assert names(model, "a", "a") == ""


def test_relationships_are_never_walked_backwards() -> None:
    """One-to-many would multiply rows, so there is no such path."""
    with pytest.raises(NoPath):
        join_path(semantics("a>b"), "b", "a")
    assert not reaches(semantics("a>b", "c>b"), "a", "c")


def test_equally_short_paths_are_ambiguous_unless_one_is_preferred() -> None:
    """Two relationships between the same datasets, and diamonds, need a preference."""
    for steps in (("a>b", "a>b"), ("a>b", "a>c", "b>d", "c>d")):
        with pytest.raises(AmbiguousPath) as caught:
            join_path(semantics(*steps), "a", steps[-1][-1])
        assert caught.value.first != caught.value.second
    assert names(semantics("a>b", "a>b!"), "a", "b") == "1"
    assert names(semantics("a>b", "a>c", "b>d", "c>d!"), "a", "d") == "13"
    with pytest.raises(AmbiguousPath):
        join_path(semantics("a>b!", "a>b!"), "a", "b")


def test_circles_end() -> None:
    """Relationships that lead back are walked once."""
    assert names(semantics("a>b", "b>a", "b>c"), "a", "c") == "02"
    with pytest.raises(NoPath):
        join_path(semantics("a>b", "b>a"), "a", "z")


def test_many_diamonds_take_no_time() -> None:
    """Thirty diamonds in a row have a milliard paths; two of each are looked at."""
    steps = [step for i in range(30) for step in (f"n{i}>l{i}", f"n{i}>r{i}", f"l{i}>n{i + 1}", f"r{i}>n{i + 1}")]
    with pytest.raises(AmbiguousPath):
        join_path(semantics(*steps), "n0", "n30")
    preferred = [step + "!" if step.startswith("n") and ">l" in step else step for step in steps]
    assert len(join_path(semantics(*preferred), "n0", "n30")) == 60


def test_the_fact_of_an_aggregate_leads_to_the_others() -> None:
    """An aggregate over several datasets is computed on the one that reaches the rest."""
    model = semantics("sales>products", "products>brands", "visits>stores")
    assert fact_of(model, ["brands", "sales", "products"]) == "sales"
    with pytest.raises(NoPath):
        fact_of(model, ["sales", "visits"])
