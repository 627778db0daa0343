"""A weighted choice that stays with a user. Weighted rendezvous hashing: changing a weight moves only the users it must.

Each variant draws a number in (0, 1) from a hash of the user and itself; the highest `weight / -ln(number)` wins. A variant's share is
its weight's share; raising a weight moves users to that variant alone, and removing one moves only its own users.
Schindelhauer and Schomaker, "Weighted distributed hash tables", SPAA 2005.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec
import xxhash

_SPAN = 1 << 53


class Weighted(msgspec.Struct, frozen=True):
    """One variant of a route."""

    name: str
    weight: int
    seed: int


def weighted(route: str, weights: Mapping[str, int]) -> tuple[Weighted, ...]:
    """The variants that have a weight, ready to be chosen among. A user's luck in one route says nothing of another."""
    return tuple(
        Weighted(name, weight, xxhash.xxh3_64_intdigest(f"{route}\0{name}".encode())) for name, weight in weights.items() if weight > 0
    )


def choose(user: bytes, variants: Sequence[Weighted]) -> Weighted:
    """The user's variant; the same on every machine. There must be one."""
    if len(variants) == 1:
        return variants[0]
    best, highest = variants[0], -1.0
    for variant in variants:
        number = ((xxhash.xxh3_64_intdigest(user, variant.seed) >> 11) + 0.5) / _SPAN
        score = variant.weight / -math.log(number)
        if score > highest:
            best, highest = variant, score
    return best
