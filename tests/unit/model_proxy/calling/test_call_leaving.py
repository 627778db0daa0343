"""What is known of a call whose client leaves, or whose stream breaks off, at an awkward moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.unit.exact_cache.calls import Heard, a_call

from seawall.model_proxy.answering import Answering
from seawall.model_proxy.cache.memo import EmbeddingMemo
from seawall.model_proxy.call import Call, Piece, Usage
from seawall.model_proxy.caller import Caller
from seawall.model_proxy.config import Timeouts
from seawall.model_proxy.config_load import parse
from seawall.model_proxy.contract.again import Again
from seawall.model_proxy.errors import ProviderFailed
from seawall.model_proxy.upstream_exchange import Control

MODELS = b"""
providers: {p: {kind: embedded}}
models: {a: {provider: p, model: m}, b: {provider: p, model: n}}
"""
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"Calm"},"finish_reason":null}]}\n\n'


class Sink(Heard):
    """Takes what comes."""

    released = False
    control: Control | None = None

    def stream(self, piece: Piece) -> None:
        self.released = True
        super().stream(piece)


class Provider:
    """Answers when it is let."""

    def __init__(self) -> None:
        self.going_on, self.asked = asyncio.Event(), list[dict[str, Any]]()
        self.status, self.head, self.answer = 200, "application/json", b""

    async def exchange(self, path: str, body: bytes, receiver: Answering, timeouts: Timeouts, seconds: float) -> None:
        self.asked.append(msgspec.json.decode(body))
        await self.going_on.wait()
        receiver.head(self.status, {"content-type": self.head})
        receiver.data(self.answer or self.vectors(self.asked[-1]["input"]))

    def vectors(self, given: list[str]) -> bytes:
        """An embedding and seven tokens for each text."""
        data = [{"object": "embedding", "index": index, "embedding": [1.0]} for index in range(len(given))]
        return msgspec.json.encode({"data": data, "usage": {"prompt_tokens": 7 * len(given)}})

    def start(self, *_: object) -> None:
        """Never the quick way."""

    def close(self) -> None:
        """Nothing to let go of."""


class Stand:
    """A caller with two models at one provider."""

    def __init__(self, memo: EmbeddingMemo | None = None) -> None:
        config, faults = parse(MODELS, "models.yaml")
        assert config is not None, faults
        self.targets = [config.models[name].target for name in "ab"]
        self.caller = Caller(config, run=Path("/nonexistent"), environment={}, memo=memo)
        self.provider = self.caller.lane("a").way.transport = Provider()

    def begin(self, call: Call) -> asyncio.Task[None]:
        """A call of model `a`, on its way."""
        return asyncio.create_task(self.caller.call(call, self.targets[:1], Sink()))

    async def arrived(self) -> None:
        """The provider was asked."""
        async with asyncio.timeout(60):
            while not self.provider.asked:
                await asyncio.sleep(0.001)


def embedding(*texts: str) -> Call:
    call = a_call({"model": "a", "input": list(texts)}, surface="embeddings")
    call.texts = texts
    return call


def soon(happens: Callable[[], object]) -> Callable[[], object]:
    """In the next turn of the event loop, as an event that is set is heard of in the next one."""
    return lambda: asyncio.get_running_loop().call_soon(happens)


@pytest.mark.parametrize("first", ["answer", "client"])
async def test_embeddings_cost_who_leaves_in_the_turn_they_come(first: str) -> None:
    """Whether the answer or the client is a moment earlier: the provider has done its work."""
    on, calls = Stand(), [embedding("calm and quiet"), embedding("flood or storm")]
    works = [on.begin(call) for call in calls]
    await on.arrived()
    happen = (on.provider.going_on.set, soon(works[0].cancel))
    for one in happen if first == "answer" else reversed(happen):
        one()
    await asyncio.wait(works)
    assert works[0].cancelled()
    assert (len(on.provider.asked), calls[0].usage.input > 0, calls[0].sent_ns > 0) == (1, True, True)
    assert calls[1].usage.input == 7


async def test_embeddings_that_fail_in_the_turn_a_client_leaves_cost_nothing() -> None:
    """As they cost those who stay."""
    on, call = Stand(), embedding("calm and quiet")
    on.provider.status, on.provider.answer = 400, b"{}"
    work = on.begin(call)
    await on.arrived()
    on.provider.going_on.set()
    soon(work.cancel)()
    await asyncio.wait([work])
    assert (work.cancelled(), call.usage, call.cost) == (True, Usage(), 0)


async def test_who_leaves_pays_for_no_text_that_was_remembered() -> None:
    """Only the others were on their way."""
    on, known = Stand(EmbeddingMemo()), "a long text about the tide " * 40
    on.provider.going_on.set()
    await on.begin(embedding(known))
    on.provider.going_on.clear()
    on.provider.asked.clear()
    call = embedding(known, "calm")
    work = on.begin(call)
    await on.arrived()
    work.cancel()
    await asyncio.wait([work])
    assert (on.provider.asked[0]["input"], call.usage) == (["calm"], Usage(1, estimated=True))


async def test_of_a_stream_that_broke_off_it_is_known_when_its_first_piece_came() -> None:
    """The client has seen it; of an attempt of which it saw nothing there is nothing to tell."""
    on = Stand()
    on.provider.going_on.set()
    on.provider.head = "text/event-stream"
    for said, told in ((EVENT, True), (b"data: nonsense\n\n", False)):
        on.provider.answer = said
        call = a_call({"model": "a", "messages": [], "stream": True})
        with pytest.raises(ProviderFailed):
            await on.begin(call)
        assert (0 < call.sent_ns <= call.first_ns, bool(call.sent_ns)) == (told, told)


async def test_a_repair_does_not_move_the_moment_a_call_was_sent() -> None:
    """The first piece is that of the first round: it never came before it was asked for."""
    on, call = Stand(), a_call({"model": "a", "messages": []})
    on.provider.going_on.set()
    on.provider.answer = b'{"choices":[{"message":{"content":"calm"}}]}'
    await on.begin(call)
    sent, first = call.sent_ns, call.first_ns

    class Route:
        def candidates(self, call: Call) -> Any:
            return on.targets[:1]

    await Again(call, Route(), on.caller)("small", [])
    assert (len(on.provider.asked), call.sent_ns, call.first_ns) == (2, sent, first)


async def test_a_fallback_that_remembers_every_text_is_not_asked_for_none() -> None:
    """The first model fails again; the second has embedded the text before."""
    on, texts = Stand(EmbeddingMemo()), ("calm",)
    on.provider.going_on.set()
    await on.caller.call(embedding(*texts), on.targets[1:], Sink())
    on.provider.status, on.provider.answer = 401, b"{}"
    sink, call = Sink(), embedding(*texts)
    await on.caller.call(call, on.targets, sink)
    assert sink.answer is not None
    assert (len(sink.answer.body["data"]), [one["input"] for one in on.provider.asked]) == (1, [["calm"], ["calm"]])
    assert (call.usage, call.cost) == (Usage(), 0)
