"""Postgres: a bounded pool that outlives its server, named queries, notifications.

Guarantees that a server that is away costs callers little: connecting is bounded, and after a failure a breaker answers
Unavailable at once until a probe succeeds. Starting never waits for the server.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import msgspec
import psycopg
from psycopg.rows import TupleRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import ConfigurationError, Unavailable
from seawall.store.breaker import Breaker
from seawall.store.database import Row
from seawall.store.named_sql import NamedQuery, load_all
from seawall.telemetry.events import event
from seawall.telemetry.spans import span

CONNECT_SECONDS_MAX = 2
QUERY_SECONDS_MAX = 5.0
WAITING_MAX = 256
RECONNECT_SECONDS_MAX = 2.0

Connection = psycopg.AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Connection]
Cursor = psycopg.AsyncCursor[Row]
Result = TypeVar("Result")

_UNREACHABLE = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, PoolClosed, TooManyRequests, TimeoutError, OSError)
_NOT_SET_UP = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.ReadOnlySqlTransaction,
)

logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # `database.lost` and `database.found` say it once each.


async def open_pool(url: str, *, min_size: int = 1, max_size: int = 4, options: str = "", wait_seconds_max: float = 1.0) -> Pool:
    """A pool of autocommit connections. Returns at once, whether the server is there or not. `options`: the session's settings, `-c …`.

    Each connection is checked when handed out, so that one broken by a restart is never seen. Close with `pool.close()`.
    """
    pool: Pool = AsyncConnectionPool(
        url,
        min_size=min_size,
        max_size=max_size,
        open=False,
        timeout=wait_seconds_max,
        max_waiting=WAITING_MAX,
        reconnect_timeout=RECONNECT_SECONDS_MAX,
        check=AsyncConnectionPool.check_connection,
        kwargs={"autocommit": True, "connect_timeout": CONNECT_SECONDS_MAX} | ({"options": options} if options else {}),
    )
    await pool.open(wait=False)
    return pool


class Role(msgspec.Struct, frozen=True):
    """What a database is here, in errors and events."""

    name: str
    service: str
    """Its name in `seawall status`."""


OPERATIONAL = Role("operational database", "postgres")
VECTOR_STORE = Role("vector store", "vectors")


def unavailable(error: BaseException, role: Role = OPERATIONAL) -> Unavailable:
    """The error that says the database is away, without its address or credentials."""
    return Unavailable(
        f"The {role.name} does not answer",
        got=type(error).__name__,
        fix=f"See the event database.lost and the {role.service} service in `seawall status`",
    )


class Database:
    """Named queries over a pool; each call is one statement and so one transaction. Keeps the promises of `Queries`."""

    def __init__(
        self,
        pool: Pool,
        *,
        queries: Mapping[str, NamedQuery] | None = None,
        clock: Clock = SYSTEM_CLOCK,
        query_seconds_max: float = QUERY_SECONDS_MAX,
        role: Role = OPERATIONAL,
        breaker: Breaker | None = None,
    ) -> None:
        self.pool = pool
        self._role = role
        self._url = str(pool.conninfo)
        self._queries = queries if queries is not None else load_all()
        self._breaker = breaker or Breaker(clock)
        self._query_seconds_max = query_seconds_max

    async def fetch_all(self, query: str, /, **params: object) -> list[Row]:
        """All rows of the named query."""

        async def run(cursor: Cursor) -> list[Row]:
            await cursor.execute(self._sql(query), params)
            return await cursor.fetchall()

        return await self._guarded(query, run)

    async def fetch_one(self, query: str, /, **params: object) -> Row | None:
        """The first row of the named query, or None."""

        async def run(cursor: Cursor) -> Row | None:
            await cursor.execute(self._sql(query), params)
            return await cursor.fetchone()

        return await self._guarded(query, run)

    async def execute(self, query: str, /, **params: object) -> int:
        """Run the named query for its effect; how many rows it touched."""

        async def run(cursor: Cursor) -> int:
            await cursor.execute(self._sql(query), params)
            return cursor.rowcount

        return await self._guarded(query, run)

    async def execute_many(self, query: str, rows: Sequence[Mapping[str, object]], /) -> None:
        """Run the named query once for each of `rows`, in one transaction and one pipeline."""

        async def run(cursor: Cursor) -> None:
            async with cursor.connection.transaction():
                await cursor.executemany(self._sql(query), rows)

        await self._guarded(query, run)

    def listen(self, channel: str, /) -> AsyncGenerator[str, None]:
        """Notifications of `channel`; see `listen`."""
        return listen(self._url, channel)

    async def ready(self) -> bool:
        """Whether it answers now; asks even while the breaker is open."""
        try:
            async with asyncio.timeout(1.0), self.pool.connection() as connection:
                await connection.execute("SELECT 1")
        except _UNREACHABLE:
            return False
        self._breaker.succeeded()
        return True

    async def close(self) -> None:
        """Close the pool."""
        await self.pool.close()

    async def _guarded(self, query: str, run: Callable[[Cursor], Awaitable[Result]]) -> Result:
        if not self._breaker.allow():
            raise unavailable(PoolTimeout("breaker open"), self._role)
        try:
            with span(f"postgres.{query}", "storage", kind="client"):
                async with asyncio.timeout(self._query_seconds_max), self.pool.connection() as connection:
                    result = await run(connection.cursor(row_factory=dict_row))
        except _NOT_SET_UP as error:
            raise Unavailable(
                f"The {self._role.name} is not set up for this service",
                got=type(error).__name__,
                fix="Run the migrations and grant this service's role what it needs; `seawall up` does both",
            ) from error
        except _UNREACHABLE as error:
            if self._breaker.failed():
                event("database.lost", which=self._role.service, error=type(error).__name__)
            raise unavailable(error, self._role) from error
        if self._breaker.succeeded():
            event("database.found", which=self._role.service)
        return result

    def _sql(self, query: str) -> str:
        try:
            return self._queries[query].sql
        except KeyError:
            raise ConfigurationError(f"There is no query named {query!r}", fix="Add it to a file in store/sql/") from None


async def listen(url: str, channel: str) -> AsyncGenerator[str, None]:
    """Payloads notified on `channel`, for ever, reconnecting with a back-off of at most 2 s.

    Yields "" after every (re)connection: notifications may have been missed before it, so look at the state itself.
    """
    pause_seconds = 0.1
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX) as connection:
                await connection.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
                pause_seconds = 0.1
                yield ""
                async for notification in connection.notifies():
                    yield notification.payload
        except _UNREACHABLE:
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(pause_seconds * 2, RECONNECT_SECONDS_MAX)
