"""Calls of one prompt by one caller that come within milliseconds, asked as one: an array of questions in, an array of answers out.

It stands before the call stage, so each call has passed every other stage by itself: it is admitted, screened and recorded alone, an
answer that is kept under its own key does not travel, and what is answered is held to its own contract. Callers are never mixed: whoever
pays, and what they may see, is one person's. A batch that nobody waits for any more is given up; one whose answer cannot be taken apart,
or that is too much for the model, is asked one by one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded, InvalidInput
from seawall.core.schemas.compiled import compiled
from seawall.model_proxy.call import Call, Target, Usage, Whole
from seawall.model_proxy.contract.again import Kept
from seawall.model_proxy.contract.contract import Contract
from seawall.model_proxy.errors import AnswerTooLarge
from seawall.model_proxy.settle import BYTES_PER_TOKEN
from seawall.model_proxy.stages import AnswerSink, Calls
from seawall.telemetry import spans

WAIT_SECONDS = 0.004
MEMBERS_MAX = 16
BATCHES_MAX = 1_024
"""Open at once; more calls go alone."""
ALIKE = ("authorization", "seawall-data-class", "seawall-cache", "seawall-action")
"""What a batch's calls say alike of themselves."""
_encode = msgspec.json.Encoder(order="deterministic").encode
_ASK = (
    "Answer each of the {} messages of this array as if it had come alone, in their order, and nothing else. "
    'Answer with JSON alone: {{"answers": [one answer for each message]}}\n'
)


