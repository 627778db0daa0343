"""What the finders of personal data and secrets answer."""

from __future__ import annotations

import string
from collections.abc import Iterable

import msgspec


class Found(msgspec.Struct, frozen=True):
    """A stretch of a text that is personal or secret."""

    id: str
    """`pii.email`, `secret.aws-key`."""
    start: int
    end: int


_SHAPES = bytes.maketrans(
    bytes(range(256)),
    bytes(ord("0" if chr(code) in string.digits else "a" if chr(code) in string.ascii_letters else " ") for code in range(256)),
)


def raw(text: str) -> bytes:
    """A byte a character; what is not ASCII is `?`."""
    return text.encode("ascii", "replace")


def shape(raw: bytes) -> bytes:
    """Letters as `a`, digits as `0`, the rest as spaces: tells cheaply what cannot be in a text."""
    return raw.translate(_SHAPES)


def apart(found: Iterable[Found]) -> list[Found]:
    """Those that do not overlap, in their order; of two that do, the one that begins first, or else is longer."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda each: (each.start, -each.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept
