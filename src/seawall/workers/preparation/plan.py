"""What a preparation is, as a value: source files, named SQL, and the tables it gives. `writer.py` runs it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import duckdb
import msgspec

from seawall.core.digest import digest

ROW_GROUP_ROWS = 122_880
"""DuckDB's own default: large groups scan fastest."""


class Table(msgspec.Struct, frozen=True):
    """One table of a generation, made by the named query of the same name."""

    name: str
    effort: float = 1.0
    """Its share of the whole work, in any unit; only the progress bar minds."""
    row_group_rows: int = ROW_GROUP_ROWS
    codec: Literal["zstd", "snappy"] = "zstd"
    """`zstd` is smallest; `snappy` is read with less work."""
    dictionary_values: int = 0
    """A column with at most so many values in a row group has them once and then their numbers, which is read with less work; 0:
    DuckDB's own limit, a fifth of the rows."""
    filled_later: bool = False
    """Only the schema is written here; a job fills it. What the job wrote is kept while the other tables are unchanged."""

    @property
    def options(self) -> str:
        """How its file is written, as COPY is told."""
        dictionary = f", DICTIONARY_SIZE_LIMIT {self.dictionary_values:d}" if self.dictionary_values else ""
        return f"FORMAT parquet, COMPRESSION {self.codec}, ROW_GROUP_SIZE {self.row_group_rows:d}{dictionary}"


class Preparation(msgspec.Struct, frozen=True):
    """How to make one immutable generation out of source files."""

    name: str
    locate_sources: Callable[[], Mapping[str, Path]]
    """Name → file (`.parquet`, `.csv`, or a `.zip` of one CSV); SQL reads it as `source_NAME`."""
    queries: Mapping[str, str]
    """Named SQL: one query a table, those of `setup` and `helpers`, and `extent`, whose column `as_of` dates the generation.
    A query may use `$as_of` (a date) and `$scale`."""
    tables: tuple[Table, ...]
    bytes_needed: int
    """Disk space for one generation and what writing it spills."""
    setup: tuple[str, ...] = ()
    """Queries that make the views the tables are read from; cheap, run in order."""
    series: str = ""
    """The query over the finished tables that gives what to forecast: name, Monday, first day of the data, value."""
    helpers: Mapping[str, str] = {}
    """Table → the costly query to run before it, once however many tables want it."""

    def bytes_at(self, scale: int) -> int:
        """Disk space at `scale` times the rows."""
        return self.bytes_needed * scale

    def key(self, scale: int) -> str:
        """Twelve hexadecimal digits naming all that the files depend on: equal keys, equal tables."""
        sources = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in self.locate_sources().items()}
        layouts = {table.name: table.options for table in self.tables}
        queries = {name: sql for name, sql in self.queries.items() if name != self.series}
        return digest([self.name, queries, sources, layouts, scale, duckdb.__version__])[:12]
