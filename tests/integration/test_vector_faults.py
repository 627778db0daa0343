"""What a vector store that dies or hangs costs those who ask it, and that it is found again."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import AsyncIterator

import pytest
from tests.engines import PostgresServer, hanging

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
    end = time.monotonic() + 60
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
    assert max(waited) < 10 * SEARCH_SECONDS_MAX
    assert sorted(waited)[10] < 0.05
    own_postgres.start()
    assert await found_again(vectors, index)


async def test_a_store_that_hangs_is_waited_for_briefly(own_postgres: PostgresServer, store: tuple[PgVectors, Index]) -> None:
    """It accepts connections and says nothing: as good as away."""
    vectors, index = store
    assert math.isclose((await vectors.nearest(index, VECTOR, limit=5))[0].distance, 0.0, abs_tol=1e-3)
    with hanging(own_postgres):
        waited = await waits(vectors, index, 6)
        assert max(waited) < 20 * SEARCH_SECONDS_MAX
        assert sorted(waited)[1] < 0.05
    assert await found_again(vectors, index)


async def test_no_connection_is_lost_to_those_who_gave_up(own_postgres: PostgresServer, store: tuple[PgVectors, Index]) -> None:
    """Callers that time out, and callers that are cancelled, on a slow server, again and again: it can still be asked afterwards."""
    vectors, index = store
    for round_ in range(4):
        with hanging(own_postgres):
            asked = [asyncio.create_task(vectors.nearest(index, VECTOR, limit=5)) for _ in range(12)]
            await asyncio.sleep(SEARCH_SECONDS_MAX * (0.5 + 0.2 * round_))
            for task in asked[::3]:
                task.cancel()
            await asyncio.sleep(0.2)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(answer, Unavailable | asyncio.CancelledError | tuple) for answer in answers)
        assert await found_again(vectors, index)


async def test_a_process_that_stood_still_loses_no_connection(store: tuple[PgVectors, Index]) -> None:
    """After a stall every time limit is over at once: of the query, of its caller, of the caller's caller."""
    vectors, index = store
    for _ in range(6):
        asked = [asyncio.create_task(vectors.nearest(index, VECTOR, limit=5)) for _ in range(12)]
        for turns in range(8):
            await asyncio.sleep(0.0005 * turns)
        time.sleep(2 * SEARCH_SECONDS_MAX)
        await asyncio.gather(*asked, return_exceptions=True)
    assert await found_again(vectors, index)
    assert [near.key for near in await vectors.nearest(index, VECTOR, limit=5)] == [key_of(1)]


async def test_a_pool_that_lost_its_connections_is_replaced(store: tuple[PgVectors, Index]) -> None:
    """However they were lost: the store is found again without a restart."""
    vectors, index = store
    pool = vectors._queries._asked().pool
    lost = [await pool.getconn() for _ in range(pool.max_size)]
    await waits(vectors, index, 2)
    assert await found_again(vectors, index)
    for connection in lost:
        await connection.close()
