"""Work counted in steps: above a number a value is refused, however fast the machine, so no schema and no value can stall a process.

A step is about 5 µs: a keyword looked at for a value, a state of a pattern found, a few instructions of one compiled. Counts are kept by
context: whoever begins a value (an answer, an input) begins a count, and what is done for that value adds to it.
"""

from __future__ import annotations

from contextvars import ContextVar

from seawall.core.schemas.errors import Violation

STEPS_MAX = 100_000
"""For one value; less than a second's work, and an ordinary answer takes hundreds."""


class TooMuch(Violation):
    """Deciding takes more work than a value is worth."""

    def __init__(self, path: str = "", sentence: str = "deciding whether it keeps its schema takes too much work") -> None:
        super().__init__(path, sentence)


class Steps:
    """A count that is left."""

    __slots__ = ("left",)

    def __init__(self, left: int = STEPS_MAX) -> None:
        self.left = left


_current: ContextVar[Steps] = ContextVar("schema_steps")


def begin(steps: Steps | None = None) -> None:
    """Count from here on: anew, or on with `steps`."""
    _current.set(Steps() if steps is None else steps)


def spend(count: int = 1) -> None:
    """Take some steps. TooMuch when none are left."""
    steps = _current.get(None)
    if steps is None:
        return
    steps.left -= count
    if steps.left < 0:
        raise TooMuch
