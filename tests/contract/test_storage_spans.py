"""Every round trip to Valkey and every statement to Postgres is a span of the storage boundary; nothing else is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.engines import ValkeyServer

from seawall.core.errors import Unavailable
from seawall.store.postgres import Database, open_pool
from seawall.store.valkey import ValkeyStore
from seawall.telemetry import spans


@pytest.fixture(autouse=True)
def _empty_buffer() -> Iterator[None]:
    spans.finished.clear()
    yield
    spans.finished.clear()


def told() -> list[tuple[str, str, str]]:
    return [(one.name, one.boundary, one.error) for one in spans.finished]


async def test_each_round_trip_to_valkey_is_a_span(valkey_server: ValkeyServer) -> None:
    """Named by what was asked, a client's, and a child of what asked it."""
    store = ValkeyStore(valkey_server.url, operation_seconds_max=10.0)
    with spans.span("ui.page", "ui") as page:
        await store.set({"a": b"1", "b": b"2"}, ttl_seconds=5)
        assert await store.get("a") == b"1"
    await store.close()
    assert told() == [("valkey.set", "storage", ""), ("valkey.get", "storage", ""), ("ui.page", "ui", "")]
    assert {one.parent_id for one in spans.finished if one.kind == "client"} == {page.span_id}


async def test_a_store_known_to_be_away_is_not_asked_and_has_no_span(own_valkey: ValkeyServer) -> None:
    """The call that finds out carries the error; those that the breaker answers carry nothing."""
    store = ValkeyStore(own_valkey.url)
    own_valkey.kill()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await store.get("a")
    await store.close()
    assert [(name, bool(error)) for name, _, error in told()] == [("valkey.get", True)]


async def test_each_statement_to_postgres_is_a_span_named_after_its_query(database_url: str) -> None:
    """Many rows are one statement and one span."""
    pool = await open_pool(database_url)
    database = Database(pool)
    rows = [{"key": f"{number:064x}", "watermark": "w", "made_at": 1.0, "sealed": b"x"} for number in range(3)]
    await database.execute_many("write_summary", rows)
    await database.fetch_one("read_summary", key="0" * 64)
    await pool.close()
    assert told() == [("postgres.write_summary", "storage", ""), ("postgres.read_summary", "storage", "")]
