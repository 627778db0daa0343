"""The pipeline with stages that do what a test says, behind the real edge on a unix socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from seawall.core.principal import Principal
from seawall.model_proxy.app import ModelProxy, refusal
from seawall.model_proxy.cache.exact import ExactCache
from seawall.model_proxy.call import Call, Caller, Piece, Target, Usage, Whole
from seawall.model_proxy.edge import Server
from seawall.model_proxy.errors import OverBudget, OverLimit, ProviderFailed, Screened
from seawall.model_proxy.exchanges.cassettes import Cassettes
from seawall.model_proxy.exchanges.evaluation import Evaluation
from seawall.model_proxy.http import Request
from seawall.model_proxy.identify import Identifier
from seawall.model_proxy.models import DEFAULT_MODELS
from seawall.model_proxy.pipeline import Pipeline, Stages
from seawall.model_proxy.sse import piece_of, text_piece
from seawall.model_proxy.stages import AnswerSink
from seawall.trust.errors import NotSignedIn
from seawall.trust.keys import generate
from seawall.trust.tokens import Tokens

COMPLETION = {"id": "c", "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]}
TOKENS = Tokens(generate())


def piece(text: str) -> Piece:
    return piece_of(json.dumps({"id": "c", "choices": [{"index": 0, "delta": {"content": text}}]}).encode())


USAGE = piece_of(b'{"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}')


class Parts:
    """Every stage at once; each does as its attribute says, and notes that it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.calls: list[Call] = []
        self.caller: Caller | None = Caller(Principal(user="mia"), "f")
        self.admitted = self.screened = True
        self.refuse: dict[str, Exception] = {}
        self.pieces: Sequence[Piece | Exception | asyncio.Event] = (piece("Good "), piece("day"), USAGE)
        self.output_filter: Any = None
        self.late_usage: Usage | None = None
        self.bills: dict[str, Usage] = {}
        self.recorded: list[tuple[Call, Whole | None, str]] = []
        self.recorded_pieces: Sequence[Piece] = ()
        self.control = type(
            "Held", (), {"held": None, "pause": lambda s: setattr(s, "held", True), "resume": lambda s: setattr(s, "held", False)}
        )()
        self.cancelled = asyncio.Event()

    def note(self, name: str) -> None:
        self.asked.append(name)
        if name in self.refuse:
            raise self.refuse[name]

    def known(self, request: Request) -> Caller | None:
        self.note("known")
        return self.caller

    async def find(self, request: Request) -> Caller:
        self.note("find")
        return Caller(Principal(user="found"), "f")

    def try_admit(self, call: Call) -> bool:
        self.note("try_admit")
        return self.admitted

    async def admit(self, call: Call) -> None:
        self.note("admit")

    def settle(self, call: Call) -> None:
        self.note("settle")

    def request(self, call: Call) -> bool:
        self.note("request")
        return self.screened

    async def deep(self, call: Call) -> None:
        self.note("deep")

    def output(self, call: Call) -> Any:
        return self.output_filter

    def candidates(self, call: Call) -> Sequence[Target]:
        self.note("candidates")
        return (Target("small", "p", "m"),)

    async def call(self, call: Call, targets: Sequence[Target], answer: AnswerSink) -> None:
        self.note("call")
        self.calls.append(call)
        answer.control = self.control
        call.usage = Usage(3, 2) if self.late_usage is None else Usage()
        if not call.stream:
            answer.whole(Whole(COMPLETION, Usage(3, 2)))
            return
        try:
            for one in self.pieces:
                if isinstance(one, Exception):
                    raise one
                if isinstance(one, asyncio.Event):
                    await one.wait()
                else:
                    answer.stream(one)
            call.usage = self.late_usage or call.usage
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    def record(self, call: Call, answer: Whole | None, text: str, pieces: Sequence[Piece] = ()) -> None:
        self.note("record")
        self.bills[call.served] = call.usage
        self.recorded.append((call, answer, text))
        self.recorded_pieces = pieces


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
async def client(parts: Parts, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    evaluation = Evaluation(Cassettes(tmp_path / "cassettes"))
    pipeline = Pipeline(Stages(identify=parts, admit=parts, screen=parts, route=parts, caller=parts, record=parts, evaluation=evaluation))
    server = Server(ModelProxy(Identifier(TOKENS, None), DEFAULT_MODELS, pipeline).handle, refusal)
    await server.listen(tmp_path / "p.sock")
    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(tmp_path / "p.sock")), base_url="http://proxy") as made:
        yield made
    await server.drain(1)


