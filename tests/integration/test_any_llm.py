"""Providers through any-llm: with a stand-in module behind the same interface, and with the package itself where it is installed."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from tests.integration.provider_stand import KEY, Stand, stand

from seawall.core.errors import SeawallError
from seawall.lab.answers import completion, embeddings, pieces, say
from seawall.lab.behaviours import Behaviour
from seawall.model_proxy.any_llm import AnyLlm
from seawall.model_proxy.config import Provider
from seawall.model_proxy.errors import BadCall, OverLimit, ProviderFailed, ProviderRefusedKey
from seawall.model_proxy.upstream_errors import TimedOut


class Answer:
    """A pydantic model, as far as it is used."""

    def __init__(self, value: object) -> None:
        self._value = value

    def model_dump_json(self, *, exclude_none: bool) -> str:
        """As pydantic's."""
        assert exclude_none
        return msgspec.json.encode(self._value).decode()


class StandIn:
    """What any-llm's `AnyLLM` does, by the simulator's own answers; `raises` and `stall` are its faults."""

    raises: Exception | None = None
    stall = False

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}
        self.asked: dict[str, Any] = {}

    def create(self, provider: str, **given: Any) -> StandIn:
        """As any-llm's."""
        self.made = {"provider": provider} | given
        return self

    async def acompletion(self, **given: Any) -> object:
        """As any-llm's."""
        self.asked = given
        if self.raises is not None:
            raise self.raises
        if self.stall:
            await asyncio.sleep(60)
        said = say(given, Behaviour(), 0)
        return self._chunks(said) if given.get("stream") else Answer(completion(said, usage=True))

    async def _chunks(self, said: Any) -> AsyncIterator[Answer]:
        for one in pieces(said, usage=True):
            yield Answer(one)

    async def aembedding(self, *, inputs: object, **given: Any) -> Answer:
        """As any-llm's."""
        return Answer(embeddings({"input": inputs} | given, Behaviour()))


class RateLimitError(Exception):
    """Named as any-llm's."""

    retry_after = "30"


class AuthenticationError(Exception):
    """Named as any-llm's."""

    message = f"no such key: {KEY}"


class InvalidRequestError(Exception):
    """Named as any-llm's."""

    message = "temperature is too high"


def through(on: Stand, module: object, **settings: Any) -> None:
    """Let model `a` be called through any-llm."""
    way = on.caller.lane("a").way
    way.transport = AnyLlm(Provider("claude", "any-llm", provider="anthropic", **settings), KEY, module)


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_is_that_of_any_other_provider(stream: bool) -> None:
    """With its usage, whole or streamed."""
    module = SimpleNamespace(AnyLLM=StandIn())
    async with stand() as on:
        through(on, module)
        call, sink = await on.ask(stream=stream)
        assert len(sink.text.split()) == 24
        assert not call.usage.estimated
        assert call.usage.output > 0
        assert module.AnyLLM.made["provider"] == "anthropic"
        assert module.AnyLLM.made["max_retries"] == 0


async def test_embeddings_are_batched_here_too() -> None:
    """The batch goes to any-llm as one list."""
    async with stand() as on:
        through(on, SimpleNamespace(AnyLLM=StandIn()))
        _, sink = await on.ask(surface="embeddings")
        assert sink.answer is not None
        assert len(sink.answer.body["data"]) == 1


async def test_a_body_can_set_neither_address_nor_key() -> None:
    """Only parameters of OpenAI's API are handed on."""
    module = SimpleNamespace(AnyLLM=StandIn())
    async with stand() as on:
        through(on, module)
        await on.ask(body={"api_base": "http://169.254.169.254", "api_key": "x", "client_args": {}, "provider": "openai", "temperature": 0})
        assert set(module.AnyLLM.asked) == {"model", "messages", "temperature"}


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (RateLimitError(), OverLimit),
        (AuthenticationError(), ProviderRefusedKey),
        (InvalidRequestError(), BadCall),
        (ValueError(f"odd {KEY}"), ProviderFailed),
    ],
)
async def test_what_an_sdk_raises_is_judged_like_a_status(raised: Exception, error: type[SeawallError]) -> None:
    """And never tells the key."""
    stand_in = StandIn()
    stand_in.raises = raised
    async with stand("retries: {attempts: 1}") as on:
        through(on, SimpleNamespace(AnyLLM=stand_in))
        with pytest.raises(error) as told:
            await on.ask()
        assert KEY not in str(told.value)


async def test_silence_is_timed_out() -> None:
    """By the provider's own limits."""
    stand_in = StandIn()
    stand_in.stall = True
    async with stand("retries: {attempts: 1}", provider=", timeouts: {first_byte: 50ms}") as on:
        through(on, SimpleNamespace(AnyLLM=stand_in))
        with pytest.raises(TimedOut):
            await on.ask()


@pytest.mark.skipif(importlib.util.find_spec("any_llm") is not None, reason="any-llm-sdk is installed")
async def test_without_the_package_it_is_said_how_to_install_it() -> None:
    """And other providers go on."""
    async with stand() as on:
        through(on, None)
        with pytest.raises(ProviderRefusedKey, match=r"seawall\[any-llm\]"):
            await on.ask()
        _, sink = await on.ask(b="text=here")
        assert sink.text == "here"


@pytest.mark.skipif(importlib.util.find_spec("any_llm") is None, reason="any-llm-sdk is not installed")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("behave", "error"), [("", None), ("status=401", ProviderRefusedKey), ("status=429;retry_after=30", OverLimit), ("status=400", BadCall)]
)
async def test_the_package_itself(behave: str, error: type[SeawallError] | None) -> None:
    """Its OpenAI provider, against the simulator over HTTP."""
    async with stand("retries: {attempts: 1}") as on:
        url = await on.simulators[0].listen()
        way = on.caller.lane("a").way
        way.transport = AnyLlm(Provider("x", "any-llm", provider="openai", url=url, allow_private=True), KEY)
        if error is None:
            assert (await on.ask(behave))[1].text
            assert len((await on.ask(behave, stream=True))[1].text.split()) == 24
        else:
            with pytest.raises(error):
                await on.ask(behave)
        way.transport.close()
        await asyncio.sleep(0.05)
