"""The call stage: asks candidates until one answers, within the call's deadline and a budget for trying again.

One attempt at a time: the best candidate that is neither resting nor behind an open breaker; after a failure the next one, until each of
the first `CANDIDATES_MAX` was asked once; when all have failed in a way that may pass, the first again after a pause, `retries.attempts`
times less one in all. Once a byte is released to the client nothing is tried again. Cancelling a
call cancels the provider's work. However it ends, `call.usage` and `call.attempts` tell what was spent and tried.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import SeawallError
from seawall.model_proxy.addresses import Lookup, look_up
from seawall.model_proxy.attempting import Attempting
from seawall.model_proxy.attempts import CHAT, Attempts, request_body
from seawall.model_proxy.batches import Batches
from seawall.model_proxy.breaker import Permit
from seawall.model_proxy.cache.memo import EmbeddingMemo
from seawall.model_proxy.call import Call, Target
from seawall.model_proxy.config import Config
from seawall.model_proxy.errors import NoProvider, OverLimit
from seawall.model_proxy.failures import Failure
from seawall.model_proxy.lanes import Lane, lanes
from seawall.model_proxy.repeats import Repeats
from seawall.model_proxy.retry import wait_seconds
from seawall.model_proxy.stages import AnswerSink
from seawall.model_proxy.upstream import Done

CANDIDATES_MAX = 8
"""Of a route's candidates, the first so many may be asked for one call."""
Move = Callable[[Call, Target], Awaitable[bool]]
"""Counts a call at the model it is sent to now; whether that model's own limits let it through."""


