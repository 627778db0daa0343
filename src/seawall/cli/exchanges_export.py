"""Exchanges as files: JSON Lines as they are, or Parquet with a column a field; requests and responses are JSON text there."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import click
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from seawall.model_proxy.exchanges.format import Exchange, encode

BATCH_ROWS = 2000
_TEXTS = (
    "id", "tenant", "surface", "user", "key", "app", "prompt", "version", "variant", "action", "trace", "lane", "data_class", "model",
    "target", "provider", "provider_model", "answered_by", "tier", "cache", "question", "snapshot", "error",
)  # fmt: skip
_JSON = ("request", "response", "chunks", "attempts")
_LISTS = ("finish", "findings")
_FIELDS: dict[str, pa.DataType] = {
    **dict.fromkeys(_TEXTS, pa.string()),
    "at": pa.timestamp("us", tz="UTC"),
    "stream": pa.bool_(),
    "took_ms": pa.float64(),
    "first_ms": pa.float64(),
    "input_tokens": pa.int64(),
    "output_tokens": pa.int64(),
    "cached_tokens": pa.int64(),
    "usage_estimated": pa.bool_(),
    "cost_nanodollars": pa.int64(),
    "rounds": pa.int32(),
    "cut": pa.bool_(),
    **dict.fromkeys(_LISTS, pa.list_(pa.string())),
    **dict.fromkeys(_JSON, pa.string()),
}
SCHEMA = pa.schema(_FIELDS)


def export_to(file: Path, form: str, found: Iterator[Exchange]) -> int:
    """Write them; how many."""
    if form == "parquet":
        return _parquet(file, found)
    if str(file) == "-":
        return _lines(sys.stdout.buffer, found)
    with file.open("wb") as opened:
        return _lines(opened, found)


def row(one: Exchange) -> dict[str, Any]:
    """An exchange as a row of `SCHEMA`."""
    return {
        **{name: getattr(one, name) for name in (*_TEXTS, "stream", "took_ms", "first_ms", "rounds", "cut")},
        **{name: list(getattr(one, name)) for name in _LISTS},
        **{name: msgspec.json.encode(getattr(one, name)).decode() for name in _JSON},
        "at": round(one.at * 1e6),
        "input_tokens": one.usage.input,
        "output_tokens": one.usage.output,
        "cached_tokens": one.usage.cached,
        "usage_estimated": one.usage.estimated,
        "cost_nanodollars": one.cost,
    }


def _lines(file: Any, found: Iterable[Exchange]) -> int:  # noqa: ANN401 -- any binary file
    count = 0
    for count, one in enumerate(_watched(found), 1):  # noqa: B007
        file.write(encode(one) + b"\n")
    return count


def _parquet(file: Path, found: Iterator[Exchange]) -> int:
    watched, count = _watched(found), 0
    with pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        while batch := [row(one) for one in islice(watched, BATCH_ROWS)]:
            writer.write_table(pa.Table.from_pylist(batch, SCHEMA))
            count += len(batch)
    return count


def _watched(found: Iterable[Exchange]) -> Iterator[Exchange]:
    """The same, with a count on a terminal's standard error."""
    if not sys.stderr.isatty():
        yield from found
        return
    for count, one in enumerate(found):
        if count % 1000 == 0:
            click.echo(f"\r{count} exchanges", nl=False, err=True)
        yield one
    click.echo("\r", nl=False, err=True)
