"""The operational database in both its forms: what passes with one must pass with the other."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from seawall.store.database import Queries
from seawall.store.memory_database import MemoryDatabase
from seawall.store.postgres import Database, open_pool


@pytest.fixture
def twin() -> Queries:
    """What stands for Postgres in memory; a module whose queries have a twin of their own overrides it."""
    return MemoryDatabase()


@pytest.fixture(params=["memory", "postgres"])
async def database(request: pytest.FixtureRequest) -> AsyncIterator[Queries]:
    """Each implementation in turn."""
    if request.param == "memory":
        yield request.getfixturevalue("twin")
        return
    postgres = Database(await open_pool(request.getfixturevalue("database_url")))
    try:
        yield postgres
    finally:
        await postgres.close()
