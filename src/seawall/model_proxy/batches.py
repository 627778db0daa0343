"""Embeddings of several requests in one: those that come within a few milliseconds and want the same of the same model travel together.

Bounded by texts and characters. Each request gets its own vectors back, and its share of the tokens by length. When a batch is refused for
what it holds, each of its requests is sent alone, so that one ill text fails nobody else. Texts that are remembered do not travel.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded, SeawallError
from seawall.model_proxy.answering import Answering, Unreadable
from seawall.model_proxy.call import Call, Piece, Target, Whole
from seawall.model_proxy.failures import AttemptFailed, Failure, Together, judged, refused
from seawall.model_proxy.lanes import Lane
from seawall.model_proxy.repeats import Repeats
from seawall.model_proxy.stages import AnswerSink
from seawall.model_proxy.upstream_exchange import Control

WINDOW_SECONDS = 0.002
TEXTS_MAX = 128
CHARACTERS_MAX = 400_000
PATH = "/embeddings"
_encode = msgspec.json.Encoder(order="sorted").encode


class Batches:
    """The batches of a process."""

    def __init__(self, window_seconds: float = WINDOW_SECONDS, repeats: Repeats | None = None) -> None:
        self._window = window_seconds
        self._repeats = repeats
        self._open: dict[bytes, _Batch] = {}
        self._running: set[asyncio.Task[None]] = set()

    def known(self, call: Call, target: Target, sink: AnswerSink) -> bool:
        """Answer a request whose texts were all embedded before; False: somebody has to be asked."""
        remembered = self._repeats.look(call, target) if self._repeats is not None else None
        if remembered is None or remembered.missing:
            return False
        call.target, call.served = target, "cache"
        Answering(call, target, sink).body(remembered.body())
        return True

    async def embed(self, call: Call, lane: Lane, receiver: Answering) -> None:
        """Answer one request for embeddings. AttemptFailed, DeadlineExceeded."""
        remembered = self._repeats.look(call, lane.target) if self._repeats is not None else None
        if remembered is not None and not remembered.missing:  # a fallback that was asked before
            receiver.beside, receiver.status = True, 200
            call.sent_ns = receiver.sent_ns = 0
            receiver.body(remembered.body())
            return
        given = remembered.missing if remembered is not None else call.body.get("input")
        member = _Member(call, given, asyncio.get_running_loop().create_future())
        if remembered is not None:
            receiver.asked_characters = member.characters
        batch = self._join(member, lane)
        try:
            async with asyncio.timeout(call.deadline.remaining()):
                body = await member.future
        except TimeoutError:
            raise DeadlineExceeded("The model did not answer in time") from None
        except asyncio.CancelledError:
            if not member.under_way:
                call.sent_ns = receiver.sent_ns = 0  # who leaves pays for nothing that was not sent
            raise
        finally:
            receiver.beside = not member.tells
            batch.left()
        receiver.status = 200
        receiver.first_ns = time.monotonic_ns()
        if remembered is None:
            receiver.body(body)
            return
        receiver.body(remembered.merged(body))
        if not receiver.swapped:
            remembered.keep(body)

    def close(self) -> None:
        """Give up what is under way."""
        for task in tuple(self._running):
            task.cancel()

    def _join(self, member: _Member, lane: Lane) -> _Batch:
        rest = {name: value for name, value in member.call.body.items() if name != "input"}
        key = _encode([lane.target.id, member.kind, rest])
        batch = self._open.get(key)
        if batch is not None and not batch.takes(member):
            self._go(key, batch)
            batch = None
        if batch is None:
            batch = self._open[key] = _Batch(lane, rest)
            batch.timer = asyncio.get_running_loop().call_later(self._window, self._go, key, batch)
        batch.add(member)
        if member.kind == "alone":
            self._go(key, batch)
        return batch

    def _go(self, key: bytes, batch: _Batch) -> None:
        """Send a batch; nobody joins it any more."""
        if self._open.get(key) is batch:
            del self._open[key]
        if batch.timer is not None:
            batch.timer.cancel()
        batch.task = asyncio.get_running_loop().create_task(batch.run())
        self._running.add(batch.task)
        batch.task.add_done_callback(self._running.discard)


class _Member:
    """One request in a batch."""

    __slots__ = ("call", "characters", "future", "given", "kind", "tells", "texts", "under_way")

    def __init__(self, call: Call, given: Any, future: asyncio.Future[dict[str, Any]]) -> None:  # noqa: ANN401 -- what a client sent
        self.call = call
        self.given = given
        self.future = future
        self.texts: list[Any] = [given]
        self.tells = False
        """It tells the breaker what became of the batch: one of its members does."""
        self.under_way = False
        """A provider works on it, or has answered: it is paid for."""
        self.kind = "alone"
        """`texts`, `tokens` (lists of numbers), or what cannot be joined with others."""
        if isinstance(given, str):
            self.kind = "texts"
        elif isinstance(given, list) and given:
            self._read(given)
        self.characters = sum(len(text) for text in self.texts if isinstance(text, str | list))
        if len(self.texts) > TEXTS_MAX or self.characters > CHARACTERS_MAX:
            self.kind = "alone"

    def _read(self, given: list[Any]) -> None:
        if all(isinstance(one, str) for one in given):
            self.kind, self.texts = "texts", given
        elif all(isinstance(one, int) for one in given):
            self.kind = "tokens"
        elif all(isinstance(one, list) for one in given):
            self.kind, self.texts = "tokens", given


class _Batch:
    """Requests that travel together."""

    def __init__(self, lane: Lane, rest: dict[str, Any]) -> None:
        self.timer: asyncio.TimerHandle | None = None
        self.task: asyncio.Task[None] | None = None
        self._lane = lane
        self._rest = rest
        self._members: list[_Member] = []
        self._texts = self._characters = 0

    def takes(self, member: _Member) -> bool:
        """Whether one more fits in."""
        return self._texts + len(member.texts) <= TEXTS_MAX and self._characters + member.characters <= CHARACTERS_MAX

    def add(self, member: _Member) -> None:
        """One more."""
        self._members.append(member)
        self._texts += len(member.texts)
        self._characters += member.characters

    def left(self) -> None:
        """A request is answered or its client gone: when all are gone, so is the work."""
        if self.task is not None and all(member.future.done() for member in self._members):
            self.task.cancel()

    async def run(self) -> None:
        """Send, and answer every member."""
        members = [member for member in self._members if not member.future.done()]
        if not members:
            return
        try:
            await self._answer_all(members)
        except Exception as error:  # noqa: BLE001 -- the edge of a task: whoever waits must hear of it
            for member in members:
                if not member.future.done():
                    member.future.set_exception(error)

    async def _answer_all(self, members: list[_Member]) -> None:
        failure = await self._answer(members)
        if failure is not None and failure.fault == "caller" and len(members) > 1:
            for member in members:
                if not member.future.done():
                    await self._answer_alone(member)
        elif failure is not None:
            _fail(members, failure)

    async def _answer_alone(self, member: _Member) -> None:
        failure = await self._answer([member])
        if failure is not None:
            _fail([member], failure)

    async def _answer(self, members: list[_Member]) -> Failure | None:
        try:
            shares = _shares(await self._send(members), members)
        except BaseException as error:
            for member in members:
                member.under_way = False
            if isinstance(error, AttemptFailed):
                return error.failure
            if isinstance(error, SeawallError):
                return judged(error)
            raise
        _chosen(members)
        for member, share in zip(members, shares, strict=True):
            if not member.future.done():
                member.future.set_result(share)
        return None

    async def _send(self, members: list[_Member]) -> dict[str, Any]:
        lane, way, first = self._lane, self._lane.way, members[0].call
        given = members[0].given if len(members) == 1 else [text for member in members for text in member.texts]
        body = _encode({**self._rest, "model": lane.target.model, "input": given})
        deadline = max((member.call.deadline for member in members), key=Deadline.remaining)
        caught = _Caught()
        receiver = Answering(first, lane.target, caught, lane.way.provider.limits)
        if not way.queue.try_enter():
            await way.queue.enter(first.caller.tenant if first.caller else "", self._characters // 4, deadline)
        started = time.monotonic_ns()
        for member in members:
            member.under_way = True
        try:
            await way.transport.exchange(PATH, body, receiver, way.provider.timeouts, deadline.remaining())
        finally:
            way.queue.leave((time.monotonic_ns() - started) / 1e9)
        if not 200 <= receiver.status < 300:
            raise AttemptFailed(refused(way.provider.id, receiver.status, receiver.headers, receiver.refusal(), way.key))
        receiver.finish()
        if caught.answer is None:
            raise Unreadable
        return caught.answer.body


class _Caught:
    """A sink that keeps the whole answer of a batch."""

    def __init__(self) -> None:
        self.released = False
        self.control: Control | None = None
        self.answer: Whole | None = None

    def stream(self, piece: Piece) -> None:
        """Embeddings do not come so."""
        raise Unreadable("Embeddings came as a stream")

    def whole(self, answer: Whole) -> None:
        """Keep it."""
        self.answer = answer


def _fail(members: Sequence[_Member], failure: Failure) -> None:
    _chosen(members)
    told = msgspec.structs.replace(failure, together=Together(len(members), random.random()))  # noqa: S311 -- a pause
    for member in members:
        if not member.future.done():
            member.future.set_exception(AttemptFailed(told))


def _chosen(members: Sequence[_Member]) -> None:
    """One request was made, so one of its members tells of it: the first that still waits."""
    teller = next((member for member in members if not member.future.done()), None)
    if teller is not None:
        teller.tells = True


def _shares(body: dict[str, Any], members: Sequence[_Member]) -> list[dict[str, Any]]:
    """A batch's answer, taken apart. Unreadable when it does not have a vector for each text."""
    data = body["data"]
    ordered: dict[int, dict[str, Any]] = {one["index"]: one for one in data if isinstance(one, dict) and isinstance(one.get("index"), int)}
    if sorted(ordered) != list(range(sum(len(member.texts) for member in members))) or len(ordered) != len(data):
        raise Unreadable("The provider's answer does not have an embedding for each text")
    tokens = _tokens_of(body, members)
    shares, at = [], 0
    for member, count in zip(members, tokens, strict=True):
        own = [{**ordered[at + index], "index": index} for index in range(len(member.texts))]
        at += len(member.texts)
        usage = {} if count is None else {"usage": {"prompt_tokens": count, "total_tokens": count}}
        shares.append({**{name: value for name, value in body.items() if name != "usage"}, "data": own, **usage})
    return shares


def _tokens_of(body: dict[str, Any], members: Sequence[_Member]) -> list[int | None]:
    """Each member's part of the tokens counted, by length; their sum is what was counted."""
    usage = body.get("usage")
    total = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    if not isinstance(total, int) or total < 0:
        return [None] * len(members)
    length = sum(member.characters for member in members) or 1
    parts, given, seen = [], 0, 0
    for member in members:
        seen += member.characters
        upto = total * seen // length
        parts.append(upto - given)
        given = upto
    return [*parts[:-1], parts[-1] + total - given]
