"""Whatever fails: budgets hold, nothing leaks, and what the ledger says in the end is what was spent."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.admission.house import SEEDS, House, Replica, a_call
from tests.virtual_time import run

from seawall.core.clock import ManualClock
from seawall.model_proxy.admission.settings import IDLE_SECONDS, LEASE_SECONDS, LOCAL_SHARE
from seawall.model_proxy.call import Limits

USER, TENANT = Limits(600, 200_000, 8), Limits(1200, 400_000, 24)
CALLS = 300
SECONDS = 60.0


async def visitors(house: House, calls: int) -> None:
    """Calls of five users over a minute, on any replica that is up; some are long, some are given up on."""
    rng = house.random
    for _ in range(calls):
        await asyncio.sleep(rng.expovariate(calls / SECONDS))
        replica = rng.choice(house.replicas)
        if not replica.dead:
            call = a_call(house.clock, user=f"u{rng.randrange(5)}", model="paid", tokens=rng.choice([10, 100, 400, 1500]))
            most = call.body["max_tokens"]
            seconds = rng.choice([rng.expovariate(0.7), rng.expovariate(0.7), rng.uniform(5, 25)])
            replica.spawn(replica.serve(call, seconds, rng.randint(0, most), rng.choice([0.5, 60.0, 60.0])))


async def mishaps(house: House, count: int) -> None:
    """Replicas crash and come back, Valkey vanishes or forgets, Postgres vanishes; each for a while, some at once."""
    rng = house.random
    for _ in range(count):
        await asyncio.sleep(rng.uniform(0, 2 * SECONDS / count))
        what = rng.choice(["crash", "crash", "valkey", "forget", "postgres"])
        if what == "crash":
            await crash(house, rng.choice(house.replicas), rng.uniform(0.1, 20))
        elif what == "forget":
            house.limits.clear()
        else:
            trouble = house.valkey if what == "valkey" else house.postgres
            trouble.away = True
            asyncio.get_running_loop().call_later(rng.uniform(0.1, 15), setattr, trouble, "away", False)


async def crash(house: House, replica: Replica, seconds: float) -> None:
    if not replica.dead:
        await replica.crash()
        asyncio.get_running_loop().call_later(seconds, replica.start)


async def settle_down(house: House) -> None:
    """Everything is up again, every call ends, and what is idle is given back."""
    house.valkey.away = house.postgres.away = False
    house.valkey.rate = house.postgres.rate = 0.0
    await asyncio.sleep(60 + IDLE_SECONDS + 2 * LEASE_SECONDS)


def in_the_end(house: House) -> None:
    """No stream is counted, no money is held, and the ledger knows every nano-dollar: what was settled, and what crashed in full."""
    assert house.live.total() == 0
    assert not any(replica.in_flight for replica in house.replicas)
    assert all(not lease.held for replica in house.replicas for lease in replica.admission._desk._leases.values())
    assert not any(
        held for state in house.limits._states.values() for held, until in state.slots.values() if until > house.clock.monotonic() * 1000
    )
    assert house.billed() == house.settled + house.crashed
    assert all(row["closed"] for row in house.inner.table("allotments").values() if row["drawn"])
    house.check()


async def a_day(house: House, replicas: int, troubles: int) -> None:
    house.open(replicas)
    await asyncio.gather(visitors(house, CALLS), mishaps(house, troubles) if troubles else asyncio.sleep(0))
    await settle_down(house)
    in_the_end(house)
    for replica in house.replicas:
        await replica.stop()


@settings(max_examples=16, phases=SEEDS)
@given(
    seed=st.integers(0, 1 << 32),
    replicas=st.integers(1, 4),
    budget=st.sampled_from([10**7, 5 * 10**7, 10**12]),
    rate=st.sampled_from([0.0, 0.03, 0.2]),
)
def test_budgets_hold_and_nothing_leaks(seed: int, replicas: int, budget: int, rate: float) -> None:
    """Hundreds of calls at once, aborted, crashed with their replicas, over stores that vanish, forget, and do late what was asked."""
    clock = ManualClock()
    with tempfile.TemporaryDirectory() as folder:
        house = House(clock, Path(folder), seed, user=USER, tenant=TENANT, budget=budget, trouble=rate)
        run(a_day(house, replicas, troubles=8), clock)
    share = replicas * TENANT.streams * LOCAL_SHARE
    assert house.most_live <= 2 * TENANT.streams + share
    assert house.admitted


@settings(max_examples=8, phases=SEEDS)
@given(seed=st.integers(0, 1 << 32), replicas=st.integers(1, 4))
def test_limits_hold_to_the_last_one(seed: int, replicas: int) -> None:
    """While the stores are there, all replicas together never let more through than a limit says."""
    clock = ManualClock()
    user, tenant = Limits(30, 0, 3), Limits(90, 0, 6)
    with tempfile.TemporaryDirectory() as folder:
        house = House(clock, Path(folder), seed, user=user, tenant=tenant, budget=None)
        run(a_day(house, replicas, troubles=0), clock)
    assert house.most_live <= tenant.streams
    assert house.most_of_one <= user.streams
    first, last = house.admitted[0][0], house.admitted[-1][0]
    assert len(house.admitted) <= tenant.requests_per_minute * (1 + (last - first) / 60) + 1
    for name in {who for _, who in house.admitted}:
        times = [at for at, who in house.admitted if who == name]
        assert len(times) <= user.requests_per_minute * (1 + (times[-1] - times[0]) / 60) + 1
    assert house.refused["OverLimit"], "the day was too quiet to tell anything"


async def spenders(house: House, calls: int) -> None:
    """Small calls that cost all they reserve, a few at once, until the money is gone and beyond."""
    rng = house.random
    for _ in range(calls):
        await asyncio.sleep(rng.expovariate(calls / SECONDS))
        replica = rng.choice(house.replicas)
        tokens = rng.choice([9, 49])
        replica.spawn(replica.serve(a_call(house.clock, model="paid", tokens=tokens), rng.uniform(0, 0.3), tokens, 60.0))


async def flapping(house: House) -> None:
    """Postgres comes and goes by the second."""
    for _ in range(int(SECONDS)):
        await asyncio.sleep(house.random.uniform(0.2, 2.5))
        house.postgres.away = not house.postgres.away


async def a_bad_day(house: House, replicas: int) -> None:
    house.open(replicas)
    await asyncio.gather(spenders(house, 1500), flapping(house))
    await settle_down(house)
    in_the_end(house)
    for replica in house.replicas:
        await replica.stop()


@settings(max_examples=8, phases=SEEDS)
@given(seed=st.integers(0, 1 << 32), replicas=st.integers(1, 4), rate=st.sampled_from([0.0, 0.1]))
def test_what_is_lent_is_lent_once(seed: int, replicas: int, rate: float) -> None:
    """A ledger that comes and goes while a budget runs out: no replica spends more than one allotment beyond it."""
    clock = ManualClock()
    with tempfile.TemporaryDirectory() as folder:
        house = House(clock, Path(folder), seed, user=Limits(), tenant=Limits(), budget=20_000_000, trouble=rate)
        run(a_bad_day(house, replicas), clock)
    assert house.spent > 0.9 * house.budget
