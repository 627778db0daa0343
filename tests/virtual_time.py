"""An event loop whose time is a ManualClock that jumps to the next timer when there is nothing to do.

Sleeps, time-outs and back-offs finish at once and in order, as with Trio's MockClock (autojump). What would run in a
thread runs at once, so that no real time passes at all.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from seawall.core.clock import ManualClock

Result = TypeVar("Result")
TICK_SECONDS = 2e-6
"""More than a float can lose at seconds since 1970, so that a jump always arrives."""


class InlineExecutor(Executor):
    """Runs what is submitted before it returns."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 -- what an executor does
            future.set_exception(error)
        return future


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "nothing will ever happen: every task waits for another"
        ready = super().select(0)
        if not ready and timeout > 0:
            self._clock.advance(timeout + TICK_SECONDS)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop. Its threads are not threads."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(_JumpingSelector(clock))
        self._clock = clock
        self._clock_resolution = TICK_SECONDS  # a timer that is due must count as due, whatever rounding lost

    def time(self) -> float:
        return self._clock.monotonic()

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        return asyncio.wrap_future(InlineExecutor().submit(func, *args), loop=self)


def run(main: Coroutine[Any, Any, Result], clock: ManualClock) -> Result:
    """Run to the end in virtual time. Tasks left behind are a failure."""
    loop = VirtualLoop(clock)
    try:
        result = loop.run_until_complete(main)
        left = asyncio.all_tasks(loop)
        assert not left, f"left running: {left}"
        return result
    finally:
        loop.close()
