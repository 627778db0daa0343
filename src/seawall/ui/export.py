"""A panel's rows as a file: CSV, Arrow and Parquet, made batch by batch so that no export is ever whole in memory.

A spreadsheet runs a text cell that starts with `=`, `+`, `-`, `@`, a tab or a carriage return as a formula (OWASP, *CSV
Injection*). In CSV and Parquet, which people open in spreadsheets, such text gets a leading apostrophe; numbers, dates and
everything else that is not text stay as they are. Arrow is for programs and stays exact.
"""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator
from typing import IO, Any, Protocol, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pq

_FORMULA_START = r"\A([=+\-@\t\r\n＝＋－＠])"
_START = re.compile(_FORMULA_START)
_TRAILING_ZEROS = r"(?:\.|(\.\d*[1-9]))0+\z"
"""All of a decimal's; with the point when nothing else follows it."""
_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
ROW_GROUP_ROWS = 65_536
"""Parquet is written in groups of about this many rows."""


_joined: Any = pc.binary_join_element_wise  # the stubs know no arrays and scalars together


class Encoder(Protocol):
    """Batches in, bytes out. `open` comes first and once, `close` last and once."""

    def open(self, first: pa.RecordBatch) -> bytes:
        """What stands before the first row; `first` shows the columns."""

    def rows(self, batch: pa.RecordBatch) -> bytes:
        """What is ready after these rows; may be nothing yet."""

    def close(self) -> bytes:
        """What stands after the last row."""


class CsvEncoder:
    """RFC 4180, header first, UTF-8, null as nothing, text quoted, numbers without trailing zeros, formulas defused."""

    def open(self, first: pa.RecordBatch) -> bytes:
        """The header line."""
        names: list[Any] = _quoted(pa.array(defused(first.slice(0, 0)).schema.names, pa.large_string())).to_pylist()
        return b",".join(names) + b"\n"

    def rows(self, batch: pa.RecordBatch) -> bytes:
        """Lines."""
        if not batch.num_rows:
            return b""
        cells = [_cells(column) for column in _flat(defused(batch)).columns]
        lines = _joined(*cells, pa.scalar(b",", pa.large_binary()), null_handling="replace")
        return b"\n".join(lines.to_pylist()) + b"\n"

    def close(self) -> bytes:
        """Nothing more."""
        return b""


def _cells(column: pa.Array[Any]) -> pa.Array[Any]:
    """What stands between the commas; null where there is nothing. Like pyarrow's own CSV but for decimals."""
    kind = column.type
    if any(is_text(kind) for is_text in _TEXTS):
        return _quoted(column)
    written = column.cast(pa.string())
    if pa.types.is_decimal(kind):
        written = pc.replace_substring_regex(written, pattern=_TRAILING_ZEROS, replacement=r"\1")
    return written.cast(pa.large_binary())


def _quoted(column: pa.Array[Any]) -> pa.Array[Any]:
    doubled = pc.replace_substring(column.cast(pa.large_string()), pattern='"', replacement='""').cast(pa.large_binary())
    quote, nothing = pa.scalar(b'"', pa.large_binary()), pa.scalar(b"", pa.large_binary())
    quoted: pa.Array[Any] = _joined(quote, doubled, quote, nothing)
    return quoted


class ArrowEncoder:
    """The Arrow IPC stream format, exact."""

    def __init__(self) -> None:
        self._sink = _Sink()

    def open(self, first: pa.RecordBatch) -> bytes:
        """The schema message."""
        self._writer = pa_ipc.new_stream(self._sink, first.schema)
        return self._sink.drain()

    def rows(self, batch: pa.RecordBatch) -> bytes:
        """One record batch message."""
        self._writer.write_batch(batch)
        return self._sink.drain()

    def close(self) -> bytes:
        """The end-of-stream marker."""
        self._writer.close()
        return self._sink.drain()


class ParquetEncoder:
    """Parquet with zstd, written row group by row group; formulas defused."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0

    def open(self, first: pa.RecordBatch) -> bytes:
        """The magic number."""
        self._schema = defused(first.slice(0, 0)).schema
        self._writer = pq.ParquetWriter(_file(self._sink), self._schema, compression="zstd")
        return self._sink.drain()

    def rows(self, batch: pa.RecordBatch) -> bytes:
        """A row group once enough rows have come."""
        self._waiting.append(defused(batch))
        self._rows += batch.num_rows
        return self._flush() if self._rows >= ROW_GROUP_ROWS else b""

    def close(self) -> bytes:
        """The last rows and the footer."""
        last = self._flush()
        self._writer.close()
        return last + self._sink.drain()

    def _flush(self) -> bytes:
        if self._rows:
            self._writer.write_table(pa.Table.from_batches(self._waiting, schema=self._schema))
        self._waiting, self._rows = [], 0
        return self._sink.drain()


ENCODERS: dict[str, type[CsvEncoder] | type[ArrowEncoder] | type[ParquetEncoder]] = {
    "csv": CsvEncoder,
    "arrow": ArrowEncoder,
    "parquet": ParquetEncoder,
}


async def encoded(batches: AsyncIterator[pa.RecordBatch], encoder: Encoder) -> AsyncIterator[bytes]:
    """The file, piece by piece. Encoding runs in a thread: the event loop never waits for it.

    The engine always gives at least one batch, so that the schema is known.
    """
    opened = False
    async for batch in batches:
        if not opened:
            opened = True
            yield await asyncio.to_thread(encoder.open, batch)
        if batch.num_rows and (ready := await asyncio.to_thread(encoder.rows, batch)):
            yield ready
    if opened:
        yield await asyncio.to_thread(encoder.close)


def defused(batch: pa.RecordBatch) -> pa.RecordBatch:
    """`batch` with an apostrophe before every text, in cells and in the header, that a spreadsheet would run."""
    names = [_START.sub(r"'\1", name) for name in batch.schema.names]
    return pa.RecordBatch.from_arrays([_defused(column) for column in batch.columns], names=names)


def _defused(column: pa.Array[Any]) -> pa.Array[Any]:
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    return pc.replace_substring_regex(column, pattern=_FORMULA_START, replacement=r"'\1")


def _flat(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Lists and structs as JSON-like text: CSV has no place for them."""
    columns = [
        _defused(pa.array([None if v is None else str(v) for v in c.to_pylist()], pa.string())) if pa.types.is_nested(c.type) else c
        for c in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _file(sink: _Sink) -> IO[Any]:
    return cast(IO[Any], sink)


class _Sink(io.RawIOBase):
    """A file that remembers only what has not been taken yet. Writers ask its position, never to seek."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        self._position += len(piece)
        return len(piece)

    def drain(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
