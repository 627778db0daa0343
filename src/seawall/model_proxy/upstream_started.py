"""An exchange that nobody awaits: it begins in the turn of the event loop that asked for it, and its end is told by a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from seawall.core.errors import DeadlineExceeded
from seawall.model_proxy.upstream_errors import ConnectionLost
from seawall.model_proxy.upstream_exchange import Exchange, Lost, Receiver

STALE_SECONDS = 1.0
"""A kept connection lost this soon after a request was written to it had been closed before."""
Done = Callable[[Exception | None], None]
"""Told that an exchange has ended, well when there is no error. Never raises."""


class Sends(Protocol):
    """What is needed of a pool: another connection."""

    async def exchanged(self, request: bytes, receiver: Receiver, times: tuple[float, float, float], started: float) -> None:
        """An exchange on a connection of its own; see `Pool.send`."""


class Started(Exchange):
    """An exchange on a kept connection whose end is told by a call. `cancel` ends it, and nothing is told any more."""

    __slots__ = ("_began", "_done", "_pool", "_request", "_task")

    def __init__(
        self,
        pool: Sends,
        request: bytes,
        receiver: Receiver,
        done: Done,
        first_byte_seconds: float,
        idle_seconds: float,
        total_seconds: float,
    ) -> None:
        self._began = asyncio.get_running_loop().time()
        Exchange.__init__(
            self, receiver, first_byte_seconds, idle_seconds, self._began + total_seconds
        )  # `super()` takes as long as all this
        self._pool = pool
        self._request = request
        self._done: Done | None = done
        self._task: asyncio.Task[None] | None = None

    def settle(self, error: Exception | None) -> None:
        """See Exchange."""
        if isinstance(error, Lost):
            if not error.any_byte and self._done is not None and asyncio.get_running_loop().time() - self._began < STALE_SECONDS:
                self._task = asyncio.get_running_loop().create_task(self._again())
                self._task.add_done_callback(self._stopped)
                return
            error = broke_off(error)
        self._tell(error)

    def cancel(self) -> None:
        """The answer is not wanted any more."""
        self._done = None
        if self._task is not None:
            self._task.cancel()
        elif self.connection is not None:
            self.connection.abort()

    async def _again(self) -> None:
        """The connection had been closed before: a fresh one."""
        times = (self.first_byte_seconds, self.idle_seconds, self.total_due)
        try:
            await self._pool.exchanged(self._request, self.receiver, times, self._began)
        except Exception as error:  # noqa: BLE001 -- whatever `send` would raise, the receiver's own as well
            self._tell(error)
        else:
            self._tell(None)

    def _stopped(self, task: asyncio.Task[None]) -> None:
        """One that was cancelled, as all are that wait for a connection when the pool is closed, has told nobody."""
        if task.cancelled():
            self._tell(DeadlineExceeded("The service is stopping"))

    def _tell(self, error: Exception | None) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(error)


def broke_off(lost: Lost) -> ConnectionLost:
    """What is told of a connection that was lost."""
    return ConnectionLost("The provider closed the connection before its answer ended", after_first_byte=lost.any_byte)
