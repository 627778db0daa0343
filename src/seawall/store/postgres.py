"""Postgres: a bounded pool that outlives its server, named queries, notifications.

Guarantees that a server that is away costs callers little: connecting is bounded, and after a failure a breaker answers
Unavailable at once until a probe succeeds. Starting never waits for the server. Callers may be cancelled at any
moment: the pool stays whole.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

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
READY_SECONDS_MAX = 1.0
CANCEL_SECONDS_MAX = 1.0
CLOSE_SECONDS_MAX = 1.0
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


class Asks:
    """Questions to a server that nobody waits for beyond a time.

    A question is never cancelled where it runs: psycopg waits for a server that hangs to cancel, and a pool whose callers are cancelled at
    a bad moment loses connections. It goes on in a task of its own, the server is asked to end it, and its connection goes back by itself.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._left: set[asyncio.Task[Any]] = set()

    async def within(self, seconds: float, run: Callable[[Cursor], Awaitable[Result]]) -> Result:
        """What `run` makes of a cursor. TimeoutError after `seconds`."""
        asked = _Asked()
        task = asyncio.create_task(asked.answer(self._pool, run))
        try:
            await asyncio.wait({task}, timeout=seconds)
        finally:
            if not task.done():
                asked.leave()
                self._left.add(task)
                task.add_done_callback(self._ended)
        if not task.done():
            raise TimeoutError
        return task.result()

    async def close(self) -> None:
        """Wait a moment for what nobody waits for."""
        if self._left:
            await asyncio.wait(self._left, timeout=CLOSE_SECONDS_MAX)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._left.discard(task)
        if not task.cancelled():
            task.exception()  # whoever asked has heard already, or is gone


class _Asked:
    """One question."""

    __slots__ = ("_cancelling", "_connection", "_left")

    def __init__(self) -> None:
        self._left = False
        self._connection: Connection | None = None
        self._cancelling: asyncio.Task[None] | None = None

    async def answer(self, pool: Pool, run: Callable[[Cursor], Awaitable[Result]]) -> Result:
        """Ask, unless nobody waits any more once there is a connection."""
        async with pool.connection() as connection:
            if self._left:
                raise TimeoutError
            self._connection = connection
            try:
                return await run(connection.cursor(row_factory=dict_row))
            finally:
                self._connection = None
                if self._cancelling is not None:  # or it would end whatever the connection is given to next
                    await asyncio.wait({self._cancelling})

    def leave(self) -> None:
        """Nobody waits any more."""
        self._left = True
        if self._connection is not None:
            self._cancelling = asyncio.create_task(_end(self._connection))


async def _end(connection: Connection) -> None:
    with suppress(psycopg.Error, OSError, TimeoutError):
        await connection.cancel_safe(timeout=CANCEL_SECONDS_MAX)


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
        self._asks = Asks(pool)

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

        async def run(cursor: Cursor) -> None:
            await cursor.execute("SELECT 1")

        try:
            await self._asks.within(READY_SECONDS_MAX, run)
        except _UNREACHABLE:
            return False
        self._breaker.succeeded()
        return True

    async def close(self) -> None:
        """Close the pool."""
        await self._asks.close()
        await self.pool.close()

    async def _guarded(self, query: str, run: Callable[[Cursor], Awaitable[Result]]) -> Result:
        if not self._breaker.allow():
            raise unavailable(PoolTimeout("breaker open"), self._role)
        try:
            with span(f"postgres.{query}", "storage", kind="client"):
                result = await self._asks.within(self._query_seconds_max, run)
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
