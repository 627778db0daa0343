"""The vector store in Postgres with pgvector: halfvec(384), cosine distance, an HNSW index for each index of ours.

Guarantees beside the port's: a store that is away costs a caller a fraction of a second once, then nothing until a probe succeeds (the
breaker of `store/postgres.py`). Searches go on in the index for as long as a page needs more (pgvector's iterative scans), so that a late
page, like a filtered one, is as long as it should be.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from typing import TypeVar

from seawall.ask.vectors.port import START, Counts, Index, IndexName, Near, NearText, Position, Vector, check_page
from seawall.core.errors import Unavailable
from seawall.store.breaker import Breaker
from seawall.store.database import Row
from seawall.store.named_sql import load
from seawall.store.postgres import VECTOR_STORE, Database, open_pool, unavailable

SEARCH_SECONDS_MAX = 0.3
ABANDON_SECONDS = 0.1
"""Beyond a query's limit, after which it is left to itself."""
REPLACE_SECONDS = 3.0
BUILD_SECONDS_MAX = 600.0
"""Indexing a million texts takes minutes."""
CONNECTION_SECONDS_MAX = 2.0
"""However long a query may take: a store that is not there is not waited for."""
POOL_MAX = 4
TEXTS_FIRST = 32
TEXTS_WIDER = 8
"""A page looks at so many of the nearest texts first, then at so many times more: a text describes few rows or thousands."""
TEXTS_MAX = 1_000_000
BATCH = 500
OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        "hnsw.ef_search=100",
        "hnsw.iterative_scan=relaxed_order",
        "hnsw.max_scan_tuples=1000000",
        "hnsw.scan_mem_multiplier=8",
        "work_mem=16MB",
        "plan_cache_mode=force_custom_plan",
    )
)
"""A plan is made for each search: only so is the one partition it is about, and with it the index, known."""
Each = TypeVar("Each")


async def open_vectors(url: str, *, seconds_max: float = SEARCH_SECONDS_MAX, connections_max: int = POOL_MAX) -> PgVectors:
    """The store at `url`. Returns at once, whether it is there or not. Close with `close()`."""
    link = Link(url, seconds_max, connections_max)
    await link.open()
    return PgVectors(link)


class PgVectors:
    """Keeps the promises of `Vectors`."""

    def __init__(self, link: Link) -> None:
        self._queries = link

    async def close(self) -> None:
        """Close the connections."""
        await self._queries.close()

    async def ready(self) -> bool:
        """Whether it answers now."""
        return await self._queries.ready()

    async def open(self, name: IndexName, *, live: bool = False) -> Index:
        """See the port."""
        found = {"app": name.app, "collection": name.collection, "embedder": name.embedder, "generation": name.generation}
        opened = await self._queries.fetch_one("open_vector_index", **found, live=live) or {}
        return next(index for index in await self.versions(name.app, name.collection) if index.id == opened["id"])

    async def remembered(self, index: Index, digests: Sequence[bytes]) -> frozenset[bytes]:
        """See the port."""
        found: set[bytes] = set()
        for part in _parts(digests):
            rows = await self._queries.fetch_all("take_over_vector_texts", index=index.id, embedder=index.name.embedder, digests=list(part))
            found.update(bytes(row["digest"]) for row in rows)
        return frozenset(found)

    async def upsert(self, index: Index, texts: Mapping[bytes, Vector], items: Mapping[str, bytes]) -> None:
        """See the port."""
        for part in _parts(list(texts.items())):
            written = [written_vector(vector) for _, vector in part]
            await self._queries.execute("add_vector_texts", index=index.id, digests=[digest for digest, _ in part], vectors=written)
        for some in _parts(list(items.items())):
            keys, digests = [key for key, _ in some], [digest for _, digest in some]
            await self._queries.execute("put_vector_items", index=index.id, keys=keys, digests=digests)

    async def forget(self, index: Index, keys: Sequence[str]) -> None:
        """See the port."""
        for part in _parts(keys):
            await self._queries.execute("forget_vector_items", index=index.id, keys=list(part))

    async def finish(self, index: Index) -> Index:
        """See the port."""
        rows = await self._queries.fetch_all("finish_vector_index", index=index.id)
        return _index(rows[0])

    async def drop_old(self, app: str, collection: str, *, older_seconds: float) -> int:
        """See the port."""
        return len(await self._queries.fetch_all("drop_vector_indexes", app=app, collection=collection, older_seconds=older_seconds))

    async def current(self, app: str, collection: str) -> Index | None:
        """See the port."""
        return next((index for index in await self.versions(app, collection) if index.state == "current"), None)

    async def versions(self, app: str, collection: str) -> tuple[Index, ...]:
        """See the port."""
        return tuple(_index(row) for row in await self._rows(app, collection))

    async def count(self, index: Index) -> Counts:
        """See the port."""
        row = await self._queries.fetch_one("count_vectors", index=index.id) or {}
        return Counts(int(row["items"]), int(row["texts"]))

    async def vector(self, index: Index, key: str) -> Vector | None:
        """See the port."""
        row = await self._queries.fetch_one("vector_of_item", index=index.id, key=key)
        return None if row is None else read_vector(row["vector"])

    async def nearest(self, index: Index, vector: Vector, *, limit: int, after: Position = START, but: str = "") -> tuple[Near, ...]:
        """See the port."""
        check_page(limit)
        written, texts = written_vector(vector), TEXTS_FIRST
        while True:
            rows = await self._queries.fetch_all(
                "nearest_vectors",
                index=index.id,
                vector=written,
                after_distance=after[0],
                after_key=after[1],
                but=but,
                texts=texts,
                limit=limit,
            )
            found = _found(rows)
            if len(found) >= limit or not rows or rows[0]["found"] < texts or texts >= TEXTS_MAX:
                return found
            texts *= TEXTS_WIDER

    async def nearest_texts(self, index: Index, vector: Vector, *, limit: int) -> tuple[NearText, ...]:
        """See the port."""
        check_page(limit)
        rows = await self._queries.fetch_all("nearest_vector_texts", index=index.id, vector=written_vector(vector), limit=limit)
        return tuple(NearText(bytes(row["digest"]), row["distance"]) for row in rows)

    async def nearest_exactly(self, index: Index, vector: Vector, *, limit: int) -> tuple[Near, ...]:
        """The first page by looking at every vector, to measure `nearest` against."""
        return _found(await self._queries.fetch_all("nearest_vectors_exactly", index=index.id, vector=written_vector(vector), limit=limit))

    async def _rows(self, app: str, collection: str) -> list[Row]:
        return await self._queries.fetch_all("vector_indexes", app=app, collection=collection)


