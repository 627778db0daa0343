"""The ladder's rungs, one story each, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from tests.virtual_time import VirtualLoop

from seawall.app.model import Outage
from seawall.core.clock import ManualClock
from seawall.core.deadline import Deadline
from seawall.core.errors import NotPermitted, Unavailable
from seawall.query.cache import Cache, CacheKey
from seawall.query.cache_shared import Entry, SharedCache
from seawall.query.ladder import Ladder, Served
from seawall.store.memory_valkey import MemoryValkey
from seawall.trust.encryption import Sealer

SEALER = Sealer(bytes(32))
USUAL = Outage()
NO_STALE = Outage(stale_max_age_seconds=None)
ONLY_EXPLAIN = Outage(stale_max_age_seconds=None, summary=False)


class Notebook:
    """Summaries in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, Entry] = {}

    def note(self, key: CacheKey, entry: Entry) -> None:
        self.kept[key.lasting] = entry

    async def find(self, key: CacheKey) -> Entry | None:
        return self.kept.get(key.lasting)


class House:
    """Processes that share a Valkey, a producer that does as told, and time that jumps."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.loop = VirtualLoop(self.clock)
        self.valkey = MemoryValkey(self.clock)
        self.notebook = Notebook()
        self.made = 0
        self.takes = 0.0
        self.fails: Exception | None = None
        self.ladders: list[Ladder] = []

    def ladder(self, **limits: Any) -> Ladder:
        cache = Cache(shared=SharedCache(self.valkey, SEALER, self.clock), clock=self.clock)
        self.ladders.append(Ladder(cache, self.notebook, self.clock, **limits))
        return self.ladders[-1]

    async def reader(self, ladder: Ladder) -> asyncio.Future[Served]:
        """One who has asked a moment ago."""
        asking = asyncio.ensure_future(self._ask(ladder, CacheKey("p", (), "f", "en", "w1"), Outage(), 60.0))
        await asyncio.sleep(0.1)
        return asking

    async def produce(self, _: Deadline) -> bytes:
        self.made += 1
        answer = b"answer %d" % self.made
        await asyncio.sleep(self.takes)
        if self.fails:
            raise self.fails
        return answer

    async def _ask(self, ladder: Ladder, key: CacheKey, outage: Outage, fresh_for: float) -> Served:
        return await ladder.serve(key, self.produce, outage=outage, fresh_for=fresh_for, deadline=Deadline.after(0.9, self.clock))

    def ask(self, *ladders: Ladder, outage: Outage = USUAL, watermark: str = "w1", fresh_for: float = 60.0) -> list[Served]:
        """Ask all at once."""
        key = CacheKey("p", (), "f", "en", watermark)

        async def together() -> list[Served]:
            return await asyncio.gather(*[self._ask(ladder, key, outage, fresh_for) for ladder in ladders])

        return self.loop.run_until_complete(together())

    def pass_time(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def close(self) -> None:
        for ladder in self.ladders:
            self.loop.run_until_complete(ladder.close())
        assert not asyncio.all_tasks(self.loop)
        self.loop.close()


@pytest.fixture
def house() -> Iterator[House]:
    """An empty house."""
    house = House()
    yield house
    house.close()


def test_fresh_then_cached(house: House) -> None:
    """The first reader waits for the making, the next ones do not."""
    ladder = house.ladder()
    (first,) = house.ask(ladder)
    (second,) = house.ask(ladder)
    assert (first.rung, second.rung, house.made) == ("fresh", "cached", 1)
    assert ladder.peek(CacheKey("p", (), "f", "en", "w1")) == second
    assert ladder.served == {"fresh": 1, "cached": 1}


def test_many_readers_one_making(house: House) -> None:
    """Readers of one process and of another who miss at once share one answer."""
    one, other = house.ladder(), house.ladder()
    house.takes = 0.2
    served = house.ask(one, one, one, other, other)
    assert [answer.rung for answer in served] == ["fresh"] * 3 + ["cached"] * 2
    assert {answer.payload for answer in served} == {b"answer 1"}


def test_another_process_finds_it_in_valkey(house: House) -> None:
    """What one process made, the other need not make; nor after its own restart."""
    house.ask(house.ladder())
    (served,) = house.ask(house.ladder())
    assert (served.rung, house.made) == ("cached", 1)


def test_without_valkey_each_makes_its_own(house: House) -> None:
    """Valkey gone costs a making a process, and no error."""
    house.valkey.away = True
    served = house.ask(house.ladder(), house.ladder())
    assert ([answer.rung for answer in served], house.made) == (["fresh", "fresh"], 2)


def test_an_owner_that_dies_frees_its_turn(house: House) -> None:
    """A claim that is not renewed is free after two seconds, and somebody else makes the answer."""
    house.loop.run_until_complete(
        house.valkey.claim(f"seawall:{{{CacheKey('p', (), 'f', 'en', 'w1').exact}}}:claim", "the dead", ttl_seconds=2.0)
    )
    ladder = house.ladder()
    assert house.ask(ladder)[0].reason == "deadline-exceeded"
    house.pass_time(2.0)
    assert (house.ask(ladder)[0].rung, house.made) == ("cached", 1)


def test_a_long_making_keeps_its_turn(house: House) -> None:
    """A live owner renews its claim: the other process waits and makes nothing."""
    one, other = house.ladder(), house.ladder()
    house.takes = 7.0
    house.ask(one, other)
    house.pass_time(8.0)
    assert ([answer.rung for answer in house.ask(one, other)], house.made) == (["cached", "cached"], 1)


def test_stale_while_it_is_made_again(house: House) -> None:
    """After `fresh_for` a reader gets the old answer at once, and the next one the new."""
    ladder = house.ladder()
    house.ask(ladder)
    house.pass_time(61.0)
    house.takes = 0.5
    (old,) = house.ask(ladder)
    assert (old.rung, old.reason, old.payload) == ("stale", "refreshing", b"answer 1")
    house.pass_time(1.0)
    (new,) = house.ask(ladder)
    assert (new.rung, new.payload, new.made_at - old.made_at >= 61.0) == ("cached", b"answer 2", True)


def test_where_stale_is_not_allowed_readers_wait(house: House) -> None:
    """`stale_max_age` none: after `fresh_for` the answer is made before anyone sees it."""
    ladder = house.ladder()
    house.ask(ladder)
    house.pass_time(61.0)
    assert (house.ask(ladder, outage=NO_STALE)[0].rung, house.made) == ("fresh", 2)


def test_a_new_generation_is_never_answered_from_the_old_one(house: House) -> None:
    """As long as making works, a new watermark means a new answer."""
    ladder = house.ladder()
    house.ask(ladder, watermark="w1")
    (served,) = house.ask(ladder, watermark="w2")
    assert (served.rung, served.payload) == ("fresh", b"answer 2")


def test_the_old_generation_stands_in_when_making_fails(house: House) -> None:
    """Stale if error: from memory, or after a restart from Valkey."""
    house.ask(house.ladder(), watermark="w1")
    house.fails = Unavailable()
    for ladder in (house.ladders[0], house.ladder()):
        (served,) = house.ask(ladder, watermark="w2")
        assert (served.rung, served.reason, served.payload) == ("stale", "unavailable", b"answer 1")


def test_stale_ends_at_its_age_and_a_summary_follows(house: House) -> None:
    """Within the age stale, beyond it the last good answer, and without leave for that a reason."""
    ladder = house.ladder()
    house.ask(ladder, watermark="w1")
    house.fails = Unavailable()
    rungs = []
    for outage in (Outage(30.0), Outage(30.0), Outage(30.0, summary=False)):
        rungs.append(house.ask(ladder, outage=outage, watermark="w2")[0].rung)
        house.pass_time(31.0)
    assert rungs == ["stale", "summary", "explanation"]


def test_at_the_deadline_the_next_rung_while_the_making_goes_on(house: House) -> None:
    """A slow answer costs this reader a reason, and is there for the next one."""
    ladder = house.ladder()
    house.takes = 3.0
    (served,) = house.ask(ladder, outage=ONLY_EXPLAIN)
    assert (served.rung, served.reason, served.payload) == ("explanation", "deadline-exceeded", None)
    house.pass_time(3.0)
    assert (house.ask(ladder)[0].rung, house.made) == ("cached", 1)


def test_a_making_that_never_ends_is_cut_off(house: House) -> None:
    """After the flight's own limit its place is free again."""
    ladder = house.ladder(limit_seconds=5.0)
    house.takes = 1e6
    house.ask(ladder)
    house.pass_time(5.0)
    house.takes = 0.0
    house.pass_time(1.0)
    assert house.ask(ladder)[0].rung == "fresh"


