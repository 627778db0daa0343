"""A bounded number of queries at once, and a bounded, fair queue before it.

Who came first goes first; who gives up or whose deadline passes leaves the queue; when the queue is full a newcomer is
turned away at once rather than made to wait for nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque

from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded
from seawall.query.errors import EngineUnavailable


class Slots:
    """`concurrency_max` holders, `waiting_max` waiters."""

    def __init__(self, concurrency_max: int, waiting_max: int) -> None:
        self._free = concurrency_max
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._waiting_max = waiting_max

    async def acquire(self, deadline: Deadline) -> None:
        """Wait for a turn. DeadlineExceeded when it does not come in time, EngineUnavailable when too many wait already."""
        deadline.check()
        if self._free > 0 and not self._waiting:
            self._free -= 1
            return
        if len(self._waiting) >= self._waiting_max:
            raise EngineUnavailable("Too many queries are waiting", fix="Try again in a moment")
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await asyncio.wait_for(turn, deadline.remaining())
        except TimeoutError as error:
            raise DeadlineExceeded("No query slot became free in time") from error
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.release()
            raise
        finally:
            if turn in self._waiting:
                self._waiting.remove(turn)

    def release(self) -> None:
        """Give the slot back; the longest waiter gets it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
