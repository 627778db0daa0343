"""The one port behind which every database stands: SQL with bound values in, Arrow batches out.

Small on purpose: DuckDB over Parquet generations and Postgres implement it, and any ADBC driver fits. One conformance
suite (`tests/contract/test_engine_port.py`) holds them all to the promises written here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Literal, Protocol

import msgspec
import pyarrow as pa

from seawall.app.model import DataType, Format, Scalar, Text
from seawall.core.deadline import Deadline


class Column(msgspec.Struct, frozen=True):
    """One output column of a compiled query."""

    name: str
    datatype: DataType
    label: Text
    format: Format
    role: str
    """"dimension", "metric" or "field"."""
    masked: bool = False
    """The policy hid its values from this principal."""
    better: Literal["up", "down", "neither"] = "neither"
    """Of a metric: which direction is good news."""


class Compiled(msgspec.Struct, frozen=True):
    """A query ready to run: text in the engine's dialect and the values to bind, in order."""

    sql: str
    parameters: tuple[Scalar, ...]
    columns: tuple[Column, ...]
    engine: str
    """"warehouse" or "operational"."""
    datasets: tuple[str, ...]
    """Every dataset whose table is scanned, sorted."""


class Engine(Protocol):
    """A database that answers."""

    dialect: str
    """sqlglot's name for its SQL."""

    def stream(
        self, sql: str, parameters: Sequence[Scalar], *, watermark: str, deadline: Deadline, batch_rows: int = 1024
    ) -> AsyncIterator[pa.RecordBatch]:
        """Run and yield batches of at most `batch_rows` as they are ready, reading the generation `watermark`.

        Engines without generations ignore `watermark`. Always yields at least one batch, empty when no row matches, so
        that the schema is known. Raises DeadlineExceeded once the deadline passes (the query is interrupted),
        EngineUnavailable when the database cannot be reached or is at its bound of concurrent queries, QueryFailed when
        it refuses the query. Never blocks the event loop. A consumer that stops early cancels the query.
        """

    async def dry_run(self, sql: str, parameters: Sequence[Scalar], *, watermark: str) -> pa.Schema:
        """Plan without running; the schema it would give. Raises QueryFailed."""

    async def ready(self) -> bool:
        """Whether it would answer now."""

    async def close(self) -> None:
        """Let go of everything; running queries are interrupted."""


def empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    """A batch without rows, which tells the schema."""
    return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)
