"""Days, moments and moments of a zone, long before 1970 and after: cut and filtered as Python's own calendar says."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone

import duckdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.query.star import app, dataset, everything, field, metric

from seawall.app.model import App, DataType, Dimension, Filter, Grain, MetricQuery, Semantics
from seawall.query.compile_query import compile_query
from seawall.query.periods import WeekStart, span_of

KINDS: dict[str, DataType] = {"day": "Date", "moment": "DateTime", "zoned": "DateTimeTz"}
SQL = {"day": "DATE", "moment": "TIMESTAMP", "zoned": "TIMESTAMPTZ"}
FIRST_WEEKDAY: dict[WeekStart, int] = {"monday": 0, "saturday": 5, "sunday": 6}
moments = st.datetimes(datetime.fromisoformat("1600-01-01"), datetime.fromisoformat("2400-01-01"))
zones = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
days = st.dates(date(1600, 1, 1), date(2400, 1, 1))
grains: st.SearchStrategy[Grain] = st.sampled_from(("hour", "day", "week", "month", "quarter", "year"))
weeks: st.SearchStrategy[WeekStart] = st.sampled_from(("monday", "saturday", "sunday"))
spans = st.tuples(days, days).map(lambda ends: f"{min(ends)}..{max(ends)}")
periods = st.one_of(days.map(str), days.map(lambda day: f"{day:%Y-%m}"), days.map(lambda day: f"{day}.."), spans)


def calendar(week_starts: WeekStart) -> App:
    """An app of one table with a time of each kind."""
    fields = [field("log", name, kind, is_time=True, week_starts=week_starts) for name, kind in KINDS.items()]
    lines = metric("lines", "COUNT(log.line)", "Integer")
    log = dataset("log", [field("log", "line", "Integer"), *fields], ("line",), "moment")
    return app(semantics=Semantics({"log": log}, (), {"lines": lines}))


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect(":memory:", config={"threads": 1})
    made.execute("SET TimeZone = 'UTC'").fetchall()
    made.execute(f"CREATE TABLE t_log (line BIGINT, {', '.join(f'{name} {kind}' for name, kind in SQL.items())})").fetchall()
    return made


def answer(connection: duckdb.DuckDBPyConnection, times: list[datetime], of: App, query: MetricQuery) -> dict[object, int]:
    connection.execute("DELETE FROM t_log").fetchall()
    rows = [[line, time.astimezone(UTC).date(), time.astimezone(UTC).replace(tzinfo=None), time] for line, time in enumerate(times)]
    connection.executemany("INSERT INTO t_log VALUES (?, ?, ?, ?)", rows)
    compiled = compile_query(of, query, everything(of), dialect="duckdb", as_of=date(2017, 3, 1))
    return dict(connection.execute(compiled.sql, list(compiled.parameters)).fetchall())


def cut(time: datetime, grain: Grain, week_starts: WeekStart) -> date:
    """The first moment of the period a moment lies in, found by going back hour by hour, day by day."""
    time = time.astimezone(UTC).replace(tzinfo=None)
    if grain == "hour":
        return time.replace(minute=0, second=0, microsecond=0)
    day = time.date()
    begins = {
        "day": lambda: True,
        "week": lambda: day.weekday() == FIRST_WEEKDAY[week_starts],
        "month": lambda: day.day == 1,
        "quarter": lambda: day.day == 1 and day.month in (1, 4, 7, 10),
        "year": lambda: day.day == day.month == 1,
    }[grain]
    while not begins():
        day -= timedelta(days=1)
    return day


zoned = st.lists(st.builds(lambda moment, zone: moment.replace(tzinfo=zone), moments, zones), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(times=zoned, kind=st.sampled_from(tuple(KINDS)), grain=grains, week_starts=weeks)
def test_periods_are_those_of_the_calendar(
    connection: duckdb.DuckDBPyConnection, times: list[datetime], kind: str, grain: Grain, week_starts: WeekStart
) -> None:
    """Whatever day a week begins on; in UTC."""
    query = MetricQuery(("lines",), (Dimension("time", f"log.{kind}", grain),))
    midnight = [time.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) for time in times]
    expected = Counter(cut(time, grain, week_starts) for time in (midnight if kind == "day" else times))
    assert answer(connection, times, calendar(week_starts), query) == expected


@settings(max_examples=25, deadline=None)
@given(times=zoned, kind=st.sampled_from(tuple(KINDS)), period=periods, day=st.integers(0, 5))
def test_days_are_compared_as_whole_days(
    connection: duckdb.DuckDBPyConnection, times: list[datetime], kind: str, period: str, day: int
) -> None:
    """A period holds the evening of its last day, and a day is itself until midnight."""
    made, asked = calendar("monday"), str(times[day % len(times)].astimezone(UTC).date())
    span = span_of(period, None)
    tests = {
        "during": lambda it: (span.start is None or it >= span.start) and (span.end is None or it < span.end),
        "eq": lambda it: str(it) == asked,
        "ne": lambda it: str(it) != asked,
        "lt": lambda it: str(it) < asked,
        "le": lambda it: str(it) <= asked,
        "gt": lambda it: str(it) > asked,
        "ge": lambda it: str(it) >= asked,
    }
    plain = MetricQuery(("lines",), (Dimension("line", "log.line"),))
    for op, holds in tests.items():
        query = msgspec.structs.replace(plain, where=(Filter(f"log.{kind}", op, (period if op == "during" else asked,)),))  # type: ignore[arg-type]
        assert set(answer(connection, times, made, query)) == {
            line for line, time in enumerate(times) if holds(time.astimezone(UTC).date())
        }
