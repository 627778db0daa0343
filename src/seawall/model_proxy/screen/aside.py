"""Work that would keep other calls waiting, done in a thread beside the event loop, one piece after another."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from seawall.model_proxy.errors import OverLimit

WAITING_MAX = 32
"""Requests that are looked at or wait for it."""
Value = TypeVar("Value")
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="screen")
_answers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="answers")
"""Of those there are no more than connections to providers, and they are paid for: they wait."""
_waiting: set[asyncio.Future[Any]] = set()


async def aside(work: Callable[[], Value]) -> Value:
    """What `work` gives, or raises. OverLimit when too many wait."""
    if len(_waiting) >= WAITING_MAX:
        raise OverLimit("Too many long requests are being screened", retry_after=1.0, fix="Try again later")
    done = asyncio.get_running_loop().run_in_executor(_thread, contextvars.copy_context().run, work)
    _waiting.add(done)
    done.add_done_callback(_waiting.discard)
    return await done


async def answer_aside(work: Callable[[], Value]) -> Value:
    """The same for what a provider answered: however many wait."""
    return await asyncio.get_running_loop().run_in_executor(_answers, contextvars.copy_context().run, work)
