"""Rows of Postgres as Arrow columns: a type for every column from its OID, the same types DuckDB gives for a compiled query.

Numerics without a declared scale become floating point numbers; types without a counterpart become text.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa

_TYPES: dict[int, pa.DataType] = {
    16: pa.bool_(),
    20: pa.int64(),
    21: pa.int64(),
    23: pa.int64(),
    700: pa.float64(),
    701: pa.float64(),
    1082: pa.date32(),
    1083: pa.time64("us"),
    1114: pa.timestamp("us"),
    1184: pa.timestamp("us", tz="Etc/UTC"),
}
_NUMERIC = 1700
_PRECISION_MAX = 38


def schema_of(description: Sequence[psycopg.Column]) -> pa.Schema:
    """The Arrow schema of a described cursor."""
    return pa.schema([pa.field(column.name, _type_of(column)) for column in description])


def batch_of(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.RecordBatch:
    """The rows as one batch."""
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(_converted(values, field.type), type=field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _type_of(column: psycopg.Column) -> pa.DataType:
    if column.type_code == _NUMERIC:
        bounded = column.precision is not None and column.precision <= _PRECISION_MAX
        return pa.decimal128(column.precision, column.scale or 0) if bounded and column.precision else pa.float64()
    return _TYPES.get(column.type_code, pa.string())


def _converted(values: Sequence[Any], type_: pa.DataType) -> list[Any]:
    if pa.types.is_string(type_):
        return [value if value is None or isinstance(value, str) else str(value) for value in values]
    if pa.types.is_floating(type_):
        return [float(value) if isinstance(value, Decimal) else value for value in values]
    return list(values)
