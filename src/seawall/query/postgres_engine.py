"""Postgres behind the engine port, for the operational tables that actions change.

Each query is a server-side cursor in a read-only transaction with a statement timeout, in UTC. Compiled queries name their
tables with an app's schema; nothing else is searched but the database's own functions. The pool bounds how many run
and is fair to those who wait. It must hand out autocommit connections (`store.postgres.open_pool` does) and is its
owner's to close. Error texts may quote data, so only those that speak of names are passed on.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg
import pyarrow as pa
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from seawall.app.model import Scalar
from seawall.core.deadline import Deadline
from seawall.core.errors import ConfigurationError, DeadlineExceeded, SeawallError
from seawall.query.errors import EngineUnavailable, QueryFailed
from seawall.query.port import empty_batch
from seawall.query.postgres_arrow import batch_of, schema_of

CONNECT_SECONDS_MAX = 0.5
"""For a connection: well below a panel's usual deadline, so that a database that is gone is told as that and not as a slow one."""
CANCEL_SECONDS_MAX = 2.0
DRY_RUN_SECONDS = 30.0
_DECLARE = b"DECLARE seawall_rows NO SCROLL CURSOR FOR "
_UNREACHABLE = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, PoolClosed, TooManyRequests, OSError)
_Connection = psycopg.AsyncConnection[TupleRow]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_T = TypeVar("_T")


class PostgresEngine:
    """Answers from the tables as they are now."""

    dialect = "postgres"

    def __init__(
        self, pool: AsyncConnectionPool[_Connection], *, schemas: Sequence[str] = (), connect_seconds: float = CONNECT_SECONDS_MAX
    ) -> None:
        """`schemas` are searched for tables that a query names without one."""
        self._pool = pool
        self._connect_seconds = connect_seconds
        self._search_path = ", ".join(['"pg_catalog"', *(f'"{name}"' for name in _plain(schemas)), '"pg_temp"'])
        self._running: set[_Connection] = set()
        self._late: set[asyncio.Task[_Connection]] = set()
        self._going_back: set[asyncio.Task[None]] = set()

    async def stream(
        self, sql: str, parameters: Sequence[Scalar], *, watermark: str = "", deadline: Deadline, batch_rows: int = 1024
    ) -> AsyncIterator[pa.RecordBatch]:
        """See the port. `watermark` means nothing here."""
        deadline.check()
        async with self._transaction(deadline) as connection:
            cursor: psycopg.AsyncRawCursor[tuple[Any, ...]] = psycopg.AsyncRawCursor(connection)
            # Binary results mean the extended protocol, which takes one statement only, whatever the text holds.
            await _bounded(cursor.execute(_DECLARE + sql.encode(), list(parameters), binary=True), deadline)
            rows = await _bounded(_fetch(cursor, batch_rows), deadline)
            schema = schema_of(cursor.description or ())
            if not rows:
                yield empty_batch(schema)
            while rows:
                yield batch_of(rows, schema)
                rows = await _bounded(_fetch(cursor, batch_rows), deadline) if len(rows) == batch_rows else []

    async def dry_run(self, sql: str, parameters: Sequence[Scalar], *, watermark: str = "") -> pa.Schema:
        """See the port."""
        nothing = f"SELECT * FROM ({sql}) AS planned LIMIT 0"
        schema: pa.Schema = pa.schema([])
        async for batch in self.stream(nothing, parameters, deadline=Deadline.after(DRY_RUN_SECONDS)):
            schema = batch.schema
        return schema

    async def ready(self) -> bool:
        """Whether a connection can be had now."""
        try:
            async with self._connection(self._connect_seconds) as connection:
                await _bounded(connection.execute("SELECT 1"), Deadline.after(self._connect_seconds))
        except (*_UNREACHABLE, EngineUnavailable, DeadlineExceeded):
            return False
        return True

    async def close(self) -> None:
        """Cancel what runs. The pool is its owner's to close."""
        for connection in list(self._running):
            await connection.cancel_safe(timeout=CANCEL_SECONDS_MAX)
        for asking in self._late:
            asking.cancel()

    @asynccontextmanager
    async def _transaction(self, deadline: Deadline) -> AsyncIterator[_Connection]:
        """A read-only transaction that is always rolled back; errors of the driver come out as errors of the port."""
        try:
            async with self._connection(min(self._connect_seconds, deadline.remaining())) as connection:
                self._running.add(connection)
                try:
                    await _bounded(connection.execute(self._begin(deadline)), deadline)
                    yield connection
                finally:
                    self._running.discard(connection)
                    if not connection.closed:
                        await _bounded(connection.rollback(), Deadline.after(CANCEL_SECONDS_MAX))
        except (psycopg.Error, PoolTimeout, PoolClosed, TooManyRequests, OSError) as error:
            raise _translated(error, deadline) from error

    @asynccontextmanager
    async def _connection(self, seconds: float) -> AsyncIterator[_Connection]:
        """A connection of the pool's, had within so many seconds; EngineUnavailable otherwise.

        Before the pool hands one out it asks whether the server is there, and waits for as long as one that hangs does not say. That
        goes on without us: a connection that comes too late goes back at once.
        """
        asking = asyncio.create_task(self._pool.getconn(timeout=seconds))
        in_time = False
        try:
            in_time = bool((await asyncio.wait({asking}, timeout=seconds))[0])
        finally:
            if not in_time:
                self._late.add(asking)
                asking.add_done_callback(self._came_late)
        if not in_time:
            raise EngineUnavailable("The operational database does not answer", got="nothing")
        connection = asking.result()
        try:
            yield connection
        finally:
            await self._pool.putconn(connection)

    def _came_late(self, asking: asyncio.Task[_Connection]) -> None:
        self._late.discard(asking)
        if not asking.cancelled() and asking.exception() is None:
            going_back = asyncio.create_task(self._pool.putconn(asking.result()))
            self._going_back.add(going_back)
            going_back.add_done_callback(self._going_back.discard)

    def _begin(self, deadline: Deadline) -> str:
        milliseconds = max(1, int(deadline.remaining() * 1000))
        settings = {"statement_timeout": milliseconds, "TimeZone": "'UTC'", "search_path": self._search_path}
        return "; ".join(["BEGIN READ ONLY", *(f"SET LOCAL {name} = {value}" for name, value in settings.items())])


