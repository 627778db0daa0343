"""The provider simulator over real HTTP, as its users meet it."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.waiting import eventually

from seawall.lab.behaviours import Step
from seawall.lab.provider import ProviderSimulator
from seawall.model_proxy.forms import body_of

ASK = {"model": "sim", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
async def simulator() -> AsyncIterator[tuple[ProviderSimulator, httpx.AsyncClient]]:
    """A simulator and a client of it."""
    made = ProviderSimulator()
    url = await made.listen()
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
        yield made, client
    await made.close()


Pair = tuple[ProviderSimulator, httpx.AsyncClient]


async def test_it_answers_and_tells_what_it_got(simulator: Pair) -> None:
    """The key is not repeated."""
    _, client = simulator
    answer = await client.post("/chat/completions", json=ASK, headers={"authorization": "Bearer sk-secret-1234"})
    assert answer.json()["object"] == "chat.completion"
    [call] = (await client.get(client.base_url.copy_with(path="/_sim/calls"))).json()
    assert call["body"] == ASK
    assert call["headers"]["authorization"] == "…1234"
    assert call["outcome"] == "answered"


async def test_a_stream_ends_with_done(simulator: Pair) -> None:
    """In server-sent events."""
    _, client = simulator
    answer = await client.post("/chat/completions", json=ASK | {"stream": True})
    assert answer.text.endswith("data: [DONE]\n\n")


async def test_as_many_choices_as_were_asked_for(simulator: Pair) -> None:
    """The first is what one alone would be; all of them are counted."""
    _, client = simulator
    alone = (await client.post("/chat/completions", json=ASK)).json()
    three = (await client.post("/chat/completions", json=ASK | {"n": 3})).json()
    texts = [choice["message"]["content"] for choice in three["choices"]]
    assert [choice["index"] for choice in three["choices"]] == [0, 1, 2]
    assert (texts[0], len(set(texts))) == (alone["choices"][0]["message"]["content"], 3)
    assert three["usage"]["completion_tokens"] > 2 * alone["usage"]["completion_tokens"]
    assert (await client.post("/chat/completions", json=ASK | {"n": 0})).status_code == 400


async def test_choices_are_streamed_by_turns(simulator: Pair) -> None:
    """Each piece tells whose it is; together they say what the whole answer says."""
    _, client = simulator
    whole = (await client.post("/chat/completions", json=ASK | {"n": 2})).json()
    answer = await client.post("/chat/completions", json=ASK | {"n": 2, "stream": True})
    events = [msgspec.json.decode(line[6:]) for line in answer.text.split("\n\n")[:-2]]
    assert [event["choices"][0]["index"] for event in events[:4]] == [0, 1, 0, 1]
    assert [one["message"]["content"] for one in body_of(map(msgspec.json.encode, events))["choices"]] == [
        one["message"]["content"] for one in whole["choices"]
    ]


@pytest.mark.parametrize("behave", ["cut_after=3", "reset=1"])
async def test_connections_break_on_demand(simulator: Pair, behave: str) -> None:
    """In the middle, or before anything."""
    _, client = simulator
    with pytest.raises(httpx.TransportError):
        await client.post("/chat/completions", json=ASK | {"stream": True}, headers={"lab-behaviour": behave})


async def test_never_answering_lasts_until_the_client_leaves(simulator: Pair) -> None:
    """And is told as such."""
    made, client = simulator
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/chat/completions", json=ASK | {"model": "sim;silent=1"}, timeout=httpx.Timeout(60, read=0.1))
    await eventually(lambda: made.calls and made.calls[-1].outcome == "vanished")


async def test_a_script_may_be_given_while_it_runs(simulator: Pair) -> None:
    """And is used up."""
    _, client = simulator
    steps = [{"behave": "status=429;retry_after=2"}]
    await client.put(client.base_url.copy_with(path="/_sim/script"), json=steps)
    answers = [await client.post("/chat/completions", json=ASK) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [429, 200]
    assert answers[0].headers["retry-after"] == "2"


async def test_the_command_runs_until_told_to_stop() -> None:
    """On a socket, with a script."""
    with tempfile.TemporaryDirectory(prefix="sw-lab-") as folder:
        script, socket = Path(folder) / "script.yaml", Path(folder) / "p.sock"
        script.write_text("- {behave: 'status=500', times: 1}\n")
        argv = [sys.executable, "-m", "seawall.cli.main", "lab", "provider", "--socket", str(socket), "--script", str(script)]
        process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE, env=dict(os.environ))
        assert process.stdout is not None
        assert b"unix://" in await asyncio.wait_for(process.stdout.readline(), 60)
        async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(socket)), base_url="http://sim/v1", timeout=60) as client:
            assert (await client.post("/chat/completions", json=ASK)).status_code == 500
            assert (await client.get("/models")).status_code == 200
        process.terminate()
        assert await process.wait() == 0


def test_steps_are_values() -> None:
    """Equal steps are equal."""
    assert Step(behave="status=500") == Step(behave="status=500", times=1)
