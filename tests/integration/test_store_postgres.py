"""Postgres itself: migrations, being away, coming back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.engines import PostgresServer

from seawall.core.errors import ConfigurationError, Unavailable
from seawall.store.migrations import migrate
from seawall.store.postgres import Database, listen, open_pool


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
    async with asyncio.timeout(0.5):
        pool = await open_pool(f"postgresql://x@/x?host={tmp_path}")
    database = Database(pool)
    with pytest.raises(Unavailable):
        await database.fetch_all("current_generations")
    async with asyncio.timeout(0.05):
        with pytest.raises(Unavailable):
            await database.fetch_all("current_generations")
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
    await asyncio.to_thread(own_postgres.start)
    async with asyncio.timeout(10):
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


async def answers(database: Database) -> bool:
    """Whether a query works now."""
    try:
        await database.fetch_all("current_generations")
    except Unavailable:
        return False
    return True
