"""L2: entries in Valkey, sealed, and the claims by which one process makes what many miss.

Entries are bound to their lasting key by encryption and carry their watermark, so whoever can write to Valkey can make
entries vanish but cannot serve one reader what was made for another. Nothing here raises because Valkey is away.
"""

from __future__ import annotations

import secrets
from enum import Enum
from typing import Protocol

import msgspec

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import Unavailable
from seawall.store.valkey import KeyValue, ValkeyStore
from seawall.trust.encryption import NotSealedByUs, Sealer

ENTRY_BYTES_MAX = 8 * 1024 * 1024
KEEP_SECONDS_MIN = 60.0
KEEP_SECONDS_MAX = 7 * 86_400.0
CLAIM_SECONDS = 2.0
"""A claim not renewed for this long is free: its owner has died."""


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An answer and what it was made from."""

    payload: bytes
    made_at: float
    """Seconds since 1970 when making it began: what it shows is no older."""
    watermark: str


class Names(Protocol):
    """What is needed of a `CacheKey` here."""

    @property
    def exact(self) -> str:
        """Names the answer."""

    @property
    def lasting(self) -> str:
        """Names the answer over generations."""

    @property
    def watermark(self) -> str:
        """The generation."""


class Turn(Enum):
    """Whose turn it is to make an answer."""

    OURS = "ours"
    """We hold the claim."""
    THEIRS = "theirs"
    """Another process is at it."""
    ALONE = "alone"
    """Valkey is away: each process for itself."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry)


def pack(entry: Entry, sealer: Sealer, context: str) -> bytes:
    """An entry, sealed under `context`."""
    return sealer.seal(_encoder.encode(entry), context.encode())


def unpack(sealed: bytes, sealer: Sealer, context: str) -> Entry | None:
    """The entry, or None when it was not sealed by us under `context`."""
    try:
        return _decoder.decode(sealer.open(sealed, context.encode()))
    except (NotSealedByUs, msgspec.MsgspecError):
        return None


class SharedCache:
    """Entries by key in a `KeyValue` store; with None for a store, a cache that is always away."""

    def __init__(self, store: KeyValue | None, sealer: Sealer | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
        self._store = store
        self._sealer = sealer if sealer is not None else Sealer(secrets.token_bytes(32))
        self._clock = clock

    async def find(self, key: Names) -> Entry | None:
        """The entry made for exactly this key."""
        if self._store is None:
            return None
        try:
            return self._opened(key, await self._store.get(_name(key.exact)))
        except Unavailable:
            return None

    async def find_or_claim(self, key: Names, token: str) -> tuple[Entry | None, Turn]:
        """The entry; when there is none, whose turn it is to make it. One round trip."""
        if self._store is None:
            return None, Turn.ALONE
        try:
            sealed, ours = await self._store.get_or_claim(_name(key.exact), _claim(key.exact), token, ttl_seconds=CLAIM_SECONDS)
            entry = self._opened(key, sealed)
            if sealed is not None and entry is None:
                ours = await self._store.claim(_claim(key.exact), token, ttl_seconds=CLAIM_SECONDS)
        except Unavailable:
            return None, Turn.ALONE
        return entry, Turn.OURS if ours else Turn.THEIRS

    async def claim(self, key: Names, token: str) -> Turn:
        """Whose turn it is to make the answer anew."""
        if self._store is None:
            return Turn.ALONE
        try:
            ours = await self._store.claim(_claim(key.exact), token, ttl_seconds=CLAIM_SECONDS)
        except Unavailable:
            return Turn.ALONE
        return Turn.OURS if ours else Turn.THEIRS

    async def renew(self, exact: str, token: str) -> None:
        """Hold on to a claim for another while."""
        if self._store is not None:
            try:
                await self._store.renew(_claim(exact), token, ttl_seconds=CLAIM_SECONDS)
            except Unavailable:
                return

    async def release(self, exact: str, token: str) -> None:
        """Give a claim up."""
        if self._store is not None:
            try:
                await self._store.release(_claim(exact), token)
            except Unavailable:
                return

    async def put(self, key: Names, entry: Entry, *, keep_for: float) -> None:
        """Keep an entry for `keep_for` seconds (a minute to a week). One larger than 8 MB is not kept."""
        if self._store is None or len(entry.payload) > ENTRY_BYTES_MAX:
            return
        values = {_name(key.exact): pack(entry, self._sealer, key.lasting), _pointer(key.lasting): key.exact.encode()}
        try:
            await self._store.set(values, ttl_seconds=min(max(keep_for, KEEP_SECONDS_MIN), KEEP_SECONDS_MAX))
        except Unavailable:
            return

    async def latest(self, key: Names) -> Entry | None:
        """The entry put last for this key under any watermark."""
        if self._store is None:
            return None
        try:
            exact = await self._store.get(_pointer(key.lasting))
            sealed = await self._store.get(_name(exact.decode("ascii", "replace"))) if exact else None
        except Unavailable:
            return None
        return self._dated(unpack(sealed, self._sealer, key.lasting)) if sealed else None

    async def ready(self) -> bool:
        """Whether Valkey answers; true when there is none to answer."""
        return self._store is None or await self._store.ready()

    async def close(self) -> None:
        """Let go of Valkey's connections."""
        if self._store is not None:
            await self._store.close()

    def _opened(self, key: Names, sealed: bytes | None) -> Entry | None:
        entry = unpack(sealed, self._sealer, key.lasting) if sealed else None
        if entry is None or entry.watermark != key.watermark:
            return None
        return self._dated(entry)

    def _dated(self, entry: Entry | None) -> Entry | None:
        """A machine whose clock runs ahead must not make its entries fresh for longer."""
        now = self._clock.time()
        if entry is None or entry.made_at <= now:
            return entry
        return Entry(entry.payload, now, entry.watermark)


def open_shared(valkey_url: str, sealer: Sealer, clock: Clock = SYSTEM_CLOCK) -> SharedCache:
    """L2 at `valkey_url`; an empty one gives a cache that is always away."""
    return SharedCache(ValkeyStore(valkey_url, clock=clock) if valkey_url else None, sealer, clock)


def _name(exact: str) -> str:
    return f"seawall:{{{exact}}}:entry"


def _claim(exact: str) -> str:
    return f"seawall:{{{exact}}}:claim"


def _pointer(lasting: str) -> str:
    return f"seawall:latest:{lasting}"
