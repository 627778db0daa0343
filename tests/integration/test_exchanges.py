"""Recorded calls and shared answers with real processes, a real Valkey and a simulated provider."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.engines import ValkeyServer

from seawall.core.principal import Principal
from seawall.lab.provider import ProviderSimulator
from seawall.trust.keys import load_or_create
from seawall.trust.tokens import Tokens

MODELS = """
providers:
  sim: {{kind: openai, url: "unix://{socket}", allow_private: true, classes: [public, internal, confidential]}}
models:
  good: {{provider: sim, model: sim-small}}
  slow: {{provider: sim, model: "sim-small;token_ms=60;tokens=10"}}
"""


class House:
    """Proxies that share a data directory, a Valkey and a provider."""

    def __init__(self, folder: Path, provider: ProviderSimulator, valkey: str) -> None:
        self.folder = folder
        self.provider = provider
        self.valkey = valkey
        self.processes: list[subprocess.Popen[bytes]] = []
        self.clients: list[httpx.AsyncClient] = []

    @property
    def data(self) -> Path:
        return self.folder / "data"

    async def start(self) -> None:
        number = len(self.processes)
        environment = {
            "SEAWALL_DATA": str(self.data),
            "SEAWALL_RUN": str(self.folder / "run"),
            "SEAWALL_APPS": str(self.folder),
            "SEAWALL_MODELS": str(self.folder / "models.yaml"),
            "SEAWALL_REPLICA": str(number),
            "DATABASE_URL": f"postgresql://nobody@/none?host={self.folder}",
            "VALKEY_URL": self.valkey,
        }
        self.processes.append(
            subprocess.Popen([sys.executable, "-m", "seawall.cli.main", "model-proxy"], env={**os.environ, **environment})
        )
        token = Tokens(load_or_create(self.data / "keys")).mint(Principal(user="mia", scopes=("chat", "eval")), 600)
        transport = httpx.AsyncHTTPTransport(uds=str(self.folder / "run" / f"model-proxy-{number}.sock"))
        headers = {"authorization": f"Bearer {token}"}
        client = httpx.AsyncClient(transport=transport, base_url="http://proxy", headers=headers, timeout=30)
        self.clients.append(client)
        for _ in range(600):
            with contextlib.suppress(httpx.TransportError):
                if (await client.get("/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.05)
        raise AssertionError("the model proxy never became ready")

    async def ask(self, number: int = 0, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        body = {"model": "good", "messages": [{"role": "user", "content": "Say something."}], "temperature": 0, **more}
        return await self.clients[number].post("/v1/chat/completions", json=body, headers=headers)

    def stop(self, number: int, how: signal.Signals) -> None:
        self.processes[number].send_signal(how)
        self.processes[number].wait(20)

    def command(self, *arguments: str) -> list[dict[str, Any]]:
        argv = [sys.executable, "-m", "seawall.cli.main", "exchanges", *arguments, "--data", str(self.data)]
        done = subprocess.run(argv, capture_output=True, timeout=60, check=False)
        return [msgspec.json.decode(line) for line in done.stdout.splitlines()]


@pytest.fixture
async def house(valkey_server: ValkeyServer) -> AsyncIterator[House]:
    with tempfile.TemporaryDirectory(prefix="mx", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for made in ("data", "run", "data/keys"):
            (folder / made).mkdir(mode=0o700)
        (folder / "models.yaml").write_text(MODELS.format(socket=folder / "sim.sock"))
        provider = ProviderSimulator()
        await provider.listen(socket=folder / "sim.sock")
        built = House(folder, provider, valkey_server.url)
        await built.start()
        yield built
        for client in built.clients:
            await client.aclose()
        for process in built.processes:
            process.kill()
            process.wait(10)
        await provider.close()


async def test_what_happened_is_found_after_a_stop_and_after_a_crash(house: House) -> None:
    """A stopping service writes what waits; a killed one has written all but its last half second."""
    await house.ask()
    await house.ask(stream=True, temperature=1)
    await asyncio.sleep(1.2)
    house.stop(0, signal.SIGKILL)
    await house.start()
    await house.ask(1, messages=[{"role": "user", "content": "mail ann@example.org"}])
    house.stop(1, signal.SIGTERM)
    found = house.command("list", "--json")
    assert [one.get("stream", False) for one in found] == [False, True, False]
    assert all(one["response"]["choices"][0]["message"]["content"] for one in found)
    assert found[0]["usage"]["output"] > 0
    assert found[1]["chunks"]
    assert found[2]["request"]["messages"][0]["content"] == "mail [pii.email]"


async def test_processes_share_answers_and_ask_once(house: House) -> None:
    """What one process is asking for the other waits for; what one has asked the other knows."""
    await house.start()
    words = [{"role": "user", "content": f"only once {os.urandom(8).hex()}"}]
    answers = await asyncio.gather(*[house.ask(number, model="slow", messages=words) for number in (0, 1, 0, 1)])
    answers.append(await house.ask(1, model="slow", messages=words))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_a_cassette_needs_no_provider(house: House) -> None:
    """Recorded once, it answers when the provider is gone; what it lacks is refused."""
    lane = {"seawall-lane": "eval"}
    recorded = await house.ask(headers={**lane, "seawall-snapshot": "record"})
    await asyncio.sleep(0.3)
    await house.provider.close()
    replayed = await house.ask(headers={**lane, "seawall-snapshot": "require"})
    assert replayed.json()["choices"] == recorded.json()["choices"]
    assert (await house.ask(headers={**lane, "seawall-snapshot": "require"}, model="slow")).status_code == 404
