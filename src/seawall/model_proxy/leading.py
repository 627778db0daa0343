"""An answer that is brought for everybody on a flight. The work outlives the client that asked first, while others wait.

Guarantees that the flight ends, well or with what went wrong, and that `done` holds and `on_done` is called only when the provider's part
is accounted for: what the call cost is known then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Protocol

from seawall.core.errors import SeawallError
from seawall.model_proxy.answer import Source
from seawall.model_proxy.cache.flights import Flight
from seawall.model_proxy.call import Call
from seawall.model_proxy.errors import ContractBroken
from seawall.telemetry import spans


class Ways(Protocol):
    """How an answer is brought: the pipeline's part."""

    def begin(self, call: Call, source: Source, done: Callable[[Exception | None], None]) -> Callable[[], object] | None:
        """Without waiting. None: nothing was begun."""

    async def bring(self, call: Call, source: Source) -> None:
        """To its end."""

    async def look(self, call: Call, source: Source) -> None:
        """See a long answer to its end."""

    async def mend(self, call: Call, source: Source, error: ContractBroken) -> None:
        """Ask again for an answer that broke its contract."""


class Elsewhere(Protocol):
    """Whether another process has the answer: the cache's part."""

    def ask(self, call: Call, told: Callable[[bool | None], None]) -> bool:
        """Without waiting: `told` hears whether the flight has its answer; None: `fetch` it. False: nothing was asked, `fetch` it."""

    async def fetch(self, call: Call) -> object | None:
        """The answer, given to everybody on the flight; None: the model is to be asked."""


class Leading:
    """The work of one flight. Begins at once, with the question whether another process has the answer."""

    __slots__ = ("_call", "_cancel", "_elsewhere", "_flight", "_source", "_task", "_ways", "done", "on_done")

    def __init__(self, call: Call, flight: Flight, source: Source, ways: Ways, elsewhere: Elsewhere) -> None:
        self._call, self._flight, self._source, self._ways, self._elsewhere = call, flight, source, ways, elsewhere
        self._cancel: Callable[[], object] | None = None
        self.done = False
        self.on_done: Callable[[], None] | None = None
        self._task: asyncio.Task[None] | None = None
        flight.control = source
        flight.on_deserted = self.cancel
        if not elsewhere.ask(call, self._heard):
            self._start(self._lead())

    def cancel(self) -> None:
        """Nobody wants the answer any more."""
        if self._cancel is not None:
            if not self._cancel():
                self._end(asyncio.CancelledError())
        elif self._task is not None:
            self._task.cancel()
        else:
            self._end(asyncio.CancelledError())

    def _start(self, work: Coroutine[None, None, None]) -> None:
        self._task = asyncio.get_running_loop().create_task(work)
        self._task.add_done_callback(self._stopped)

    def _stopped(self, task: asyncio.Task[None]) -> None:
        """A task is over. One that was cancelled before its first step has not even said so."""
        if task.cancelled():
            self._end(asyncio.CancelledError())

    def _heard(self, found: bool | None) -> None:
        """What other processes have said."""
        if self.done:
            return
        try:
            if found:
                self._end(None)
            elif found is None:
                self._start(self._lead())
            else:
                self._cancel = self._ways.begin(self._call, self._source, self._back)
                if self._cancel is None and not self.done:
                    self._start(self._see(partial(self._ways.bring, self._call, self._source)))
        except Exception as error:  # noqa: BLE001 -- told to everybody who waits
            self._end(error)

    async def _see(self, work: Callable[[], Awaitable[None]]) -> None:
        spans.enter(self._call.span)
        try:
            await work()
        except BaseException as error:
            self._end(error)
            if not isinstance(error, Exception):
                raise
        else:
            self._end(None)

    async def _lead(self) -> None:
        spans.enter(self._call.span)
        try:
            if await self._elsewhere.fetch(self._call) is None:
                self._cancel = self._ways.begin(self._call, self._source, self._back)
                if self._cancel is not None:
                    return
                await self._ways.bring(self._call, self._source)
        except BaseException as error:
            self._end(error)
            if not isinstance(error, Exception):
                raise
        else:
            self._end(None)

    def _back(self, error: Exception | None) -> None:
        """The provider's part is over."""
        self._cancel = None
        try:
            if error is not None:
                raise error
            if self._source.late is not None:
                self._start(self._see(partial(self._ways.look, self._call, self._source)))
                return
            self._source.finish()
        except ContractBroken as broken:
            self._start(self._see(partial(self._ways.mend, self._call, self._source, broken)))
        except Exception as failed:  # noqa: BLE001 -- told to everybody who waits
            self._end(failed)
        else:
            self._end(None)

    def _end(self, error: BaseException | None) -> None:
        if self.done:
            return
        self.done = True
        self._task = self._cancel = None
        if not self._flight.ended:
            self._flight.fail(error or SeawallError("The answer has no end"))
        self._flight.on_deserted = self._flight.control = None  # so that nothing is left that holds itself
        on_done, self.on_done = self.on_done, None
        if on_done is not None:
            on_done()
