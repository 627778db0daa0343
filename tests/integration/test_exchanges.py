"""Recorded calls and shared answers with real processes, a real Valkey and a simulated provider."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from tests.engines import ValkeyServer
from tests.integration.proxy_house import ProxyHouse, proxy_house
from tests.waiting import until

from seawall.core.principal import Principal

EVALUATOR = Principal(user="mia", scopes=("chat", "eval"))
MODELS = """
providers:
  sim: {{kind: openai, url: "unix://{socket}", allow_private: true, classes: [public, internal, confidential]}}
models:
  good: {{provider: sim, model: sim-small}}
  slow: {{provider: sim, model: "sim-small;token_ms=60;tokens=10"}}
"""


@pytest.fixture
async def house(valkey_server: ValkeyServer) -> AsyncIterator[ProxyHouse]:
    """One proxy runs; all share a Valkey."""
    async with proxy_house(MODELS, EVALUATOR, VALKEY_URL=valkey_server.url) as built:
        await built.start()
        yield built


async def ask(house: ProxyHouse, number: int = 0, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
    body = {"model": "good", "messages": [{"role": "user", "content": "Say something."}], "temperature": 0, **more}
    return await house.clients[number].post("/v1/chat/completions", json=body, headers=headers)


def command(house: ProxyHouse, *arguments: str) -> list[dict[str, Any]]:
    argv = [sys.executable, "-m", "seawall.cli.main", "exchanges", *arguments, "--data", str(house.folder / "data")]
    done = subprocess.run(argv, capture_output=True, timeout=60, check=False)
    return [msgspec.json.decode(line) for line in done.stdout.splitlines()]


async def test_what_happened_is_found_after_a_stop_and_after_a_crash(house: ProxyHouse) -> None:
    """A stopping service writes what waits; a killed one has written all but its last half second."""
    await ask(house)
    await ask(house, stream=True, temperature=1)
    await asyncio.to_thread(until, lambda: len(command(house, "list", "--json")) == 2)
    house.stop(0, signal.SIGKILL)
    await house.start()
    await ask(house, 1, messages=[{"role": "user", "content": "mail ann@example.org"}])
    house.stop(1, signal.SIGTERM)
    found = command(house, "list", "--json")
    assert [one.get("stream", False) for one in found] == [False, True, False]
    assert all(one["response"]["choices"][0]["message"]["content"] for one in found)
    assert found[0]["usage"]["output"] > 0
    assert found[1]["chunks"]
    assert found[2]["request"]["messages"][0]["content"] == "mail [pii.email]"


async def test_processes_share_answers_and_ask_once(house: ProxyHouse) -> None:
    """What one process is asking for the other waits for; what one has asked the other knows.

    A Valkey that a busy machine keeps from answering in 50 ms is as good as away: one of three rounds must do.
    """
    await house.start()
    assert 1 in [await calls_of_a_round(house) for _ in range(3)]


async def calls_of_a_round(house: ProxyHouse) -> int:
    """How often the provider was asked for what five clients of two processes wanted."""
    before = len(house.provider.calls)
    words = [{"role": "user", "content": f"only once {os.urandom(8).hex()}"}]
    answers = await asyncio.gather(*[ask(house, number, model="slow", messages=words) for number in (0, 1, 0, 1)])
    answers.append(await ask(house, 1, model="slow", messages=words))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    return len(house.provider.calls) - before


async def test_a_cassette_needs_no_provider(house: ProxyHouse) -> None:
    """Recorded once, it answers when the provider is gone; what it lacks is refused."""
    lane = {"seawall-lane": "eval"}
    recorded = await ask(house, headers={**lane, "seawall-snapshot": "record"})
    await house.provider.close()
    async with asyncio.timeout(60):
        while (replayed := await ask(house, headers={**lane, "seawall-snapshot": "require"})).status_code == 404:
            await asyncio.sleep(0.1)
    assert replayed.json()["choices"] == recorded.json()["choices"]
    assert (await ask(house, headers={**lane, "seawall-snapshot": "require"}, model="slow")).status_code == 404
