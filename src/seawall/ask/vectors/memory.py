"""A vector store in dictionaries, for tests that need no process: exact, with the numbers rounded as the real one keeps them."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence

import msgspec

from seawall.ask.vectors.port import START, Counts, Index, IndexName, Near, NearText, Position, Vector, check_page
from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import Unavailable


class MemoryVectors:
    """Keeps the promises of `Vectors`. Set `away = True` to make every call raise Unavailable."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self.away = False
        self._clock = clock
        self._indexes: dict[int, Index] = {}
        self._texts: dict[int, dict[bytes, Vector]] = {}
        self._items: dict[int, dict[str, bytes]] = {}
        self._changed: dict[int, float] = {}

    async def open(self, name: IndexName, *, live: bool = False) -> Index:
        """See the port."""
        self._check()
        for index in self._indexes.values():
            if index.name == name:
                return index
        made = Index(max(self._indexes, default=0) + 1, name, "building")
        self._indexes[made.id], self._texts[made.id], self._items[made.id] = made, {}, {}
        self._changed[made.id] = self._clock.monotonic()
        return await self.finish(made) if live else made

    async def remembered(self, index: Index, digests: Sequence[bytes]) -> frozenset[bytes]:
        """See the port."""
        self._check()
        own = self._texts[index.id]
        for other in self._indexes.values():
            if other.name.embedder == index.name.embedder:
                texts = self._texts[other.id]
                own.update({digest: texts[digest] for digest in digests if digest in texts and digest not in own})
        return frozenset(digest for digest in digests if digest in own)

    async def upsert(self, index: Index, texts: Mapping[bytes, Vector], items: Mapping[str, bytes]) -> None:
        """See the port."""
        self._check()
        for digest, vector in texts.items():
            self._texts[index.id].setdefault(digest, rounded(vector))
        self._items[index.id].update(items)

    async def forget(self, index: Index, keys: Sequence[str]) -> None:
        """See the port."""
        self._check()
        for key in keys:
            self._items[index.id].pop(key, None)

    async def finish(self, index: Index) -> Index:
        """See the port."""
        self._check()
        before = await self.current(index.name.app, index.name.collection)
        if before is not None and before.id == index.id:
            return before
        if before is not None:
            self._indexes[before.id] = msgspec.structs.replace(before, state="old")
            self._changed[before.id] = self._clock.monotonic()
        counts = await self.count(index)
        now = msgspec.structs.replace(index, state="current", items=counts.items, texts=counts.texts)
        self._indexes[index.id] = now
        return now

    async def drop_old(self, app: str, collection: str, *, older_seconds: float) -> int:
        """See the port."""
        current = await self.current(app, collection)
        before = self._clock.monotonic() - older_seconds
        gone = [
            index.id
            for index in await self.versions(app, collection)
            if self._changed[index.id] <= before
            and (index.state == "old" or (index.state == "building" and current is not None and current.id > index.id))
        ]
        for id_ in gone:
            for table in (self._indexes, self._texts, self._items, self._changed):
                table.pop(id_, None)
        return len(gone)

    async def current(self, app: str, collection: str) -> Index | None:
        """See the port."""
        return next((index for index in await self.versions(app, collection) if index.state == "current"), None)

    async def versions(self, app: str, collection: str) -> tuple[Index, ...]:
        """See the port."""
        self._check()
        found = [index for index in self._indexes.values() if (index.name.app, index.name.collection) == (app, collection)]
        return tuple(sorted(found, key=lambda index: -index.id))

    async def count(self, index: Index) -> Counts:
        """See the port."""
        self._check()
        return Counts(len(self._items[index.id]), len(self._texts[index.id]))

    async def vector(self, index: Index, key: str) -> Vector | None:
        """See the port."""
        self._check()
        digest = self._items.get(index.id, {}).get(key)
        return None if digest is None else self._texts[index.id].get(digest)

    async def nearest(self, index: Index, vector: Vector, *, limit: int, after: Position = START, but: str = "") -> tuple[Near, ...]:
        """See the port."""
        self._check()
        check_page(limit)
        wanted = rounded(vector)
        distances = {digest: distance(wanted, each) for digest, each in self._texts.get(index.id, {}).items()}
        items = self._items.get(index.id, {})
        found = sorted((distances[digest], key) for key, digest in items.items() if digest in distances and key != but)
        return tuple([Near(key, apart) for apart, key in found if (apart, key) > after][:limit])

    async def nearest_texts(self, index: Index, vector: Vector, *, limit: int) -> tuple[NearText, ...]:
        """See the port."""
        self._check()
        check_page(limit)
        wanted = rounded(vector)
        found = sorted((distance(wanted, each), digest) for digest, each in self._texts.get(index.id, {}).items())
        return tuple(NearText(digest, apart) for apart, digest in found[:limit])

    def _check(self) -> None:
        if self.away:
            raise Unavailable("The vector store does not answer")


def rounded(vector: Vector) -> Vector:
    """A vector as halfvec keeps it (IEEE 754 half precision)."""
    form = f"<{len(vector)}e"
    return struct.unpack(form, struct.pack(form, *vector))


def distance(one: Vector, other: Vector) -> float:
    """Cosine distance."""
    dot = math.fsum(a * b for a, b in zip(one, other, strict=True))
    lengths = math.sqrt(math.fsum(a * a for a in one) * math.fsum(b * b for b in other))
    return 1.0 - max(-1.0, min(1.0, dot / lengths))
