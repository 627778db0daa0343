"""The model proxy as a process of its own in front of a simulated provider, with Postgres and Valkey away."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from seawall.core.principal import Principal
from seawall.lab.provider import ProviderSimulator
from seawall.trust.keys import load_or_create
from seawall.trust.tokens import Tokens

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
    """The process, its socket and the provider behind it."""

    def __init__(self, process: subprocess.Popen[bytes], client: httpx.AsyncClient, provider: ProviderSimulator) -> None:
        self.process = process
        self.client = client
        self.provider = provider

    async def ask(self, model: str = "small", headers: dict[str, str] | None = None, **more: object) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "Say something."}], **more}
        return await self.client.post("/v1/chat/completions", json=body, headers=headers)


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    with tempfile.TemporaryDirectory(prefix="mp") as folder:
        data, run, sim = Path(folder, "data"), Path(folder, "run"), Path(folder, "sim.sock")
        for made in (data, run, data / "keys"):
            made.mkdir(mode=0o700)
        (Path(folder) / "models.yaml").write_text(MODELS.format(socket=sim))
        provider = ProviderSimulator()
        await provider.listen(socket=sim)
        environment = {
            "SEAWALL_DATA": str(data),
            "SEAWALL_RUN": str(run),
            "SEAWALL_APPS": str(folder),
            "SEAWALL_MODELS": f"{folder}/models.yaml",
            "DATABASE_URL": f"postgresql://nobody@/none?host={folder}",
        }
        process = subprocess.Popen([sys.executable, "-m", "seawall.cli.main", "model-proxy"], env={**os.environ, **environment})
        token = Tokens(load_or_create(data / "keys")).mint(Principal(user="mia"), 600)
        transport = httpx.AsyncHTTPTransport(uds=str(run / "model-proxy-0.sock"))
        headers = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://proxy", headers=headers, timeout=30) as client:
            await until_ready(client)
            yield Proxy(process, client, provider)
        process.kill()
        process.wait(10)
        await provider.close()


async def until_ready(client: httpx.AsyncClient) -> None:
    for _ in range(600):
        with contextlib.suppress(httpx.TransportError):
            if (await client.get("/readyz")).status_code == 200:
                return
        await asyncio.sleep(0.05)
    raise AssertionError("the model proxy never became ready")


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
    assert await asyncio.to_thread(proxy.process.wait, 10) == 0


async def test_client_vanishes(proxy: Proxy) -> None:
    """The provider sees its connection end when the client's ends."""
    body = {"model": "slow", "messages": [{"role": "user", "content": "x"}], "stream": True}
    async with proxy.client.stream("POST", "/v1/chat/completions", json=body) as answer:
        await anext(answer.aiter_bytes())
    for _ in range(100):
        if proxy.provider.calls and proxy.provider.calls[-1].outcome == "vanished":
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the provider never learned of it")
