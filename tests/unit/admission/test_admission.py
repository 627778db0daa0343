"""Limits and money at one or two replicas, step by step."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.admission.house import MODELS, PRICE, PRICES, House, a_call, end
from tests.virtual_time import run

from seawall.core.clock import ManualClock
from seawall.core.errors import SeawallError, Unavailable
from seawall.core.principal import Principal
from seawall.model_proxy.admission.admission import Admission
from seawall.model_proxy.admission.buckets import Ask, Grant
from seawall.model_proxy.admission.estimate import OUTPUT_TOKENS, Price, tokens_of
from seawall.model_proxy.admission.journal import Journal
from seawall.model_proxy.admission.lease_stores import MemoryLeases
from seawall.model_proxy.admission.opening import assemble
from seawall.model_proxy.admission.settings import LEASE_SECONDS, LOCAL_SHARE, AdmissionSettings
from seawall.model_proxy.call import Call, Caller, Limits, Usage
from seawall.model_proxy.errors import CallOverLimit, OutOfScope, OverBudget, OverLimit
from seawall.model_proxy.http import Request
from seawall.model_proxy.keys import KeyBudget, MachineKeys, NewKey
from seawall.model_proxy.memory_database import ModelMemoryDatabase

NONE = Limits()


class CountedLeases(MemoryLeases):
    """Counts round trips."""

    trips = 0

    async def lease(self, holder: str, asks: Sequence[Ask]) -> Sequence[Grant]:
        self.trips += 1
        return await super().lease(holder, asks)


class Desk:
    """A replica over stores of its own, or those of `beside`."""

    def __init__(self, *, user: Limits = NONE, tenant: Limits = NONE, budget: int | None = None, beside: Desk | None = None) -> None:
        self.clock = beside.clock if beside else ManualClock()
        self.database = beside.database if beside else ModelMemoryDatabase(self.clock)
        self.leases = beside.leases if beside else CountedLeases(self.clock)
        self.settings = AdmissionSettings("r1" if beside else "r0", user, tenant, budget)
        self.journal = Journal(None)
        self.passed = 0
        self.admission = self.open(self.journal)

    def open(self, journal: Journal) -> Admission:
        return assemble(self.settings, PRICES, self.database, self.leases, journal, clock=self.clock, ledger_clock=self.clock)

    async def enter(self, **of: object) -> Call:
        call = a_call(self.clock, **of)
        if not self.admission.try_admit(call):
            await self.admission.admit(call)
        return call

    async def pass_by(self, **of: object) -> Call:
        call = await self.enter(**of)
        end(self.admission, call, call.body["max_tokens"])
        self.passed += 1
        return call

    async def until(self, error: type[SeawallError], **of: object) -> SeawallError:
        """Calls pass one after another until one is refused."""
        for _ in range(1000):
            try:
                await self.pass_by(**of)
            except error as refused:
                return refused
        raise AssertionError("never refused")

    async def tick(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.clock.advance(1)
            await self.admission.tick()

    def held(self) -> int:
        return sum(lease.held for lease in self.admission._desk._leases.values())


async def test_most_calls_make_no_round_trip() -> None:
    """Of a thousand calls within limits a few per cent ask Valkey, and most of those while others go on."""
    desk = Desk(user=Limits(2000, 400_000, 16), tenant=Limits(6000, 4_000_000, 200))
    for _ in range(1000):
        await desk.pass_by(tokens=100)
        desk.clock.advance(0.03)
        await asyncio.sleep(0)
    assert desk.leases.trips < 30
    assert desk.held() == 0


@pytest.mark.parametrize("limits", [Limits(30, 0, 0), Limits(0, 3000, 0), Limits(30, 3000, 5)])
@pytest.mark.parametrize("scope", ["user", "tenant"])
@pytest.mark.parametrize("away", [False, True])
async def test_retry_after_is_right(limits: Limits, scope: str, away: bool) -> None:
    """A moment before it the call is refused again, then it goes: with Valkey, and with this replica's own share."""
    desk = Desk(**{scope: limits})
    desk.leases.away = away
    refused = await desk.until(OverLimit, tokens=99)
    desk.clock.advance(refused.retry_after - 0.02)
    with pytest.raises(OverLimit):
        await desk.pass_by(tokens=99)
    desk.clock.advance(0.03)
    await desk.pass_by(tokens=99)
    assert desk.held() == 0


