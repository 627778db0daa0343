"""Waiting for somebody else's answer is storage time of whoever waits; the work is in the trace it was begun for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pyarrow as pa
import pytest

from seawall.core.deadline import Deadline
from seawall.query.cache import Cache, CacheKey
from seawall.query.cache_shared import SharedCache
from seawall.query.results import ResultCache
from seawall.store.memory_valkey import MemoryValkey
from seawall.telemetry import spans
from seawall.trust.encryption import Sealer

KEY = CacheKey("q", (), "f", "en", "w")
TABLE = pa.table({"week": [1]})


@pytest.fixture(autouse=True)
def _empty_buffer() -> Iterator[None]:
    spans.finished.clear()
    yield
    spans.finished.clear()


async def make(_: Deadline) -> pa.Table:
    """A slow query, timed as the query service times it."""
    with spans.span("panel.query", "storage"):
        await asyncio.sleep(0.03)
    return TABLE


async def page(results: ResultCache) -> str:
    """A request that asks for the table; its trace."""
    with spans.span("ui.page", "ui") as made:
        await results.table(KEY, make, deadline=Deadline.after(5))
        return made.trace_id


def names(trace: str) -> list[str]:
    return [one.name for one in spans.finished if one.trace_id == trace]


async def test_the_query_is_in_the_trace_it_was_begun_for_and_others_wait() -> None:
    """Two requests at once: the first has the query, the second a wait as long, and neither has both."""
    results = ResultCache(Cache())
    first, second = await asyncio.gather(page(results), page(results))
    assert names(first) == ["panel.query", "ui.page"]
    assert names(second) == ["cache.wait", "ui.page"]
    wait = next(one for one in spans.finished if one.name == "cache.wait")
    assert wait.boundary == "storage"
    assert wait.end_ns - wait.start_ns > 20_000_000
    await results.close()


async def test_waiting_for_another_process_is_a_wait_too() -> None:
    """The second process's request holds one span for all its polls, and no query."""
    store, sealer = MemoryValkey(), Sealer(bytes(32))
    here, there = (ResultCache(Cache(shared=SharedCache(store, sealer))) for _ in range(2))
    first, second = await asyncio.gather(page(there), page(here))
    assert names(first) == ["panel.query", "ui.page"]
    assert names(second) == ["cache.wait", "ui.page"]
    await here.close()
    await there.close()


async def test_memory_has_no_spans() -> None:
    """What the process holds costs no span."""
    results = ResultCache(Cache())
    await page(results)
    assert names(await page(results)) == ["ui.page"]
    await results.close()
