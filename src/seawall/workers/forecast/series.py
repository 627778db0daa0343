"""From a generation's files to weekly series: complete weeks only, without gaps, the names that sell too rarely left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb

from seawall.workers.forecast.tables import WEEK, Series

WEEKS_SOLD_SHARE_MIN = 0.5
"""A series with sales in fewer of its weeks is left out: there is nothing to learn a level from."""


def read_series(query: str, tables: Mapping[str, Sequence[Path]], as_of: date) -> tuple[Series, ...]:
    """Run `query` (columns: name, Monday, value; first row of the data's first day as `$first_day`) over a generation. Blocking."""
    with duckdb.connect(config={"threads": 1, "memory_limit": "1GB"}) as connection:
        for name, paths in tables.items():
            files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
            connection.execute(f'CREATE VIEW "{name}" AS SELECT * FROM read_parquet([{files}])')
        rows = connection.execute(query).fetchall()
    return series_of(rows, as_of)


def series_of(rows: Iterable[tuple[str | None, date, date, float]], as_of: date) -> tuple[Series, ...]:
    """Series from (name, Monday, first day of the data, value) rows: a week counts when all its days lie in the data."""
    by_name: dict[str, dict[date, float]] = {}
    first_day = date.max
    for name, week, begins, value in rows:
        first_day = min(first_day, begins)
        if name is not None:
            by_name.setdefault(name, {})[week] = float(value)
    weeks = complete_weeks(first_day, as_of) if by_name else ()
    made = (Series(name, weeks, tuple(values.get(week, 0.0) for week in weeks)) for name, values in sorted(by_name.items()))
    return tuple(one for one in made if sum(value > 0 for value in one.values) >= WEEKS_SOLD_SHARE_MIN * max(len(weeks), 1))


def complete_weeks(first_day: date, as_of: date) -> tuple[date, ...]:
    """Mondays of the weeks that begin on or after `first_day` and are over at `as_of`."""
    week = first_day + timedelta(days=-first_day.weekday() % 7)
    weeks: list[date] = []
    while week + WEEK <= as_of:
        weeks.append(week)
        week += WEEK
    return tuple(weeks)
