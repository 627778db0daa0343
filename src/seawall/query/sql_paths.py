"""Many-to-one paths between datasets, in words that name nothing the principal did not name himself."""

from __future__ import annotations

from seawall.app.model import Relationship, Semantics
from seawall.app.paths import AmbiguousPath, NoPath, join_path
from seawall.query.errors import InvalidQuery


def path_between(semantics: Semantics, start: str, end: str) -> tuple[Relationship, ...]:
    """The relationships from `start` to `end`, empty when they are the same. InvalidQuery when there is no single path."""
    if start == end:
        return ()
    try:
        return join_path(semantics, start, end)
    except NoPath as error:
        raise unreachable(start, end) from error
    except AmbiguousPath as error:
        raise InvalidQuery(f"Several paths of equal length lead from {start} to {end}", fix="Mark one relationship as preferred") from error


def reaches(semantics: Semantics, start: str, end: str) -> bool:
    """Whether every row of `start` has at most one row of `end`."""
    try:
        path_between(semantics, start, end)
    except InvalidQuery:
        return False
    return True


def unreachable(start: str, end: str) -> InvalidQuery:
    """What to say when rows of `start` have no single row of `end`."""
    return InvalidQuery(
        f"{start} cannot be grouped or filtered by {end}",
        expected=f"a many-to-one relationship from {start} to {end}",
        fix="Ask for another field, or add the relationship",
    )