class Caller:
    """Calls models. One for a process; close with `close()`."""

    def __init__(
        self,
        config: Config,
        *,
        run: Path,
        environment: Mapping[str, str],
        clock: Clock = SYSTEM_CLOCK,
        lookup: Lookup = look_up,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        memo: EmbeddingMemo | None = None,
        move: Move | None = None,
    ) -> None:
        """`move` is asked before each attempt that `start` does not make."""
        self._retries = config.retries
        self._move = move
        self._clock = clock
        self._sleep = sleep
        self._lanes = lanes(config, run=run, environment=environment, clock=clock, lookup=lookup)
        self._batches = Batches(repeats=Repeats(memo) if memo is not None else None)
        self.attempts = Attempts(self._batches, lookup, clock)

    def close(self) -> None:
        """Let go of every connection; calls in progress are lost."""
        self._batches.close()
        for transport in {id(lane.way): lane.way.transport for lane in self._lanes.values()}.values():
            transport.close()

    def lane(self, model: str) -> Lane:
        """The lane of a model, for health and tests."""
        return self._lanes[model]

    async def call(self, call: Call, targets: Sequence[Target], answer: AnswerSink) -> None:
        """Answer the call through `answer`. What the last attempt failed with, NoProvider, OverLimit or DeadlineExceeded otherwise."""
        if call.surface == "embeddings" and self._batches.known(call, targets[0], answer):
            return
        await self._call(call, Search(targets, self._lanes), answer)

    def start(self, call: Call, targets: Sequence[Target], answer: AnswerSink, done: Done) -> Callable[[], object] | None:
        """`call` without a task, where a place and a connection are free: the request is on its way when this returns.

        `done` is told the end, with what `call` would raise, unless it is cancelled before by a call of what is returned (see
        `stages.Start`). None: nothing was done; use `call`.
        """
        lane = self._lanes[targets[0].id]
        way = lane.way
        seconds = call.deadline.remaining()
        if (
            (call.surface != "chat" and call.together)
            or way.pace is not None
            or lane.breaker.state != "closed"
            or call.remote
            or seconds <= 0.0
        ):
            return None
        now = self._clock.monotonic()
        if lane.rest_until > now or not way.queue.try_enter():
            return None
        attempt = Attempting(self, call, lane, targets, answer, done)
        cancel = None
        try:
            body = request_body(call, lane.target)
            cancel = way.transport.start(CHAT, body, attempt.receiver, way.provider.timeouts, seconds, attempt.ended)
        finally:
            if cancel is None:
                way.queue.forgo()
        if cancel is None:
            return None
        way.budget.earn()
        attempt.cancel_exchange = cancel
        if not call.stream and call.contract is None:
            call.sent = body
        return attempt.cancel

    async def others(self, call: Call, targets: Sequence[Target], lane: Lane, failure: Failure, answer: AnswerSink) -> None:
        """`call`, of which a first attempt was made already and failed."""
        search = Search(targets, self._lanes)
        search.failed(lane, failure)
        await self._call(call, search, answer)

    async def _call(self, call: Call, search: Search, answer: AnswerSink) -> None:
        while True:
            lane, permit = await self._fresh(call, search.left, search.waits)
            if lane is None and search.again < self._retries.attempts:
                lane, permit = await self._again(call, search.left, search.waits, search.again)
                search.again += 1
            if lane is None:
                break
            failure = await self.attempts.make(call, lane, permit, answer)
            if failure is None:
                return
            if answer.released or not failure.elsewhere:
                raise failure.error
            search.failed(lane, failure)
        raise self._none(search.targets) if search.told is None else search.told.error

    # ── choosing ──

    async def _fresh(self, call: Call, left: deque[Lane], waits: Mapping[str, Failure]) -> tuple[Lane | None, Permit]:
        """The best candidate that was not asked yet and may be now."""
        now = self._clock.monotonic()
        for lane in left:
            if lane.target.id not in waits and (permit := lane.enter(now)) and await self._moved(call, lane, permit):
                lane.way.budget.earn()
                return lane, permit
        return None, ""

    async def _again(self, call: Call, left: deque[Lane], waits: Mapping[str, Failure], again: int) -> tuple[Lane | None, Permit]:
        """One that failed before, after a pause: what it asked for. A place among a breaker's probes is taken only then."""
        for lane in left:
            if lane.target.id not in waits or lane.breaker.seconds_left:
                continue
            failure = waits[lane.target.id]
            seconds = wait_seconds(again, failure.wait, chance=failure.draw)
            if seconds > self._retries.wait or seconds >= call.deadline.remaining() or not lane.way.budget.spend(failure.calls):
                continue
            await self._sleep(seconds)
            if (permit := lane.breaker.enter()) and await self._moved(call, lane, permit):
                return lane, permit
        return None, ""

    async def _moved(self, call: Call, lane: Lane, permit: Permit) -> bool:
        """Whether the limits of its model let the call through; else the breaker's permit goes back."""
        moved = self._move is None
        try:
            moved = self._move is None or await self._move(call, lane.target)
        finally:
            if not moved:
                lane.breaker.leave(permit, "unknown")
        return moved

    def _none(self, targets: Sequence[Target]) -> SeawallError:
        """Why nobody was asked, and when to come again."""
        now = self._clock.monotonic()
        chosen = [self._lanes[target.id] for target in targets]
        full = min(lane.seconds_full(now) for lane in chosen)
        if full > 0.0:
            return OverLimit("The provider takes no more calls for now", retry_after=max(1.0, full), fix="Try again later")
        error = NoProvider("The providers of this model fail too often and are left alone for a while", fix="Try again later")
        error.retry_after = max(1.0, min(max(lane.seconds_full(now), lane.breaker.seconds_left) for lane in chosen))
        return error


class Search:
    """Which candidates are left, and what those asked have said."""

    __slots__ = ("again", "left", "targets", "told", "waits")

    def __init__(self, targets: Sequence[Target], lanes: Mapping[str, Lane]) -> None:
        self.targets = targets
        self.left = deque([lanes[target.id] for target in targets[:CANDIDATES_MAX]])
        self.waits: dict[str, Failure] = {}
        """What those that may be asked again failed with."""
        self.told: Failure | None = None
        self.again = 1
        """The number of the next try again."""

    def failed(self, lane: Lane, failure: Failure) -> None:
        """An attempt failed, and another may help."""
        if self.told is None or self.told.fault != "limit" or failure.fault == "limit":
            self.told = failure  # a limit is what the client can do something about
        self.left.remove(lane)
        if failure.again:
            self.left.append(lane)
            self.waits[lane.target.id] = failure
