"""Leases limits from where they are shared, before calls need them where it can, and gives back what nobody uses.

Guarantees: of one limit at most one question is on its way at a time, and those who wait share its answer. While the store is away a
bucket of this replica's own, with a stated part of each limit, answers in its place. Leases of streams in progress are renewed long
before they run out; a process that dies renews nothing, so its streams are free again within `LEASE_SECONDS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

import msgspec

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import Unavailable
from seawall.model_proxy.admission.buckets import Ask, Grant
from seawall.model_proxy.admission.lease import Lease
from seawall.model_proxy.admission.lease_stores import Leases, MemoryLeases
from seawall.model_proxy.admission.settings import LEASE_SECONDS, LOCAL_SHARE
from seawall.model_proxy.call import Limits

ASKS_MAX = 64
"""In one round trip."""


class LeaseDesk:
    """The leases of this replica. `store` None: there is no Valkey."""

    def __init__(self, store: Leases | None, holder: str, clock: Clock = SYSTEM_CLOCK, *, local_share: float = LOCAL_SHARE) -> None:
        self._store = store
        self._local = MemoryLeases(clock)
        self._holder = holder
        self._clock = clock
        self._local_share = local_share
        self._leases: dict[str, Lease] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_drop: Callable[[], None] = lambda: None
        """Called when leases are forgotten: who keeps references to some looks them up again."""

    def __len__(self) -> int:
        return len(self._leases)

    def lease(self, tag: str, subject: str, limits: Limits, *, fair: bool = False) -> Lease:
        """The lease of a subject, made when missing. Limits that changed hold from now on."""
        name = f"{tag}\0{subject}"
        found = self._leases.get(name)
        if found is None or (found.limits != limits and not found.held):
            found = self._leases[name] = Lease(tag, subject, limits, fair=fair)
        return found

    async def fill(self, short: Sequence[Lease], tokens: int) -> None:
        """Ask for more of these, for a call that takes `tokens`, and wait for the answers."""
        for lease in short:
            lease.waiting += 1
            lease.waiting_tokens += tokens
        try:
            flights = {lease.flight for lease in short if lease.flight is not None}
            flights |= set(self._ask_for([lease for lease in short if lease.flight is None], tokens))
            await asyncio.wait(flights)
        finally:
            for lease in short:
                lease.waiting -= 1
                lease.waiting_tokens -= tokens

    def prefetch(self, lease: Lease) -> None:
        """Ask for more while there is still some, unless that is under way or there was not much a moment ago."""
        if lease.flight is None and lease.asked_at + 0.05 < self._clock.monotonic():
            self._ask_for([lease], 0)

    async def tick(self) -> None:
        """Renew what is in use, give back what is not. Call every second."""
        now = self._clock.monotonic()
        renewed, idle = [], []
        for name, lease in list(self._leases.items()):
            if lease.flight is None and lease.until - now < LEASE_SECONDS / 2:
                if lease.held or lease.waiting or now - lease.used_at < LEASE_SECONDS / 2:
                    renewed.append(lease)
                else:
                    idle.append(lease)
                    del self._leases[name]
        if idle:
            self.on_drop()
        flights: list[asyncio.Future[None]] = list(self._ask_for(renewed, 0))
        for group in _by_tag(idle):
            await self._step([lease.give_back() for lease in group])
        if flights:
            await asyncio.wait(flights)

    async def close(self) -> None:
        """Give everything back that is not in use."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        for group in _by_tag(self._leases.values()):
            await self._step([lease.give_back() for lease in group])

    def _ask_for(self, leases: Sequence[Lease], tokens: int) -> Iterable[asyncio.Future[None]]:
        for group in _by_tag(leases):
            task = asyncio.get_running_loop().create_task(self._ask(group, tokens), name="seawall-lease")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            for lease in group:
                lease.flight = task
        return {lease.flight for lease in leases if lease.flight is not None}

    async def _ask(self, group: Sequence[Lease], tokens: int) -> None:
        now = self._clock.monotonic()
        asks = [lease.ask(tokens, now) for lease in group]
        try:
            for lease, (ask, grant) in zip(group, await self._step(asks), strict=True):
                lease.granted(ask, grant, self._clock.monotonic())
        finally:
            for lease in group:
                lease.flight = None

    async def _step(self, asks: Sequence[Ask]) -> Iterable[tuple[Ask, Grant]]:
        """Each with its grant; with the limits that were there to grant from."""
        if self._store is not None:
            try:
                return zip(asks, await self._store.lease(self._holder, asks), strict=True)
            except Unavailable:
                pass
        scaled = [msgspec.structs.replace(ask, limits=_part(ask.limits, self._local_share)) for ask in asks]
        return zip(scaled, self._local.lease_now(self._holder, scaled), strict=True)


def _by_tag(leases: Iterable[Lease]) -> Iterable[list[Lease]]:
    """Those that may be asked for in one step."""
    groups: dict[str, list[Lease]] = {}
    for lease in leases:
        groups.setdefault(lease.tag, []).append(lease)
    for group in groups.values():
        for at in range(0, len(group), ASKS_MAX):
            yield group[at : at + ASKS_MAX]


def _part(limits: Limits, part: float) -> Limits:
    return Limits(
        *(max(1, int(one * part)) if one else 0 for one in (limits.requests_per_minute, limits.tokens_per_minute, limits.streams))
    )
