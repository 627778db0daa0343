"""DuckDB over Parquet generations, behind the engine port.

Queries run on threads, a bounded number at once, each on a cursor of its own; when a deadline passes or the consumer goes
away the query is interrupted before its slot is given on. A query keeps the generation it began with; at most
`generations_max` stay open. Error texts of the database may quote data, so only those that speak of names are passed on.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

import duckdb
import pyarrow as pa

from seawall.app.model import Scalar
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded, SeawallError
from seawall.query.duckdb_generation import DuckDBLimits, Generation, open_generation
from seawall.query.errors import EngineUnavailable, QueryFailed
from seawall.query.port import empty_batch
from seawall.query.slots import Slots

Locate = Callable[[str], Mapping[str, Sequence[Path]]]
INTERRUPT_EVERY_SECONDS = 0.02
DRY_RUN_SECONDS = 30.0
_NAMING_ERRORS = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)
_T = TypeVar("_T")


def queries_at_once() -> int:
    """As many as there are cores, at least two; half of them may be short ones, see `slots.Slots`.

    More only stretch one another until all of a cold page's panels miss their deadline together. On two cores, 14 queries at once:
    the first four are done after 130 ms instead of 200 to 320 ms with twice as many on two threads each, for a sixth less work
    in all; the last is done no later. A second thread made no single query of up to 15 million rows measurably faster. The other
    half of the cores serves what is not waiting for a query: other requests, the gateway, the other replica.
    """
    return max(2, len(os.sched_getaffinity(0)))


class DuckDBEngine:
    """Answers from the generation it is asked about. `locate(watermark)` gives table name → Parquet files."""

    dialect = "duckdb"

    def __init__(
        self,
        locate: Locate,
        *,
        directory: Path,
        threads: int = 1,
        memory_limit: str = "1GB",
        concurrency_max: int | None = None,
        waiting_max: int = 256,
        generations_max: int = 3,
    ) -> None:
        """By default at most a query a core, and a thread a query; see `queries_at_once`."""
        concurrency_max = concurrency_max or queries_at_once()
        self._locate = locate
        self._directory = directory
        self._limits = DuckDBLimits(threads, memory_limit)
        self._slots = Slots(concurrency_max, waiting_max, at_once=max(1, concurrency_max // 2))
        self._threads = ThreadPoolExecutor(concurrency_max + 1, thread_name_prefix="duckdb")
        self._generations_max = generations_max
        self._opening: OrderedDict[str, asyncio.Task[Generation]] = OrderedDict()
        self._running: set[_Run] = set()
        self._closed = False

    async def stream(
        self, sql: str, parameters: Sequence[Scalar], *, watermark: str, deadline: Deadline, batch_rows: int = 1024
    ) -> AsyncIterator[pa.RecordBatch]:
        """See the port."""
        await self._slots.acquire(deadline)
        try:
            with self._used(await self._generation(watermark)) as generation:
                async with self._run(generation, deadline) as run:
                    batch = await run.call(lambda: run.start(sql, parameters, batch_rows))
                    while batch is not None:
                        yield batch
                        batch = await run.call(run.next)
        finally:
            self._slots.release()

    async def dry_run(self, sql: str, parameters: Sequence[Scalar], *, watermark: str) -> pa.Schema:
        """See the port."""
        nothing = f"SELECT * FROM ({sql}) AS planned LIMIT 0"
        stream = self.stream(nothing, parameters, watermark=watermark, deadline=Deadline.after(DRY_RUN_SECONDS))
        schema: pa.Schema = pa.schema([])
        async for batch in stream:
            schema = batch.schema
        return schema

    async def ready(self) -> bool:
        """Whether it is open. It depends on nothing but files."""
        return not self._closed

    async def close(self) -> None:
        """Interrupt what runs, then let go of every generation."""
        self._closed = True
        while self._running:
            for run in self._running:
                run.interrupt()
            await asyncio.sleep(INTERRUPT_EVERY_SECONDS)
        if self._opening:
            await asyncio.wait(self._opening.values())
        for watermark in list(self._opening):
            self._retire(watermark)
        self._threads.shutdown(wait=False)

    # ── generations ──────────────────────────────────────────────────────────────────────────────────────────

    async def _generation(self, watermark: str) -> Generation:
        """The open generation; many askers open it once, and one who gives up does not spoil it for the rest."""
        if self._closed:
            raise EngineUnavailable("The engine is closed")
        task = self._opening.get(watermark)
        if task is None:
            task = asyncio.create_task(self._open(watermark))
            self._opening[watermark] = task
        self._opening.move_to_end(watermark)
        try:
            generation = await asyncio.shield(task)
        except BaseException:
            if task.done() and (task.cancelled() or task.exception() is not None):
                self._opening.pop(watermark, None)
            raise
        if self._closed:
            raise EngineUnavailable("The engine is closed")
        if generation.retired:
            return await self._generation(watermark)
        while len(self._opening) > self._generations_max:
            self._retire(next(iter(self._opening)))
        return generation

    async def _open(self, watermark: str) -> Generation:
        try:
            tables = self._locate(watermark)
        except (KeyError, OSError) as error:
            raise EngineUnavailable("There is no such generation of the data", got=watermark[:80] or "no generation at all") from error
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, open_generation, tables, self._directory, self._limits)

    def _retire(self, watermark: str) -> None:
        task = self._opening.pop(watermark)
        if task.done() and not task.cancelled() and task.exception() is None:
            generation = task.result()
            generation.retired = True
            if not generation.users:
                generation.close()

    @contextmanager
    def _used(self, generation: Generation) -> Iterator[Generation]:
        generation.users += 1
        try:
            yield generation
        finally:
            generation.users -= 1
            if generation.retired and not generation.users:
                generation.close()

    @asynccontextmanager
    async def _run(self, generation: Generation, deadline: Deadline) -> AsyncIterator[_Run]:
        run = _Run(generation, deadline, self._threads)
        self._running.add(run)
        try:
            yield run
        finally:
            self._running.discard(run)
            await run.finish()


class _Run:
    """One query on one cursor."""

    def __init__(self, generation: Generation, deadline: Deadline, threads: ThreadPoolExecutor) -> None:
        self._generation = generation
        self._deadline = deadline
        self._threads = threads
        self._cursor = generation.cursor()
        self._reader: pa.RecordBatchReader | None = None
        self._done = False

    async def call(self, step: Callable[[], _T]) -> _T:
        """Run a blocking step on a thread; when the deadline or a cancellation comes first, interrupt it and wait for its end."""
        self._deadline.check()
        future = asyncio.get_running_loop().run_in_executor(self._threads, step)
        try:
            return await asyncio.wait_for(asyncio.shield(future), self._deadline.remaining())
        except TimeoutError as error:
            await self._stop(future)
            raise DeadlineExceeded("The query took too long") from error
        except asyncio.CancelledError:
            await self._stop(future)
            raise
        except duckdb.Error as error:
            raise _translated(error, self._deadline) from error

    def start(self, sql: str, parameters: Sequence[Scalar], batch_rows: int) -> pa.RecordBatch | None:
        """Begin and give the first batch, which may be empty."""
        self._generation.check(self._cursor, sql)
        relation = self._cursor.sql(sql, params=list(parameters))
        if relation is None:
            raise QueryFailed("The statement gives no rows")
        self._reader = relation.to_arrow_reader(batch_rows)
        first = self.next()
        if first is None and self._reader is not None:
            return empty_batch(self._reader.schema)
        return first

    def next(self) -> pa.RecordBatch | None:
        """The next batch that has rows; None after the last."""
        if self._reader is None or self._done:
            return None
        for batch in self._reader:
            if batch.num_rows:
                return batch
        self._done = True
        return None

    def interrupt(self) -> None:
        """Ask the query to stop. Harmless when none runs."""
        self._cursor.interrupt()

    async def finish(self) -> None:
        """Keep the cursor when the query ran to its end; otherwise throw it away, on a thread, with whatever it still held."""
        if self._done:
            self._generation.give_back(self._cursor)
            return
        self._cursor.interrupt()
        await _ended(asyncio.get_running_loop().run_in_executor(self._threads, self._abandon))

    def _abandon(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._cursor.close()

    async def _stop(self, future: asyncio.Future[_T]) -> None:
        """Interrupt until the thread is free: an interrupt that comes before the query has begun is lost."""
        await _ended(future, self._cursor.interrupt)


async def _ended(future: asyncio.Future[_T], meanwhile: Callable[[], None] = lambda: None) -> None:
    """Wait for a thread's work to end; a cancellation that comes meanwhile is passed on afterwards."""
    cancelled = False
    while not future.done():
        meanwhile()
        try:
            await asyncio.wait({future}, timeout=INTERRUPT_EVERY_SECONDS)
        except asyncio.CancelledError:
            cancelled = True
    if not future.cancelled():
        future.exception()
    if cancelled:
        raise asyncio.CancelledError


def _translated(error: duckdb.Error, deadline: Deadline) -> SeawallError:
    if isinstance(error, duckdb.InterruptException):
        return DeadlineExceeded("The query took too long") if deadline.expired() else EngineUnavailable("The engine is closing")
    if isinstance(error, duckdb.OutOfMemoryException):
        return EngineUnavailable(
            "The query needs more memory than a query may use", fix="Ask for less: a filter, fewer groups, a smaller limit"
        )
    if isinstance(error, duckdb.IOException):
        return EngineUnavailable("The warehouse's files cannot be read")
    detail = str(error).splitlines()[0][:300] if isinstance(error, _NAMING_ERRORS) else type(error).__name__
    return QueryFailed("The database refused the query", got=detail)
