"""Real engines for the suites that need them, started at most once a session and only when asked for."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.engines import PostgresServer, ValkeyServer

from seawall.store.migrations import migrate

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """A Valkey shared by the session. A test that kills it uses `own_valkey` instead."""
    server = ValkeyServer()
    server.start()
    yield server
    server.close()


@pytest.fixture
def own_valkey() -> Iterator[ValkeyServer]:
    """A Valkey of the test's own, to kill and restart."""
    server = ValkeyServer()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A Postgres shared by the session, with the database `seawall_template` fully migrated."""
    server = PostgresServer()
    try:
        server.start()
        _migrate(server.fresh_database("seawall_template"))
        yield server
    finally:
        server.close()


@pytest.fixture
def database_url(postgres_server: PostgresServer) -> str:
    """A migrated, empty database of the test's own."""
    return postgres_server.fresh_database(f"test_{next(_numbers)}", template="seawall_template")


@pytest.fixture
def empty_database_url(postgres_server: PostgresServer) -> str:
    """A database of the test's own, without any table."""
    return postgres_server.fresh_database(f"test_{next(_numbers)}")


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """A Postgres of the module's own, migrated in `postgres`, to kill and restart."""
    server = PostgresServer()
    try:
        server.start()
        _migrate(server.url)
        yield server
    finally:
        server.close()


def _migrate(url: str) -> None:
    """In a thread, because a fixture may be asked for while a test's event loop runs."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(lambda: asyncio.run(migrate(url))).result()
