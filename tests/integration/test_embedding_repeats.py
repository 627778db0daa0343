"""Texts that were embedded before never reach the provider again, for those who may know: over HTTP, through the pipeline."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.provider_stand import Stand, stand

from seawall.core.principal import Principal
from seawall.lab.answers import embeddings
from seawall.lab.behaviours import Behaviour
from seawall.model_proxy.app import ModelProxy, refusal
from seawall.model_proxy.cache.memo import EmbeddingMemo
from seawall.model_proxy.call import Call, Caller, Whole
from seawall.model_proxy.edge import Server
from seawall.model_proxy.http import Request
from seawall.model_proxy.models import cards
from seawall.model_proxy.pipeline import Pipeline, Stages
from seawall.model_proxy.route.router import Router

MODEL = "  e: {provider: pa, model: sim-a, kind: embedding}"


class Front:
    """A proxy that knows who asks by a header, in front of a simulator; `ended` holds the calls as they were settled."""

    def __init__(self) -> None:
        self.ended: list[Call] = []
        self.on: Stand
        self.client: httpx.AsyncClient

    def known(self, request: Request) -> Caller:
        tenant, _, rights = request.headers.get("x-who", "acme/r").partition("/")
        return Caller(Principal(user="u", tenant=tenant, roles=()), fingerprint=f"{tenant}{rights}")

    async def find(self, request: Request) -> Caller:
        raise AssertionError

    def record(self, call: Call, answer: Whole | None, text: str, pieces: Sequence[object] = ()) -> None:
        self.ended.append(call)

    async def embed(self, given: object, *, headers: dict[str, str] | None = None, **body: object) -> dict[str, Any]:
        answer = await self.client.post("/v1/embeddings", json={"model": "e", "input": given, **body}, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    @property
    def asked(self) -> list[object]:
        """What reached the provider."""
        return [call.body["input"] for call in self.on.simulators[0].calls]


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    """One with a memo and no exact cache, so that the memo is seen alone."""
    made = Front()
    async with stand(MODEL, memo=EmbeddingMemo()) as made.on:
        pipeline = Pipeline(
            Stages(identify=made, route=Router(made.on.config), caller=made.on.caller, start=made.on.caller.start, record=made)
        )
        server = Server(ModelProxy(made, cards(made.on.config), pipeline).handle, refusal)
        await server.listen(tmp_path / "p.sock")
        transport = httpx.AsyncHTTPTransport(uds=str(tmp_path / "p.sock"))
        async with httpx.AsyncClient(transport=transport, base_url="http://proxy") as made.client:
            yield made
        await server.drain(1)


def expected(given: object, **body: object) -> dict[str, Any]:
    return embeddings({"input": given, "model": "sim-a", **body}, Behaviour())


async def test_a_repeated_text_is_answered_here(front: Front) -> None:
    """With the very same numbers; it costs nothing, and no provider is tried."""
    assert await front.embed("calm") == expected("calm")
    again = await front.embed(["calm", "calm"])
    assert again["data"] == expected(["calm", "calm"])["data"]
    assert again["usage"] == {"prompt_tokens": 0, "total_tokens": 0}
    assert front.asked == [["calm"]]
    first, second = front.ended
    assert (first.served, first.usage.input) == ("model", expected("calm")["usage"]["prompt_tokens"])
    assert (second.served, second.usage.input, second.cost, second.attempts) == ("cache", 0, 0, [])


async def test_only_the_missing_ones_are_asked_for(front: Front) -> None:
    """Each once; the answer is whole and in order, the usage that of what was asked for."""
    await front.embed(["calm", "storm"])
    given = ["tide", "storm", "wall", "tide", "calm"]
    answer = await front.embed(given)
    assert answer["data"] == expected(given)["data"]
    assert front.asked[1:] == [["tide", "wall"]]
    assert answer["usage"] == expected(["tide", "wall"])["usage"]
    assert front.ended[-1].usage.input == answer["usage"]["prompt_tokens"]


@pytest.mark.parametrize("who", ["other/r", "acme/w"])
async def test_others_do_not_learn_what_was_embedded(front: Front, who: str) -> None:
    """Neither another tenant nor those with other rights."""
    await front.embed("calm")
    await front.embed("calm", headers={"x-who": who})
    assert len(front.asked) == 2


async def test_another_form_is_another_vector(front: Front) -> None:
    """Dimensions and encoding; each is remembered as it came."""
    for _ in range(2):
        for body in ({}, {"dimensions": 8}, {"encoding_format": "base64"}):
            answer = await front.embed(["calm", "storm"], **body)
            assert answer["data"] == expected(["calm", "storm"], **body)["data"]
    assert len(front.asked) == 3


@pytest.mark.parametrize(("said", "reads", "keeps"), [("no-store", False, False), ("no-cache", False, True)])
async def test_a_client_may_say_otherwise(front: Front, said: str, reads: bool, keeps: bool) -> None:
    """As for whole answers."""
    await front.embed("calm", headers={"seawall-cache": said})
    await front.embed("calm")
    assert len(front.asked) == (1 if keeps else 2)
    await front.embed("calm", headers={"seawall-cache": said})
    assert len(front.asked) == (2 if keeps else 3)


async def test_what_another_model_said_is_not_kept(front: Front) -> None:
    """Vectors of two models must not meet."""
    front.on.targets("swap=another")
    await front.embed("calm")
    front.on.targets("")
    await front.embed("calm")
    assert len(front.asked) == 2


@pytest.mark.parametrize("given", [[1, 2, 3], [[1, 2], [3]]])
async def test_tokens_are_not_remembered(front: Front, given: object) -> None:
    """They are no texts; they go to the provider as they are."""
    for _ in range(2):
        await front.embed(given)
    assert len(front.asked) == 2
