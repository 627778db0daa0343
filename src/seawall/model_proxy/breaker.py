"""A circuit breaker for one model at one provider: when too many calls fail or are slow, it is left alone for a while.

Pure: keeps time and counts. Closed, it counts outcomes over a sliding window. Open, it refuses until a pause is over; the pause doubles
with every failed probe. Half open, a bounded number of probes go out at once, and only they decide: all well, closed; one ill, open.
"""

from __future__ import annotations

from typing import Literal

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.model_proxy.config import Breaking

State = Literal["closed", "open", "half-open"]
Permit = Literal["", "call", "probe"]
"""Empty: refused."""
Outcome = Literal["well", "slow", "failed", "unknown"]
"""`unknown`: the call ended for a reason of its own, such as a client that left."""
BUCKETS = 10
LONGEST_FACTOR = 12
"""The longest pause, in first pauses."""


class Breaker:
    """Ask `enter` before a call and tell `leave` its outcome."""

    __slots__ = (
        "_bucket", "_clock", "_failed", "_next_bucket", "_pause", "_probes", "_settings", "_slow", "_total", "_until", "_well", "_width",
        "state",
    )  # fmt: skip

    def __init__(self, settings: Breaking, clock: Clock = SYSTEM_CLOCK) -> None:
        self.state: State = "closed"
        self._settings = settings
        self._clock = clock
        self._width = settings.window / BUCKETS
        self._pause = settings.open
        self._until = 0.0
        self._probes = self._well = 0
        self._forget()

    def enter(self) -> Permit:
        """Whether a call may go out, and as what."""
        if self.state == "closed":
            return "call"
        if self.state == "open":
            if self._clock.monotonic() < self._until:
                return ""
            self.state, self._probes, self._well = "half-open", 0, 0
        if self._probes >= self._settings.probes:
            return ""
        self._probes += 1
        return "probe"

    def leave(self, permit: Permit, outcome: Outcome) -> State | None:
        """Count a call. The new state when it changed, so that it is told once."""
        if permit == "probe":
            return self._probed(outcome)
        if self.state != "closed" or outcome == "unknown":
            return None  # what began before it opened says nothing about now
        self._count(outcome)
        return self._opened() if outcome != "well" and self._too_many() else None

    @property
    def seconds_left(self) -> float:
        """Until the next probe may go out; 0 when one may."""
        return max(0.0, self._until - self._clock.monotonic()) if self.state == "open" else 0.0

    def _probed(self, outcome: Outcome) -> State | None:
        if self.state != "half-open":
            return None
        if outcome == "unknown":
            self._probes = max(0, self._probes - 1)
            return None
        if outcome != "well":
            self._pause = min(self._pause * 2, self._settings.open * LONGEST_FACTOR)
            return self._opened()
        self._well += 1
        if self._well < self._settings.probes:
            return None
        self.state, self._pause = "closed", self._settings.open
        self._forget()
        return "closed"

    def _opened(self) -> State:
        self.state = "open"
        self._until = self._clock.monotonic() + self._pause
        return "open"

    def _forget(self) -> None:
        self._total, self._failed, self._slow = [0] * BUCKETS, [0] * BUCKETS, [0] * BUCKETS
        self._bucket = 0
        self._next_bucket = self._clock.monotonic() + self._width

    def _count(self, outcome: Outcome) -> None:
        now = self._clock.monotonic()
        if now >= self._next_bucket:
            self._turn(now)
        self._total[self._bucket] += 1
        if outcome == "failed":
            self._failed[self._bucket] += 1
        elif outcome == "slow":
            self._slow[self._bucket] += 1

    def _turn(self, now: float) -> None:
        """Go on to the bucket of now, emptying those passed over."""
        steps = int((now - self._next_bucket) / self._width) + 1
        for _ in range(min(steps, BUCKETS)):
            self._bucket = (self._bucket + 1) % BUCKETS
            self._total[self._bucket] = self._failed[self._bucket] = self._slow[self._bucket] = 0
        self._next_bucket += steps * self._width

    def _too_many(self) -> bool:
        total, failed = sum(self._total), sum(self._failed)
        if total < self._settings.least:
            return False
        return failed >= total * self._settings.failures or failed + sum(self._slow) >= total * self._settings.slow
