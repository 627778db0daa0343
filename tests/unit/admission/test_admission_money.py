"""Money at one or two replicas, step by step."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from tests.unit.admission.desk import Desk
from tests.unit.admission.house import MODELS, PRICE, end

from seawall.core.errors import Unavailable
from seawall.model_proxy.admission.journal import Journal
from seawall.model_proxy.admission.settings import IDLE_SECONDS
from seawall.model_proxy.call import Limits, Usage
from seawall.model_proxy.errors import OverBudget
from seawall.model_proxy.keys import KeyBudget, MachineKeys, NewKey


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


async def test_a_call_that_takes_more_than_it_reserved_is_one_call_still() -> None:
    """What its account held beside it goes back once it has ended."""
    desk = Desk(budget=10**9)
    call = await desk.enter(model="paid", tokens=100)
    call.cost = 101 * PRICE
    assert await desk.admission.move(call, MODELS["paid"].target)
    call.cost, call.usage = 202 * PRICE, Usage(2, 200)
    desk.admission.settle(call)
    await desk.tick(IDLE_SECONDS + 10)
    (row,) = desk.database.q_account_state(account="tenant:acme", now=desk.clock.time())
    assert row["billed"] == 202 * PRICE


async def test_a_call_of_a_period_that_is_over_takes_nothing_of_the_next() -> None:
    """What it holds is the old one's: it is not sent to a model that costs more, and each period is billed its own."""
    desk = Desk(budget=10**9)
    call = await desk.enter(model="paid", tokens=100)
    call.cost = 101 * PRICE
    desk.clock.advance(40 * 86_400)
    await desk.pass_by(model="paid", tokens=200)
    assert not await desk.admission.move(call, MODELS["paid"].target)
    call.usage = Usage(1, 100)
    desk.admission.settle(call)
    await desk.tick(30)
    periods = desk.database.table("account_periods")
    assert sorted(row["billed"] for row in periods.values()) == [101 * PRICE, 201 * PRICE]


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
