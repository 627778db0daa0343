"""A query whose rows are still arriving: the first batch is here, so its failures have been raised already.

For a page of rows one row more than shown is fetched, to know whether there is a next page, and key values ride in hidden
columns; both are taken off here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import date, datetime, time
from decimal import Decimal
from typing import cast

import msgspec
import pyarrow as pa

from seawall.app.model import App, RowsQuery, Scalar
from seawall.query.compile_names import Vocabulary
from seawall.query.compile_rows import key_parts
from seawall.query.errors import InvalidQuery
from seawall.query.policy import EffectivePolicy
from seawall.query.port import Column

Batches = AsyncGenerator[pa.RecordBatch, None]
Following = Callable[[Sequence[Scalar], int], Awaitable["OpenQuery"]]
"""The page after the row with these key values, of so many rows."""


class RowKeys(msgspec.Struct, frozen=True):
    """Which output columns carry a row's key, and how many rows a page shows."""

    outputs: tuple[str, ...]
    limit: int

    @classmethod
    def of(cls, app: App, query: RowsQuery, policy: EffectivePolicy) -> RowKeys:
        """The keys of a row query."""
        vocabulary = Vocabulary(app, policy)
        vocabulary.dataset(query.dataset)
        return cls(tuple(part.output for part in key_parts(vocabulary, query)), query.limit)


class Moment(msgspec.Struct, frozen=True):
    """Which data a query reads, and the date its relative periods count from."""

    watermark: str
    as_of: date | None


class OpenQuery:
    """Columns first, batches as they come, and after the last one where the next page begins."""

    def __init__(
        self,
        columns: tuple[Column, ...],
        moment: Moment,
        keys: RowKeys | None,
        stream: Batches,
        next_after: tuple[Scalar, ...] | None = None,
    ) -> None:
        self.columns = columns
        self.watermark = moment.watermark
        self.as_of = moment.as_of
        self.next_after = next_after
        """The last shown row's key when there are more rows; known once `batches` has ended."""
        self.batches: AsyncIterator[pa.RecordBatch] = stream
        self._stream = stream
        self._goes_on = False
        self._keys = keys
        self._left = keys.limit if keys else 0
        self._last_key: tuple[Scalar, ...] | None = None

    async def start(self) -> None:
        """Wait for the first batch. Raises what the engine raises before it."""
        self.batches = self._read(await anext(self._stream))

    async def is_full(self) -> bool:
        """Read all of a page ahead; whether it shows its limit and there is more. A page that is not is closed."""
        batches = [batch async for batch in self.batches]
        self.batches = _again(batches)
        return self.next_after is not None

    async def hold(self, bytes_max: int) -> None:
        """Read all ahead, so that the engine is free however slowly it is taken. InvalidQuery when that is more than `bytes_max`.

        A query that goes on from page to page reads ahead by itself, one page at a time.
        """
        if self._goes_on:
            return
        held, size = [], 0
        async for batch in self.batches:
            held.append(batch)
            size += batch.nbytes
            if size > bytes_max:
                await self.close()
                raise InvalidQuery("The answer is too large", expected=f"at most {bytes_max:,} bytes", fix="Set a filter, or ask for less")
        self.batches = _again(held)

    def go_on(self, rows: int, chunk: int, following: Following) -> None:
        """After this page give the next ones, `chunk` rows at a time, until `rows` more are given or there are none.

        Each page is read whole before its first row is given: no query is open while its rows are taken.
        """
        self._goes_on = True
        self.batches = self._chained(self.batches, rows, chunk, following)

    async def _chained(
        self, batches: AsyncIterator[pa.RecordBatch], rows: int, chunk: int, following: Following
    ) -> AsyncIterator[pa.RecordBatch]:
        page = self
        try:
            while True:
                for batch in [batch async for batch in batches]:
                    yield batch
                self.next_after = page.next_after
                if page.next_after is None or rows <= 0:
                    return
                page = await following(page.next_after, min(rows, chunk))
                batches, rows = page.batches, rows - chunk
        finally:
            await page.close()

    async def close(self) -> None:
        """End the query, whether its batches were read or not."""
        await self._stream.aclose()

    async def _read(self, first: pa.RecordBatch) -> AsyncGenerator[pa.RecordBatch, None]:
        """The batches with only what is shown, at least one. Closing this ends the query."""
        visible = [column.name for column in self.columns]
        async with aclosing(self._stream):
            yield self._shown(first).select(visible)
            while self.next_after is None and (batch := await anext(self._stream, None)) is not None:
                shown = self._shown(batch)
                if shown.num_rows:
                    yield shown.select(visible)

    def _shown(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The part of a batch that belongs to the page. A row too many means there is a next page."""
        if self._keys is None:
            return batch
        shown = batch.slice(0, self._left)
        self._left -= shown.num_rows
        if shown.num_rows:
            self._last_key = key_of(shown, shown.num_rows - 1, self._keys.outputs)
        if shown.num_rows < batch.num_rows:
            self.next_after = self._last_key
        return shown


async def opened(batches: AsyncIterator[pa.RecordBatch], columns: tuple[Column, ...], keys: RowKeys | None, moment: Moment) -> OpenQuery:
    """The query, once its first batch is here. Raises what the engine raises before it."""
    query = OpenQuery(columns, moment, keys, cast("Batches", batches))
    await query.start()
    return query


def key_of(batch: pa.RecordBatch, row: int, outputs: Sequence[str]) -> tuple[Scalar, ...]:
    """The key values of one row, as a cursor holds them."""
    return tuple(scalar_of(batch.column(name)[row].as_py()) for name in outputs)


def scalar_of(value: object) -> Scalar:
    """A value from Arrow as it is bound again: dates and times as ISO 8601, decimals as exact text."""
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return cast("Scalar", value)


async def _again(batches: Sequence[pa.RecordBatch]) -> AsyncIterator[pa.RecordBatch]:
    for batch in batches:
        yield batch
