"""Run a preparation's SQL and write its Parquet files, each whole or not at all.

A table is written under `.staging`, flushed to the disk and then renamed to a name made from everything it depends on.
So a file that has its final name is complete; a kill leaves only staging behind, which the next run clears; a run after a
kill keeps the tables that were finished. Nothing that was there before is touched.
Blocking: call it in a thread.
"""

from __future__ import annotations

import errno
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import duckdb
import msgspec
import pyarrow.parquet as pq

from seawall.core.errors import SeawallError
from seawall.workers.preparation.errors import InsufficientSpace
from seawall.workers.preparation.plan import Preparation, Table

Progress = Callable[[str, float], None]
"""Told the table in work and the share of everything that is done, from 0 to 1."""
STAGING = ".staging"
MEMORY_LIMIT = "2GB"
_FULL = ("No space left on device", "File too large", "Disk quota exceeded", "Could not write", "Out of Memory Error: failed to offload")


class Written(msgspec.Struct, frozen=True):
    """A finished file."""

    path: Path
    rows: int
    bytes: int


class Output(msgspec.Struct, frozen=True):
    """A preparation's finished tables."""

    as_of: date
    tables: Mapping[str, Written]


class PreparationFailed(SeawallError):
    """The data could not be prepared. Nothing was changed."""

    slug = "preparation-failed"
    title = "The data could not be prepared"


def write_tables(preparation: Preparation, folder: Path, *, scale: int, progress: Progress, threads: int | None = None) -> Output:
    """Write what is missing of `preparation` into `folder` and describe all of it. InsufficientSpace before or while writing."""
    key = preparation.key(scale)
    targets = {table.name: folder / f"{table.name}-{key}.parquet" for table in preparation.tables}
    missing = [table for table in preparation.tables if not targets[table.name].exists()]
    needed = preparation.bytes_at(scale)
    if missing:
        _require_space(folder, needed)
    staging = _clean_staging(folder)
    try:
        with _full_disk_named(folder, needed), closing(_connect(preparation, staging, threads)) as connection:
            as_of = _as_of(connection, preparation)
            _write_missing(connection, preparation, missing, targets, {"as_of": as_of, "scale": scale}, progress)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    progress("", 1.0)
    return Output(as_of=as_of, tables={name: _describe(path) for name, path in targets.items()})


def _write_missing(
    connection: duckdb.DuckDBPyConnection,
    preparation: Preparation,
    missing: list[Table],
    targets: Mapping[str, Path],
    values: Mapping[str, object],
    progress: Progress,
) -> None:
    total = sum(table.effort for table in missing)
    done, helped = 0.0, set[str]()
    for table in missing:
        progress(table.name, done / total)
        helper = preparation.helpers.get(table.name)
        if helper and helper not in helped:
            helped.add(helper)
            connection.execute(preparation.queries[helper])
        _write(connection, preparation.queries[table.name], targets[table.name], table.options, values)
        done += table.effort


def _write(connection: duckdb.DuckDBPyConnection, query: str, target: Path, options: str, values: Mapping[str, object]) -> None:
    """COPY into staging, flush, rename, flush the directory: the last step makes the file exist."""
    staged = target.parent / STAGING / target.name
    used = {name: value for name, value in values.items() if f"${name}" in query}
    connection.execute(f"COPY ({query}) TO '{_quoted(staged)}' ({options})", used)
    _flush(staged)
    staged.replace(target)
    _flush(target.parent)


def _connect(preparation: Preparation, staging: Path, threads: int | None) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"temp_directory": str(staging / "spill"), "memory_limit": MEMORY_LIMIT})
    if threads:
        connection.execute(f"SET threads = {threads:d}")
    for name, path in preparation.locate_sources().items():
        connection.execute(f"CREATE VIEW source_{name} AS SELECT * FROM {_reader(path, staging)}")
    for name in preparation.setup:
        connection.execute(preparation.queries[name])
    return connection


def _reader(path: Path, staging: Path) -> str:
    """The table function for a source file: Parquet, CSV whose missing values are empty or `NA`, or a zip of one CSV."""
    if path.suffix == ".parquet":
        return f"read_parquet('{_quoted(path)}')"
    if path.suffix == ".zip":
        path = _unpacked(path, staging)
    return f"read_csv('{_quoted(path)}', header = true, nullstr = ['NA', ''], sample_size = -1)"


def _unpacked(path: Path, staging: Path) -> Path:
    """The one file of a zip, in staging: DuckDB reads none inside it."""
    target = staging / path.stem
    with zipfile.ZipFile(path) as archive:
        (member,) = archive.namelist()
        with archive.open(member) as packed, target.open("wb") as plain:
            shutil.copyfileobj(packed, plain)
    return target


def _as_of(connection: duckdb.DuckDBPyConnection, preparation: Preparation) -> date:
    row = connection.execute(preparation.queries["extent"]).fetchone()
    if row is None or not isinstance(row[0], date):
        raise PreparationFailed("The source has no rows", fix="Check that the package with the data is installed whole")
    return row[0]


def _clean_staging(folder: Path) -> Path:
    staging = folder / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    return staging


def _require_space(folder: Path, needed_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise InsufficientSpace(folder, needed_bytes=needed_bytes, free_bytes=free)


@contextmanager
def _full_disk_named(folder: Path, needed_bytes: int) -> Iterator[None]:
    """Turn the many ways in which a full disk shows itself into InsufficientSpace, and other refusals into PreparationFailed."""
    try:
        yield
    except duckdb.Error as error:
        if any(words in str(error) for words in _FULL):
            raise InsufficientSpace(folder, needed_bytes=needed_bytes, free_bytes=shutil.disk_usage(folder).free) from error
        raise PreparationFailed(str(error).splitlines()[0], fix="Nothing was changed; mend the cause and start again") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            raise InsufficientSpace(folder, needed_bytes=needed_bytes, free_bytes=shutil.disk_usage(folder).free) from error
        raise


def _describe(path: Path) -> Written:
    return Written(path=path, rows=pq.read_metadata(path).num_rows, bytes=path.stat().st_size)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
