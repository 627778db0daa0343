"""The embedding job on a real queue and a real vector store: asked for when an index is missing, interrupted, finished."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from procrastinate import App
from tests.integration.workbench import APP, make_due, open_workshop, work_off
from tests.waiting import eventually

from seawall.ask.vectors.pgvector import BUILD_SECONDS_MAX, PgVectors, open_vectors
from seawall.ask.vectors.port import DIMENSIONS, Vector
from seawall.core.deadline import Deadline
from seawall.core.errors import Unavailable
from seawall.store.migrations import VECTOR_DIRECTORY, migrate
from seawall.workers.embed import lacks_index, reachable
from seawall.workers.preparation.plan import Preparation
from seawall.workers.progress import ProgressBook, read_progress
from seawall.workers.queue import Jobs, defer_missing
from seawall.workers.service import Worker
from seawall.workers.workshop import Workshop

PANEL = "similar"


class Hashing:
    """A vector from a hash; fails from a text on when told to, and does something else first."""

    version = "hashing/1"

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.texts_max = 10**9
        self.first: Callable[[], Awaitable[object]] | None = None

    async def embed(self, texts: Sequence[str], *, deadline: Deadline) -> list[Vector]:
        if self.first is not None:
            first, self.first = self.first, None
            await first()
        if len(self.texts) + len(texts) > self.texts_max:
            raise ValueError("the model broke")
        self.texts += texts
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> Vector:
        numbers = [0.0] * DIMENSIONS
        numbers[int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) % DIMENSIONS] = 1.0
        return tuple(numbers)


@pytest.fixture
async def vectors(empty_database_url: str) -> AsyncIterator[PgVectors]:
    """A store that is set up."""
    await migrate(empty_database_url, directory=VECTOR_DIRECTORY)
    made = await open_vectors(empty_database_url, seconds_max=60.0)
    yield made
    await made.close()


@pytest.fixture
async def workshop(sliced: Preparation, tmp_path: Path, database_url: str, vectors: PgVectors) -> AsyncIterator[Workshop]:
    """With a vector store, and a model that costs nothing."""
    async with open_workshop(sliced, tmp_path, database_url) as made:
        yield msgspec.structs.replace(made, vectors=vectors, embedder=Hashing(), progress=ProgressBook(tmp_path / "jobs.json"))


async def states(made: App) -> list[tuple[str, int]]:
    rows = await made.connector.execute_query_all_async(
        "SELECT status, attempts FROM procrastinate_jobs WHERE task_name = 'embed' ORDER BY id"
    )
    return [(row["status"], row["attempts"]) for row in rows]


async def test_an_index_is_built_once(workshop: Workshop, queue: App, vectors: PgVectors) -> None:
    """It is asked for while it is missing, and not when it serves."""
    assert await lacks_index(workshop, APP)
    await defer_missing(workshop, Jobs(queue))
    assert not await Jobs(queue).embed(APP)
    await work_off(queue, workshop, "vectors")
    assert await states(queue) == [("succeeded", 1)]
    index = await vectors.current(APP, PANEL)
    assert index is not None
    assert index.items > index.texts == len(workshop.embedder.texts) == len(set(workshop.embedder.texts)) > 100  # type: ignore[union-attr]
    assert not await lacks_index(workshop, APP)


async def test_an_interrupted_build_keeps_what_it_has(workshop: Workshop, queue: App, vectors: PgVectors) -> None:
    """No text is embedded twice; meanwhile nothing serves that is not whole."""
    embedder = workshop.embedder
    assert isinstance(embedder, Hashing)
    embedder.texts_max = 96
    await Jobs(queue).embed(APP)
    await work_off(queue, workshop, "vectors")
    assert await vectors.current(APP, PANEL) is None
    assert read_progress(workshop.cache_folder.parent / "jobs.json") == ()
    embedder.texts_max = 10**9
    await make_due(queue)
    await work_off(queue, workshop, "vectors")
    assert await states(queue) == [("succeeded", 2)]
    assert len(embedder.texts) == len(set(embedder.texts))
    assert await vectors.current(APP, PANEL) is not None


async def test_a_build_that_failed_leaves_its_turn_to_the_one_that_waits(workshop: Workshop, queue: App, vectors: PgVectors) -> None:
    """Asked for again while it ran: one of the two waits, and it runs."""
    embedder = workshop.embedder
    assert isinstance(embedder, Hashing)
    embedder.texts_max, embedder.first = 96, lambda: Jobs(queue).embed(APP)
    await Jobs(queue).embed(APP)
    await work_off(queue, workshop, "vectors")
    assert [status for status, _ in await states(queue)] == ["failed", "todo"]
    embedder.texts_max = 10**9
    await make_due(queue)
    await work_off(queue, workshop, "vectors")
    assert await states(queue) == [("failed", 1), ("succeeded", 2)]
    assert await vectors.current(APP, PANEL) is not None


async def test_a_worker_that_starts_before_the_store_waits_for_nothing(workshop: Workshop, queue: App) -> None:
    """A store that is not there yet is given up soon, however long its queries may take once it is there."""
    nowhere = await open_vectors("postgresql://nobody@/nothing?host=/nonexistent", seconds_max=BUILD_SECONDS_MAX)
    bare = msgspec.structs.replace(workshop, vectors=nowhere)
    async with asyncio.timeout(60):
        assert not await reachable(bare)
        await defer_missing(bare, Jobs(queue))
    await nowhere.close()


async def test_a_worker_is_ready_while_the_store_says_nothing(workshop: Workshop, database_url: str) -> None:
    """Jobs of the queue wait for no vectors, nor does the start of an instance."""

    class Silent:
        async def versions(self, app: str, collection: str) -> tuple[()]:
            await asyncio.Event().wait()
            return ()

    worker = Worker(database_url, msgspec.structs.replace(workshop, vectors=Silent()))
    running = asyncio.create_task(worker.run())
    await eventually(lambda: worker.connected)
    await worker.stop()
    await running


async def test_without_the_store_nothing_is_asked_for(workshop: Workshop, queue: App, vectors: PgVectors) -> None:
    """Neither while it is away nor where there is none."""
    nowhere = await open_vectors("postgresql://nobody@/nothing?host=/nonexistent", seconds_max=0.3)
    for store, there in ((nowhere, False), (None, True)):
        bare = msgspec.structs.replace(workshop, vectors=store)
        assert await reachable(bare) is there
        assert not await lacks_index(bare, APP)
        await defer_missing(bare, Jobs(queue))
    with pytest.raises(Unavailable):
        await nowhere.versions(APP, PANEL)
    await nowhere.close()
    assert await states(queue) == []
