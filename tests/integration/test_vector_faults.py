"""What a vector store that dies or hangs costs those who ask it, and that it is found again."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import AsyncIterator

import psutil
import pytest
from tests.engines import PostgresServer

from seawall.ask.vectors.pgvector import SEARCH_SECONDS_MAX, PgVectors, open_vectors
from seawall.ask.vectors.port import DIMENSIONS, Index, IndexName, digest_of, key_of
from seawall.core.errors import Unavailable
from seawall.store.migrations import VECTOR_DIRECTORY, migrate

_numbers = itertools.count(1)
VECTOR = (1.0, *([0.0] * (DIMENSIONS - 1)))


@pytest.fixture
async def store(own_postgres: PostgresServer) -> AsyncIterator[tuple[PgVectors, Index]]:
    """A store that can be killed, with one item."""
    url = own_postgres.fresh_database(f"vectors_{next(_numbers)}")
    await migrate(url, directory=VECTOR_DIRECTORY)
    vectors = await open_vectors(url)
    index = await vectors.open(IndexName("shop", "products", "one/1", "g1"))
    await vectors.upsert(index, {digest_of("a"): VECTOR}, {key_of(1): digest_of("a")})
    yield vectors, await vectors.finish(index)
    await vectors.close()


async def found_again(vectors: PgVectors, index: Index) -> bool:
    end = time.monotonic() + 15
    while time.monotonic() < end:
        try:
            return [near.key for near in await vectors.nearest(index, VECTOR, limit=5)] == [key_of(1)]
        except Unavailable:
            await asyncio.sleep(0.1)
    return False


async def waits(vectors: PgVectors, index: Index, count: int) -> list[float]:
    """How long each of `count` callers waits to hear that it is away."""
    waited = []
    for _ in range(count):
        began = time.monotonic()
        with pytest.raises(Unavailable, match="vector store"):
            await vectors.nearest(index, VECTOR, limit=5)
        waited.append(time.monotonic() - began)
    return waited


async def test_a_store_that_dies_is_known_at_once_and_found_again(own_postgres: PostgresServer, store: tuple[PgVectors, Index]) -> None:
    """The first callers wait for a fraction of a second, the others for nothing; what was indexed is there after the crash."""
    vectors, index = store
    own_postgres.kill()
    waited = await waits(vectors, index, 20)
    assert max(waited) < 3 * SEARCH_SECONDS_MAX
    assert sorted(waited)[14] < 0.05
    own_postgres.start()
    assert await found_again(vectors, index)


async def test_a_store_that_hangs_is_waited_for_briefly(own_postgres: PostgresServer, store: tuple[PgVectors, Index]) -> None:
    """It accepts connections and says nothing: as good as away."""
    vectors, index = store
    assert math.isclose((await vectors.nearest(index, VECTOR, limit=5))[0].distance, 0.0, abs_tol=1e-3)
    backends = psutil.Process(own_postgres.pid).children()
    own_postgres.pause()
    for backend in backends:
        backend.suspend()
    try:
        waited = await waits(vectors, index, 6)
        assert max(waited) < 10 * SEARCH_SECONDS_MAX
        assert sorted(waited)[2] < 0.05
    finally:
        for backend in backends:
            backend.resume()
        own_postgres.resume()
    assert await found_again(vectors, index)
