"""The call stage: asks candidates until one answers, within the call's deadline and a budget for trying again.

One attempt at a time: the best candidate that is neither resting nor behind an open breaker; after a failure the next one; when all have
failed in a way that may pass, the first again after a pause. Once a byte is released to the client nothing is tried again. Cancelling a
call cancels the provider's work. However it ends, `call.usage` and `call.attempts` tell what was spent and tried.
"""

from __future__ import annotations

import asyncio
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
from seawall.model_proxy.repeats import Repeats
from seawall.model_proxy.retry import wait_seconds
from seawall.model_proxy.stages import AnswerSink
from seawall.telemetry.events import event

CHAT = "/chat/completions"
SWAPS_MAX = 16
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
    ) -> None:
        self._retries = config.retries
        self._clock = clock
        self._sleep = sleep
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
        left = deque([self._lanes[target.id] for target in targets])
        waits: dict[str, float | None] = {}
        told: Failure | None = None
        for again in range(self._retries.attempts):
            lane, permit = self._fresh(left, waits)
            if lane is None:
                lane, permit = await self._again(call, left, waits, again)
            if lane is None:
                break
            failure = await self._attempt(call, lane, permit, answer)
            if failure is None:
                return
            if answer.released or not failure.elsewhere:
                raise failure.error
            if told is None or told.fault != "limit" or failure.fault == "limit":
                told = failure  # a limit is what the client can do something about
            left.remove(lane)
            if failure.again:
                left.append(lane)
                waits[lane.target.id] = failure.wait
        raise self._none(targets) if told is None else told.error

    # ── choosing ──

    def _fresh(self, left: deque[Lane], waits: Mapping[str, float | None]) -> tuple[Lane | None, Permit]:
        """The best candidate that was not asked yet and may be now."""
        now = self._clock.monotonic()
        for lane in left:
            if lane.target.id not in waits and (permit := lane.enter(now)):
                lane.way.budget.earn()
                return lane, permit
        return None, ""

    async def _again(self, call: Call, left: deque[Lane], waits: Mapping[str, float | None], again: int) -> tuple[Lane | None, Permit]:
        """One that failed before, after a pause: what it asked for. A place among a breaker's probes is taken only then."""
        for lane in left:
            if lane.target.id not in waits or lane.breaker.seconds_left:
                continue
            seconds = wait_seconds(again, waits[lane.target.id])
            if seconds > self._retries.wait or seconds >= call.deadline.remaining() or not lane.way.budget.spend():
                continue
            await self._sleep(seconds)
            if permit := lane.breaker.enter():
                return lane, permit
        return None, ""

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
        receiver = Answering(call, lane.target, answer)
        outcome: Outcome = "unknown"
        failure: Failure | None = None
        before = call.usage
        started = time.monotonic_ns()
        try:
            await self._exchange(call, lane, receiver)
            if 200 <= receiver.status < 300:
                receiver.finish()
            else:
                way = lane.way
                failure = refused(way.provider.id, receiver.status, receiver.headers, receiver.refusal(), way.key)
            outcome = _outcome(lane, receiver, failure)
        except AttemptFailed as failed:
            failure = failed.failure
            outcome = _outcome(lane, receiver, failure)
        except SeawallError as error:
            if receiver.error is error:  # a filter of ours, not the provider
                outcome = "well"
                raise
            failure = judged(DeadlineExceeded("The model did not answer in time") if call.deadline.expired() else error)
            outcome = _outcome(lane, receiver, failure)
        finally:
            self._leave(lane, permit, outcome, failure)
            self._settle(call, lane, receiver, before, failure, started, cancelled=failure is None and outcome == "unknown")
        return failure

    async def _exchange(self, call: Call, lane: Lane, receiver: Answering) -> None:
        call.target = lane.target
        if call.surface == "embeddings":
            call.sent_ns = receiver.sent_ns = time.monotonic_ns()
            await self._batches.embed(call, lane, receiver)
            return
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

    def _leave(self, lane: Lane, permit: Permit, outcome: Outcome, failure: Failure | None) -> None:
        """What an attempt says about its provider."""
        changed = lane.breaker.leave(permit, outcome)
        if changed is not None:
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
            event("provider.model_swapped", model=lane.target.id, asked=lane.target.model, answered=model)


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
