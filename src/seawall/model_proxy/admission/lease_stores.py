"""Where limits are shared: in Valkey, or in this process for tests and while Valkey is away."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import Unavailable
from seawall.model_proxy.admission.buckets import MILLI, Ask, Grant, State, fresh, take
from seawall.model_proxy.admission.settings import LEASE_SECONDS, LEASES_MAX
from seawall.store.valkey import Scripted

SCRIPT = Path(__file__).with_name("leases.lua")
_NUMBERS = 6


class Leases(Protocol):
    """The promise: one atomic step for all of `asks`, which share a `{tag}`. Unavailable when the store cannot be reached."""

    async def lease(self, holder: str, asks: Sequence[Ask]) -> Sequence[Grant]:
        """A grant for each."""


class MemoryLeases:
    """Keeps the promise in a bounded dictionary. Set `away = True` to make it raise Unavailable."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self.away = False
        self._clock = clock
        self._states: OrderedDict[str, State] = OrderedDict()

    async def lease(self, holder: str, asks: Sequence[Ask]) -> Sequence[Grant]:
        """A grant for each."""
        if self.away:
            raise Unavailable("Valkey does not answer")
        return self.lease_now(holder, asks)

    def lease_now(self, holder: str, asks: Sequence[Ask]) -> Sequence[Grant]:
        """The same without waiting."""
        now_ms = int(self._clock.monotonic() * MILLI)
        return [take(self._state(ask, now_ms), ask, holder, now_ms, int(LEASE_SECONDS * MILLI)) for ask in asks]

    def clear(self) -> None:
        """Forget everything, as a restart does."""
        self._states.clear()

    def _state(self, ask: Ask, now_ms: int) -> State:
        state = self._states.get(ask.subject)
        if state is None:
            state = self._states[ask.subject] = fresh(ask.limits, now_ms)
            if len(self._states) > LEASES_MAX:
                self._states.popitem(last=False)
        return state


class ValkeyLeases:
    """Keeps the promise with a script in Valkey. `now_ms` other than 0 stands for Valkey's clock, in tests."""

    def __init__(self, store: Scripted) -> None:
        self._run = store.script("lease", SCRIPT.read_text("utf-8"))
        self.now_ms = 0

    async def lease(self, holder: str, asks: Sequence[Ask]) -> Sequence[Grant]:
        """A grant for each."""
        arguments: list[str | int] = [self.now_ms, int(LEASE_SECONDS * MILLI), holder]
        for ask in asks:
            arguments += (ask.limits.requests_per_minute, ask.limits.tokens_per_minute, ask.limits.streams)
            arguments += (ask.need_requests, ask.want_requests, ask.give_requests)
            arguments += (ask.need_tokens, ask.want_tokens, ask.give_tokens, ask.held, ask.need_streams, ask.want_streams)
        found = await self._run([ask.subject for ask in asks], arguments)
        rows = [found[at : at + _NUMBERS] for at in range(0, len(found), _NUMBERS)]
        return [Grant(int(a), int(b), int(c), int(d), int(e), bool(f)) for a, b, c, d, e, f in rows]
