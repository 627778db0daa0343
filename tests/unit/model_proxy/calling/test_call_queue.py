"""Waiting for a busy provider, by turns."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded
from seawall.model_proxy.config import Queueing
from seawall.model_proxy.errors import OverLimit
from seawall.model_proxy.fair_queue import QUANTUM, FairQueue

LATER = Queueing(waiting=64, seconds=30)


async def queued(queue: FairQueue, tenant: str, count: int, order: list[str], cost: int = QUANTUM) -> list[asyncio.Task[None]]:
    """Calls of a tenant, in line."""

    async def one() -> None:
        await queue.enter(tenant, cost, Deadline.after(30))
        order.append(tenant)

    tasks = [asyncio.create_task(one()) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def drained(queue: FairQueue, served: int) -> None:
    """Let calls end, one after the other."""
    for _ in range(served):
        queue.leave(0.01)
        await asyncio.sleep(0)


async def test_tenants_take_turns_whoever_came_first() -> None:
    """A crowd does not keep one out."""
    queue, order = FairQueue(1, LATER), list[str]()
    assert queue.try_enter()
    tasks = [*await queued(queue, "crowd", 20, order), *await queued(queue, "one", 3, order)]
    await drained(queue, 23)
    await asyncio.gather(*tasks)
    assert Counter(order[:6]) == {"crowd": 3, "one": 3}


async def test_who_leaves_as_a_place_is_given_hands_it_on() -> None:
    """To the next in line, or back."""
    queue, order = FairQueue(1, LATER), list[str]()
    assert queue.try_enter()
    first, second = await queued(queue, "t", 2, order)
    queue.leave(0.01)
    first.cancel()
    await asyncio.wait([first, second])
    assert (order, queue.busy) == (["t"], 1)
    third = await queued(queue, "t", 1, order)
    queue.leave(0.01)
    third[0].cancel()
    await asyncio.wait(third)
    assert queue.busy == 0


async def test_turns_are_of_tokens_not_of_calls() -> None:
    """Who asks for much at once is served less often."""
    queue, order = FairQueue(1, LATER), list[str]()
    assert queue.try_enter()
    tasks = [*await queued(queue, "much", 10, order, 4 * QUANTUM), *await queued(queue, "little", 10, order)]
    await drained(queue, 20)
    await asyncio.gather(*tasks)
    assert Counter(order[:10])["little"] == 8


async def test_a_full_room_makes_place_for_who_has_fewer() -> None:
    """The newest of the crowd is sent away, with a time to come again."""
    queue, order = FairQueue(1, Queueing(waiting=4, seconds=30)), list[str]()
    assert queue.try_enter()
    crowd = await queued(queue, "crowd", 4, order)
    with pytest.raises(OverLimit) as raised:
        await queue.enter("crowd", 1, Deadline.after(30))
    assert raised.value.retry_after >= 1
    one = await queued(queue, "one", 1, order)
    await asyncio.sleep(0)
    assert isinstance(crowd[-1].exception(), OverLimit)
    assert queue.waiting == 4
    await drained(queue, 4)
    await asyncio.gather(*crowd[:3], *one)


async def test_waiting_ends_with_its_limit_or_the_deadline() -> None:
    """Whichever comes first says why."""
    queue = FairQueue(1, Queueing(seconds=0.02))
    assert queue.try_enter()
    with pytest.raises(OverLimit):
        await queue.enter("t", 1, Deadline.after(30))
    with pytest.raises(DeadlineExceeded):
        await queue.enter("t", 1, Deadline.after(0.005))
    assert queue.waiting == 0


async def test_waiting_in_vain_is_refused_at_once() -> None:
    """When calls take longer than the deadline allows."""
    queue, order = FairQueue(1, LATER), list[str]()
    assert queue.try_enter()
    queue.leave(10.0)
    assert queue.try_enter()
    tasks = await queued(queue, "t", 1, order)
    with pytest.raises(OverLimit, match="longer than this call may wait"):
        await queue.enter("t", 1, Deadline.after(2))
    queue.leave(10.0)
    await asyncio.gather(*tasks)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["come", "go", "vanish"])), max_size=40), st.integers(1, 3))
def test_no_place_is_lost_or_given_twice(steps: list[tuple[str, str]], places: int) -> None:
    """However calls come, end and vanish."""

    async def story() -> None:
        queue, waiting, inside = FairQueue(places, Queueing(waiting=5, seconds=30)), list[asyncio.Task[None]](), 0
        for tenant, step in steps:
            if step == "come":
                waiting.append(asyncio.create_task(queue.enter(tenant, 500, Deadline.after(30))))
            elif step == "go" and inside:
                queue.leave(0.001)
                inside -= 1
            elif step == "vanish" and waiting:
                waiting[len(tenant) % len(waiting)].cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            for task in [one for one in waiting if one.done()]:
                waiting.remove(task)
                inside += not task.cancelled() and task.exception() is None
            assert inside == queue.busy <= places
            assert queue.waiting == len(waiting) <= 5
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(story())
