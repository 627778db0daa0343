"""How long a request may still take, carried from the gateway to the last query.

On the wire a deadline is the header `seawall-timeout-ms`: the milliseconds left when it was sent, as a whole number
(the form of `grpc-timeout`, so that clocks of two machines need not agree).
"""

from __future__ import annotations

import msgspec

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import DeadlineExceeded

HEADER = "seawall-timeout-ms"
PAGE_BUDGET_MS = 300.0
"""Objective for a page or API answer at the 95th percentile (playbook P11)."""
DEADLINE_FACTOR = 3.0
"""A request's limit is three times its objective (playbook P3)."""
TIMEOUT_MS_MAX = 60_000.0
MODEL_TIMEOUT_MS_MAX = 600_000.0
"""A model may write for minutes."""


class Deadline(msgspec.Struct, frozen=True):
    """A point on the monotonic clock after which the next rung is served."""

    at: float
    clock: Clock = SYSTEM_CLOCK

    @classmethod
    def after(cls, seconds: float, clock: Clock = SYSTEM_CLOCK) -> Deadline:
        """The deadline `seconds` from now."""
        return cls(clock.monotonic() + seconds, clock)

    @classmethod
    def from_header(
        cls,
        value: str | None,
        *,
        default_ms: float = PAGE_BUDGET_MS * DEADLINE_FACTOR,
        most_ms: float = TIMEOUT_MS_MAX,
        clock: Clock = SYSTEM_CLOCK,
    ) -> Deadline:
        """What the caller allows; its default when the header is absent or nonsense. Never more than `most_ms`."""
        timeout_ms = default_ms
        if value is not None and value.isdecimal() and len(value) <= 6:
            timeout_ms = float(value)
        return cls(clock.monotonic() + (timeout_ms if timeout_ms < most_ms else most_ms) / 1000, clock)

    def remaining(self) -> float:
        """Seconds left, never below zero."""
        left = self.at - self.clock.monotonic()
        return left if left > 0.0 else 0.0

    def expired(self) -> bool:
        """Whether nothing is left."""
        return self.clock.monotonic() >= self.at

    def check(self) -> None:
        """Raise DeadlineExceeded when nothing is left."""
        if self.expired():
            raise DeadlineExceeded

    def header(self) -> str:
        """What to send on: whole milliseconds left."""
        return str(int(self.remaining() * 1000))
