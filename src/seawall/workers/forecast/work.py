"""One forecast run, start to end: read series, backtest, forecast, write two files whole. Blocking; takes seconds."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from seawall.workers.forecast.methods import all_methods
from seawall.workers.forecast.request import Answer, Request
from seawall.workers.forecast.series import read_series
from seawall.workers.forecast.tables import forecast_all


def run(request: Request) -> Answer:
    """Write `forecast-KEY.parquet` and `forecast_errors-KEY.parquet` and tell of them."""
    started = time.monotonic()
    folder = Path(request.folder)
    tables_read = {name: [Path(path) for path in paths] for name, paths in request.tables.items()}
    series = read_series(request.query, tables_read, request.as_of)
    made = forecast_all(series, all_methods())
    tables = {"forecast": made.forecast, "forecast_errors": made.errors}
    files = {name: f"{name}-{request.key}.parquet" for name in tables}
    for name, table in tables.items():
        write_whole(table, folder / files[name])
    return Answer(
        series=made.series,
        files=files,
        rows={name: table.num_rows for name, table in tables.items()},
        bytes={name: (folder / file).stat().st_size for name, file in files.items()},
        seconds=round(time.monotonic() - started, 2),
    )


def write_whole(table: pa.Table, target: Path) -> None:
    """The file is there whole, or not at all."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            pq.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
