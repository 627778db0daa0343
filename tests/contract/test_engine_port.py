"""What every engine behind the query port promises, tried on each of them with the same rows.

The port's own promises (batches, schema, deadlines, refusals) with plain SQL, then compiled semantic queries, which must give
the same rows and the same Arrow types everywhere. An engine of another kind joins by adding a fixture.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import duckdb
import psycopg
import pyarrow as pa
import pytest
from tests.engines import PostgresServer
from tests.unit.query import star
from tests.unit.query.tables import AS_OF
from tests.unit.query.test_metrics import DATA

from seawall.app.model import Dimension, Filter, MetricQuery, Order, Policy, Query, RowsQuery
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded, InvalidInput, SeawallError
from seawall.query.compile_query import compile_count, compile_query
from seawall.query.duckdb_engine import DuckDBEngine
from seawall.query.errors import EngineUnavailable, QueryFailed
from seawall.query.policy import resolve
from seawall.query.port import Engine
from seawall.query.postgres_engine import PostgresEngine
from seawall.store.postgres import open_pool

ENDLESS = "SELECT COUNT(*) AS n FROM t_many AS a, t_many AS b, t_many AS c, t_many AS d WHERE (a.x * b.x + c.x * d.x) % 97 = 98"
MANY = 3_000
COLUMNS = star.COLUMNS | {
    "many": {"x": "BIGINT"},
    "types": {"a": "INTEGER", "b": "NUMERIC(12, 3)", "c": "TIMESTAMP WITH TIME ZONE", "d": "TIME"},
}
ROWS = DATA | {
    "many": [{"x": number} for number in range(MANY)],
    "types": [{"a": 1, "b": "2.500", "c": "2017-01-01T12:00:00+02:00", "d": "17:30:00"}, {}],
}


def statements() -> Iterator[tuple[str, list[list[object]]]]:
    """CREATE and INSERT for every table, with `%s` for values."""
    for name, columns in COLUMNS.items():
        listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        yield f'CREATE TABLE "t_{name}" ({listed})', []
        values = [[row.get(column) for column in columns] for row in ROWS.get(name, ())]
        if values:
            yield f'INSERT INTO "t_{name}" VALUES ({", ".join("%s" for _ in columns)})', values


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    server.start()
    with psycopg.connect(server.url, autocommit=True) as connection:
        for sql, values in statements():
            if values:
                connection.cursor().executemany(sql, values)
            else:
                connection.execute(sql)
        connection.execute('ANALYZE "t_many"')
    yield server
    server.close()


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("warehouse")
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'").fetchall()
        for sql, values in statements():
            if values:
                connection.executemany(sql.replace("%s", "?"), values)
            else:
                connection.execute(sql).fetchall()
        for name in COLUMNS:
            connection.execute(f"COPY \"t_{name}\" TO '{folder}/{name}.parquet' (FORMAT parquet)").fetchall()
    return folder


@pytest.fixture(params=["duckdb", "postgres"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    """Each engine in turn."""
    if request.param == "duckdb":
        folder: Path = request.getfixturevalue("warehouse")
        made = DuckDBEngine(lambda _: {f"t_{name}": [folder / f"{name}.parquet"] for name in COLUMNS}, directory=folder, concurrency_max=2)
        yield made
        await made.close()
        return
    pool = await open_pool(request.getfixturevalue("postgres").url, min_size=1, max_size=2)
    yield PostgresEngine(pool, schemas=["public"])
    await pool.close()


def soon(seconds: float = 20.0) -> Deadline:
    return Deadline.after(seconds)


async def run(engine: Engine, sql: str, *parameters: object, batch_rows: int = 1024) -> list[pa.RecordBatch]:
    stream = engine.stream(sql, parameters, watermark="w", deadline=soon(), batch_rows=batch_rows)  # type: ignore[arg-type]
    return [batch async for batch in stream]


async def ask(engine: Engine, query: Query, app: object = None, **attributes: object) -> pa.Table:
    declared = app or star.app()
    policy = resolve(declared, star.viewer(**attributes))  # type: ignore[arg-type]
    compiled = compile_query(declared, query, policy, dialect=engine.dialect, as_of=AS_OF)  # type: ignore[arg-type]
    return pa.Table.from_batches(await run(engine, compiled.sql, *compiled.parameters))


async def test_rows_come_in_batches(engine: Engine) -> None:
    """No batch is larger than asked, and together they are all rows."""
    batches = await run(engine, "SELECT x FROM t_many", batch_rows=100)
    assert max(batch.num_rows for batch in batches) <= 100
    assert sorted(x for batch in batches for x in batch.column("x").to_pylist()) == list(range(MANY))


async def test_no_rows_still_tell_the_schema(engine: Engine) -> None:
    """One empty batch."""
    batches = await run(engine, "SELECT x, CAST('a' AS TEXT) AS y FROM t_many WHERE x < 0")
    assert [batch.num_rows for batch in batches] == [0]
    assert batches[0].schema == pa.schema([("x", pa.int64()), ("y", pa.string())])


async def test_parameters_are_numbered(engine: Engine) -> None:
    """`$1` may come later in the text than `$2`, and more than once."""
    sql = "SELECT CAST($2 AS TEXT) AS b, CAST($1 AS BIGINT) AS a, CAST($1 AS BIGINT) + 1 AS c, CAST($3 AS DOUBLE PRECISION) AS d"
    (batch,) = await run(engine, sql, 7, "x'\"; --", 0.1)
    assert batch.to_pylist() == [{"b": "x'\"; --", "a": 7, "c": 8, "d": 0.1}]


async def test_null_parameters(engine: Engine) -> None:
    """None is NULL."""
    (batch,) = await run(engine, "SELECT CAST($1 AS TEXT) AS a", None)
    assert batch.to_pylist() == [{"a": None}]


async def test_a_deadline_interrupts(engine: Engine) -> None:
    """The query ends soon after its deadline, and the engine answers the next one."""
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        async for _ in engine.stream(ENDLESS, (), watermark="w", deadline=soon(0.2)):
            pass
    assert time.monotonic() - started < 15
    assert await run(engine, "SELECT 1 AS x")


async def test_a_passed_deadline_starts_nothing(engine: Engine) -> None:
    """No time left is no query."""
    with pytest.raises(DeadlineExceeded):
        await anext(engine.stream("SELECT 1 AS x", (), watermark="w", deadline=soon(0)))


async def test_stopping_early_frees_the_engine(engine: Engine) -> None:
    """More early stops than it runs at once."""
    for _ in range(4):
        async with aclosing(engine.stream("SELECT a.x FROM t_many AS a, t_many AS b", (), watermark="w", deadline=soon())) as stream:
            await anext(stream)
    assert await run(engine, "SELECT 1 AS x")


async def test_a_cancelled_consumer_cancels_the_query(engine: Engine) -> None:
    """As many endless queries as it runs at once, cancelled, leave it free."""
    tasks = [asyncio.create_task(run(engine, ENDLESS)) for _ in range(2)]
    await asyncio.sleep(0.2)
    for task in tasks:
        task.cancel()
    results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 30)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    assert await run(engine, "SELECT 1 AS x")


async def test_the_event_loop_is_never_blocked(engine: Engine) -> None:
    """While a query works, other tasks turn."""
    turns = 0
    task = asyncio.create_task(run(engine, "SELECT SUM(a.x * b.x % 7) AS s FROM t_many AS a, t_many AS b"))
    while not task.done():
        await asyncio.sleep(0.005)
        turns += 1
    await task
    assert turns > 3


@pytest.mark.parametrize(
    "sql", ["SELEC 1", "SELECT nothing FROM t_many", "SELECT 1 AS x; SELECT 2 AS x", "CREATE TABLE y (x INTEGER)", "DELETE FROM t_many", ""]
)
async def test_what_is_not_one_readable_select_is_refused(engine: Engine, sql: str) -> None:
    """Neither mistakes nor writes run, and the engine goes on."""
    with pytest.raises(QueryFailed):
        await run(engine, sql)
    assert (await run(engine, "SELECT COUNT(*) AS n FROM t_many"))[0].to_pylist() == [{"n": MANY}]


async def test_a_dry_run_gives_the_schema_only(engine: Engine) -> None:
    """It plans, it does not run."""
    schema = await asyncio.wait_for(engine.dry_run(ENDLESS, (), watermark="w"), 30)
    assert schema.names == ["n"]
    with pytest.raises(QueryFailed):
        await engine.dry_run("SELECT nothing FROM t_many", (), watermark="w")


async def test_it_is_ready(engine: Engine) -> None:
    """An engine that answers says so."""
    assert await engine.ready()


async def test_errors_do_not_quote_data(engine: Engine) -> None:
    """The value a conversion failed on stays inside."""
    with pytest.raises(QueryFailed) as caught:
        await run(engine, "SELECT CAST(department || 'secret' AS INTEGER) AS x FROM t_products")
    assert "secret" not in caught.value.sentence()


# ── compiled queries ─────────────────────────────────────────────────────────────────────────────────────────────

DEPARTMENT = Dimension("department", "products.department")
GROUP = Dimension("store_group", "stores.store_group")
WEEK = Dimension("week", "", "week")
QUESTIONS: dict[str, Query] = {
    "two facts": MetricQuery(("revenue", "refunds", "net", "return_rate", "basket_value"), (DEPARTMENT,)),
    "three groups": MetricQuery(("sales_count", "return_count"), (WEEK, DEPARTMENT, GROUP)),
    "no groups": MetricQuery(("units", "baskets", "large_share", "return_rate")),
    "top one": MetricQuery(("revenue",), (DEPARTMENT,), order=(Order("revenue", True),), limit=1),
    "search": MetricQuery(("revenue",), (WEEK,), (Filter("products.department", "contains", ("a",)),)),
    "period": MetricQuery(("revenue", "refunds"), (WEEK,), (Filter("", "during", ("2017-01-02..2017-01-08",)),)),
    "last": MetricQuery(("revenue",), (WEEK,), last=8),
    "grains": MetricQuery(("revenue",), tuple(Dimension(g, "", g) for g in ("hour", "day", "month", "quarter", "year"))),  # type: ignore[arg-type]
    "nothing": MetricQuery(("revenue", "return_count"), (WEEK,), (Filter("products.department", "in", ()),)),
    "values": MetricQuery((), (DEPARTMENT,), (Filter("products.department", "not_null"),), limit=10),
    "rows": RowsQuery("sales", ("sale_id", "sold_at", "amount", "is_large", "products.department"), (Order("sold_at", True),)),
}
EXPECTED: dict[str, list[dict[str, object]]] = {
    "two facts": [
        {"department": "A", "revenue": 30.0, "refunds": 8.0, "net": 22.0, "return_rate": 1.0, "basket_value": 30.0},
        {"department": "B", "revenue": None, "refunds": 1.0, "net": None, "return_rate": None, "basket_value": None},
        {"department": None, "revenue": 5.0, "refunds": None, "net": 5.0, "return_rate": 0.0, "basket_value": 5.0},
    ],
    "no groups": [{"units": 3, "baskets": 2, "large_share": 20 / 35, "return_rate": 1.0}],
    "top one": [{"department": "A", "revenue": 30.0}],
    "values": [{"department": "A"}, {"department": "B"}],
}


@pytest.mark.parametrize("name", QUESTIONS)
async def test_engines_agree(name: str, warehouse: Path, postgres: PostgresServer) -> None:
    """The same rows in the same order with the same types, and, where written down, the expected ones."""
    duck = DuckDBEngine(lambda _: {f"t_{n}": [warehouse / f"{n}.parquet"] for n in COLUMNS}, directory=warehouse)
    pool = await open_pool(postgres.url, min_size=1, max_size=1)
    first, second = [await ask(engine, QUESTIONS[name]) for engine in (duck, PostgresEngine(pool, schemas=["public"]))]
    assert first.to_pylist() == second.to_pylist() == EXPECTED.get(name, first.to_pylist())
    assert first.schema == second.schema
    await duck.close()
    await pool.close()


async def test_types_that_tables_store_in_several_ways(engine: Engine) -> None:
    """Narrow integers, decimals, zones and times come out as their declared types."""
    kinds = {"a": "Integer", "b": "Decimal", "c": "DateTimeTz", "d": "Time"}
    fields = [star.field("types", name, kind) for name, kind in kinds.items()]  # type: ignore[arg-type]
    app = star.app(semantics=star.Semantics({"types": star.dataset("types", fields, ("a",))}, (), {}))
    table = await ask(engine, RowsQuery("types", ("a", "b", "c", "d"), (Order("b"),)), app)
    assert table.schema.types == [pa.int64(), pa.decimal128(38, 6), pa.timestamp("us", tz="Etc/UTC"), pa.time64("us")]
    assert [str(value) for value in table.to_pylist()[0].values()] == ["1", "2.500000", "2017-01-01 10:00:00+00:00", "17:30:00"]
    assert set(table.to_pylist()[1].values()) == {None}


async def test_policies_hold(engine: Engine) -> None:
    """Rows of other groups and masked values are not there; the count counts what is."""
    app = star.app({"sales": Policy("sales", (), (star.BY_GROUP,), {"household_id": ("board",)})})
    query = RowsQuery("sales", ("sale_id", "household_id"), (Order("sale_id"),))
    table = await ask(engine, query, app, store_groups=("north",))
    assert table.to_pylist() == [{"sale_id": 1, "household_id": None}, {"sale_id": 3, "household_id": None}]
    policy = resolve(app, star.viewer(store_groups=("north",)))
    counted = compile_count(app, query, policy, dialect=engine.dialect, as_of=None)
    assert (await run(engine, counted.sql, *counted.parameters))[0].to_pylist() == [{"count": 2}]


async def test_values_from_outside_stay_values(engine: Engine) -> None:
    """Quotes, percent signs and dollars in a value match themselves and nothing else."""
    for value in ("x'; DROP TABLE t_sales; --", '"', "%", "$1", "\\"):
        query = MetricQuery(("sales_count",), (), (Filter("products.department", "eq", (value,)),))
        assert (await ask(engine, query)).to_pylist() == [{"sales_count": 0}]


async def test_a_bad_value_never_reaches_the_engine(engine: Engine) -> None:
    """A text where a number belongs is the asker's mistake."""
    with pytest.raises(InvalidInput):
        await ask(engine, MetricQuery(("revenue",), (), (Filter("sales.units", "eq", ("many",)),)))


