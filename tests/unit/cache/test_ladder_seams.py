"""Where the ladder meets its neighbours: other questions, other processes, what is kept for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from tests.unit.cache.test_ladder import SEALER, House

from seawall.app.model import Outage
from seawall.core.clock import ManualClock
from seawall.core.deadline import Deadline
from seawall.core.errors import Unavailable
from seawall.query import summaries
from seawall.query.cache import Cache, CacheKey
from seawall.query.cache_shared import Entry, SharedCache
from seawall.query.ladder import Ladder, Served
from seawall.query.results import ResultCache
from seawall.query.summaries import DiskSummaries, Summaries
from seawall.store.memory_valkey import MemoryValkey

KEY = CacheKey("p", (), "f", "en", "w1")
STALE = Outage(stale_max_age_seconds=86_400.0, summary=False)


@pytest.fixture
def house() -> Iterator[House]:
    """An empty house."""
    house = House()
    yield house
    house.close()


def served(house: House, ladder: Ladder, key: CacheKey, outage: Outage = STALE) -> Served:
    return house.loop.run_until_complete(house._ask(ladder, key, outage, 60.0))


@pytest.mark.parametrize(
    "other",
    [
        CacheKey("q", (), "f", "en", "w2"),
        CacheKey("p", (("store", ("12",)),), "f", "en", "w2"),
        CacheKey("p", (), "g", "en", "w2"),
        CacheKey("p", (), "f", "de", "w2"),
    ],
    ids=["another panel", "another filter", "other rights", "another language"],
)
@pytest.mark.parametrize("is_here", [True, False])
def test_what_stands_in_was_made_for_the_same_question(house: House, other: CacheKey, is_here: bool) -> None:
    """After a new generation, when making fails: found in memory or in Valkey, or else nothing is shown."""
    ladder = house.ladder()
    served(house, ladder, KEY)
    house.fails = Unavailable("gone")
    asked = ladder if is_here else house.ladder()
    assert served(house, asked, CacheKey("p", (), "f", "en", "w2")).payload == b"answer 1"
    assert served(house, asked, other).rung == "explanation"


def test_one_of_two_processes_renews_what_is_stale(house: House) -> None:
    """Both give the old answer at once; only one makes the new one, and both have it."""
    one, other = house.ladder(), house.ladder()
    house.ask(one)
    house.ask(other)
    house.pass_time(61.0)
    house.takes = 0.5
    assert [each.rung for each in house.ask(one, other)] == ["stale", "stale"]
    house.pass_time(1.0)
    assert ({each.payload for each in house.ask(one, other)}, house.made) == ({b"answer 2"}, 2)


def test_what_another_process_made_is_at_hand_from_then_on(house: House) -> None:
    """Valkey is asked once."""
    house.ask(house.ladder())
    ladder = house.ladder()
    house.ask(ladder)
    house.valkey.away = True
    found = ladder.peek(KEY)
    assert (found and found.payload) == b"answer 1"


def test_an_old_answer_is_in_valkey_for_as_long_as_it_may_be_shown(house: House) -> None:
    """A process that has just started, when making fails, long after the answer was fresh."""
    house.ask(house.ladder())
    house.pass_time(3_600.0)
    house.fails = Unavailable("gone")
    assert [each.payload for each in house.ask(house.ladder(), outage=STALE)] == [b"answer 1"]


def test_answers_of_which_there_are_too_many_are_not_kept_for_outages(house: House) -> None:
    """Neither noted nor looked for."""
    ladder, key = house.ladder(), CacheKey("p", (), "f", "en", "w1", is_kept=False)
    served(house, ladder, key)
    assert house.notebook.kept == {}
    house.notebook.kept[key.lasting] = Entry(b"another", 0.0, "w0")
    house.fails = Unavailable("gone")
    later = CacheKey("p", (), "f", "en", "w2", is_kept=False)
    assert served(house, ladder, later, Outage(stale_max_age_seconds=None)).rung == "explanation"


def test_nothing_is_made_after_the_end(house: House) -> None:
    """Whoever asks while the process stops is told so, and leaves no work behind."""
    ladder = house.ladder()
    house.loop.run_until_complete(ladder.close())
    assert (house.ask(ladder)[0].reason, house.made) == ("overloaded", 0)


async def test_a_clock_that_runs_ahead_makes_no_answer_fresh_for_longer() -> None:
    """What another machine made in an hour from now was made now, at the latest."""
    clock = ManualClock()
    shared = SharedCache(MemoryValkey(clock), SEALER, clock)
    await shared.put(KEY, Entry(b"x", clock.time() + 3_600.0, "w1"), keep_for=60)
    for found in (await shared.find(KEY), await shared.latest(KEY), (await shared.find_or_claim(KEY, "a"))[0]):
        assert found == Entry(b"x", clock.time(), "w1")


async def test_last_good_answers_take_bounded_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One that is very large is not noted, what was noted is forgotten again, and files are cleared away as they are written."""
    monkeypatch.setattr(summaries, "REMEMBERED_MAX", 3)
    noted = Summaries(None, None, SEALER)
    noted.note(KEY, Entry(bytes(summaries.SUMMARY_BYTES_MAX + 1), 0.0, "w1"))
    assert not noted._waiting
    for number in range(8):
        noted.note(CacheKey(str(number), (), "f", "en", "w1"), Entry(b"x", 0.0, "w1"))
    assert len(noted._noted) == 3
    disk = DiskSummaries(tmp_path, files_max=5)
    for number in range(256):
        disk.write(f"{number:03d}", b"x")
    assert len(list(tmp_path.glob("??/*"))) == 5


async def test_a_table_is_made_anew_when_it_is_no_longer_fresh() -> None:
    """Rows that are kept for a minute are asked again after it."""
    clock = ManualClock()
    results, made = ResultCache(Cache(clock=clock), clock), []

    async def make(_: Deadline) -> pa.Table:
        made.append(1)
        await asyncio.sleep(0)
        return pa.table({"n": [len(made)]})

    for seconds in (0.0, 59.0, 2.0):
        clock.advance(seconds)
        await results.table(KEY, make, deadline=Deadline.after(5), fresh_for=60.0)
    assert len(made) == 2
    await results.close()
