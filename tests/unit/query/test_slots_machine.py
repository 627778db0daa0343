"""Turns under any sequence of arrivals, leavings, deadlines and cancellations: a state machine in virtual time.

Whatever happens and however much of it at one moment: no more are let in than there is room for, who came first goes first, nobody
waits while they could be let in, nobody waits beyond their deadline, and in the end every slot is free again.
"""

from __future__ import annotations

import asyncio

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.virtual_time import VirtualLoop

from seawall.core.clock import ManualClock
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded
from seawall.query.errors import EngineUnavailable
from seawall.query.slots import Slots

PATIENCE_SECONDS = 0.1
SLACK_SECONDS = 0.01


class SlotsMachine(RuleBasedStateMachine):
    """Queries that come, are let in, and go."""

    @initialize(room=st.integers(1, 4), at_once=st.integers(1, 4), waiting=st.integers(0, 4))
    def build(self, room: int, at_once: int, waiting: int) -> None:
        self.clock = ManualClock()
        self.loop = VirtualLoop(self.clock)
        self.room, self.at_once, self.waiting_max = room, min(room, at_once), waiting
        self.slots = Slots(room, waiting, at_once=self.at_once, patience_seconds=PATIENCE_SECONDS)
        self.waiting: dict[int, tuple[asyncio.Task[None], float]] = {}
        self.inside: list[int] = []
        self.let_in: list[int] = []
        self.count = 0
        self.broken: list[object] = []
        self.loop.set_exception_handler(lambda _, context: self.broken.append(context))

    def settle(self, seconds: float = 0.0) -> None:
        """Let happen what happens now, or for a while."""
        self.loop.run_until_complete(asyncio.sleep(seconds))
        for _ in range(4):
            self.loop.run_until_complete(asyncio.sleep(0))
        for number, (task, _) in list(self.waiting.items()):
            if task.done():
                del self.waiting[number]
                if not task.cancelled() and not isinstance(task.exception(), DeadlineExceeded | EngineUnavailable):
                    task.result()

    async def stay(self, number: int, deadline: Deadline) -> None:
        await self.slots.acquire(deadline)
        self.inside.append(number)
        self.let_in.append(number)

    @rule(patience=st.sampled_from((0.0, 0.05, 0.3, 60.0)), together=st.integers(1, 3), busy=st.booleans())
    def arrive(self, patience: float, together: int, busy: bool) -> None:
        """`busy`: after the loop did not turn for a while, so that timers are late."""
        if busy:
            self.clock.advance(1.5 * PATIENCE_SECONDS)
        for _ in range(together):
            self.count += 1
            deadline = Deadline.after(patience, self.clock)
            self.waiting[self.count] = self.loop.create_task(self.stay(self.count, deadline)), deadline.at
        self.settle()

    @precondition(lambda self: self.inside)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        self.inside.remove(data.draw(st.sampled_from(self.inside)))
        self.loop.call_soon(self.slots.release)
        self.settle()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        self.waiting[data.draw(st.sampled_from(sorted(self.waiting)))][0].cancel()
        self.settle()

    @precondition(lambda self: self.inside and self.waiting)
    @rule(before=st.booleans())
    def give_up_as_the_turn_comes(self, before: bool) -> None:
        """The one whose turn it would be gives up just before a slot is free, or just after it was given it."""
        first = self.waiting[min(self.waiting)][0]
        self.inside.pop(0)

        def both() -> None:
            steps = [first.cancel, self.slots.release]
            for step in steps if before else reversed(steps):
                step()

        self.loop.call_soon(both)
        self.settle()

    @rule(seconds=st.sampled_from((0.02, 0.1, 0.5)))
    def time_passes(self, seconds: float) -> None:
        self.settle(seconds)

    @invariant()
    def bounds_hold(self) -> None:
        """As many are inside as slots are taken, and no more wait than may."""
        if hasattr(self, "slots"):
            assert self.slots.free == self.room - len(self.inside) >= 0
            assert len(self.waiting) <= self.waiting_max

    @invariant()
    def nothing_breaks(self) -> None:
        """No callback fails behind everybody's back."""
        assert not getattr(self, "broken", [])

    @invariant()
    def turns_are_in_order(self) -> None:
        """Nobody overtakes."""
        if hasattr(self, "slots"):
            assert self.let_in == sorted(self.let_in)

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        """Not while there is room at once, not when nobody was let in for a while, not beyond the deadline."""
        if hasattr(self, "slots") and self.waiting:
            now = self.loop.time()
            assert len(self.inside) >= self.at_once
            assert len(self.inside) == self.room or now - self.slots._let_in_at < PATIENCE_SECONDS + SLACK_SECONDS
            assert all(at > now - SLACK_SECONDS for _, at in self.waiting.values())

    def teardown(self) -> None:
        """All go, and all slots are free."""
        if not hasattr(self, "slots"):
            return
        for _ in range(20):
            while self.inside:
                self.inside.pop()
                self.loop.call_soon(self.slots.release)
            self.settle(PATIENCE_SECONDS)
        assert self.slots.free == self.room
        assert not self.waiting
        self.settle(PATIENCE_SECONDS * 2)
        assert not asyncio.all_tasks(self.loop)
        self.loop.close()


TestSlots = SlotsMachine.TestCase
TestSlots.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
