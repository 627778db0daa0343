"""Waiting for what goes on elsewhere: until it is so, or the test has waited far longer than it may take."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from seawall.core.errors import Unavailable

Found = TypeVar("Found")


def until(holds: Callable[[], Found], seconds: float = 120.0, every: float = 0.05) -> Found:
    """What it holds in the end, asked `every` so many seconds."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "it never came to be"
        time.sleep(every)
    return found


async def eventually(holds: Callable[[], object], seconds: float = 60.0) -> None:
    """The same in an event loop, which goes on meanwhile."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


async def recovered(ask: Callable[[], Awaitable[object]], seconds: float = 60.0) -> None:
    """Until what was away answers: `ask` no longer says Unavailable."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                await ask()
            except Unavailable:
                await asyncio.sleep(0.02)
            else:
                return