async def test_a_refusal_is_remembered() -> None:
    """A client that does not wait is refused without asking Valkey again."""
    desk = Desk(user=Limits(10, 0, 0))
    for _ in range(10):
        await desk.pass_by()
    trips = desk.leases.trips
    for _ in range(100):
        with pytest.raises(OverLimit):
            await desk.pass_by()
    assert desk.leases.trips <= trips + 1


async def test_streams_are_counted_until_they_end() -> None:
    """As many at once as the limit, over two replicas; one that ends makes room; ending twice frees one."""
    one = Desk(user=Limits(0, 0, 4))
    two = Desk(user=Limits(0, 0, 4), beside=one)
    calls = [await one.enter() for _ in range(3)]
    await one.tick(6)
    await two.enter()
    for desk in (one, two):
        trips = one.leases.trips
        with pytest.raises(OverLimit) as refused:
            await desk.enter()
        assert refused.value.retry_after == 1.0
        assert one.leases.trips <= trips + 1
    end(one.admission, calls[0], 1)
    one.admission.settle(calls[0])
    await one.enter()
    with pytest.raises(OverLimit):
        await one.enter()


async def test_a_dead_replicas_streams_are_free_again() -> None:
    """A replica that renews nothing is forgotten after ten seconds; one that lives keeps its streams as long as they last."""
    dead = Desk(user=Limits(0, 0, 2))
    lives = Desk(user=Limits(0, 0, 2), beside=dead)
    await dead.enter()
    await lives.enter()
    await lives.tick(LEASE_SECONDS - 1)
    with pytest.raises(OverLimit):
        await lives.enter()
    await lives.tick(2)
    await lives.enter()
    assert lives.held() == 2


async def test_unused_tokens_go_back() -> None:
    """A call that reserved a thousand and used ten lets the next one go, ten times."""
    desk = Desk(user=Limits(0, 1100, 0))
    for _ in range(10):
        call = await desk.enter(tokens=1000)
        end(desk.admission, call, 9)
    with pytest.raises(OverLimit):
        await desk.enter(tokens=1000)


async def test_nothing_is_taken_for_a_refused_call() -> None:
    """Where one limit has no room, the others keep theirs."""
    desk = Desk(user=Limits(100, 0, 5), tenant=Limits(0, 500, 0), budget=10**9)
    for _ in range(10):
        with pytest.raises(CallOverLimit, match="larger than the limit"):
            await desk.enter(tokens=1000, model="paid")
    assert desk.held() == 0
    for _ in range(4):
        await desk.enter(tokens=100)


async def test_valkey_gone_a_stated_share_is_left() -> None:
    """This replica lets a quarter of each limit through; when Valkey is back the rest."""
    desk = Desk(user=Limits(100, 0, 8))
    desk.leases.away = True
    assert [await desk.pass_by() for _ in range(int(100 * LOCAL_SHARE))]
    with pytest.raises(OverLimit):
        await desk.pass_by()
    desk.leases.away = False
    await desk.tick(10)
    for _ in range(60):
        await desk.pass_by()


async def test_idle_leases_are_forgotten() -> None:
    """A thousand users who came once leave nothing behind, here or in their tenant's limit."""
    desk = Desk(user=Limits(60, 6000, 4), tenant=Limits(6000, 0, 0))
    for number in range(1000):
        await desk.pass_by(user=f"u{number}")
    assert len(desk.admission._desk) == 1001
    await desk.tick(12)
    assert len(desk.admission._desk) == len(desk.admission._seats) == 0


