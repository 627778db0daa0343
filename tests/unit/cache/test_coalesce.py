"""Results: one making for many askers, errors told to each, everything closed."""

from __future__ import annotations

import asyncio

import pyarrow as pa
import pytest
from tests.waiting import eventually

from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded
from seawall.query import coalesce
from seawall.query.cache import Cache, CacheKey
from seawall.query.cache_shared import SharedCache
from seawall.query.errors import QueryFailed
from seawall.query.results import ResultCache, decode_table, encode_table
from seawall.store.memory_valkey import MemoryValkey
from seawall.trust.encryption import Sealer

KEY = CacheKey("q", (), "f", "en", "w")
TABLE = pa.table({"week": [1, 2, None], "name": ["a", "ü", ""]})


async def test_askers_share_one_table() -> None:
    """Ten askers, one query, the same rows with their types."""
    results, made = ResultCache(Cache()), []

    async def make(_: Deadline) -> pa.Table:
        made.append(1)
        await asyncio.sleep(0.01)
        return TABLE

    tables = await asyncio.gather(*[results.table(KEY, make, deadline=Deadline.after(5)) for _ in range(10)])
    assert all(table.equals(TABLE) for table in tables)
    assert len(made) == 1
    await results.close()


async def test_another_process_reads_what_one_made() -> None:
    """A worker's precomputed table is found by a ui process."""
    store, sealer = MemoryValkey(), Sealer(bytes(32))
    worker, ui = (ResultCache(Cache(shared=SharedCache(store, sealer))) for _ in range(2))

    async def make(_: Deadline) -> pa.Table:
        return TABLE

    async def never(_: Deadline) -> pa.Table:
        raise AssertionError

    await worker.table(KEY, make, deadline=Deadline.after(5))
    await eventually(lambda: any(":entry" in name for name in store._values))
    assert (await ui.table(KEY, never, deadline=Deadline.after(5))).equals(TABLE)
    await worker.close()
    await ui.close()


async def test_errors_reach_every_asker() -> None:
    """Unlike a panel, a query raises what went wrong."""
    results = ResultCache(Cache())

    async def make(_: Deadline) -> pa.Table:
        raise QueryFailed("no such column")

    for outcome in await asyncio.gather(*[results.table(KEY, make, deadline=Deadline.after(5)) for _ in range(3)], return_exceptions=True):
        assert isinstance(outcome, QueryFailed)
    await results.close()


async def test_failures_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for what fails, under ever other names, fills no memory."""
    monkeypatch.setattr(coalesce, "FAILURES_MAX", 3)
    results = ResultCache(Cache())

    async def make(_: Deadline) -> pa.Table:
        raise QueryFailed("no such column")

    for name in "abcdef":
        with pytest.raises(QueryFailed):
            await results.table(CacheKey(name, (), "f", "en", "w"), make, deadline=Deadline.after(5))
    assert len(results._flights._failures) == 3
    await results.close()


async def test_a_deadline_ends_the_wait_and_close_ends_the_work() -> None:
    """The asker leaves in time; what is still being made is cancelled by close."""
    results, cancelled = ResultCache(Cache()), asyncio.Event()

    async def make(_: Deadline) -> pa.Table:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()
        return TABLE

    with pytest.raises(DeadlineExceeded):
        await results.table(KEY, make, deadline=Deadline.after(0.02))
    await results.close()
    assert cancelled.is_set()
    assert len(asyncio.all_tasks()) == 1


async def test_large_tables_come_back_whole() -> None:
    """Those encoded in a thread too."""
    table = pa.table({"n": list(range(200_000))})
    assert (await decode_table(await encode_table(table))).equals(table)