async def ask(client: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    body = {"model": "small", "messages": [{"role": "user", "content": "hello"}], **changes}
    return await client.post("/v1/chat/completions", json=body)


def events(answer: httpx.Response) -> list[str]:
    return [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]


async def test_order(client: httpx.AsyncClient, parts: Parts) -> None:
    """Each stage is asked once, in order, and the call is settled and recorded at its end."""
    answer = await ask(client)
    assert (answer.status_code, answer.json()) == (200, COMPLETION)
    assert parts.asked == ["known", "try_admit", "request", "candidates", "call", "settle", "record"]
    call, whole, _ = parts.recorded[0]
    assert whole
    assert (call.usage, whole.body, call.error, answer.headers["x-request-id"]) == (Usage(3, 2), COMPLETION, "", call.id)


async def test_round_trips(client: httpx.AsyncClient, parts: Parts) -> None:
    """Stages that need to wait are waited for, in the same order."""
    parts.caller, parts.admitted, parts.screened = None, False, False
    assert (await ask(client)).status_code == 200
    assert parts.asked == ["known", "find", "try_admit", "admit", "request", "deep", "candidates", "call", "settle", "record"]
    assert parts.recorded[0][0].caller == Caller(Principal(user="found"), "f")


@pytest.mark.parametrize("usage_asked", [True, False])
async def test_stream(client: httpx.AsyncClient, parts: Parts, usage_asked: bool) -> None:
    """A stream passes piece by piece; the provider is always asked for usage, the client told only if it asked."""
    answer = await ask(client, stream=True, stream_options={"include_usage": usage_asked})
    told = events(answer)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert ("".join(piece_of(one.encode()).text for one in told[:-1]), told[-1]) == ("Good day", "[DONE]")
    assert (len(told), parts.recorded[0][0].usage) == (4 if usage_asked else 3, Usage(3, 2))
    assert parts.calls[0].body["stream_options"] == {"include_usage": True}
    assert (parts.recorded[0][2], list(parts.calls[0].chunks[1::2])) == ("Good day", [5, 3, 0])


@pytest.mark.parametrize(
    ("stage", "error", "status", "headers"),
    [
        ("known", NotSignedIn("No key"), 401, {}),
        ("try_admit", OverLimit("Too many", retry_after=2.5), 429, {"retry-after": "3", "retry-after-ms": "2500"}),
        ("try_admit", OverBudget(), 429, {"x-should-retry": "false"}),
        ("request", Screened("The rule injection.override matched"), 400, {}),
        ("call", ProviderFailed(), 502, {}),
        ("call", ZeroDivisionError(), 500, {}),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_refused(
    client: httpx.AsyncClient, parts: Parts, stage: str, error: Exception, status: int, headers: dict[str, str], stream: bool
) -> None:
    """Whichever stage refuses: OpenAI's error, with what a client needs to try again, and still settled and recorded."""
    parts.refuse[stage] = error
    answer = await ask(client, stream=stream)
    assert (answer.status_code, set(answer.json()["error"])) == (status, {"message", "type", "code", "param"})
    assert headers.items() <= dict(answer.headers).items()
    assert parts.asked[-2:] == ["settle", "record"]
    assert parts.recorded[0][0].error


async def test_bad_call(client: httpx.AsyncClient, parts: Parts) -> None:
    """A request that is none names its faulty part and reaches no later stage."""
    answer = await ask(client, temperature=9)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "temperature")
    assert "try_admit" not in parts.asked


async def test_fails_mid_stream(client: httpx.AsyncClient, parts: Parts) -> None:
    """What goes wrong after the first piece is the stream's last event, and `[DONE]` never comes."""
    parts.pieces = (piece("Good "), ProviderFailed("The provider fell silent"))
    answer = await ask(client, stream=True)
    assert answer.status_code == 200
    assert json.loads(events(answer)[-1])["error"]["code"] == "provider_failed"
    assert "[DONE]" not in answer.text
    assert parts.recorded[0][0].error == "provider-failed"


class Shout:
    """A filter that holds every first piece back and raises at a word."""

    def __init__(self) -> None:
        self.held: list[Piece] = []

    def piece(self, one: Piece) -> Sequence[Piece]:
        if "secret" in one.text:
            raise Screened("A finding")
        released, self.held = self.held, [text_piece(one, one.text.upper()) if one.bare else one]
        return released

    def end(self) -> Sequence[Piece]:
        return self.held

    def whole(self, answer: Whole) -> Whole:
        return Whole({**answer.body, "loud": True}, answer.usage)


async def test_filter(client: httpx.AsyncClient, parts: Parts) -> None:
    """A filter sees everything and decides what is released and when, in both forms."""
    parts.output_filter = Shout()
    told = events(await ask(client, stream=True))
    assert "".join(piece_of(one.encode()).text for one in told[:-1]) == "GOOD DAY"
    assert (await ask(client)).json()["loud"]


@pytest.mark.parametrize(("pieces", "status"), [((piece("a secret"),), 400), ((piece("a"), piece("b"), piece("secret")), 200)])
async def test_filter_cuts(client: httpx.AsyncClient, parts: Parts, pieces: Sequence[Piece], status: int) -> None:
    """A cut before anything was released is a status, later an event."""
    parts.output_filter, parts.pieces = Shout(), pieces
    answer = await ask(client, stream=True)
    assert (answer.status_code, "content_policy_violation" in answer.text, "secret" in answer.text) == (status, True, False)


async def test_client_vanishes(client: httpx.AsyncClient, parts: Parts) -> None:
    """A client that goes away mid-stream cancels the call, which is settled and recorded."""
    parts.pieces = (piece("Good "), asyncio.Event())
    body = {"model": "small", "messages": [{"role": "user", "content": "x"}], "stream": True}
    async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
        await anext(answer.aiter_bytes())
    await asyncio.wait_for(parts.cancelled.wait(), 20)
    await asyncio.sleep(0)
    assert (parts.asked[-2:], parts.recorded[0][0].error) == (["settle", "record"], "cancelled")


async def test_slow_client_holds_provider(client: httpx.AsyncClient, parts: Parts) -> None:
    """A client that does not read makes the provider wait."""
    go_on = asyncio.Event()
    parts.pieces = [*[piece("x" * 10_000)] * 300, go_on, piece("end")]
    body = {"model": "small", "messages": [{"role": "user", "content": "x"}], "stream": True}
    async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
        await until(lambda: parts.control.held is True)
        async for _ in answer.aiter_bytes():
            if parts.control.held is False:
                go_on.set()
    assert parts.control.held is False


@pytest.fixture
async def cached(parts: Parts, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The same with the real cache."""
    pipeline = Pipeline(Stages(identify=parts, cache=ExactCache(), route=parts, caller=parts, record=parts))
    server = Server(ModelProxy(Identifier(TOKENS, None), DEFAULT_MODELS, pipeline).handle, refusal)
    await server.listen(tmp_path / "c.sock")
    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(tmp_path / "c.sock")), base_url="http://proxy") as made:
        yield made
    await server.drain(1)


FINISH = piece_of(b'{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}')


async def test_cache(cached: httpx.AsyncClient, parts: Parts) -> None:
    """A question that was answered is not asked again, in whichever form, and costs nothing."""
    assert (await ask(cached, temperature=0)).json() == COMPLETION
    assert told(await ask(cached, temperature=0, stream=True)) == "hi"
    assert (await ask(cached, temperature=0)).json() == COMPLETION
    assert (len(parts.calls), [call.served for call, _, _ in parts.recorded]) == (1, ["model", "cache", "cache"])
    assert parts.recorded[1][0].usage == Usage()


@pytest.mark.parametrize("stream", [True, False])
async def test_coalesced(cached: httpx.AsyncClient, parts: Parts, stream: bool) -> None:
    """Who asks the same at once gets the same stream, whole from its beginning, for one call."""
    go_on = asyncio.Event()
    parts.pieces = (piece("Good "), go_on, piece("day"), FINISH, USAGE)
    first = asyncio.create_task(ask(cached, temperature=0, stream=True))
    await until(lambda: bool(parts.calls))
    others = [asyncio.create_task(ask(cached, temperature=0, stream=stream)) for _ in range(3)]
    await until(lambda: parts.asked.count("known") == 4)
    go_on.set()
    answers = await asyncio.gather(*others)
    texts = [one.json()["choices"][0]["message"]["content"] if not stream else told(one) for one in answers]
    assert (texts, told(await first), len(parts.calls)) == (["Good day"] * 3, "Good day", 1)
    assert [call.served for call, _, _ in parts.recorded].count("coalesced") == 3


async def test_first_asker_vanishes(cached: httpx.AsyncClient, parts: Parts) -> None:
    """The others' answer does not depend on whether the first asker stays."""
    go_on = asyncio.Event()
    parts.pieces = (piece("Good "), go_on, piece("day"), FINISH)
    body = {"model": "small", "messages": [{"role": "user", "content": "hello"}], "stream": True, "temperature": 0}
    async with cached.stream("POST", "/v1/chat/completions", json=body) as answer:
        await anext(answer.aiter_bytes())
        second = asyncio.create_task(ask(cached, temperature=0, stream=True))
        await until(lambda: parts.asked.count("known") == 2)
    go_on.set()
    assert (told(await second), len(parts.calls), parts.cancelled.is_set()) == ("Good day", 1, False)


async def test_first_asker_pays_for_what_others_still_get(cached: httpx.AsyncClient, parts: Parts) -> None:
    """Whoever began a flight is billed at its end, also when it vanished and the others got the answer: nobody else pays."""
    go_on = asyncio.Event()
    parts.pieces, parts.late_usage = (piece("Good "), go_on, piece("day"), FINISH), Usage(30, 20)
    body = {"model": "small", "messages": [{"role": "user", "content": "hello"}], "stream": True, "temperature": 0}
    async with cached.stream("POST", "/v1/chat/completions", json=body) as answer:
        await anext(answer.aiter_bytes())
        second = asyncio.create_task(ask(cached, temperature=0, stream=True))
        await until(lambda: parts.asked.count("known") == 2)
    go_on.set()
    assert told(await second) == "Good day"
    await until(lambda: len(parts.recorded) == 2)
    assert parts.bills == {"model": Usage(30, 20), "coalesced": Usage()}


async def test_all_vanish(cached: httpx.AsyncClient, parts: Parts) -> None:
    """When nobody waits any more the provider is told to stop."""
    parts.pieces = (piece("Good "), asyncio.Event())
    body = {"model": "small", "messages": [{"role": "user", "content": "hello"}], "stream": True, "temperature": 0}
    async with cached.stream("POST", "/v1/chat/completions", json=body) as answer:
        await anext(answer.aiter_bytes())
    await asyncio.wait_for(parts.cancelled.wait(), 20)


async def test_flight_fails(cached: httpx.AsyncClient, parts: Parts) -> None:
    """What goes wrong before the first piece is everybody's status."""
    parts.refuse["candidates"] = ProviderFailed("none")
    answers = await asyncio.gather(*(ask(cached, temperature=0) for _ in range(2)))
    assert [one.status_code for one in answers] == [502, 502]


def told(answer: httpx.Response) -> str:
    return "".join(piece_of(one.encode()).text for one in events(answer) if one != "[DONE]")


async def evaluate(client: httpx.AsyncClient, snapshot: str, **changes: Any) -> httpx.Response:
    body = {"model": "small", "messages": [{"role": "user", "content": "x"}], "temperature": 1, **changes}
    return await client.post("/v1/chat/completions", json=body, headers={"seawall-lane": "eval", "seawall-snapshot": snapshot})


async def test_eval_lane(client: httpx.AsyncClient, parts: Parts) -> None:
    """Evaluations are asked for without chance, by those who may."""
    assert (await evaluate(client, "")).status_code == 403
    parts.caller = Caller(Principal(user="mia", scopes=("eval",)), "f")
    await evaluate(client, "")
    assert (parts.calls[0].body["temperature"], parts.calls[0].body["seed"], parts.calls[0].lane) == (0, 0, "eval")


async def test_cassette(client: httpx.AsyncClient, parts: Parts, tmp_path: Path) -> None:
    """What was recorded answers in the provider's place, in either form; what was not is not asked for when a recording is required."""
    parts.caller = Caller(Principal(user="mia", scopes=("eval",)), "f")
    missing = await evaluate(client, "require")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "no_snapshot")
    assert (await evaluate(client, "record")).json() == COMPLETION
    await until(lambda: bool(list(tmp_path.rglob("*.jsonl"))))
    assert (await evaluate(client, "require")).json() == COMPLETION
    assert told(await evaluate(client, "require", stream=True)) == "hi"
    assert [call.served for call in parts.calls] == ["model"]


async def test_eval_lane_of_embeddings(client: httpx.AsyncClient, parts: Parts) -> None:
    """They are evaluations as well, and need the scope."""
    headers = {"seawall-lane": "eval", "seawall-snapshot": "require"}
    body = {"model": "small", "input": "milk"}
    assert (await client.post("/v1/embeddings", json=body, headers=headers)).status_code == 403
    parts.caller = Caller(Principal(user="mia", scopes=("eval",)), "f")
    answer = await client.post("/v1/embeddings", json=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_snapshot")


async def test_wrong_method(client: httpx.AsyncClient) -> None:
    """Only POST asks for a completion."""
    answer = await client.get("/v1/chat/completions", headers={"authorization": f"Bearer {TOKENS.mint(Principal(user='mia'), 60)}"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)
