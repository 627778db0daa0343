"""Admission over a real Valkey and a real Postgres: shared by replicas, killed, and accounted for to the last nano-dollar."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.engines import PostgresServer, ValkeyServer
from tests.unit.admission.house import PRICE, PRICES, a_call, end

from seawall.core.clock import SYSTEM_CLOCK
from seawall.core.errors import SeawallError
from seawall.model_proxy.admission.admission import Admission
from seawall.model_proxy.admission.journal import Journal
from seawall.model_proxy.admission.lease_stores import ValkeyLeases
from seawall.model_proxy.admission.opening import assemble
from seawall.model_proxy.admission.settings import AdmissionSettings
from seawall.model_proxy.call import Limits
from seawall.store.postgres import Database, open_pool
from seawall.store.valkey import ValkeyStore

COST = 101 * PRICE


class Floor:
    """Two replicas over the same engines."""

    def __init__(self, database: Database, valkey: ValkeyStore, folder: Path, settings: AdmissionSettings) -> None:
        self.database, self.valkey, self.folder, self.settings = database, valkey, folder, settings
        self.spent, self.told = 0, Counter[str]()
        self.live = self.most_live = 0
        self.journals: dict[str, Journal] = {}

    async def open(self, name: str) -> Admission:
        journal = self.journals[name] = Journal(self.folder / name)
        settings = AdmissionSettings(name, self.settings.user, self.settings.tenant, self.settings.budget)
        admission = assemble(settings, PRICES, self.database, ValkeyLeases(self.valkey), journal)
        await admission.start()
        return admission

    async def call(self, admission: Admission, user: str, seconds: float = 0.005) -> None:
        call = a_call(SYSTEM_CLOCK, user=user, model="paid", tokens=100)  # type: ignore[arg-type]
        try:
            if not admission.try_admit(call):
                await admission.admit(call)
        except SeawallError as error:
            self.told[error.slug] += 1
            return
        self.told["passed"] += 1
        self.live += 1
        self.most_live = max(self.most_live, self.live)
        await asyncio.sleep(seconds)
        self.live -= 1
        self.spent += end(admission, call, 100)

    async def billed(self) -> int:
        row = await self.database.fetch_one("account_state", account="tenant:acme", now=SYSTEM_CLOCK.time())
        assert row is not None
        assert row["billed"] == row["entries"]
        return int(row["billed"])


@pytest.fixture
async def floor(database_url: str, own_valkey: ValkeyServer, tmp_path: Path) -> AsyncIterator[Floor]:
    valkey = ValkeyStore(own_valkey.url, operation_seconds_max=0.5)
    database = Database(await open_pool(database_url))
    yield Floor(database, valkey, tmp_path, AdmissionSettings("", Limits(0, 0, 20), Limits(100_000, 0, 30), 250 * COST))
    await valkey.close()
    await database.close()


async def test_two_replicas_share_limits_and_a_budget(floor: Floor) -> None:
    """Hundreds of calls at once on two replicas: never more streams than the tenant's limit, and the budget to its last call."""
    one, two = await floor.open("one"), await floor.open("two")
    for _ in range(40):
        await asyncio.gather(*(floor.call(admission, f"u{n % 3}") for n in range(10) for admission in (one, two)))
    assert floor.most_live <= 30
    assert 240 * COST <= floor.spent <= 250 * COST
    assert floor.told["insufficient-quota"] > 100
    await one.close()
    await two.close()
    assert await floor.billed() == floor.spent


async def test_valkey_killed_calls_go_on(floor: Floor, own_valkey: ValkeyServer) -> None:
    """With each replica's own share, and again together when it is back."""
    one = await floor.open("one")
    await asyncio.gather(*(floor.call(one, "u") for _ in range(10)))
    await asyncio.to_thread(own_valkey.kill)
    for _ in range(20):
        await floor.call(one, "u")
    assert floor.told["passed"] >= 30
    await asyncio.to_thread(own_valkey.start)
    await asyncio.sleep(2.5)
    await floor.call(one, "u")
    await one.close()
    assert await floor.billed() == floor.spent


async def test_a_crash_is_accounted_for(floor: Floor) -> None:
    """A process that vanishes with calls in flight has been billed; its successor gives back what was not spent."""
    one = await floor.open("one")
    await floor.call(one, "u")
    for _ in range(3):
        call = a_call(SYSTEM_CLOCK, model="paid", tokens=100)  # type: ignore[arg-type]
        await one.admit(call)
    assert one._ticking is not None
    one._ticking.cancel()
    await asyncio.wait([one._ticking, *one._treasury._tasks, *one._desk._tasks])
    floor.journals["one"].close()
    assert await floor.billed() >= 4 * COST
    again = await floor.open("one")
    await again.tick()
    assert await floor.billed() == 4 * COST
    await again.close()


async def test_postgres_killed_an_allotment_is_lent(own_postgres: PostgresServer, own_valkey: ValkeyServer, tmp_path: Path) -> None:
    """A replica goes on for one allotment, refuses, and accounts for all of it when Postgres is back."""
    database, valkey = Database(await open_pool(own_postgres.url)), ValkeyStore(own_valkey.url)
    floor = Floor(database, valkey, tmp_path, AdmissionSettings("", budget=2000 * COST))
    one = await floor.open("one")
    await floor.call(one, "u")
    await asyncio.to_thread(own_postgres.kill)
    while not floor.told["unavailable"]:
        await floor.call(one, "u", 0)
    assert 20 <= floor.told["passed"] <= 42
    await asyncio.to_thread(own_postgres.start)
    async with asyncio.timeout(60):
        while await billed_or_away(floor) != floor.spent:
            await asyncio.sleep(0.3)
            await floor.call(one, "u", 0)
            await one._treasury._report([one._treasury.wallet("tenant:acme", "acme")], SYSTEM_CLOCK.monotonic() + 60)
    await one.close()
    await valkey.close()
    await database.close()


async def billed_or_away(floor: Floor) -> int:
    try:
        return await floor.billed()
    except SeawallError:
        return -1