async def test_a_key_has_limits_of_its_own() -> None:
    """The narrowest decides."""
    desk = Desk(user=Limits(100, 0, 0))
    of = {"user": "key:1", "key_id": "1", "limits": Limits(3, 0, 0)}
    for _ in range(3):
        await desk.pass_by(**of)
    with pytest.raises(OverLimit, match="of this key"):
        await desk.pass_by(**of)


async def test_a_models_limit_is_everybodys() -> None:
    """Two tenants share a model's two streams; the route is told that it may not."""
    desk = Desk()
    target = MODELS["narrow"].target
    calls, told = [], []
    for tenant in ("a", "b", "c"):
        calls.append(await desk.enter(model="narrow", tenant=tenant))
        told.append(desk.admission.may(calls[-1], target))
    assert told == [True, True, False]
    assert desk.admission.may(calls[0], target)
    end(desk.admission, calls[0], 5)
    assert desk.admission.may(calls[2], target)


async def test_a_call_is_counted_at_the_model_it_is_sent_to() -> None:
    """A fallback's streams are taken by calls that reach it, not by those that might; and freed when they go on or end."""
    desk = Desk()
    free, narrow = MODELS["free"].target, MODELS["narrow"].target
    calls = [await desk.enter(model="both") for _ in range(4)]
    assert all(desk.admission.may(call, free) and desk.admission.may(call, narrow) for call in calls)
    assert [await desk.admission.move(call, narrow) for call in calls] == [True, True, False, False]
    assert not desk.admission.may(await desk.enter(model="narrow"), narrow)
    assert await desk.admission.move(calls[0], free)
    desk.clock.advance(1.0)
    assert await desk.admission.move(calls[2], narrow)
    for call in calls:
        end(desk.admission, call, 5)
    assert not any(lease.held for lease in desk.admission._desk._leases.values())


async def test_tokens_are_taken_where_they_were_used() -> None:
    """What a first model said before a second was asked stays with the first."""
    desk = Desk()
    call = await desk.enter(model="both")
    desk.admission.may(call, MODELS["free"].target)
    lease = desk.admission._model_lease(call, MODELS["narrow"].target)
    assert lease is not None
    before, call.usage = lease.tokens, Usage(10, 40)
    assert await desk.admission.move(call, MODELS["narrow"].target)
    call.usage = Usage(20, 60)
    desk.admission.settle(call)
    assert before - lease.tokens == 30


async def test_scopes_are_held() -> None:
    """A key for embeddings may not chat; evaluations are asked for by name."""
    desk = Desk()
    call = a_call(desk.clock)
    call.caller = Caller(Principal("k", "a", scopes=("embeddings",)), "")
    with pytest.raises(OutOfScope):
        desk.admission.try_admit(call)
    call = a_call(desk.clock)
    call.lane = "eval"
    with pytest.raises(OutOfScope):
        desk.admission.try_admit(call)


# ── money ──


async def test_a_budget_is_spent_to_its_end_and_no_further() -> None:
    """A hundred calls of a hundredth each; then the answer is that there is no money, without asking each time."""
    desk = Desk(budget=100 * 101 * PRICE)
    for _ in range(100):
        await desk.pass_by(model="paid", tokens=100)
    with pytest.raises(OverBudget):
        await desk.pass_by(model="paid", tokens=100)
    desk.database.away = True
    with pytest.raises(OverBudget):
        await desk.pass_by(model="paid", tokens=100)
    await desk.pass_by(model="free")


async def test_a_repair_by_a_dearer_model_is_paid_for_before_it_is_made() -> None:
    """A call of a model that costs nothing, mended by one that does: billed, and not made where the budget has nothing left."""
    desk = Desk(budget=100 * 101 * PRICE)
    call = await desk.enter(model="free", tokens=100)
    for _ in range(2):  # two rounds of a hundred tokens
        assert await desk.admission.move(call, MODELS["paid"].target)
        call.cost += 101 * PRICE
    call.usage = Usage(2, 200)
    desk.admission.settle(call)
    await desk.until(OverBudget, model="paid", tokens=100)
    assert desk.passed == 98
    again = await desk.enter(model="free", tokens=100)
    assert not await desk.admission.move(again, MODELS["paid"].target)
    desk.admission.settle(again)
    assert await desk.admission.move(again, MODELS["free"].target)


