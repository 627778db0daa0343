"""A circuit breaker: after a failure nobody waits on a dead dependency, and one caller at a time finds out if it is back.

Pure: it keeps time and state, and leaves calling to others.
"""

from __future__ import annotations

from seawall.core.clock import SYSTEM_CLOCK, Clock


class Breaker:
    """Closed while calls succeed. A failure opens it for `first_seconds`, doubling up to `longest_seconds`."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK, *, first_seconds: float = 0.25, longest_seconds: float = 2.0) -> None:
        self._clock = clock
        self._first = first_seconds
        self._longest = longest_seconds
        self._pause = 0.0
        self._next_probe = 0.0
        self._probing = False

    @property
    def open(self) -> bool:
        """Whether the last call failed."""
        return self._pause > 0.0

    def allow(self) -> bool:
        """Whether to call now. While open, true once a pause: that caller is the probe."""
        if self._pause == 0.0:
            return True
        now = self._clock.monotonic()
        if now < self._next_probe:
            return False
        self._next_probe = now + self._pause  # should the probe never come back, another one follows
        self._probing = True
        return True

    def succeeded(self) -> bool:
        """Close. True when it was open until now, so that the recovery is told once."""
        recovered = self._pause > 0.0
        self._pause = 0.0
        self._probing = False
        return recovered

    def failed(self) -> bool:
        """Open, or after a probe stay open for longer. True when it was closed until now, so that the loss is told once."""
        lost = self._pause == 0.0
        if lost or self._probing:
            self._pause = self._first if lost else min(self._pause * 2, self._longest)
            self._next_probe = self._clock.monotonic() + self._pause
            self._probing = False
        return lost
