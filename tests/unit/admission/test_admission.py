"""Limits at one or two replicas, step by step."""

from __future__ import annotations

import asyncio

import pytest
from tests.unit.admission.desk import Desk
from tests.unit.admission.house import MODELS, a_call, end

from seawall.core.principal import Principal
from seawall.model_proxy.admission.settings import LEASE_SECONDS, LOCAL_SHARE
from seawall.model_proxy.call import Caller, Limits, Usage
from seawall.model_proxy.errors import CallOverLimit, OutOfScope, OverLimit


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


async def test_a_lease_that_is_over_is_not_used() -> None:
    """Its holder is taken for dead by then, and what it had is given to others."""
    desk = Desk(user=Limits(600, 0, 0))
    await desk.pass_by()
    desk.clock.advance(LEASE_SECONDS + 1)
    trips = desk.leases.trips
    await desk.pass_by()
    assert desk.leases.trips == trips + 1


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
    lease = next(lease for lease in desk.admission._desk._leases.values() if lease.tag == "model:narrow")
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