async def test_the_next_period_pays_again() -> None:
    """What was drawn in a period that is over goes back to it."""
    desk = Desk(budget=10**9)
    call = await desk.enter(model="paid", tokens=9_000)
    desk.clock.advance(40 * 86_400)
    await desk.pass_by(model="paid", tokens=100)
    end(desk.admission, call, 50)
    await desk.tick(30)
    periods = desk.database.table("account_periods")
    assert sorted(row["billed"] for row in periods.values()) == [51 * PRICE, 101 * PRICE]


async def test_without_postgres_one_allotment_is_lent() -> None:
    """A replica that had drawn goes on for one allotment, then refuses as unavailable; all of it is billed later."""
    desk = Desk(budget=10_000 * 101 * PRICE)
    await desk.pass_by(model="paid", tokens=100)
    desk.database.away = True
    await desk.until(Unavailable, model="paid", tokens=100)
    passed = desk.passed
    assert desk.settings.allotment <= passed * 101 * PRICE <= 2 * desk.settings.allotment
    desk.database.away = False
    await desk.tick(20)
    (row,) = desk.database.q_account_state(account="tenant:acme", now=desk.clock.time())
    assert row["billed"] == row["entries"] == passed * 101 * PRICE


async def test_what_was_lent_is_not_lent_again() -> None:
    """A replica that lent, accounted for it, and heard of no money since, lends nothing more, however often Postgres goes."""
    stale = Desk(budget=1000 * 101 * PRICE)
    other = Desk(budget=1000 * 101 * PRICE, beside=stale)
    await stale.pass_by(model="paid", tokens=100)
    await other.until(OverBudget, model="paid", tokens=100)
    for _ in range(5):
        stale.database.away = True
        await stale.until(Unavailable, model="paid", tokens=100)
        stale.database.away = False
        await stale.tick(6)
    assert (stale.passed + other.passed) * 101 * PRICE <= 1000 * 101 * PRICE + stale.settings.allotment
    assert stale.passed > 10


async def test_a_replica_that_never_drew_lends_nothing() -> None:
    """Without a word from the ledger nobody knows whether there is money: 503."""
    desk = Desk(budget=10**12)
    desk.database.away = True
    with pytest.raises(Unavailable):
        await desk.enter(model="paid")
    await desk.enter(model="free")


async def test_a_keys_budget_stands_below_the_tenants() -> None:
    """The key's money ends first; the tenant pays for both."""
    desk = Desk(budget=10**12)
    made, _ = await MachineKeys(desk.database, desk.clock).create(NewKey("ci", "acme", budget=KeyBudget(3 * 101 * PRICE)))
    for _ in range(3):
        await desk.pass_by(model="paid", tokens=100, budget=made.account, user="key:1")
    with pytest.raises(OverBudget):
        await desk.pass_by(model="paid", tokens=100, budget=made.account, user="key:1")
    await desk.pass_by(model="paid", tokens=100)
    await desk.tick(20)
    (row,) = desk.database.q_account_state(account="tenant:acme", now=desk.clock.time())
    assert row["billed"] == 4 * 101 * PRICE


