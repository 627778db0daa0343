"""The nearest known name to one that is not known."""

from __future__ import annotations

import difflib
import heapq
from collections.abc import Iterable
from functools import lru_cache

NAME_MAX = 80
CANDIDATES_MAX = 40
LISTED_MAX = 8


def suggestion(name: str, known: Iterable[str]) -> str:
    """How to mend an unknown name: the nearest known one, else a few of those there are."""
    names = sorted(set(known))
    if not names:
        return "Declare it first; there is none yet"
    near = _nearest(name[:NAME_MAX], names)
    if near:
        return f"Did you mean `{near}`?"
    listed = ", ".join(f"`{n}`" for n in names[:LISTED_MAX])
    return f"Use one of {listed}" + (f" and {len(names) - LISTED_MAX} more" if len(names) > LISTED_MAX else "")


def _nearest(name: str, names: list[str]) -> str:
    """The closest of the names, or of their last parts; "" when none is close. Only likely ones are compared at length."""
    likely = _likely(name, names)
    near = difflib.get_close_matches(name, likely, n=1, cutoff=0.6)
    if near:
        return near[0]
    bare = {candidate.rpartition(".")[2]: candidate for candidate in likely}
    near = difflib.get_close_matches(name.rpartition(".")[2], bare, n=1, cutoff=0.7)
    return bare[near[0]] if near else ""


def _likely(name: str, names: list[str]) -> list[str]:
    """Those that share most pairs of letters with the name."""
    if len(names) <= CANDIDATES_MAX:
        return names
    pairs = _pairs(name)
    return heapq.nlargest(CANDIDATES_MAX, names, key=lambda candidate: len(pairs & _pairs(candidate)))


@lru_cache(maxsize=16_384)
def _pairs(text: str) -> frozenset[str]:
    text = text[:NAME_MAX]
    return frozenset(text[i : i + 2] for i in range(len(text) - 1))