class Link:
    """Named queries that nobody waits for beyond a time, over a pool that is replaced when it gives nothing for a while.

    A query is ended by the server's own limit, or soon after by asking the server (`store.postgres.Asks`). Should a server that hangs keep
    all connections, the next pool has its own.
    """

    def __init__(self, url: str, seconds_max: float, connections_max: int) -> None:
        self._url = url
        self._seconds_max = seconds_max
        self._connections_max = connections_max
        self._breaker = Breaker()
        self._database: Database | None = None
        self._opening: set[asyncio.Task[None]] = set()
        self._failing_since: float | None = None
        self._opened_at = 0.0

    async def open(self) -> None:
        """A pool, in the place of the one there was."""
        before, self._opened_at = self._database, time.monotonic()
        limit = f"-c statement_timeout={max(1, int(self._seconds_max * 1000))}"
        wait_seconds = min(self._seconds_max, CONNECTION_SECONDS_MAX)
        pool = await open_pool(self._url, max_size=self._connections_max, options=f"{OPTIONS} {limit}", wait_seconds_max=wait_seconds)
        seconds = self._seconds_max + ABANDON_SECONDS
        self._database = Database(pool, queries=load("vectors.sql"), query_seconds_max=seconds, role=VECTOR_STORE, breaker=self._breaker)
        if before is not None:
            await before.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._database is not None:
            await self._database.close()

    async def ready(self) -> bool:
        """Whether it answers now."""
        return self._database is not None and await self._database.ready()

    async def fetch_all(self, query: str, /, **params: object) -> list[Row]:
        """All rows."""
        return await self._within(self._asked().fetch_all(query, **params))

    async def fetch_one(self, query: str, /, **params: object) -> Row | None:
        """The first row, or None."""
        return await self._within(self._asked().fetch_one(query, **params))

    async def execute(self, query: str, /, **params: object) -> int:
        """Run for its effect; how many rows it touched."""
        return await self._within(self._asked().execute(query, **params))

    def _asked(self) -> Database:
        if self._database is None:
            raise unavailable(TimeoutError(), VECTOR_STORE)
        return self._database

    async def _within(self, work: Coroutine[object, object, Each]) -> Each:
        try:
            result = await work
        except Unavailable:
            self._failed()
            raise
        self._failing_since = None
        return result

    def _failed(self) -> None:
        """Replace the pool after it has failed for a while, the server being there or not."""
        now = time.monotonic()
        self._failing_since = self._failing_since or now
        if now - max(self._failing_since, self._opened_at) > REPLACE_SECONDS:
            self._opened_at = now
            task = asyncio.create_task(self.open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)


def written_vector(vector: Vector) -> str:
    """A vector as Postgres reads it; seven digits are more than half precision keeps."""
    return "[" + ",".join([f"{number:.7g}" for number in vector]) + "]"


def read_vector(text: str) -> Vector:
    """A vector as Postgres writes it."""
    return tuple(float(part) for part in text[1:-1].split(","))


def _index(row: Row) -> Index:
    name = IndexName(row["app"], row["collection"], row["embedder"], row["generation"])
    return Index(row["id"], name, row["state"], row["items"], row["texts"])


def _found(rows: Sequence[Row]) -> tuple[Near, ...]:
    return tuple(Near(row["key"], row["distance"]) for row in rows if row["key"] is not None)


def _parts(whole: Sequence[Each]) -> Iterator[Sequence[Each]]:
    for begin in itertools.count(0, BATCH):
        if begin >= len(whole):
            return
        yield whole[begin : begin + BATCH]
