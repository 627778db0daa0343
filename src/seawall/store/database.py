"""What a service may ask of its operational database: named queries in, rows out.

`postgres.Database` keeps this promise with Postgres, `memory_database.MemoryDatabase` in a dictionary; one conformance
suite (`tests/contract/test_store_twins.py`) holds both to it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol

Row = dict[str, Any]
"""Column name → value, as psycopg adapts it (jsonb is parsed, timestamptz is an aware datetime, bytea is bytes)."""


class Queries(Protocol):
    """Run a query of `store/sql/` by its name. Every method raises Unavailable when the database cannot be reached."""

    async def fetch_all(self, query: str, /, **params: object) -> list[Row]:
        """All rows."""

    async def fetch_one(self, query: str, /, **params: object) -> Row | None:
        """The first row, or None."""

    async def execute(self, query: str, /, **params: object) -> int:
        """Run for its effect; how many rows it touched."""

    async def execute_many(self, query: str, rows: Sequence[Mapping[str, object]], /) -> None:
        """Run once for each of `rows`, all or none."""

    def listen(self, channel: str, /) -> AsyncGenerator[str, None]:
        """Notifications of a channel, for ever; "" after each (re)connection, when some may have been missed."""