class Batching:
    """Keeps the promise of `pipeline.Calls`: calls that may travel together do, all others go to `calls` as they are."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._open: dict[tuple[object, ...], _Batch] = {}

    async def call(self, call: Call, targets: Sequence[Target], answer: AnswerSink) -> None:
        """Bring an answer; SeawallError when nobody can."""
        share = await self._joined(call, targets) if call.surface == "prompt" and call.together else None
        if share is None:
            await self._calls.call(call, targets, answer)
        else:
            answer.whole(share)

    async def _joined(self, call: Call, targets: Sequence[Target]) -> Whole | None:
        """A call's part of a batch's answer; None: it is to be asked alone."""
        batch = self._batch(call, targets)
        if batch is None:
            return None
        future: asyncio.Future[Whole | None] = asyncio.get_running_loop().create_future()
        batch.members.append((call, future))
        if len(batch.members) >= MEMBERS_MAX:
            self._go(batch)
        try:
            async with asyncio.timeout(call.deadline.remaining()):
                return await future
        except TimeoutError:
            raise DeadlineExceeded("The model did not answer in time") from None
        except asyncio.CancelledError:
            batch.pays(call)
            raise
        finally:
            batch.left()

    def _batch(self, call: Call, targets: Sequence[Target]) -> _Batch | None:
        messages = call.body["messages"]
        if messages[-1]["role"] != "user":
            return None
        alike = [call.request.headers.get(name, "") for name in ALIKE]
        rest = _encode({**call.body, "messages": messages[:-1]})
        key = (call.app, call.prompt, call.version, call.variant, call.data_class, *alike, *(target.id for target in targets), rest)
        batch = self._open.get(key)
        if batch is None and len(self._open) < BATCHES_MAX:
            batch = self._open[key] = _Batch(key, self._calls, targets)
            asyncio.get_running_loop().call_later(WAIT_SECONDS, self._go, batch)
        return batch

    def _go(self, batch: _Batch) -> None:
        """Ask; nobody joins it any more."""
        if self._open.get(batch.key) is batch:
            del self._open[batch.key]
            batch.go()


class _Batch:
    """Calls that travel together, each with the future of its part."""

    def __init__(self, key: tuple[object, ...], calls: Calls, targets: Sequence[Target]) -> None:
        self.key = key
        self.members: list[tuple[Call, asyncio.Future[Whole | None]]] = []
        self._calls, self._targets = calls, targets
        self._asked: Call | None = None
        self._billed: Sequence[Call] | None = None
        """Those that were told their part when it was known; None: the work goes on."""
        self._task: asyncio.Task[None] | None = None

    def go(self) -> None:
        """Ask for those who still wait."""
        self.members = [member for member in self.members if not member[1].done()]
        if len(self.members) == 1:
            self.members[0][1].set_result(None)
        elif self.members:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def pays(self, call: Call) -> None:
        """A client is gone: its call pays a part of what was used until now; of an attempt under way, what it sent."""
        asked, calls = self._asked, [one for one, _ in self.members]
        if asked is None or call not in calls or call in (self._billed or ()):
            return
        _bill(asked, calls, (call,))
        if self._billed is None and asked.sent_ns and asked.target is not None:
            sent = Usage(-(-len(call.request.body) // BYTES_PER_TOKEN))
            call.usage = Usage(call.usage.input + sent.input, call.usage.output, call.usage.cached, estimated=True)
            call.cost += asked.target.cost(sent)

    def left(self) -> None:
        """A call is answered or its client gone: when all are, so is the work."""
        if self._task is not None and all(future.done() for _, future in self.members):
            self._task.cancel()

    async def _run(self) -> None:
        calls = [call for call, _ in self.members]
        for call in calls:
            call.target = self._targets[0]
        spans.enter(calls[0].span)
        try:
            asked = self._asked = joined(calls)
            shares = await self._ask(asked, calls)
        except Exception as error:  # noqa: BLE001 -- the edge of a task: whoever waits must hear of it
            for _, future in self.members:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), share in zip(self.members, shares, strict=True):
                if not future.done():
                    future.set_result(share)

    async def _ask(self, asked: Call, calls: Sequence[Call]) -> Sequence[Whole | None]:
        """The part of each. SeawallError where asking one by one would not help."""
        kept = Kept()
        try:
            await self._calls.call(asked, self._targets, kept)
        except (InvalidInput, AnswerTooLarge):
            return [None] * len(calls)
        finally:
            self._billed = [call for call, future in self.members if not future.done()]
            _bill(asked, calls, self._billed)
        return parted(kept.answer, calls) if kept.answer is not None else [None] * len(calls)


def joined(calls: Sequence[Call]) -> Call:
    """The call of all of them: what they share of their messages, then the last message of each as one array."""
    first = calls[0]
    asked = Call(first.request, first.surface, max((call.deadline for call in calls), key=Deadline.remaining), first.span)
    asked.caller, asked.model, asked.route, asked.data_class = first.caller, first.model, first.route, first.data_class
    asked.app, asked.prompt, asked.version, asked.variant = first.app, first.prompt, first.version, first.variant
    texts = [_text(call.body["messages"][-1]["content"]) for call in calls]
    array = msgspec.json.encode(texts).decode()
    asked.texts = (*(_text(message["content"]) for message in first.body["messages"][:-1]), array)
    content = [{"type": "text", "text": _ASK.format(len(calls))}, {"type": "text", "text": array}]
    wanted = first.body["response_format"]["json_schema"]["schema"]
    items = {name: value for name, value in wanted.items() if name != "$defs"}
    schema = _array(items, len(calls)) | ({"$defs": wanted["$defs"]} if "$defs" in wanted else {})
    asked.body = {
        **first.body,
        "messages": [*first.body["messages"][:-1], {"role": "user", "content": content}],
        "max_tokens": first.body["max_tokens"] * len(calls) + 16,
        "response_format": {"type": "json_schema", "json_schema": {"name": "answers", "strict": True, "schema": schema}},
    }
    return asked


def parted(answer: Whole, calls: Sequence[Call]) -> Sequence[Whole | None]:
    """The part of each, as an answer of its own; None for all where there is not one for each."""
    choices = answer.body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else {}
    content = (choice.get("message") or {}).get("content")
    content = content if isinstance(content, str) else ""
    held = Contract(compiled(_array({}, len(calls))), required=True)
    text = content if held.fault(content) is None else held.mended(content, closers=choice.get("finish_reason") != "length")
    if text is None:
        return [None] * len(calls)
    items = msgspec.json.decode(text)["answers"]
    return [_whole(answer, item, call.usage) for item, call in zip(items, calls, strict=True)]


def _whole(answer: Whole, item: Any, usage: Usage) -> Whole:  # noqa: ANN401 -- any JSON value
    message = {"role": "assistant", "content": msgspec.json.encode(item).decode()}
    told = {"prompt_tokens": usage.input, "completion_tokens": usage.output, "total_tokens": usage.input + usage.output}
    return Whole({**answer.body, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": told}, usage)


def _bill(asked: Call, calls: Sequence[Call], those: Sequence[Call]) -> None:
    """What asking `calls` together took, to equal parts, of which `those` are told theirs: the sum of all is what was used."""
    count, used = len(calls), asked.usage
    inputs, outputs, cached, costs = (_parts(total, count) for total in (used.input, used.output, used.cached, asked.cost))
    for at, call in enumerate(calls):
        if call not in those:
            continue
        call.target, call.sent_ns, call.answered_by = asked.target or call.target, asked.sent_ns, asked.answered_by
        call.attempts += asked.attempts
        call.usage = Usage(inputs[at], outputs[at], cached[at], used.estimated)
        call.cost += costs[at]


def _parts(total: int, count: int) -> list[int]:
    return [total * (at + 1) // count - total * at // count for at in range(count)]


def _text(content: Any) -> str:  # noqa: ANN401 -- a message's content: a text, or parts of one
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def _array(items: dict[str, Any], count: int) -> dict[str, Any]:
    array = {"type": "array", "items": items, "minItems": count, "maxItems": count}
    return {"type": "object", "properties": {"answers": array}, "required": ["answers"], "additionalProperties": False}
