"""The shared level of the exact cache, asked without a task: what two processes on one Valkey hear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.engines import ValkeyServer
from tests.unit.exact_cache.calls import COMPLETION, Heard, a_call

from seawall.model_proxy.cache.exact import ExactCache
from seawall.model_proxy.cache.flights import Flight
from seawall.model_proxy.cache.shared import SharedAnswers
from seawall.model_proxy.call import Usage, Whole
from seawall.store.valkey_pipe import PipedValkey
from seawall.trust.encryption import Sealer

Two = tuple[ExactCache, ExactCache]


@pytest.fixture
async def caches(own_valkey: ValkeyServer) -> AsyncIterator[Two]:
    """Two processes' caches."""
    stores = [PipedValkey(own_valkey.url, operation_seconds_max=10.0) for _ in range(2)]
    one, two = [ExactCache(shared=SharedAnswers(store, Sealer(bytes(32)), ttl_seconds=60)) for store in stores]
    yield one, two
    await one.close()
    await two.close()
    for store in stores:
        await store.close()


def begun(cache: ExactCache) -> Flight:
    call = a_call()
    assert cache.look(call) is None
    return cache.begin(call)


async def heard(cache: ExactCache, flight: Flight) -> bool | None:
    said: asyncio.Future[bool | None] = asyncio.get_running_loop().create_future()
    assert cache.ask(flight.call, said.set_result)
    return await said


async def test_the_first_asks_a_model_and_the_next_is_told_to_wait(caches: Two) -> None:
    """Until the answer is there: then it is given to everybody on the flight."""
    one, two = caches
    flight, other = begun(one), begun(two)
    sink = Heard()
    other.join(sink, streamed=False)
    assert await heard(one, flight) is False
    assert await heard(two, other) is None
    flight.whole(Whole(COMPLETION, Usage(9, 3)))
    async with asyncio.timeout(30):
        while await heard(two, other) is not True:
            await asyncio.sleep(0.02)
    assert sink.answer is not None
    assert sink.answer.body == COMPLETION
    assert other.call.served == "cache"


async def test_without_valkey_each_asks_a_model(caches: Two, own_valkey: ValkeyServer) -> None:
    """At once, and while the breaker is open."""
    one, _ = caches
    own_valkey.kill()
    for _ in range(8):
        flight = begun(one)
        assert await heard(one, flight) is False
        flight.fail(asyncio.CancelledError())


async def test_who_left_meanwhile_claims_nothing_for_long(caches: Two) -> None:
    """The claim of a flight that was deserted before the reply came is not renewed."""
    one, _ = caches
    flight = begun(one)
    seat = flight.join(Heard(), streamed=False)
    said: list[bool | None] = []
    assert one.ask(flight.call, said.append)
    seat.leave()
    assert flight.ended
    async with asyncio.timeout(30):
        while not said:
            await asyncio.sleep(0.01)
    assert one._shared is not None
    assert not one._shared._claims