def _plain(names: Sequence[str]) -> Sequence[str]:
    """The names, which stand in SQL text. ConfigurationError unless each is a plain word."""
    for name in names:
        if not _NAME.fullmatch(name):
            raise ConfigurationError("A schema's name is not a plain word", expected="letters, digits and underscores", got=repr(name))
    return names


async def _fetch(cursor: psycopg.AsyncRawCursor[tuple[Any, ...]], rows: int) -> list[tuple[Any, ...]]:
    await cursor.execute(f"FETCH FORWARD {int(rows)} FROM seawall_rows".encode(), binary=True)
    return await cursor.fetchall()


async def _bounded(step: Awaitable[_T], deadline: Deadline) -> _T:
    """Wait for one step of the conversation. When time is up psycopg cancels the query on the server."""
    try:
        async with asyncio.timeout(deadline.remaining()):
            return await step
    except TimeoutError as error:
        raise DeadlineExceeded("The query took too long") from error


def _translated(error: Exception, deadline: Deadline) -> SeawallError:
    if isinstance(error, psycopg.errors.QueryCanceled):
        return DeadlineExceeded("The query took too long") if deadline.expired() else EngineUnavailable("The engine is closing")
    if isinstance(error, _UNREACHABLE):
        return EngineUnavailable("The operational database does not answer", got=type(error).__name__)
    detail = type(error).__name__
    if isinstance(error, psycopg.ProgrammingError) and error.diag.message_primary:
        detail = error.diag.message_primary[:300]
    return QueryFailed("The database refused the query", got=detail)
