"""Whole answers as Arrow tables, cached beside fragments: what workers precompute and fragments are drawn from.

Kept as Arrow IPC streams compressed with zstd under a key whose subject is the query's digest. Unlike the ladder, this
raises what making the answer raised: it is for those who ask for rows, not for those who show a panel.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pyarrow as pa

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded
from seawall.query.cache import Cache, CacheKey
from seawall.query.coalesce import LIMIT_SECONDS, Failure, Flights, Terms

FRESH_SECONDS = 86_400.0
THREAD_BYTES = 256 * 1024
"""Tables larger than this are encoded and decoded off the event loop."""

MakeTable = Callable[[Deadline], Awaitable[pa.Table]]


class ResultCache:
    """Tables by key, made once for many askers."""

    def __init__(self, cache: Cache, clock: Clock = SYSTEM_CLOCK, *, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._cache = cache
        self._flights = Flights(cache, clock, limit_seconds=limit_seconds)

    async def table(self, key: CacheKey, make: MakeTable, *, deadline: Deadline, fresh_for: float = FRESH_SECONDS) -> pa.Table:
        """The table of `key`, from the cache or from `make`.

        `make` gets the deadline of the shared work, not the request's. Raises DeadlineExceeded when this request's
        deadline passes first (the work goes on), else what `make` raised.
        """
        entry = self._cache.fresh(key)
        if entry is None:

            async def produce(limit: Deadline) -> bytes:
                return await encode_table(await make(limit))

            seat = self._flights.join(key, produce, Terms(fresh_for, fresh_for))
            if isinstance(seat, Failure):
                raise seat.error.with_traceback(None)
            if not await seat.made(deadline):
                raise DeadlineExceeded
            outcome = seat.flight.made.result()
            if isinstance(outcome, Failure):
                raise outcome.error.with_traceback(None)
            entry = outcome.entry
        return await decode_table(entry.payload)

    async def close(self) -> None:
        """End what is being made. The cache is its owner's to close."""
        await self._flights.close()


async def encode_table(table: pa.Table) -> bytes:
    """An Arrow IPC stream, zstd-compressed."""
    if table.nbytes > THREAD_BYTES:
        return await asyncio.to_thread(_encode, table)
    return _encode(table)


async def decode_table(payload: bytes) -> pa.Table:
    """The table of `encode_table`."""
    if len(payload) > THREAD_BYTES:
        return await asyncio.to_thread(_decode, payload)
    return _decode(payload)


def _encode(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def _decode(payload: bytes) -> pa.Table:
    with pa.ipc.open_stream(payload) as reader:
        return reader.read_all()