def test_a_refused_question_gets_nothing_older(house: House) -> None:
    """Identity and policy fail closed: no stale answer and no summary for what is not permitted."""
    ladder = house.ladder()
    house.ask(ladder, watermark="w1")
    house.fails = NotPermitted()
    (served,) = house.ask(ladder, watermark="w2")
    assert (served.rung, served.reason) == ("explanation", "not-permitted")


def test_an_error_nobody_foresaw_costs_one_panel(house: House) -> None:
    """A bug in making an answer is told as an error, not raised."""
    house.fails = ZeroDivisionError()
    (served,) = house.ask(house.ladder(), outage=ONLY_EXPLAIN)
    assert (served.rung, served.reason) == ("explanation", "error")


def test_what_fails_is_not_tried_by_every_reader(house: House) -> None:
    """For half a second after a failure readers get the next rung at once."""
    ladder = house.ladder()
    house.fails = Unavailable()
    for _ in range(10):
        house.ask(ladder)
    assert house.made == 1
    house.pass_time(0.6)
    house.ask(ladder)
    assert house.made == 2


def test_too_many_makings_are_refused(house: House) -> None:
    """The bound on flights holds, and those beyond it get the next rung."""
    ladder = house.ladder(flights_max=1)
    house.takes = 5.0
    house.ask(ladder, watermark="w1")
    (served,) = house.ask(ladder, watermark="w2")
    assert (served.rung, served.reason) == ("explanation", "overloaded")


def test_a_reader_who_leaves_does_not_end_the_making(house: House) -> None:
    """Cancelling a request leaves the shared work alone."""
    ladder = house.ladder()
    house.takes = 0.5

    async def leave() -> None:
        asking = await house.reader(ladder)
        asking.cancel()
        await asyncio.wait({asking})

    house.loop.run_until_complete(leave())
    house.pass_time(0.5)
    assert (house.ask(ladder)[0].rung, house.made) == ("cached", 1)


def test_closing_tells_those_who_wait(house: House) -> None:
    """A reader who waits when the service stops gets a reason, not an exception."""
    ladder = house.ladder()
    house.takes = 5.0

    async def close_while_waiting() -> Served:
        asking = await house.reader(ladder)
        await ladder.close()
        return await asking

    assert house.loop.run_until_complete(close_while_waiting()).reason == "unavailable"
