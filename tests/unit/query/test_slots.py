"""Turns are given in order, within bounds, and never lost."""

from __future__ import annotations

import asyncio

import pytest

from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded
from seawall.query.errors import EngineUnavailable
from seawall.query.slots import Slots


def soon(seconds: float = 5.0) -> Deadline:
    return Deadline.after(seconds)


async def test_who_came_first_goes_first() -> None:
    """Waiters are served in the order they came, and a newcomer does not overtake them."""
    slots, order = Slots(1, 10), []
    await slots.acquire(soon())

    async def wait(name: str) -> None:
        await slots.acquire(soon())
        order.append(name)
        slots.release()

    waiting = [asyncio.create_task(wait(name)) for name in "abc"]
    await asyncio.sleep(0)
    slots.release()
    await wait("late")
    await asyncio.gather(*waiting)
    assert order == ["a", "b", "c", "late"]


async def test_one_too_many_is_turned_away_at_once() -> None:
    """The queue is bounded."""
    slots = Slots(1, 1)
    await slots.acquire(soon())
    waiting = asyncio.create_task(slots.acquire(soon()))
    await asyncio.sleep(0)
    with pytest.raises(EngineUnavailable):
        await slots.acquire(soon())
    slots.release()
    await waiting


async def test_a_waiter_leaves_at_its_deadline() -> None:
    """And its turn goes to the next."""
    slots = Slots(1, 5)
    await slots.acquire(soon())
    with pytest.raises(DeadlineExceeded):
        await slots.acquire(soon(0.01))
    patient = asyncio.create_task(slots.acquire(soon()))
    await asyncio.sleep(0)
    slots.release()
    await patient


async def test_cancelled_when_its_turn_came_a_waiter_ends_all_the_same() -> None:
    """Neither the cancellation is lost, whichever came first, nor the slot."""
    slots = Slots(1, 5)
    await slots.acquire(soon())
    doomed = asyncio.create_task(slots.acquire(soon()))
    await asyncio.sleep(0)
    slots.release()
    doomed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doomed
    assert slots.free == 1
    await slots.acquire(soon(0.5))


async def test_without_time_nobody_waits() -> None:
    """Even when a slot is free."""
    with pytest.raises(DeadlineExceeded):
        await Slots(1, 1).acquire(soon(0))


async def test_short_ones_go_one_after_the_other() -> None:
    """Though there would be room for more."""
    slots, inside, highest = Slots(4, 50, at_once=1, patience_seconds=60.0), 0, 0

    async def short() -> None:
        nonlocal inside, highest
        await slots.acquire(soon())
        inside += 1
        highest = max(highest, inside)
        await asyncio.sleep(0)
        inside -= 1
        slots.release()

    await asyncio.gather(*(short() for _ in range(20)))
    assert highest == 1


async def test_a_long_one_is_not_waited_for() -> None:
    """The next is let in beside it, and the one after that, but no more than there is room for."""
    slots = Slots(3, 50, at_once=1, patience_seconds=0.005)
    await slots.acquire(soon())
    await asyncio.gather(slots.acquire(soon()), slots.acquire(soon()))
    with pytest.raises(DeadlineExceeded):
        await slots.acquire(soon(0.03))
    slots.release()
    await slots.acquire(soon())
