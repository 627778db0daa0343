"""The model proxy as a process of its own in front of a simulated provider, with Postgres and Valkey away."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.integration.proxy_house import ProxyHouse, proxy_house
from tests.waiting import eventually

MODELS = """
providers:
  sim: {{kind: openai, url: "unix://{socket}", allow_private: true}}
models:
  good: {{provider: sim, model: sim-small}}
  silent: {{provider: sim, model: "sim-small;silent=1"}}
  slow: {{provider: sim, model: "sim-small;token_ms=40;tokens=20"}}
  cut: {{provider: sim, model: "sim-small;cut_after=3"}}
routes:
  small: {{variants: {{good: 100}}}}
"""


class Proxy:
    """One process, its client and the provider behind it."""

    def __init__(self, house: ProxyHouse) -> None:
        self.process = house.processes[0]
        self.client = house.clients[0]
        self.provider = house.provider

    async def ask(self, model: str = "small", headers: dict[str, str] | None = None, **more: object) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "Say something."}], **more}
        return await self.client.post("/v1/chat/completions", json=body, headers=headers)


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    async with proxy_house(MODELS) as house:
        await house.start()
        yield Proxy(house)


async def test_service(proxy: Proxy) -> None:
    """Completions, streams and the list of models are served; readiness tells what is away."""
    answer = await proxy.ask()
    assert (answer.status_code, answer.json()["object"], answer.json()["usage"]["completion_tokens"] > 0) == (200, "chat.completion", True)
    stream = await proxy.ask(stream=True)
    assert stream.text.endswith("data: [DONE]\n\n")
    assert [model["id"] for model in (await proxy.client.get("/v1/models")).json()["data"]][:2] == ["small", "good"]
    checks = (await proxy.client.get("/readyz")).json()["checks"]
    assert (checks["models"]["ok"], checks["postgres"]["ok"]) == (True, False)


async def test_errors(proxy: Proxy) -> None:
    """Unknown models, late and broken answers come in OpenAI's words."""
    assert (await proxy.ask("none")).json()["error"]["code"] == "model_not_found"
    late = await proxy.ask("silent", headers={"seawall-timeout-ms": "150"})
    assert (late.status_code, late.json()["error"]["code"]) == (504, "deadline_exceeded")
    cut = await proxy.ask("cut", stream=True)
    events = [json.loads(line.removeprefix("data: ")) for line in cut.text.split("\n\n") if line]
    assert (cut.status_code, "error" in events[-1], "[DONE]" in cut.text) == (200, True, False)


async def test_drain(proxy: Proxy) -> None:
    """A stream that is under way ends well after SIGTERM, and the process after it."""
    body = {"model": "slow", "messages": [{"role": "user", "content": "x"}], "stream": True}
    text = ""
    async with proxy.client.stream("POST", "/v1/chat/completions", json=body) as answer:
        async for part in answer.aiter_text():
            if not text:
                proxy.process.send_signal(signal.SIGTERM)
            text += part
    assert text.endswith("data: [DONE]\n\n")
    assert await asyncio.to_thread(proxy.process.wait, 60) == 0


async def test_client_vanishes(proxy: Proxy) -> None:
    """The provider sees its connection end when the client's ends."""
    body = {"model": "slow", "messages": [{"role": "user", "content": "x"}], "stream": True}
    async with proxy.client.stream("POST", "/v1/chat/completions", json=body) as answer:
        await anext(answer.aiter_bytes())
    await eventually(lambda: proxy.provider.calls and proxy.provider.calls[-1].outcome == "vanished")
