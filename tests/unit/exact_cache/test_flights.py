"""Flights: one call for everybody who asks the same at once."""

from __future__ import annotations

import asyncio

import pytest
from tests.unit.exact_cache.calls import COMPLETION, Heard, a_call
from tests.virtual_time import run

from seawall.core.clock import ManualClock
from seawall.core.errors import DeadlineExceeded
from seawall.model_proxy.cache import flights
from seawall.model_proxy.cache.exact import ExactCache
from seawall.model_proxy.cache.flights import KEPT_BYTES_MAX, Flight
from seawall.model_proxy.cache.shared import SharedAnswers
from seawall.model_proxy.call import Piece, Usage, Whole
from seawall.model_proxy.errors import ProviderFailed
from seawall.model_proxy.forms import pieces_of
from seawall.store.memory_valkey import MemoryValkey
from seawall.trust.encryption import Sealer

PIECES = pieces_of(COMPLETION, [3, 3])
WHOLE = Whole(COMPLETION, Usage(9, 3))


def begun(cache: ExactCache, *, stream: bool = True) -> Flight:
    call = a_call()
    call.stream = stream
    assert cache.look(call) is None
    return cache.begin(call)


def joined(cache: ExactCache) -> Flight:
    found = cache.look(a_call(user="bob"))
    assert isinstance(found, Flight)
    return found


async def test_a_stream_fans_out_from_its_beginning() -> None:
    """Who joins in the middle hears it all; who wants it whole gets it whole."""
    cache, first, late, whole = ExactCache(), Heard(), Heard(), Heard()
    flight = begun(cache)
    seats = [flight.join(first, streamed=True, usage_told=True)]
    flight.piece(PIECES[0])
    seats += [joined(cache).join(late, streamed=True), joined(cache).join(whole, streamed=False)]
    for piece in PIECES[1:]:
        flight.piece(piece)
    flight.finish()
    assert [await seat.done() for seat in seats] == [True, True, True]
    assert first.pieces == PIECES
    assert late.pieces == PIECES[:-1], "the usage is for who asked for it"
    assert whole.answer is not None
    assert whole.answer.body == COMPLETION
    assert cache.counts == (0, 2, 1)


async def test_a_whole_answer_reaches_those_who_want_a_stream() -> None:
    """In pieces."""
    cache, one, other = ExactCache(), Heard(), Heard()
    flight = begun(cache, stream=False)
    flight.join(one, streamed=False)
    flight.join(other, streamed=True)
    flight.whole(WHOLE)
    assert one.answer == WHOLE
    assert other.text == "Fifty-two."


async def test_the_flight_goes_on_while_anybody_is_left() -> None:
    """Its first asker leaves, then the other: only then the work is cancelled."""
    cache = ExactCache()
    flight = begun(cache)
    work = asyncio.create_task(asyncio.sleep(60))
    flight.carry(work)
    first, second = (flight.join(Heard(), streamed=True) for _ in range(2))
    first.leave()
    await asyncio.sleep(0)
    assert not work.cancelling()
    waiting = asyncio.create_task(second.done())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting, work})
    assert work.cancelled()
    assert cache.look(a_call()) is None, "a flight that is ending takes nobody"


async def test_what_went_wrong_is_told_to_everybody() -> None:
    """Also to who already has a part; nothing is kept."""
    cache = ExactCache()
    flight = begun(cache)
    seats = [flight.join(Heard(), streamed=True) for _ in range(2)]
    flight.piece(PIECES[0])
    waiting = asyncio.gather(*[seat.done() for seat in seats], return_exceptions=True)
    await asyncio.sleep(0)
    flight.fail(ProviderFailed())
    assert [type(one) for one in await waiting] == [ProviderFailed, ProviderFailed]
    assert cache.look(a_call()) is None


async def test_the_first_askers_deadline_is_not_everybodys() -> None:
    """Who has nothing yet looks again; who has a part is told that it broke off."""
    flight = begun(ExactCache())
    nothing, part = flight.join(Heard(), streamed=False), flight.join(Heard(), streamed=True)
    flight.piece(PIECES[0])
    flight.fail(DeadlineExceeded())
    assert await nothing.done() is False
    with pytest.raises(DeadlineExceeded):
        await part.done()


async def test_a_slow_reader_falls_behind_alone() -> None:
    """It catches up when it can, and its wait ends only then."""
    flight, slow, quick = begun(ExactCache()), Heard(), Heard()
    seats = [flight.join(quick, streamed=True), flight.join(slow, streamed=True)]
    seats[1].pause()
    for piece in PIECES:
        flight.piece(piece)
    flight.finish()
    assert await seats[0].done()
    assert (quick.text, slow.text) == ("Fifty-two.", "")
    waiting = asyncio.create_task(seats[1].done())
    await asyncio.sleep(0)
    assert not waiting.done()
    seats[1].resume()
    assert await waiting
    assert slow.text == quick.text


