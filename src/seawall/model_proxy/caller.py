"""The call stage: asks candidates until one answers, within the call's deadline and a budget for trying again.

One attempt at a time: the best candidate that is neither resting nor behind an open breaker; after a failure the next one, until each of
the first `CANDIDATES_MAX` was asked once; when all have failed in a way that may pass, the first again after a pause, `retries.attempts`
times less one in all. Once a byte is released to the client nothing is tried again. Cancelling a
call cancels the provider's work. However it ends, `call.usage` and `call.attempts` tell what was spent and tried.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import DeadlineExceeded, SeawallError
from seawall.model_proxy.addresses import Lookup, look_up
from seawall.model_proxy.answering import CHARACTERS_A_TOKEN, Answering
from seawall.model_proxy.batches import Batches
from seawall.model_proxy.breaker import Outcome, Permit
from seawall.model_proxy.cache.memo import EmbeddingMemo
from seawall.model_proxy.call import Attempt, Call, Target, Usage
from seawall.model_proxy.config import Config
from seawall.model_proxy.errors import NoProvider, OverLimit
from seawall.model_proxy.failures import AttemptFailed, Failure, judged, refused
from seawall.model_proxy.lanes import Lane, lanes
from seawall.model_proxy.media import check_hosts
from seawall.model_proxy.repeats import Repeats
from seawall.model_proxy.retry import wait_seconds
from seawall.model_proxy.stages import AnswerSink
from seawall.model_proxy.upstream import Done
from seawall.telemetry import spans
from seawall.telemetry.events import event

CHAT = "/chat/completions"
SWAPS_MAX = 16
CANDIDATES_MAX = 8
"""Of a route's candidates, the first so many may be asked for one call."""
Move = Callable[[Call, Target], Awaitable[bool]]
"""Counts a call at the model it is sent to now; whether that model's own limits let it through."""
_encode = msgspec.json.Encoder().encode


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
        self._lookup = lookup
        self._lanes = lanes(config, run=run, environment=environment, clock=clock, lookup=lookup)
        self._batches = Batches(repeats=Repeats(memo) if memo is not None else None)

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

    def start(self, call: Call, targets: Sequence[Target], answer: AnswerSink, done: Done) -> Callable[[], None] | None:
        """`call` without a task, where a place and a connection are free: the request is on its way when this returns.

        `done` is told the end, with what `call` would raise, unless it is cancelled before by a call of what is returned. None: nothing
        was done; use `call`.
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

    async def _call(self, call: Call, search: Search, answer: AnswerSink) -> None:
        while True:
            lane, permit = await self._fresh(call, search.left, search.waits)
            if lane is None and search.again < self._retries.attempts:
                lane, permit = await self._again(call, search.left, search.waits, search.again)
                search.again += 1
            if lane is None:
                break
            failure = await self._attempt(call, lane, permit, answer)
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

    # ── one attempt ──

    async def _attempt(self, call: Call, lane: Lane, permit: Permit, answer: AnswerSink) -> Failure | None:
        receiver = Answering(call, lane.target, answer, lane.way.provider.limits)
        before = call.usage
        started = time.monotonic_ns()
        error: BaseException | None = None
        try:
            await self._exchange(call, lane, receiver)
        except BaseException as raised:  # noqa: BLE001 -- raised again by `_over`, unless it was judged
            error = raised
        return self._over(call, lane, permit, receiver, before, started, error)

    def _over(
        self, call: Call, lane: Lane, permit: Permit, receiver: Answering, before: Usage, started: int, error: BaseException | None
    ) -> Failure | None:
        """What became of an attempt, noted everywhere. Raises what is not the provider's doing."""
        outcome: Outcome = "unknown"
        failure: Failure | None = None
        try:
            if error is not None:
                raise error
            if 200 <= receiver.status < 300:
                receiver.finish()
            else:
                way = lane.way
                failure = refused(way.provider.id, receiver.status, receiver.headers, receiver.refusal(), way.key)
            outcome = _outcome(lane, receiver, failure)
        except AttemptFailed as failed:
            failure = failed.failure
            outcome = _outcome(lane, receiver, failure)
        except SeawallError as raised:
            if receiver.error is raised:  # a filter of ours, not the provider
                outcome = "well"
                raise
            failure = judged(DeadlineExceeded("The model did not answer in time") if call.deadline.expired() else raised)
            outcome = _outcome(lane, receiver, failure)
        finally:
            self._leave(call, lane, permit, "unknown" if receiver.beside else outcome, failure)
            self._settle(call, lane, receiver, before, failure, started, cancelled=failure is None and outcome == "unknown")
        return failure

    async def _exchange(self, call: Call, lane: Lane, receiver: Answering) -> None:
        call.target = lane.target
        if call.surface == "embeddings":
            call.sent_ns = receiver.sent_ns = time.monotonic_ns()
            await self._batches.embed(call, lane, receiver)
            return
        if call.remote:
            await check_hosts(call.remote, self._lookup)
        queue = lane.way.queue
        if not queue.try_enter():
            await queue.enter(call.caller.tenant if call.caller else "", len(call.request.body) // CHARACTERS_A_TOKEN, call.deadline)
        call.sent_ns = receiver.sent_ns = time.monotonic_ns()
        try:
            seconds = call.deadline.remaining()
            if seconds <= 0.0:
                raise DeadlineExceeded
            await lane.way.transport.exchange(CHAT, request_body(call, lane.target), receiver, lane.way.provider.timeouts, seconds)
        finally:
            queue.leave((time.monotonic_ns() - receiver.sent_ns) / 1e9)

    def _leave(self, call: Call, lane: Lane, permit: Permit, outcome: Outcome, failure: Failure | None) -> None:
        """What an attempt says about its provider."""
        changed = lane.breaker.leave(permit, outcome)
        if changed is not None:
            spans.enter(call.span)
            event("provider.breaker_turned", model=lane.target.id, state=changed)
        if failure is not None and failure.fault == "limit" and failure.wait is not None:
            lane.rest_until = self._clock.monotonic() + failure.wait

    def _settle(
        self, call: Call, lane: Lane, receiver: Answering, before: Usage, failure: Failure | None, started: int, *, cancelled: bool
    ) -> None:
        """What was spent, also by a client that vanished: tokens of every attempt and round add up, each at its model's price."""
        if 200 <= receiver.status < 300 or (cancelled and receiver.sent_ns):
            used = receiver.usage()
            call.cost += lane.target.cost(used)
            call.usage = _sum(before, used)
            if lane.way.pace is not None:
                lane.way.pace.spent(used.input + used.output)
        if receiver.swapped:
            self._note_swap(call, lane, receiver.swapped)
        error = failure.error.slug if failure is not None else "cancelled" if cancelled else ""
        status = failure.status if failure is not None else receiver.status
        call.attempts.append(Attempt(lane.target.id, status, error, (time.monotonic_ns() - started) / 1e6))

    def _note_swap(self, call: Call, lane: Lane, model: str) -> None:
        call.span.set("gen_ai.response.model", model)
        if model not in lane.swaps and len(lane.swaps) < SWAPS_MAX:
            lane.swaps.add(model)
            spans.enter(call.span)
            event("provider.model_swapped", model=lane.target.id, asked=lane.target.model, answered=model)


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


class Attempting:
    """The first attempt of a call that nobody awaits; where it fails in a way another attempt may mend, a task makes that."""

    __slots__ = ("_answer", "_before", "_call", "_caller", "_done", "_lane", "_started", "_targets", "_task", "cancel_exchange", "receiver")

    def __init__(self, caller: Caller, call: Call, lane: Lane, targets: Sequence[Target], answer: AnswerSink, done: Done) -> None:
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
                search = Search(self._targets, self._caller._lanes)
                search.failed(self._lane, failure)
                self._task = asyncio.get_running_loop().create_task(self._go_on(search))
        except Exception as raised:  # noqa: BLE001 -- told to who waits, whatever it is
            self._done(raised)

    def cancel(self) -> None:
        """Nobody wants the answer any more."""
        if self._task is not None:
            self._task.cancel()
        elif self.cancel_exchange is not None:
            self.cancel_exchange()
            with contextlib.suppress(asyncio.CancelledError):
                self._over(asyncio.CancelledError())

    def _over(self, error: BaseException | None) -> Failure | None:
        call, lane = self._call, self._lane
        lane.way.queue.leave((time.monotonic_ns() - self._started) / 1e9)
        return self._caller._over(call, lane, "call", self.receiver, self._before, self._started, error)

    async def _go_on(self, search: Search) -> None:
        try:
            await self._caller._call(self._call, search, self._answer)
        except Exception as error:  # noqa: BLE001 -- told to who waits, whatever it is
            self._done(error)
        else:
            self._done(None)


def _outcome(lane: Lane, receiver: Answering, failure: Failure | None) -> Outcome:
    """What an attempt says about its provider; a fault of ours or the caller's says nothing, but being slow does."""
    if failure is not None and failure.ill:
        return "failed"
    if receiver.sent_ns and (receiver.first_ns or time.monotonic_ns()) - receiver.sent_ns > lane.slow_ns:
        return "slow"
    return "well" if failure is None or failure.fault == "caller" else "unknown"


def _sum(left: Usage, right: Usage) -> Usage:
    if not left.input and not left.output:
        return right
    return Usage(left.input + right.input, left.output + right.output, left.cached + right.cached, left.estimated or right.estimated)


def request_body(call: Call, target: Target) -> bytes:
    """What is sent: the screened body with the provider's name for the model; of a stream the usage is always asked for."""
    body: dict[str, Any] = {**call.body, "model": target.model}
    if call.stream:
        given = body.get("stream_options")
        body["stream_options"] = {**(given if isinstance(given, dict) else {}), "include_usage": True}
    return _encode(body)
