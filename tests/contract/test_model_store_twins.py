"""What the model proxy relies on of the operational database, held by Postgres and by its twin in memory alike."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime

import msgspec
import psycopg
import pytest

from seawall.core.clock import ManualClock
from seawall.core.errors import InvalidInput, NotFound
from seawall.model_proxy.keys import CHANNEL, KeyBudget, MachineKeys, NewKey, hash_secret, split
from seawall.model_proxy.memory_database import ModelMemoryDatabase, period_seconds, period_start
from seawall.store.database import Queries

NOW = datetime(2026, 1, 31, 23, 30, tzinfo=UTC).timestamp()


@pytest.fixture
def twin() -> Queries:
    """In memory."""
    return ModelMemoryDatabase()


class Purse:
    """An allotment as its holder speaks of it."""

    def __init__(self, database: Queries, account: str = "tenant:a", budget: int | None = 1000, period: str = "month") -> None:
        self.database, self.id, self.step = database, str(uuid.uuid4()), 0
        self.account, self.budget, self.period = account, budget, period

    async def draw(self, want: int, need: int = 1, now: float = NOW, step: int = 0) -> tuple[int, int, float]:
        self.step += 1
        row = await self.database.fetch_one(
            "draw_allotment", id=self.id, step=step or self.step, holder="r0", account=self.account, payer="tenant:a",
            budget=self.budget, period=self.period, want=want, need=need, now=now,
        )  # fmt: skip
        assert row is not None
        return row["granted"], row["remaining"], row["seconds"]

    async def report(self, spent: int, hold: int = 0, *, close: bool = False, step: int = 0) -> int:
        self.step += 1
        word = {"id": self.id, "step": step or self.step, "spent": spent, "hold": hold, "close": close}
        return len(await self.database.fetch_all("report_allotments", reports=msgspec.json.encode([word]).decode(), now=NOW))


async def billed(database: Queries, account: str = "tenant:a", now: float = NOW) -> int:
    """What is billed, which the entries add up to."""
    row = await database.fetch_one("account_state", account=account, now=now)
    assert row is not None
    assert row["billed"] == row["entries"]
    return row["billed"]


async def test_a_key_is_found_until_it_is_revoked(database: Queries) -> None:
    """What was made is found by its id with the hash of its secret; listeners hear of it, and of its end."""
    keys, heard = MachineKeys(database), database.listen(CHANNEL)
    assert await anext(heard) == ""
    made, shown = await keys.create(NewKey("ci", "acme", ("chat",), ("buyer",), {"stores": ("a", "b")}))
    key_id, secret = split(shown) or ("", "")
    found = await keys.find(key_id)
    assert found == made
    assert found.hash == hash_secret(secret)
    assert await keys.revoke("ci", "acme") == key_id
    async with asyncio.timeout(30):
        assert [await anext(heard), await anext(heard)] == [key_id, key_id]
    assert await keys.find(key_id) is None
    await heard.aclose()


async def test_names_are_taken_once(database: Queries) -> None:
    """A name belongs to one key of a tenant at a time, and may be used again after its end."""
    keys = MachineKeys(database)
    await keys.create(NewKey("ci", "acme"))
    await keys.create(NewKey("ci", "other"))
    with pytest.raises(InvalidInput, match="already"):
        await keys.create(NewKey("ci", "acme", budget=KeyBudget(5)))
    await keys.revoke("ci", "acme")
    with pytest.raises(NotFound):
        await keys.revoke("ci", "acme")
    await keys.create(NewKey("ci", "acme"))


async def test_keys_are_listed_with_what_they_spent(database: Queries) -> None:
    """The newest first; one with a budget says what is billed to it."""
    clock = ManualClock(NOW)
    keys = MachineKeys(database, clock)
    await keys.create(NewKey("old", "a", ("chat",), ttl_seconds=10))
    clock.advance(60)
    made, _ = await keys.create(NewKey("new", "a", ("models",), budget=KeyBudget(500, "day")))
    await Purse(database, made.account).draw(100)
    new, old = await keys.list()
    assert (new.name, new.scopes, new.budget, new.period, new.billed) == ("new", ("models",), 500, "day", 100)
    assert (old.name, old.budget, old.billed, old.state(clock.time())) == ("old", None, 0, "expired")


async def test_draws_end_with_the_budget(database: Queries) -> None:
    """A replica gets at most a quarter of what is left, or what it needs at once; never more than there is."""
    one, two = Purse(database), Purse(database)
    assert (await one.draw(100))[:2] == (100, 900)
    assert (await two.draw(900))[:2] == (225, 675)
    assert (await two.draw(900, need=675))[:2] == (675, 0)
    assert (await one.draw(100))[:2] == (0, 0)
    assert await billed(database) == 1000


async def test_what_is_not_spent_goes_back(database: Queries) -> None:
    """A word about what was spent and is held gives the rest back; the last word closes the allotment."""
    purse = Purse(database)
    await purse.draw(200)
    assert await purse.report(50, 30) == 1
    assert await billed(database) == 80
    assert await purse.report(60, close=True) == 1
    assert await billed(database) == 60
    assert await purse.report(0, close=True) == 0
    assert (await purse.draw(10))[0] == 0


async def test_words_that_come_late_are_not_heeded(database: Queries) -> None:
    """A statement given up on may still arrive: it must not undo what was said after it."""
    purse = Purse(database)
    await purse.draw(200, step=1)
    assert await purse.report(150, 0, step=5) == 1
    assert (await purse.draw(100, step=3))[0] == 0
    assert await purse.report(10, 0, step=4) == 0
    assert await billed(database) == 150


async def test_a_draw_that_comes_after_its_end_is_not_heeded(database: Queries) -> None:
    """Somebody gave up on a first draw and said so: when it arrives after all, nothing is billed."""
    purse = Purse(database)
    assert await purse.report(0, close=True, step=2) == 0
    assert (await purse.draw(100, step=1))[::2] == (0, 0.0)
    assert await billed(database) == 0


async def test_overruns_are_billed(database: Queries) -> None:
    """What was spent beyond the allotment is billed, budget or not, and then nothing is left."""
    purse = Purse(database, budget=100)
    await purse.draw(100, need=100)
    await purse.report(130)
    assert await billed(database) == 130
    assert (await purse.draw(10))[:2] == (0, -30)


async def test_a_keys_budget_is_within_the_tenants(database: Queries) -> None:
    """A draw is billed to both, and the smaller remainder decides."""
    made, _ = await MachineKeys(database).create(NewKey("ci", "a", budget=KeyBudget(300)))
    assert (await Purse(database, made.account).draw(300, need=300))[0] == 300
    assert (await Purse(database, made.account).draw(1))[0] == 0
    assert (await Purse(database).draw(700, need=700))[0] == 700
    assert await billed(database) == 1000
    assert await billed(database, made.account) == 300
    assert (await Purse(database, "key:gone").draw(1))[:2] == (0, 0)


async def test_a_new_period_starts_afresh(database: Queries) -> None:
    """An allotment belongs to the period it was opened in; the next needs another, and has the whole budget."""
    purse = Purse(database)
    granted, _, seconds = await purse.draw(1000, need=1000)
    assert (granted, seconds) == (1000, 1800.0)
    assert (await purse.draw(1, now=NOW + 1800))[::2] == (0, 0.0)
    assert (await Purse(database).draw(1, now=NOW + 1800))[:2] == (1, 999)


async def test_without_a_budget_there_is_no_end(database: Queries) -> None:
    """No budget: every draw is granted, and counted."""
    assert (await Purse(database, budget=None).draw(10**15))[0] == 10**15
    assert await billed(database) == 10**15


@pytest.mark.parametrize("period", ["hour", "day", "week", "month", "total"])
async def test_periods_are_the_same(database_url: str, period: str) -> None:
    """The twin's calendar is Postgres'."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        for now in (NOW, NOW + 1800, NOW + 86400 * 28.5, 0.5, 1e9, 1.7e9):
            sql = (
                "SELECT extract(epoch FROM seawall.period_start(%s, to_timestamp(%s)))::float, seawall.period_seconds(%s, to_timestamp(%s))"
            )
            row = await (await connection.execute(sql, (period, now, period, now))).fetchone()
            assert row == (period_start(period, now), pytest.approx(period_seconds(period, now), abs=1e-3))


async def test_entries_are_for_ever(database_url: str) -> None:
    """Nobody changes or removes an entry, not even the tables' owner."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        for statement in ("UPDATE seawall.ledger SET amount = 1", "DELETE FROM seawall.ledger", "TRUNCATE seawall.ledger"):
            with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
                await connection.execute(statement)
