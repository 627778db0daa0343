"""A first attempt that nobody awaits, and, where it fails in a way another attempt may mend, the task that makes that."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from seawall.core.errors import DeadlineExceeded
from seawall.model_proxy.answering import Answering
from seawall.model_proxy.attempts import Attempts
from seawall.model_proxy.call import Call, Target
from seawall.model_proxy.failures import Failure
from seawall.model_proxy.lanes import Lane
from seawall.model_proxy.stages import AnswerSink
from seawall.model_proxy.upstream_started import Done
from seawall.telemetry import spans


class Asks(Protocol):
    """The caller's part."""

    attempts: Attempts

    async def others(self, call: Call, targets: Sequence[Target], lane: Lane, failure: Failure, answer: AnswerSink) -> None:
        """Ask others after one that failed; what `Caller.call` would raise."""


class Attempting:
    """The first attempt of a call that nobody awaits; where it fails in a way another attempt may mend, a task makes that."""

    __slots__ = ("_answer", "_before", "_call", "_caller", "_done", "_lane", "_started", "_targets", "_task", "cancel_exchange", "receiver")

    def __init__(self, caller: Asks, call: Call, lane: Lane, targets: Sequence[Target], answer: AnswerSink, done: Done) -> None:
        self.receiver = Answering(call, lane.target, answer, lane.way.provider.limits)
        self.cancel_exchange: Callable[[], None] | None = None
        self._caller, self._call, self._lane, self._targets, self._answer, self._done = caller, call, lane, targets, answer, done
        self._before = call.usage
        self._task: asyncio.Task[None] | None = None
        call.target = lane.target
        self._started = call.sent_ns = self.receiver.sent_ns = time.monotonic_ns()

    def ended(self, error: Exception | None) -> None:
        """The exchange is over."""
        try:
            failure = self._over(error)
            if failure is None:
                self._done(None)
            elif self._answer.released or not failure.elsewhere:
                self._done(failure.error)
            else:
                spans.enter(self._call.span)
                self._task = asyncio.get_running_loop().create_task(self._go_on(failure))
                self._task.add_done_callback(self._stopped)
        except Exception as raised:  # noqa: BLE001 -- told to who waits, whatever it is
            self._done(raised)

    def cancel(self) -> bool:
        """Nobody wants the answer any more. True: the bill is to come, and the end is told with it."""
        if self._task is not None:
            return self._task.cancel()
        if self.cancel_exchange is not None:
            self.cancel_exchange()
            with contextlib.suppress(asyncio.CancelledError):
                self._over(asyncio.CancelledError())
        return False

    def _over(self, error: BaseException | None) -> Failure | None:
        call, lane = self._call, self._lane
        lane.way.queue.leave((time.monotonic_ns() - self._started) / 1e9)
        return self._caller.attempts.over(call, lane, "call", self.receiver, self._before, self._started, error)

    def _stopped(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            self._done(DeadlineExceeded("Nobody waits for the answer any more"))

    async def _go_on(self, failure: Failure) -> None:
        try:
            await self._caller.others(self._call, self._targets, self._lane, failure, self._answer)
        except Exception as error:  # noqa: BLE001 -- told to who waits, whatever it is
            self._done(error)
        else:
            self._done(None)