class Provider:
    """What holds a provider back."""

    paused = False

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False


async def test_what_a_flight_keeps_is_bounded() -> None:
    """Over the bound the slowest holds the provider back, nobody joins, and what all have read goes."""
    cache = ExactCache()
    flight, provider = begun(cache), Provider()
    flight.control = provider
    quick, slow = (flight.join(Heard(), streamed=True) for _ in range(2))
    slow.pause()
    assert not provider.paused, "one of two reads on"
    big = Piece(b"x" * (KEPT_BYTES_MAX // 2), text="x")
    for _ in range(3):
        flight.piece(big)
    assert provider.paused
    assert cache.look(a_call()) is None
    slow.resume()
    assert not provider.paused
    assert cache.look(a_call()) is None, "its beginning is gone"
    flight.piece(big)
    flight.finish()
    assert await quick.done()
    assert await slow.done()
    assert cache.kept_bytes == 0


async def test_a_sink_that_fails_costs_only_its_own_client() -> None:
    """The others hear on."""

    class Broken(Heard):
        def stream(self, piece: Piece) -> None:
            raise ConnectionResetError

    flight, heard = begun(ExactCache()), Heard()
    flight.join(heard, streamed=True)
    broken = flight.join(Broken(), streamed=True)
    waiting = asyncio.create_task(broken.done())
    await asyncio.sleep(0)
    flight.piece(PIECES[0])
    with pytest.raises(ConnectionResetError):
        await waiting
    flight.piece(PIECES[1])
    assert heard.pieces == PIECES[:2]


def two_processes(clock: ManualClock) -> list[ExactCache]:
    store = MemoryValkey(clock)
    return [ExactCache(shared=SharedAnswers(store, Sealer(bytes(32)), ttl_seconds=60), clock=clock) for _ in range(2)]


def test_processes_ask_once() -> None:
    """The second process waits for the first one's answer, however long that takes, and keeps it."""
    clock = ManualClock()

    async def story() -> None:
        one, two = two_processes(clock)
        flight, other = begun(one, stream=False), begun(two)
        assert await one.fetch(flight.call) is None
        heard = Heard()
        seat = other.join(heard, streamed=True)
        fetching = asyncio.create_task(two.fetch(other.call))
        await asyncio.sleep(9)
        assert not fetching.done()
        flight.whole(WHOLE)
        assert await fetching is not None
        assert await seat.done()
        assert heard.text == "Fifty-two."
        await one.close()
        await two.close()

    run(story(), clock)


def test_a_process_that_fails_or_dies_frees_its_claim() -> None:
    """Who waits asks itself: at once after a failure, within seconds after a death."""
    clock = ManualClock()

    async def story(die: bool) -> float:
        one, two = two_processes(clock)
        flight, other = begun(one), begun(two)
        await one.fetch(flight.call)
        fetching = asyncio.create_task(two.fetch(other.call))
        await asyncio.sleep(0.5)
        began = clock.time()
        if die:
            await one.close()
        else:
            flight.fail(ProviderFailed())
        assert await fetching is None
        await one.close()
        await two.close()
        return clock.time() - began

    assert run(story(die=False), clock) < 0.2
    assert run(story(die=True), clock) < 3


def test_without_valkey_each_process_asks_for_itself() -> None:
    """Nobody waits and nothing fails."""
    clock = ManualClock()

    async def story() -> None:
        store = MemoryValkey(clock)
        store.away = True
        cache = ExactCache(shared=SharedAnswers(store, Sealer(bytes(32)), ttl_seconds=60), clock=clock)
        flight = begun(cache, stream=False)
        assert await cache.fetch(flight.call) is None
        flight.whole(WHOLE)
        await asyncio.sleep(1)
        assert not isinstance(cache.look(a_call()), Flight)
        await cache.close()

    run(story(), clock)


async def test_a_stream_that_cannot_be_made_whole_fails_for_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is left waiting for an end that was never told."""
    cache, whole = ExactCache(), Heard()
    flight = begun(cache)
    seat = flight.join(whole, streamed=False)
    for piece in PIECES:
        flight.piece(piece)
    monkeypatch.setattr(flights, "body_of", lambda events: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        flight.finish()
    assert not flight.ended
    flight.fail(ProviderFailed("Nonsense"))
    with pytest.raises(ProviderFailed):
        await seat.done()
