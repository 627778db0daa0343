"""Lexicons, built once for equal rights over one generation (where there is none: once an hour), and kept while they are used.

Whoever comes first builds; those who ask meanwhile wait for the same one. A build that failed is not kept.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from seawall.ask.lexicon import Lexicon
from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded
from seawall.query.policy import EffectivePolicy
from seawall.query.service import QueryService

KEPT_MAX = 32
HOUR_SECONDS = 3600.0
BUILD_SECONDS = 20.0
"""A build goes on for whoever asks next, when the first asker's deadline is over."""
Build = Callable[[QueryService, EffectivePolicy, Deadline], Awaitable[Lexicon]]


class KeptLexicons:
    """`cascade.Lexicons`."""

    def __init__(self, service: QueryService, build: Build, *, kept_max: int = KEPT_MAX, clock: Clock = SYSTEM_CLOCK) -> None:
        self._service = service
        self._build = build
        self._kept_max = kept_max
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], asyncio.Task[Lexicon]] = OrderedDict()

    def has(self, policy: EffectivePolicy) -> bool:
        """Whether the lexicon of these rights over the current data is at hand, or being built."""
        task = self._kept.get(self._name(policy))
        return task is not None and not _failed(task)

    async def of(self, policy: EffectivePolicy, deadline: Deadline) -> Lexicon:
        """The lexicon of these rights over the current data. DeadlineExceeded while it is still being built."""
        name = self._name(policy)
        task = self._kept.get(name)
        if task is None or _failed(task):
            task = self._kept[name] = asyncio.create_task(self._built(policy))
        self._kept.move_to_end(name)
        while len(self._kept) > self._kept_max:
            gone = next((name for name, one in self._kept.items() if one.done()), next(iter(self._kept)))
            self._kept.pop(gone).cancel()
        done, _ = await asyncio.wait({task}, timeout=deadline.remaining())
        if not done or task.cancelled():
            raise DeadlineExceeded("The app's words are still being learnt", fix="Ask again in a moment")
        return task.result()

    def _name(self, policy: EffectivePolicy) -> tuple[str, str]:
        watermark = self._service.now().watermark or f"hour {self._clock.time() // HOUR_SECONDS:.0f}"
        return policy.fingerprint(self._service.app.semantics.datasets), watermark

    async def close(self) -> None:
        """End what is being built."""
        tasks = list(self._kept.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _built(self, policy: EffectivePolicy) -> Lexicon:
        return await self._build(self._service, policy, Deadline.after(BUILD_SECONDS))


def _failed(task: asyncio.Task[Lexicon]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
