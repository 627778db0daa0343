"""The same faults as a client meets them: through the proxy's edge and pipeline, over HTTP, in OpenAI's shapes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.integration.provider_stand import KEY, Behaves, Stand, stand
from tests.waiting import eventually

from seawall.core.principal import Principal
from seawall.model_proxy.app import ModelProxy, refusal
from seawall.model_proxy.call import Call, Caller, Piece, Whole
from seawall.model_proxy.edge import Server
from seawall.model_proxy.http import Request
from seawall.model_proxy.models import cards
from seawall.model_proxy.pipeline import Pipeline, Stages
from seawall.model_proxy.route.router import Router
from seawall.model_proxy.screen.screen import RequestScreen
from seawall.model_proxy.screen.settings import Screening

ROUTES = "routes: {small: {variants: {a: 1}, fallback: [b]}, alone: {variants: {a: 1}}}\n"
QUICK = ", timeouts: {connect: 5s, first_byte: 500ms, idle: 500ms, total: 10s}"


class Known:
    """Everybody is known, and every call's end is remembered."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.billed: list[list[str]] = []
        """Whom each was asked of, as was known when it was settled."""

    def known(self, request: Request) -> Caller | None:
        """The same caller for all."""
        return Caller(Principal(user="u", tenant="t", roles=()), fingerprint="t")

    async def find(self, request: Request) -> Caller:
        """Never asked."""
        raise AssertionError

    def record(self, call: Call, answer: Whole | None, text: str, pieces: Sequence[Piece] = ()) -> None:
        """Remember it."""
        self.calls.append(call)
        self.billed.append([attempt.target for attempt in call.attempts])


class Front:
    """A proxy in front of two simulators."""

    def __init__(self, on: Stand, client: httpx.AsyncClient, known: Known) -> None:
        self.on = on
        self.client = client
        self.ended = known.calls
        self.billed = known.billed

    async def ask(self, a: Behaves = "", b: Behaves = "", *, model: str = "alone", **body: Any) -> httpx.Response:
        """A completion of a route, whose models are told how to behave."""
        self.on.targets(a, b)
        return await self.client.post("/v1/chat/completions", json=self.body(model) | body)

    def body(self, model: str) -> dict[str, Any]:
        """A request."""
        return {"model": model, "messages": [{"role": "user", "content": "hello"}]}


@asynccontextmanager
async def front(
    folder: Path, extra: str = "", *, kept: bool = False, screen: RequestScreen | None = None, **settings: Any
) -> AsyncIterator[Front]:
    """A proxy on a unix socket. `kept`: with a connection to the first provider that is free."""
    async with stand(ROUTES + extra, **settings) as on:
        known = Known()
        pipeline = Pipeline(
            Stages(identify=known, screen=screen, route=Router(on.config), caller=on.caller, start=on.caller.start, record=known)
        )
        server = Server(ModelProxy(known, cards(on.config), pipeline).handle, refusal)
        await server.listen(folder / "p.sock")
        transport = httpx.AsyncHTTPTransport(uds=str(folder / "p.sock"))
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://proxy", timeout=60) as client:
                made = Front(on, client, known)
                if kept:
                    assert (await made.ask()).status_code == 200
                    known.calls.clear()
                    known.billed.clear()
                yield made
        finally:
            await server.drain(1)


@pytest.mark.parametrize(
    ("behave", "status", "code", "kind"),
    [
        ("status=400;message=n must be 1", 400, "invalid_request", "invalid_request_error"),
        (f"status=401;message=bad key {KEY}", 502, "provider_refused_key", "server_error"),
        ("status=403", 502, "provider_refused_key", "server_error"),
        ("status=429;retry_after=30", 429, "rate_limit_exceeded", "rate_limit_error"),
        ("status=429", 429, "rate_limit_exceeded", "rate_limit_error"),
        ("status=500", 502, "provider_failed", "server_error"),
        ("status=529", 502, "provider_failed", "server_error"),
        ("reset=1", 502, "provider_failed", "server_error"),
        ("cut_after=1", 502, "provider_failed", "server_error"),
        ("malformed=1", 502, "provider_failed", "server_error"),
        ("invalid_utf8=1", 502, "provider_failed", "server_error"),
        ("silent=1", 502, "provider_failed", "server_error"),
        ("status=307", 502, "provider_failed", "server_error"),
    ],
)
@pytest.mark.parametrize("kept", [False, True])
async def test_a_fault_is_told_in_openais_shape(tmp_path: Path, behave: str, status: int, code: str, kind: str, kept: bool) -> None:
    """Once nothing helps; never with the key in it."""
    async with front(tmp_path, "retries: {attempts: 1}", kept=kept, provider=QUICK) as proxy:
        answer = await proxy.ask(behave)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["type"]) == (status, code, kind)
        assert KEY not in answer.text
        assert proxy.ended[-1].error == code.replace("_", "-")
        if "retry_after" in behave:
            assert answer.headers["retry-after"] == "30"


