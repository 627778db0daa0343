"""Waiting for a busy provider, or for something of ours: bounded, by turns among tenants, and refused early when waiting would be in vain.

Deficit round robin (Shreedhar and Varghese, 1995): each tenant that waits has a line of its own; a turn lets it spend a quantum of tokens.
When the room is full a tenant that has fewer waiting than another takes the place of that one's newest. What is refused is told when to
come again, from how long calls have taken lately.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict, deque

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded
from seawall.model_proxy.config import Queueing
from seawall.model_proxy.errors import OverLimit

QUANTUM = 1_000
"""Tokens a turn."""
COST_MAX = 32 * QUANTUM
"""A call counts for no more, so that finding the next is quick."""
_WEIGHT = 0.1
"""Of the newest call in the average of how long calls take."""
RETRY_AFTER_MAX = 60.0


class _Waiting:
    __slots__ = ("cost", "future", "tenant", "until")

    def __init__(self, tenant: str, cost: int, until: float, future: asyncio.Future[None]) -> None:
        self.tenant = tenant
        self.cost = cost
        self.until = until
        self.future = future


class _Line:
    __slots__ = ("calls", "credit")

    def __init__(self) -> None:
        self.calls: deque[_Waiting] = deque()
        self.credit = 0


class FairQueue:
    """`places` calls at once. `try_enter` or `enter`, then `leave`."""

    def __init__(self, places: int, settings: Queueing, clock: Clock = SYSTEM_CLOCK, *, name: str = "The provider") -> None:
        """`name`: of what is waited for, as those who are refused read it."""
        self._free = places
        self._places = places
        self._settings = settings
        self._clock = clock
        self._name = name
        self._lines: OrderedDict[str, _Line] = OrderedDict()
        self._waiting = 0
        self._seconds = 0.0
        """How long calls take, on average."""

    @property
    def waiting(self) -> int:
        """Calls in line."""
        return self._waiting

    @property
    def busy(self) -> int:
        """Places taken."""
        return self._places - self._free

    def try_enter(self) -> bool:
        """Take a free place, if there is one and nobody waits for it."""
        if self._free > 0 and not self._waiting:
            self._free -= 1
            return True
        return False

    async def enter(self, tenant: str, cost: int, deadline: Deadline) -> None:
        """Wait for a place. OverLimit when the room is full, the wait would be too long, or was; DeadlineExceeded."""
        if self.try_enter():
            return
        seconds = min(self._settings.seconds, deadline.remaining())
        self._make_room(tenant, seconds)
        waiting = _Waiting(
            tenant, max(1, min(cost, COST_MAX)), self._clock.monotonic() + seconds, asyncio.get_running_loop().create_future()
        )
        self._lines.setdefault(tenant, _Line()).calls.append(waiting)
        self._waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await waiting.future
        except TimeoutError:
            self._forget(waiting)
            deadline.check()
            raise self._refusal("had no place for this call in time") from None
        except asyncio.CancelledError:
            self._forget(waiting)
            raise

    def leave(self, seconds: float) -> None:
        """Give a place back after a call that took `seconds`; the next in line has it at once."""
        self._seconds = seconds if self._seconds == 0.0 else self._seconds + _WEIGHT * (seconds - self._seconds)
        self._free += 1
        if self._waiting:
            self._admit()

    def forgo(self) -> None:
        """Give back a place that was not used."""
        self._free += 1
        if self._waiting:
            self._admit()

    def retry_after(self) -> float:
        """Seconds until those now in line will have been served, roughly; at least 1."""
        return float(min(RETRY_AFTER_MAX, max(1, math.ceil((self._waiting + 1) * self._seconds / self._places))))

    # ── inside ──

    def _make_room(self, tenant: str, seconds: float) -> None:
        if seconds <= 0.0:
            raise DeadlineExceeded
        mine = len(self._lines[tenant].calls) if tenant in self._lines else 0
        turns = (mine + 1) * max(1, len(self._lines) + (mine == 0)) / self._places * self._seconds
        if turns > seconds and self._waiting >= self._places:
            raise self._refusal("is busy for longer than this call may wait")
        if self._waiting < self._settings.waiting:
            return
        name, longest = max(self._lines.items(), key=lambda item: len(item[1].calls), default=("", _Line()))
        if len(longest.calls) <= mine + 1:
            raise self._refusal("has as many calls in line as it may")
        newest = longest.calls[-1]
        self._remove(name, newest)
        if not newest.future.done():
            newest.future.set_exception(self._refusal("has as many calls in line as it may"))

    def _refusal(self, why: str) -> OverLimit:
        return OverLimit(f"{self._name} {why}", retry_after=self.retry_after(), fix="Try again later")

    def _admit(self) -> None:
        """Give free places to those whose turn it is."""
        while self._free > 0 and self._waiting:
            following = self._next()
            if not following.future.done() and self._clock.monotonic() < following.until:
                self._free -= 1
                following.future.set_result(None)

    def _next(self) -> _Waiting:
        """Take out the next in line. There must be one."""
        while True:
            tenant, line = next(iter(self._lines.items()))
            head = line.calls[0]
            if line.credit >= head.cost:
                line.credit -= head.cost
                self._remove(tenant, head)
                return head
            line.credit += QUANTUM
            self._lines.move_to_end(tenant)

    def _remove(self, tenant: str, waiting: _Waiting) -> None:
        line = self._lines[tenant]
        line.calls.remove(waiting)
        self._waiting -= 1
        if not line.calls:
            del self._lines[tenant]  # and its credit: who does not wait saves nothing up

    def _forget(self, waiting: _Waiting) -> None:
        """Its caller is gone: out of the line, or the place it was just given goes on."""
        line = self._lines.get(waiting.tenant)
        if line is not None and waiting in line.calls:
            self._remove(waiting.tenant, waiting)
        elif waiting.future.done() and not waiting.future.cancelled() and waiting.future.exception() is None:
            self._free += 1
            self._admit()
