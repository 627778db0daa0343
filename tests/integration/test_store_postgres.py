"""Postgres itself: migrations, being away, coming back."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engines import PostgresServer, hanging

from seawall.core.errors import ConfigurationError, Unavailable
from seawall.store.migrations import migrate
from seawall.store.named_sql import NamedQuery
from seawall.store.postgres import Database, Pool, listen, open_pool


async def test_migrations_run_once_even_when_two_processes_start(empty_database_url: str) -> None:
    """Two racing migrators apply each file once; a third finds nothing to do."""
    first, second = await asyncio.gather(migrate(empty_database_url), migrate(empty_database_url))
    assert sorted(first + second) == sorted(set(first + second)) != []
    assert await migrate(empty_database_url) == ()


async def test_an_altered_migration_is_refused(empty_database_url: str, tmp_path: Path) -> None:
    """A file that changed after it ran stops the start and says how to mend it."""
    path = tmp_path / "0001_things.sql"
    path.write_text("CREATE TABLE seawall.things (id integer)")
    assert await migrate(empty_database_url, directory=tmp_path) == ("0001_things",)
    path.write_text("CREATE TABLE seawall.things (id bigint)")
    with pytest.raises(ConfigurationError, match="altered after it ran"):
        await migrate(empty_database_url, directory=tmp_path)


async def test_a_failed_migration_leaves_nothing(empty_database_url: str, tmp_path: Path) -> None:
    """A migration and its record commit together or not at all."""
    path = tmp_path / "0001_things.sql"
    path.write_text("CREATE TABLE seawall.things (id integer); SELECT 1/0")
    with pytest.raises(Exception, match="division by zero"):
        await migrate(empty_database_url, directory=tmp_path)
    path.write_text("CREATE TABLE seawall.things (id integer)")
    assert await migrate(empty_database_url, directory=tmp_path) == ("0001_things",)


async def test_starting_does_not_wait_for_the_server(tmp_path: Path) -> None:
    """With no server at all a pool opens at once, queries are Unavailable, and soon without waiting."""
    async with asyncio.timeout(5):
        pool = await open_pool(f"postgresql://x@/x?host={tmp_path}")
    database = Database(pool)
    with pytest.raises(Unavailable):
        await database.fetch_all("current_generations")
    waits = []
    for _ in range(4):
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await database.fetch_all("current_generations")
        waits.append(time.monotonic() - began)
    assert min(waits) < 0.05, waits
    assert not await database.ready()
    await database.close()


async def test_killed_and_restarted_it_is_found_again(own_postgres: PostgresServer) -> None:
    """Queries fail while it is away and work soon after, listeners hear again, and nobody reconnects by hand."""
    pool = await open_pool(own_postgres.url, min_size=2, max_size=4)
    database = Database(pool)
    heard = listen(own_postgres.url, "seawall_generation")
    assert await anext(heard) == ""
    assert await database.fetch_all("current_generations") == []
    await asyncio.to_thread(own_postgres.kill)
    with pytest.raises(Unavailable):
        await database.fetch_all("current_generations")
    own_postgres.start()
    async with asyncio.timeout(60):
        while not await answers(database):
            await asyncio.sleep(0.05)
        assert await anext(heard) == ""
    await heard.aclose()
    await database.close()


async def test_a_database_without_our_tables_is_unavailable(empty_database_url: str) -> None:
    """A service that comes before its migrations waits for them as for a database that is away."""
    database = Database(await open_pool(empty_database_url))
    with pytest.raises(Unavailable, match="not set up"):
        await database.fetch_all("current_generations")
    assert await migrate(empty_database_url)
    assert await database.fetch_all("current_generations") == []
    await database.close()


def slow(pool: Pool, *, seconds_max: float = 5.0) -> Database:
    """A database with a query that takes its time."""
    return Database(pool, queries={"wait": NamedQuery("wait", "", "SELECT pg_sleep(%(seconds)s), 1 AS one")}, query_seconds_max=seconds_max)


async def busy(pool: Pool) -> int:
    """How many of our connections the server works for."""
    async with await psycopg.AsyncConnection.connect(pool.conninfo) as connection:
        found = await connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()"
        )
        return int((await found.fetchone() or (0,))[0])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(moments=st.lists(st.floats(0, 0.03), min_size=8, max_size=24))
async def test_cancelled_queries_leave_the_pool_whole(database_url: str, moments: list[float]) -> None:
    """Whenever they are cancelled: waiting for a connection, while it is checked, asked or given back; the server stops as well."""
    pool = await open_pool(database_url, min_size=2, max_size=2)
    await pool.wait(20)
    database = slow(pool)
    tasks = [asyncio.create_task(database.fetch_one("wait", seconds=0.01 if number % 2 else 3)) for number in range(len(moments))]
    for task, moment in zip(tasks, moments, strict=True):
        for again in (0, 0.001, 0.003):
            asyncio.get_running_loop().call_later(moment + again, task.cancel)
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError | Unavailable | dict) for one in ended)
    async with asyncio.timeout(60):
        asked = await asyncio.gather(*(database.fetch_one("wait", seconds=0.05) for _ in range(4)), return_exceptions=True)
        while await busy(pool) or pool.get_stats()["pool_available"] < 2:
            await asyncio.sleep(0.02)
    assert all(isinstance(one, dict) for one in asked), asked
    assert pool.get_stats()["connections_num"] == 2, "one was given up, and another made in its place"
    await database.close()


async def test_a_query_beyond_its_time_ends_at_the_server(database_url: str) -> None:
    """Its caller hears at once, and its connection serves the next."""
    pool = await open_pool(database_url, min_size=1, max_size=1)
    database = slow(pool, seconds_max=0.2)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await database.fetch_one("wait", seconds=30)
    assert time.monotonic() - began < 15
    async with asyncio.timeout(15):
        while not await database.ready() or await busy(pool):
            await asyncio.sleep(0.02)
    await database.close()


async def test_who_gave_up_waiting_is_not_asked_for(database_url: str) -> None:
    """A question whose asker left before there was a connection never reaches the server."""
    pool = await open_pool(database_url, min_size=1, max_size=1)
    database = Database(pool, queries={"make": NamedQuery("make", "", "CREATE TABLE never ()"), "wait": slow(pool)._queries["wait"]})
    first = asyncio.create_task(database.fetch_one("wait", seconds=1.5))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(database.execute("make"))
    await asyncio.sleep(0.05)
    second.cancel()
    assert (await first or {})["one"] == 1
    await database.close()
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        found = await connection.execute("SELECT to_regclass('never')")
        assert await found.fetchone() == (None,)


async def test_callers_of_a_server_that_hangs_hear_in_time(own_postgres: PostgresServer) -> None:
    """psycopg would wait for it; and once it goes on all connections are there."""
    pool = await open_pool(own_postgres.url, min_size=2, max_size=2)
    await pool.wait(20)
    database = slow(pool, seconds_max=0.3)
    asked = [asyncio.create_task(database.fetch_one("wait", seconds=20)) for _ in range(2)]
    await asyncio.sleep(0.1)
    with hanging(own_postgres):
        async with asyncio.timeout(20):
            told = await asyncio.gather(*asked, database.ready(), return_exceptions=True)
    assert [isinstance(one, Unavailable) for one in told] == [True, True, False]
    async with asyncio.timeout(60):
        while not await database.ready() or pool.get_stats()["pool_available"] < 2:
            await asyncio.sleep(0.05)
    await database.close()


async def answers(database: Database) -> bool:
    """Whether a query works now."""
    try:
        await database.fetch_all("current_generations")
    except Unavailable:
        return False
    return True
