"""One attempt at one provider: the exchange, and what became of it, noted everywhere.

However an attempt ends, `call.usage`, `call.cost` and `call.attempts` tell what was spent and tried, and the provider's breaker hears of
it. Which provider is asked, and whether another is after it, is the caller's to decide (`caller.py`).
"""

from __future__ import annotations

import time
from typing import Any

import msgspec

from seawall.core.clock import Clock
from seawall.core.errors import DeadlineExceeded, SeawallError
from seawall.model_proxy.addresses import Lookup
from seawall.model_proxy.answering import CHARACTERS_A_TOKEN, Answering
from seawall.model_proxy.batches import Batches
from seawall.model_proxy.breaker import Outcome, Permit
from seawall.model_proxy.call import Attempt, Call, Target, Usage
from seawall.model_proxy.failures import AttemptFailed, Failure, judged, refused
from seawall.model_proxy.lanes import Lane
from seawall.model_proxy.media import check_hosts
from seawall.model_proxy.stages import AnswerSink
from seawall.telemetry import spans
from seawall.telemetry.events import event

CHAT = "/chat/completions"
SWAPS_MAX = 16
_encode = msgspec.json.Encoder().encode


class Attempts:
    """Makes attempts, or takes the end of one that was made."""

    def __init__(self, batches: Batches, lookup: Lookup, clock: Clock) -> None:
        self._batches = batches
        self._lookup = lookup
        self._clock = clock

    async def make(self, call: Call, lane: Lane, permit: Permit, answer: AnswerSink) -> Failure | None:
        """What it failed with in a way that another may mend; None: it answered. Raises what is not the provider's doing."""
        receiver = Answering(call, lane.target, answer, lane.way.provider.limits)
        before = call.usage
        started = time.monotonic_ns()
        error: BaseException | None = None
        try:
            await self._exchange(call, lane, receiver)
        except BaseException as raised:  # noqa: BLE001 -- raised again by `over`, unless it was judged
            error = raised
        return self.over(call, lane, permit, receiver, before, started, error)

    def over(
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
        if failure is not None and not receiver.sink.released:
            call.sent_ns = 0  # of a stream that broke off it is told how long its first piece took
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