async def test_after_a_crash_the_journal_tells() -> None:
    """Billed in full until the replica comes back; then what it had spent and what was in flight."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(budget=10**12)
        first = Journal(Path(folder) / "j")
        desk.admission = desk.open(first)
        await desk.pass_by(model="paid", tokens=100)
        await desk.enter(model="paid", tokens=200)
        first.close()  # as the kernel does with a process that is gone
        (row,) = desk.database.q_account_state(account="tenant:acme", now=desk.clock.time())
        assert row["billed"] == desk.settings.allotment
        second = Journal(Path(folder) / "j")
        desk.admission = desk.open(second)
        await desk.tick(1)
        (row,) = desk.database.q_account_state(account="tenant:acme", now=desk.clock.time())
        assert row["billed"] == (101 + 201) * PRICE
        assert Journal(Path(folder) / "j").remains == ()
        second.close()


# ── fairness ──


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1 << 32), greedy=st.integers(3, 12))
def test_no_user_has_all_of_a_tenants_limit(seed: int, greedy: int) -> None:
    """One user asks many times as often as three others together; they get nearly all they ask for, and the limit is not wasted."""
    clock = ManualClock()
    with tempfile.TemporaryDirectory() as folder:
        house = House(clock, Path(folder), seed, user=Limits(), tenant=Limits(600, 0, 0), budget=None)

        async def ask(user: str, per_second: float) -> None:
            for _ in range(int(300 * per_second)):
                await asyncio.sleep(house.random.expovariate(per_second))
                asked[user] += clock.time() > start + 90
                house.replicas[0].spawn(house.replicas[0].serve(a_call(clock, user=user), 0.01, 1, 60))

        async def day() -> None:
            house.open(1)
            await asyncio.gather(ask("greedy", 10.0 * greedy), *(ask(f"modest{number}", 1.0) for number in range(3)))
            await house.replicas[0].stop()

        start, asked = clock.time(), Counter[str]()
        run(day(), clock)
    got = Counter(user for at, user in house.admitted if start + 90 < at < start + 290)
    for number in range(3):
        assert got[f"modest{number}"] >= 0.8 * 200, (got, asked)
    assert got["greedy"] >= 2 * got["modest0"]
    assert got.total() >= 0.75 * 200 * 10


# ── estimates ──


@given(st.text(max_size=200), st.integers(1, 10_000), st.integers(1, 8))
def test_more_is_reserved_than_is_said(text: str, most: int, choices: int) -> None:
    """Bytes over four (over two beyond ASCII) and every choice's longest answer, within the model's context."""
    body = text.encode("utf-8", "ignore")
    call = a_call(ManualClock())
    call.request = Request("POST", "/", "", {}, body)
    call.body = {"max_completion_tokens": most, "max_tokens": 1, "n": choices}
    reads, writes = tokens_of(call, Price(context=4096))
    assert reads >= min(4096, len(body) / (4 if body.isascii() else 2))
    assert writes == min(most, 4096) * choices


@pytest.mark.parametrize("said", [None, "many", -1, 0, True, 1.5])
def test_an_answer_without_bound_reserves_the_usual(said: object) -> None:
    """Whatever is not a number of tokens is no bound; embeddings write nothing."""
    call = a_call(ManualClock())
    call.body = {"max_tokens": said}
    assert tokens_of(call, Price())[1] == OUTPUT_TOKENS
    call.surface = "embeddings"
    assert tokens_of(call, Price())[1] == 0


def test_a_journal_is_one_processs() -> None:
    """A second process on the same file keeps nothing, rather than spoil the first one's."""
    with tempfile.TemporaryDirectory() as folder:
        first, second = Journal(Path(folder) / "j"), Journal(Path(folder) / "j")
        slot = first.open("00000000-0000-0000-0000-000000000001")
        second.used[second.index(second.open("00000000-0000-0000-0000-000000000002"))] = 7
        first.used[first.index(slot)] = 5
        first.close()
        second.close()
        third = Journal(Path(folder) / "j")
        assert [(one.id[-1], one.used) for one in third.remains] == [("1", 5)]
        third.close()


async def test_usage_beyond_the_reservation_is_counted() -> None:
    """A provider that writes more than was allowed: tokens and money are taken all the same."""
    desk = Desk(user=Limits(0, 10_000, 0), budget=10**9)
    call = await desk.enter(model="paid", tokens=10)
    call.usage, call.cost = Usage(1, 5000), 5001 * PRICE
    desk.admission.settle(call)
    lease = desk.admission._desk.lease("acme", "user:mia", desk.settings.user)
    assert lease.tokens + lease.left_tokens // 1000 == 10_000 - 5001
    await desk.tick(20)
    (row,) = desk.database.q_account_state(account="tenant:acme", now=desk.clock.time())
    assert row["billed"] == 5001 * PRICE
