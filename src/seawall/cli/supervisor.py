"""Keeps a set of processes running, in dependency order.

Guarantees: a unit starts once what it needs is ready; independent units start together. When one is given up, the others go on.
`stop` ends dependents before what they depend on, lets what is in flight end first (`hurry` cuts that short), asks politely, and
returns with nothing left running. How one unit is kept is its keeper's business (`supervisor_keeper.py`), what a unit is and why it
exists the plan's (`supervisor_plan.py`); what to tell people is the observer's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from seawall.cli.supervisor_keeper import Keeper, all_settled, first_of
from seawall.cli.supervisor_terms import Terms
from seawall.cli.supervisor_units import Unit

ROTATE_INTERVAL_S = 10.0


class Supervisor:
    """Runs units. Use from one event loop: `await start()`, then `await stop()`."""

    def __init__(self, units: Iterable[Unit], terms: Terms) -> None:
        self._terms = terms
        self._keepers: list[Keeper] = []
        self._keepers.extend(Keeper(unit, terms, self._keepers) for unit in units)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> list[Unit]:
        """Start everything; returns those given up once all that is awaited is ready, done or given up, or an essential one is."""
        self._tasks = [asyncio.create_task(keeper.keep(), name=keeper.unit.label) for keeper in self._keepers]
        self._tasks.append(asyncio.create_task(self._rotate(), name="rotate logs"))
        await first_of(all_settled([keeper for keeper in self._keepers if keeper.unit.awaited]), self._terms.hopeless.wait())
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()  # a fault of ours ends the start; it is not kept until the stop
        self._terms.serving = not self._terms.hopeless.is_set()
        return [keeper.unit for keeper in self._keepers if keeper.state == "failed"]

    async def stop(self) -> None:
        """Stop everything, dependents first. Returns when nothing runs."""
        await asyncio.gather(*(keeper.stop() for keeper in self._keepers))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hurry(self) -> bool:
        """Cut what is in flight; everything is still stopped in order. False: that was asked for before."""
        before = self._terms.hurried.is_set()
        self._terms.hurried.set()
        return not before

    def kill(self) -> None:
        """Stop waiting for anybody: kill what still runs."""
        for keeper in self._keepers:
            if keeper.child:
                keeper.child.kill_group()

    async def _rotate(self) -> None:
        while True:
            await asyncio.sleep(ROTATE_INTERVAL_S)
            with suppress(OSError):  # a full disk must not end supervision
                self._terms.logs.rotate()
