"""A bounded number of queries at once, and a bounded, fair queue before it.

Who came first goes first; who gives up or whose deadline passes leaves the queue; when the queue is full a newcomer is
turned away at once rather than made to wait for nothing. Short queries go one after the other, which has each of them done
sooner than side by side; a long one is soon no longer waited for.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque

from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded
from seawall.query.errors import EngineUnavailable

PATIENCE_SECONDS = 0.1


class Slots:
    """`concurrency_max` holders, `waiting_max` waiters.

    Of the holders `at_once` (default: all) are let in as they come, further ones when nobody was for `patience_seconds`.
    """

    def __init__(
        self, concurrency_max: int, waiting_max: int, *, at_once: int | None = None, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._held = 0
        self._held_max = concurrency_max
        self._at_once = at_once or concurrency_max
        self._patience_seconds = patience_seconds
        self._let_in_at = -math.inf
        """On the loop's clock."""
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._waiting_max = waiting_max
        self._timer: asyncio.TimerHandle | None = None

    @property
    def free(self) -> int:
        """How many more there may be."""
        return self._held_max - self._held

    async def acquire(self, deadline: Deadline) -> None:
        """Wait for a turn. DeadlineExceeded when it does not come in time, EngineUnavailable when too many wait already."""
        deadline.check()
        loop = asyncio.get_running_loop()
        if not self._waiting and self._has_room(loop.time()):
            self._take(loop.time())
            return
        if len(self._waiting) >= self._waiting_max:
            raise EngineUnavailable("Too many queries are waiting", fix="Try again in a moment")
        turn = loop.create_future()
        self._waiting.append(turn)
        self._look_again()
        try:
            async with asyncio.timeout(deadline.remaining()):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.release()
            if isinstance(error, TimeoutError):
                raise DeadlineExceeded("No query slot became free in time") from error
            raise
        finally:
            if turn in self._waiting:
                self._waiting.remove(turn)

    def release(self) -> None:
        """Give the slot back; the longest waiter gets it."""
        self._held -= 1
        self._let_in(asyncio.get_running_loop().time())

    def _has_room(self, now: float) -> bool:
        if self._held < self._at_once:
            return True
        return self._held < self._held_max and now >= self._let_in_at + self._patience_seconds

    def _take(self, now: float) -> None:
        self._held += 1
        self._let_in_at = now

    def _let_in(self, now: float) -> None:
        while self._waiting and self._has_room(now):
            turn = self._waiting.popleft()
            if not turn.done():
                self._take(now)
                turn.set_result(None)
        self._look_again()

    def _look_again(self) -> None:
        """When those who were let in last have had their time; earlier, a release does."""
        if self._timer is None and self._waiting and self._held < self._held_max:
            due = self._let_in_at + self._patience_seconds
            self._timer = asyncio.get_running_loop().call_at(due, self._look, due)

    def _look(self, due: float) -> None:
        """A loop may call a hair too early, by as much as its clock can tell."""
        self._timer = None
        self._let_in(max(due, asyncio.get_running_loop().time()))
