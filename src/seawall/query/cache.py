"""Two levels of answers: the process's own memory (L1) and Valkey (L2, `cache_shared.py`).

A key names everything an answer depends on, the rights of who asks included; an entry is found under exactly the key it
was made for. L1 is bounded in bytes; L2 may vanish at any moment and is never waited for long.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cached_property

import msgspec

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.digest import canonical
from seawall.query.cache_shared import Entry, SharedCache

L1_BYTES_MAX = 64 * 1024 * 1024
ENTRY_OVERHEAD_BYTES = 512
"""What an entry costs beside its payload: objects, key and index, rounded up."""
_FORM = "seawall-cache-1"
"""Changes when the meaning of a key changes, so that nothing made before is found."""

Parameters = tuple[tuple[str, tuple[str, ...]], ...]


def parameters_of(mapping: Mapping[str, Sequence[str]]) -> Parameters:
    """URL parameters in canonical order: names sorted, values as they came."""
    return tuple(sorted((name, tuple(values)) for name, values in mapping.items()))


class CacheKey(msgspec.Struct, frozen=True, dict=True):
    """Everything an answer depends on. The digests are computed once: keep keys that are used again."""

    subject: str
    """What is asked: a panel's digest or a query's, with whatever else decides the bytes (form, part)."""
    parameters: Parameters
    """See `parameters_of`."""
    fingerprint: str
    """What the principal may see (`EffectivePolicy.fingerprint`)."""
    locale: str
    watermark: str
    """The generation the answer is made from."""
    is_kept: bool = True
    """Whether the last good answer is kept for outages; names nothing."""

    @cached_property
    def exact(self) -> str:
        """SHA-256 of all five, 64 hexadecimal digits."""
        return _digest((_FORM, "exact", self.subject, self.parameters, self.fingerprint, self.locale, self.watermark))

    @cached_property
    def lasting(self) -> str:
        """SHA-256 of all but the watermark: the same over generations."""
        return _digest((_FORM, "lasting", self.subject, self.parameters, self.fingerprint, self.locale))


def _digest(parts: tuple[object, ...]) -> str:
    return hashlib.sha256(canonical(parts)).hexdigest()


class Slot(msgspec.Struct, frozen=True, gc=False):
    """An entry in memory."""

    entry: Entry
    fresh_until: float
    """Seconds since 1970."""
    lasting: str


class MemoryCache:
    """L1: the entries used last, at most `bytes_max` of them."""

    def __init__(self, bytes_max: int = L1_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._slots: OrderedDict[str, Slot] = OrderedDict()
        self._latest: dict[str, str] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._slots)

    def get(self, exact: str) -> Slot | None:
        """The slot of a key, which becomes the one used last."""
        slot = self._slots.get(exact)
        if slot is not None:
            self._slots.move_to_end(exact)
        return slot

    def latest(self, lasting: str) -> Entry | None:
        """The entry made last under any watermark."""
        slot = self._slots.get(self._latest.get(lasting, ""))
        return slot.entry if slot else None

    def put(self, key: CacheKey, entry: Entry, fresh_until: float) -> None:
        """Keep an entry, letting go of those not used for longest. One that would fill an eighth of the room is not kept."""
        size = len(entry.payload) + ENTRY_OVERHEAD_BYTES
        if size * 8 > self._bytes_max:
            return
        self._drop(key.exact)
        while self.bytes + size > self._bytes_max:
            self._drop(next(iter(self._slots)))
        self._slots[key.exact] = Slot(entry, fresh_until, key.lasting)
        self.bytes += size
        before = self._slots.get(self._latest.get(key.lasting, ""))
        if before is None or before.entry.made_at <= entry.made_at:
            self._latest[key.lasting] = key.exact

    def clear(self) -> None:
        """Let go of everything."""
        self._slots.clear()
        self._latest.clear()
        self.bytes = 0

    def _drop(self, exact: str) -> None:
        slot = self._slots.pop(exact, None)
        if slot is None:
            return
        self.bytes -= len(slot.entry.payload) + ENTRY_OVERHEAD_BYTES
        if self._latest.get(slot.lasting) == exact:
            del self._latest[slot.lasting]


class Cache:
    """L1 before L2. Nothing here raises because Valkey is away."""

    def __init__(self, memory: MemoryCache | None = None, shared: SharedCache | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
        self.memory = memory if memory is not None else MemoryCache()
        self.shared = shared if shared is not None else SharedCache(None)
        self._time = clock.time

    def fresh(self, key: CacheKey) -> Entry | None:
        """The entry in memory, if it is still fresh. The hot path: two look-ups and a clock."""
        slot = self.memory.get(key.exact)
        if slot is None or self._time() >= slot.fresh_until:
            return None
        return slot.entry

    def local(self, key: CacheKey) -> Entry | None:
        """The entry in memory, fresh or not."""
        slot = self.memory.get(key.exact)
        return slot.entry if slot else None

    def keep(self, key: CacheKey, entry: Entry, *, fresh_for: float) -> None:
        """Put an entry into memory only; it is fresh for `fresh_for` seconds from when it was made."""
        self.memory.put(key, entry, entry.made_at + fresh_for)

    async def find(self, key: CacheKey, *, fresh_for: float) -> Entry | None:
        """The entry in memory or else in Valkey, fresh or not."""
        entry = self.local(key)
        if entry is None:
            entry = await self.shared.find(key)
            if entry is not None:
                self.keep(key, entry, fresh_for=fresh_for)
        return entry

    async def put(self, key: CacheKey, entry: Entry, *, fresh_for: float, keep_for: float) -> None:
        """Put an entry into both levels; Valkey lets go of it after `keep_for` seconds."""
        self.keep(key, entry, fresh_for=fresh_for)
        await self.shared.put(key, entry, keep_for=keep_for)

    async def close(self) -> None:
        """Let go of Valkey's connections."""
        await self.shared.close()
