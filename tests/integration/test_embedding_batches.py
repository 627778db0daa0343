"""Embeddings of several requests travel together, and each gets its own back."""

from __future__ import annotations

import asyncio

import pytest
from tests.integration.provider_stand import Sink, Stand, stand
from tests.waiting import eventually

from seawall.core.errors import DeadlineExceeded
from seawall.lab.answers import embeddings
from seawall.lab.behaviours import Behaviour
from seawall.model_proxy.batches import TEXTS_MAX
from seawall.model_proxy.call import Call
from seawall.model_proxy.errors import BadCall, ProviderFailed


async def embed(on: Stand, given: object, *, behave: str = "", seconds: float = 10.0, **body: object) -> tuple[Call, Sink]:
    """One request for embeddings."""
    call, sink = on.made(surface="embeddings", seconds=seconds, body={"input": given} | body), Sink()
    await on.caller.call(call, on.targets(behave), sink)
    return call, sink


def vectors(sink: Sink) -> list[object]:
    assert sink.answer is not None
    return [one["embedding"] for one in sink.answer.body["data"]]


def expected(given: object) -> list[object]:
    return [one["embedding"] for one in embeddings({"input": given}, Behaviour())["data"]]


async def test_requests_at_once_travel_together_and_each_gets_its_own() -> None:
    """Texts and lists of texts; the tokens are shared out to the last one."""
    given = ["calm", ["storm", "a much longer text about the tide"], "calm", ["x"]]
    async with stand() as on:
        done = await asyncio.gather(*(embed(on, one) for one in given))
        assert len(on.simulators[0].calls) == 1
        assert on.simulators[0].calls[0].body["input"] == ["calm", "storm", "a much longer text about the tide", "calm", "x"]
        for one, (_, sink) in zip(given, done, strict=True):
            assert vectors(sink) == expected(one)
        counted = embeddings({"input": on.simulators[0].calls[0].body["input"]}, Behaviour())["usage"]["prompt_tokens"]
        assert sum(call.usage.input for call, _ in done) == counted


async def test_what_asks_for_something_else_travels_apart() -> None:
    """Other dimensions, another encoding, tokens instead of texts."""
    async with stand() as on:
        await asyncio.gather(embed(on, "a"), embed(on, "b", dimensions=8), embed(on, "c", encoding_format="base64"), embed(on, [1, 2, 3]))
        assert len(on.simulators[0].calls) == 4


async def test_a_batch_is_bounded() -> None:
    """What does not fit goes in the next; what is too much for any goes alone."""
    async with stand() as on:
        await asyncio.gather(embed(on, ["x"] * (TEXTS_MAX - 1)), embed(on, ["y", "z"]), embed(on, ["w"] * (TEXTS_MAX + 1)))
        assert sorted(len(call.body["input"]) for call in on.simulators[0].calls) == [2, TEXTS_MAX - 1, TEXTS_MAX + 1]


async def test_one_ill_text_fails_its_own_request_alone() -> None:
    """The others are answered."""
    async with stand() as on:
        done = await asyncio.gather(
            *(embed(on, one, behave="refuse=POISON") for one in ("calm", "POISON", "storm")), return_exceptions=True
        )
        assert isinstance(done[1], BadCall)
        for one, result in zip(("calm", "storm"), (done[0], done[2]), strict=True):
            assert not isinstance(result, BaseException)
            assert vectors(result[1]) == expected(one)


async def test_a_failing_provider_is_tried_again_together() -> None:
    """And told to everybody when it does not pass."""
    async with stand(sleep=lambda _: asyncio.sleep(0)) as on:
        done = await asyncio.gather(*(embed(on, str(n), behave="status=500") for n in range(5)), return_exceptions=True)
        assert all(isinstance(one, ProviderFailed) for one in done)
        assert len(on.simulators[0].calls) <= 6


async def test_one_failure_of_many_is_one_failure() -> None:
    """Twenty that travelled together are tried again together, for the price of one, and the breaker has seen one failure."""
    async with stand("retries: {burst: 1}\nbreaker: {least: 2}") as on:
        targets = on.targets(("status=500",))
        calls = [(on.made(surface="embeddings", body={"input": f"text {n}"}), Sink()) for n in range(20)]
        await asyncio.gather(*(on.caller.call(call, targets, sink) for call, sink in calls))
        assert [vectors(sink) for _, sink in calls] == [expected(f"text {n}") for n in range(20)]
        assert [len(call.body["input"]) for call in on.simulators[0].calls] == [20, 20]
        assert on.caller.lane("a").breaker.state == "closed"


async def test_a_client_that_leaves_costs_the_others_nothing() -> None:
    """When all have left the provider's work is cancelled."""
    async with stand() as on:
        stays = asyncio.create_task(embed(on, "stays", behave="first_byte_ms=100"))
        leaves = asyncio.create_task(embed(on, "leaves", behave="first_byte_ms=100"))
        await asyncio.sleep(0.05)
        leaves.cancel()
        _, sink = await stays
        assert vectors(sink) == expected("stays")
        assert len(on.simulators[0].calls) == 1
        alone = asyncio.create_task(embed(on, "alone", behave="silent=1"))
        await eventually(lambda: len(on.simulators[0].calls) == 2)
        alone.cancel()
        await eventually(lambda: on.simulators[0].calls[-1].outcome == "vanished")


async def test_each_has_its_own_deadline() -> None:
    """One that cannot wait does not make the others hurry."""
    async with stand() as on:
        done = await asyncio.gather(
            embed(on, "hurry", behave="first_byte_ms=150", seconds=0.05),
            embed(on, "time", behave="first_byte_ms=150"),
            return_exceptions=True,
        )
        assert isinstance(done[0], DeadlineExceeded)
        assert not isinstance(done[1], BaseException)


@pytest.mark.parametrize("given", [None, [], "", 3, {"a": 1}, [["a"], 1]])
async def test_odd_inputs_go_alone_for_the_provider_to_judge(given: object) -> None:
    """They spoil no batch."""
    async with stand() as on:
        odd, well = await asyncio.gather(embed(on, given), embed(on, "calm"), return_exceptions=True)
        assert isinstance(odd, BadCall)
        assert not isinstance(well, BaseException)
