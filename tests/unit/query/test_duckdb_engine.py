"""DuckDB behind the port: what it refuses, what it survives, what it lets go of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.waiting import eventually

from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded
from seawall.query.duckdb_engine import DuckDBEngine
from seawall.query.duckdb_generation import DuckDBLimits, open_generation
from seawall.query.errors import EngineUnavailable, QueryFailed

ENDLESS = "SELECT count(*) AS n FROM t AS a, t AS b, t AS c, t AS d WHERE (a.x * b.x + c.x * d.x) % 97 = 98"
ROWS = 2_000


def soon(seconds: float = 10.0) -> Deadline:
    return Deadline.after(seconds)


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    folder = tmp_path / "warehouse"
    folder.mkdir()
    pq.write_table(pa.table({"x": range(ROWS)}), folder / "t.parquet")
    pq.write_table(pa.table({"x": [1]}), folder / "other.parquet")
    (tmp_path / "secret.csv").write_text("a\n1\n")
    return folder


@pytest.fixture
async def engine(warehouse: Path) -> AsyncIterator[DuckDBEngine]:
    def locate(watermark: str) -> Mapping[str, Sequence[Path]]:
        return {"t": [warehouse / "t.parquet"]} if watermark.startswith("w") else {"gone": [warehouse / "gone.parquet"]}

    made = DuckDBEngine(locate, directory=warehouse, concurrency_max=2, waiting_max=4, memory_limit="64MB")
    yield made
    await made.close()


async def rows(
    engine: DuckDBEngine, sql: str, *parameters: object, watermark: str = "w", deadline: Deadline | None = None
) -> list[dict[str, object]]:
    stream = engine.stream(sql, parameters, watermark=watermark, deadline=deadline or soon())  # type: ignore[arg-type]
    return [row async for batch in stream for row in batch.to_pylist()]


async def endless(engine: DuckDBEngine) -> list[asyncio.Task[list[dict[str, object]]]]:
    """Queries that take every slot there is, each in a database that is busy with it."""
    running = [asyncio.create_task(rows(engine, ENDLESS)) for _ in range(2)]
    await eventually(lambda: len(engine._running) == 2)
    return running


def hostile(folder: Path) -> list[str]:
    return [
        f"SELECT * FROM read_parquet('{folder}/t.parquet')",
        f"SELECT * FROM '{folder}/t.parquet'",
        f"SELECT * FROM read_csv('{folder.parent}/secret.csv')",
        f'SELECT * FROM "{folder.parent}/secret.csv"',
        f'WITH "{folder}/t.parquet" AS (SELECT 1 AS x) SELECT * FROM (SELECT * FROM "{folder}/t.parquet")',
        "SELECT * FROM (WITH duckdb_views AS (SELECT 1 AS sql) SELECT * FROM duckdb_views) AS a, duckdb_views AS b",
        "WITH sqlite_master AS (SELECT sql FROM sqlite_master) SELECT * FROM sqlite_master",
        "WITH duckdb_views AS (SELECT 1 AS x) SELECT * FROM system.main.duckdb_views",
        "WITH a AS (SELECT * FROM duckdb_views), duckdb_views AS (SELECT 1 AS x) SELECT * FROM a",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/**')",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM duckdb_views",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM query('SELECT 1')",
        "SELECT (SELECT content FROM read_text('/etc/passwd')) AS c FROM t",
        "SELECT * FROM t WHERE EXISTS (SELECT 1 FROM range(10))",
        "FROM t; SELECT 1",
        "CREATE TABLE y AS SELECT 1",
        f"COPY t TO '{folder}/stolen.csv'",
        "SET threads = 64",
        f"ATTACH '{folder}/x.db'",
        "INSTALL httpfs",
        "PRAGMA database_list",
        "SHOW TABLES",
        "CALL pragma_version()",
        "",
    ]


async def test_only_tables_can_be_read(engine: DuckDBEngine, warehouse: Path) -> None:
    """No file, table function, setting or second statement gets through, whatever was missed before."""
    assert await rows(engine, "SELECT count(*) AS n FROM t") == [{"n": ROWS}]
    for sql in hostile(warehouse):
        with pytest.raises(QueryFailed):
            await rows(engine, sql)
    assert not (warehouse / "stolen.csv").exists()


async def test_without_the_check_the_database_itself_refuses(engine: DuckDBEngine, warehouse: Path) -> None:
    """External access is off and the configuration locked: files outside the generation stay closed to any SQL."""
    generation = open_generation({"t": [warehouse / "t.parquet"]}, warehouse, DuckDBLimits())
    cursor = generation.cursor()
    for sql in (
        f"SELECT * FROM read_csv('{warehouse.parent}/secret.csv')",
        f"SELECT * FROM read_parquet('{warehouse}/other.parquet')",
        "SELECT * FROM read_text('/etc/passwd')",
        f"COPY t TO '{warehouse}/stolen.csv'",
        f"ATTACH '{warehouse}/x.db'",
        "SET enable_external_access = true",
        "SET allowed_paths = ['/etc/passwd']",
        "SET memory_limit = '64GB'",
        "SET threads = 64",
        "RESET lock_configuration",
        "LOAD httpfs",
    ):
        with pytest.raises(duckdb.Error):
            cursor.execute(sql).fetchall()
    cursor.close()
    generation.close()


async def test_a_deadline_interrupts_and_the_engine_goes_on(engine: DuckDBEngine) -> None:
    """An endless query ends soon after its deadline; the next one is answered."""
    with pytest.raises(DeadlineExceeded):
        await asyncio.wait_for(rows(engine, ENDLESS, deadline=soon(0.15)), 60)
    assert await rows(engine, "SELECT 1 AS x") == [{"x": 1}]


async def test_a_consumer_that_stops_early_frees_its_slot(engine: DuckDBEngine) -> None:
    """More early stops than slots, and the engine still answers."""
    for _ in range(5):
        async with aclosing(engine.stream("SELECT a.x FROM t AS a, t AS b", (), watermark="w", deadline=soon())) as stream:
            batch = await anext(stream)
            assert batch.num_rows <= 1024
    assert await rows(engine, "SELECT 1 AS x") == [{"x": 1}]


async def test_a_cancelled_query_is_interrupted(engine: DuckDBEngine) -> None:
    """Cancelling waits for the thread to be free, and no longer."""
    running = await endless(engine)
    for task in running:
        task.cancel()
    done = await asyncio.wait_for(asyncio.gather(*running, return_exceptions=True), 30)
    assert [type(result) for result in done] == [asyncio.CancelledError] * 2
    assert await rows(engine, "SELECT 1 AS x") == [{"x": 1}]


async def test_waiting_is_bounded_by_deadline_and_number(engine: DuckDBEngine) -> None:
    """With all slots taken a waiter leaves at its deadline, and one too many is turned away at once."""
    running = await endless(engine)
    waiting = [asyncio.create_task(rows(engine, "SELECT 1", deadline=soon(0.2))) for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(EngineUnavailable, match="waiting"):
        await rows(engine, "SELECT 1 AS x")
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [DeadlineExceeded] * 4
    assert not any(task.done() for task in running)
    for task in running:
        task.cancel()


async def test_memory_is_bounded(engine: DuckDBEngine) -> None:
    """A query that would need more than the limit fails; nothing spills to disk."""
    with pytest.raises(EngineUnavailable, match="memory"):
        await rows(engine, "SELECT a.x AS x, b.x AS y, md5(CAST(a.x * b.x AS TEXT)) AS z FROM t AS a, t AS b ORDER BY z, x, y")


async def test_generations_are_kept_apart_and_few(engine: DuckDBEngine, warehouse: Path) -> None:
    """A query keeps the generation it began with even when newer ones push it out."""
    stream = engine.stream("SELECT x FROM t", (), watermark="w0", deadline=soon(), batch_rows=100)
    async with aclosing(stream):
        seen = (await anext(stream)).num_rows
        for number in range(1, 6):
            await rows(engine, "SELECT 1 AS x", watermark=f"w{number}")
        async for batch in stream:
            seen += batch.num_rows
    assert seen == ROWS
    assert len(engine._opening) == 3


@pytest.mark.parametrize("watermark", ["", "missing"])
async def test_a_generation_that_is_not_there_is_unavailable(engine: DuckDBEngine, watermark: str) -> None:
    """Its files are gone: an engine that cannot answer, not a broken query. Asking again does not stick."""
    for _ in range(2):
        with pytest.raises(EngineUnavailable):
            await rows(engine, "SELECT 1 AS x", watermark=watermark)
    assert await rows(engine, "SELECT 1 AS x") == [{"x": 1}]


async def test_a_generation_that_came_late_is_read(engine: DuckDBEngine, warehouse: Path) -> None:
    """A file that was not there once (a disk mounted late) is looked for again."""
    with pytest.raises(EngineUnavailable):
        await rows(engine, "SELECT x FROM gone", watermark="late")
    pq.write_table(pa.table({"x": [7]}), warehouse / "gone.parquet")
    assert await rows(engine, "SELECT x FROM gone", watermark="late") == [{"x": 7}]


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock on the wall is five hours behind."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("new_york")
async def test_moments_are_told_in_utc_wherever_the_machine_is(engine: DuckDBEngine) -> None:
    """Else what is sold in the evening would count for another day."""
    moment = await rows(engine, "SELECT CAST(CAST($1 AS TIMESTAMPTZ) AS DATE) AS day", "2017-01-01T02:00:00+00:00")
    assert moment == [{"day": date(2017, 1, 1)}]


async def test_files_outside_the_warehouse_are_refused(warehouse: Path) -> None:
    """A manifest that points elsewhere opens nothing."""
    engine = DuckDBEngine(lambda _: {"t": [warehouse / ".." / "secret.csv"]}, directory=warehouse)
    with pytest.raises(EngineUnavailable, match="not in the warehouse"):
        await rows(engine, "SELECT 1 AS x")
    await engine.close()


async def test_error_texts_do_not_quote_data(engine: DuckDBEngine) -> None:
    """A failing conversion would show the value it failed on."""
    with pytest.raises(QueryFailed) as caught:
        await rows(engine, "SELECT CAST(CAST(x AS TEXT) || 'secret' AS INTEGER) AS y FROM t")
    assert "secret" not in caught.value.sentence()
    with pytest.raises(QueryFailed, match="nothing_like_it"):
        await rows(engine, "SELECT nothing_like_it FROM t")


async def test_closing_interrupts(engine: DuckDBEngine) -> None:
    """What runs ends as unavailable, and nothing starts afterwards."""
    running = await endless(engine)
    await engine.close()
    for task in running:
        with pytest.raises(EngineUnavailable):
            await task
    with pytest.raises(EngineUnavailable):
        await rows(engine, "SELECT 1 AS x")
    assert not await engine.ready()


@pytest.mark.parametrize(("cores", "bound"), [(1, 2), (2, 2), (6, 6)])
async def test_as_many_queries_at_once_as_there_are_cores(warehouse: Path, monkeypatch: pytest.MonkeyPatch, cores: int, bound: int) -> None:
    """Those over the bound wait in the order they came, so that a page's first panels land first."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
    engine = DuckDBEngine(lambda _: {"t": [warehouse / "t.parquet"]}, directory=warehouse)
    engine._slots._patience_seconds = 0.01
    streams = [engine.stream("SELECT x FROM t", (), watermark="w", deadline=Deadline.after(60)) for _ in range(bound + 1)]
    for stream in streams[:bound]:
        await anext(stream)
    with pytest.raises(DeadlineExceeded):
        await anext(engine.stream("SELECT x FROM t", (), watermark="w", deadline=Deadline.after(0.05)))
    last = asyncio.ensure_future(anext(streams[bound]))
    await streams[0].aclose()
    assert (await last).num_rows
    for stream in streams[1:]:
        await stream.aclose()
    await engine.close()