async def test_a_database_that_is_away_is_unavailable(tmp_path: Path) -> None:
    """Nobody listens, no generation: the same error, within the deadline."""
    pool = await open_pool(f"postgresql:///x?host={tmp_path}", min_size=0, max_size=1)
    engines: list[Engine] = [PostgresEngine(pool), DuckDBEngine(lambda _: {"t": [tmp_path / "gone.parquet"]}, directory=tmp_path)]
    for engine in engines:
        started = time.monotonic()
        with pytest.raises(SeawallError) as caught:
            await anext(engine.stream("SELECT 1 AS x", (), watermark="w", deadline=soon(0.5)))
        assert isinstance(caught.value, EngineUnavailable)
        assert time.monotonic() - started < 15
    assert not await engines[0].ready()
    await pool.close()


async def until_ready(engine: Engine) -> bool:
    """Whether it is within 20 s."""
    deadline = soon(20)
    while not deadline.expired():
        if await engine.ready():
            return True
        await asyncio.sleep(0.05)
    return False


async def test_a_postgres_that_hangs_is_told_in_time(own_postgres: PostgresServer) -> None:
    """Neither a question nor `ready` waits for it, and the connection is had again when it goes on."""
    pool = await open_pool(own_postgres.url, min_size=1, max_size=1)
    engine = PostgresEngine(pool)
    assert await until_ready(engine)
    backend = (await run(engine, "SELECT pg_backend_pid() AS pid"))[0].column("pid")[0].as_py()
    os.kill(backend, signal.SIGSTOP)
    own_postgres.pause()
    started = time.monotonic()
    for _ in range(2):
        with pytest.raises(EngineUnavailable):
            await run(engine, "SELECT 1 AS x")
    assert not await engine.ready()
    assert time.monotonic() - started < 15
    own_postgres.resume()
    os.kill(backend, signal.SIGCONT)
    assert await until_ready(engine)
    assert (await run(engine, "SELECT pg_backend_pid() AS pid"))[0].column("pid")[0].as_py() == backend
    await engine.close()
    await pool.close()


async def test_a_postgres_that_is_gone_is_told_before_a_panels_deadline(own_postgres: PostgresServer) -> None:
    """A panel that waits 900 ms shows that the database is away, not that the query was slow."""
    pool = await open_pool(own_postgres.url, min_size=1, max_size=2)
    engine = PostgresEngine(pool)
    await run(engine, "SELECT 1 AS x")
    await asyncio.to_thread(own_postgres.kill)
    waits = []
    for _ in range(4):
        started = time.monotonic()
        with pytest.raises(EngineUnavailable):
            await run(engine, "SELECT 1 AS x")
        waits.append(time.monotonic() - started)
    assert sorted(waits)[1] < 0.8, waits
    await pool.close()
