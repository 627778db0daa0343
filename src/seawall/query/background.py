"""Work a service does again and again behind its readers' backs: owned, ended by `close`, never ended by a fault."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from seawall.telemetry.events import event


class Repeating:
    """Runs `work` every `seconds` until closed. A run that fails is told as an event; the next one comes all the same."""

    def __init__(self, name: str, work: Callable[[], Awaitable[None]], seconds: float) -> None:
        self._name = name
        self._work = work
        self._seconds = seconds
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; the first run is at once. Must be called on the event loop."""
        if self._task is None:
            self._task = asyncio.create_task(self.run(), name=f"seawall-{self._name}")

    def wake(self) -> None:
        """Run again now rather than after the pause."""
        self._wake.set()

    async def close(self) -> None:
        """End, in the middle of a run if need be."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self._work()
            except Exception as error:  # noqa: BLE001 -- a process edge: nobody else would hear of it
                event("background.failed", work=self._name, error=repr(error))
            try:
                async with asyncio.timeout(self._seconds):
                    await self._wake.wait()
            except TimeoutError:
                continue