@pytest.mark.parametrize("behave", ["status=401", "status=429", "status=500", "status=529", "reset=1", "malformed=1", "silent=1"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kept", [False, True])
async def test_with_a_fallback_a_fault_is_never_told(tmp_path: Path, behave: str, stream: bool, kept: bool) -> None:
    """The second model answers, in the same form."""
    async with front(tmp_path, kept=kept, provider=QUICK) as proxy:
        malformed = behave == "malformed=1" and stream
        answer = await proxy.ask("cut_after=0" if malformed else behave, "text=here", model="small", stream=stream)
        assert answer.status_code == 200
        assert "here" in answer.text
        assert [attempt.target for attempt in proxy.ended[-1].attempts] == ["a", "b"]


@pytest.mark.parametrize("behave", ["cut_after=5", "malformed=1", "stall_after=5"])
@pytest.mark.parametrize("kept", [False, True])
async def test_a_stream_that_fails_later_ends_with_an_error_event(tmp_path: Path, behave: str, kept: bool) -> None:
    """And without `[DONE]`, so that nobody takes a part for the whole."""
    async with front(tmp_path, kept=kept, provider=QUICK) as proxy:
        answer = await proxy.ask(behave, model="small", stream=True)
        events = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
        assert msgspec.json.decode(events[-1])["error"]["code"] == "provider_failed"
        assert "[DONE]" not in answer.text
        assert len(proxy.ended[-1].attempts) == 1


@pytest.mark.parametrize("kept", [False, True])
async def test_words_that_a_filter_holds_are_never_followed_by_anothers(tmp_path: Path, kept: bool) -> None:
    """A stream that breaks off while screening still holds its first word is not begun anew: two models' words would be one text."""
    async with front(tmp_path, kept=kept, screen=RequestScreen(Screening(), b"k" * 32), provider=QUICK) as proxy:
        answer = await proxy.ask("role=0;cut_after=1;text=Goodb ye", "text=Hello there", model="small", stream=True)
        assert "Hello" not in answer.text
        assert answer.status_code == 502
        assert [attempt.target for attempt in proxy.ended[-1].attempts] == ["a"]


async def test_usage_is_asked_for_and_told_to_those_who_asked(tmp_path: Path) -> None:
    """We always know it; a client sees it when it wants to."""
    async with front(tmp_path) as proxy:
        unasked = await proxy.ask(stream=True)
        assert proxy.on.simulators[0].calls[-1].body["stream_options"] == {"include_usage": True}
        assert '"usage":{' not in unasked.text
        assert proxy.ended[-1].usage.output > 0
        assert not proxy.ended[-1].usage.estimated
        asked = await proxy.ask(stream=True, stream_options={"include_usage": True})
        assert '"usage":{' in asked.text


@pytest.mark.parametrize("kept", [False, True])
async def test_a_client_that_vanishes_mid_stream_cancels_the_provider(tmp_path: Path, kept: bool) -> None:
    """And the call is settled with what was said until then."""
    async with front(tmp_path, kept=kept) as proxy:
        proxy.on.targets("token_ms=20;tokens=1000")
        async with proxy.client.stream("POST", "/v1/chat/completions", json=proxy.body("alone") | {"stream": True}) as answer:
            seen = 0
            async for line in answer.aiter_lines():
                seen += "content" in line
                if seen == 5:
                    break
        await eventually(lambda: bool(proxy.ended) and proxy.on.simulators[0].calls[-1].outcome == "vanished")
        call = proxy.ended[-1]
        assert call.error == "cancelled"
        assert call.usage.estimated
        assert call.usage.output > 0


async def test_a_burst_beyond_the_queue_is_told_when_to_come_again(tmp_path: Path) -> None:
    """The rest is answered, each in its turn."""
    extra = "queue: {waiting: 2, seconds: 30s}"
    async with front(tmp_path, extra, provider=", limits: {connections: 1}") as proxy:
        proxy.on.targets("first_byte_ms=500")
        asked = [proxy.client.post("/v1/chat/completions", json=proxy.body("alone")) for _ in range(6)]
        answers = await asyncio.gather(*asked)
        assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 429, 429, 429]
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers if answer.status_code == 429)


async def test_what_the_client_may_not_send_never_reaches_a_provider(tmp_path: Path) -> None:
    """Duplicate keys, invalid UTF-8, a body over the limit, a model that does not exist."""
    async with front(tmp_path) as proxy:
        sent = [
            (b'{"model":"alone","model":"b","messages":[{"role":"user","content":"x"}]}', 400),
            (b'{"model":"alone","messages":[{"role":"user","content":"\xff"}]}', 400),
            (msgspec.json.encode(proxy.body("alone") | {"user": "x" * (9 << 20)}), 413),
            (msgspec.json.encode(proxy.body("nothing")), 404),
        ]
        for body, status in sent:
            try:
                answer = await proxy.client.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
            except httpx.NetworkError:
                continue  # hung up on in the middle of a body that is too large
            assert answer.status_code == status
        assert not proxy.on.simulators[0].calls


async def test_who_leaves_while_a_fallback_answers_pays_for_it(tmp_path: Path) -> None:
    """The bill waits for the attempt that is given up."""
    async with front(tmp_path, kept=True, provider=QUICK) as proxy:
        proxy.on.targets("status=500", "stall_after=5")
        body = proxy.body("small") | {"stream": True}
        async with proxy.client.stream("POST", "/v1/chat/completions", json=body) as answer:
            await anext(answer.aiter_bytes())
        await eventually(lambda: bool(proxy.ended))
        assert (proxy.billed, proxy.ended[0].error) == ([["a", "b"]], "cancelled")
        assert proxy.ended[0].usage.output > 0
