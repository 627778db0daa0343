"""Time as an argument, so that tests of expiry, retries and back-off finish at once."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two readings: one to compare durations with, one to write down."""

    def monotonic(self) -> float:
        """Seconds that never go back, from an arbitrary start."""

    def time(self) -> float:
        """Seconds since 1970-01-01T00:00Z."""


class SystemClock:
    """The machine's own clocks."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start

    def monotonic(self) -> float:
        """Seconds, as last set."""
        return self._now

    def time(self) -> float:
        """Seconds, as last set."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`."""
        self._now += seconds


SYSTEM_CLOCK = SystemClock()
