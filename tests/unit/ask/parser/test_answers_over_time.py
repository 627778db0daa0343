"""Answers over time beside another time, over real Parquet and DuckDB."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import duckdb
import msgspec
import pytest

from seawall.app.model import Bundle, Dimension, Text
from seawall.ask.answer import answered
from seawall.ask.question import Question, by_field, by_time, during
from seawall.core.deadline import Deadline
from seawall.query.duckdb_engine import DuckDBEngine
from seawall.query.policy import Access, EffectivePolicy
from seawall.query.service import QueryService

from .conftest import OneGeneration, bicycles

POLICY = EffectivePolicy({"trips": Access()})
DAYS = ("2023-02-01", "2023-02-07", "2023-02-14", "2023-02-14", "2023-02-28", "2023-03-02", "2023-03-14", "2023-03-30")
"""Wednesdays to Thursdays: February's and March's first days are the same ones of the week, their last are not."""
WEEKLY = by_time("week")


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[QueryService]:
    """A trip on each of the days."""
    rows = ", ".join(f"(TIMESTAMP '{day} 10:00', {number}, 7, 'Member', 'HAR', 'ZOO', 12.0, 0, false)" for number, day in enumerate(DAYS))
    names = "started_at, trip_id, bike_id, rider, start, finish, minutes, stops, late"
    made = f"SELECT * FROM (VALUES {rows}) AS t({names})"
    duckdb.connect().execute(f"COPY ({made}) TO '{tmp_path}/trips.parquet' (FORMAT parquet)").fetchall()
    engine = DuckDBEngine(OneGeneration(tmp_path).locate, directory=tmp_path)
    yield QueryService(Bundle(bicycles(), "d" * 64), {"warehouse": engine}, OneGeneration(tmp_path))
    await engine.close()


async def told(service: QueryService, question: Question) -> list[tuple[object, ...]]:
    """The rows."""
    made = await answered(service, POLICY, question, Text({}), deadline=Deadline.after(20))
    return [tuple(row.values()) for row in made.rows.table.to_pylist()]


@pytest.mark.parametrize("by", [WEEKLY, Dimension("week", "trips.started_at", "week")])
@pytest.mark.parametrize("compare", ["previous", "2023-02"])
async def test_the_third_week_meets_the_third(service: QueryService, by: Dimension, compare: str) -> None:
    """March's first and third with February's, though its second has no trip; five days of the last do not meet two."""
    rows = await told(service, Question(("trip_count",), (by,), (during("2023-03"),), compare=compare))
    assert rows == [
        (date(2023, 2, 27), 1, 1, 0.0),
        (date(2023, 3, 6), None, 1, None),
        (date(2023, 3, 13), 1, 2, -0.5),
        (date(2023, 3, 27), 1, None, None),
    ]


async def test_groups_over_time_meet_their_own(service: QueryService) -> None:
    """Whichever comes first, the time or the group."""
    groups = (by_field("trips.rider"), WEEKLY)
    for by in (groups, groups[::-1]):
        rows = await told(service, Question(("trip_count",), by, (during("2023-03"),), compare="previous"))
        assert sorted(row[2:4] for row in rows if row[2] and row[3]) == [(1, 1), (1, 2)]


async def test_a_number_of_one_month_stands_above_that_of_another(service: QueryService) -> None:
    """Each with its period as addresses write it."""
    assert await told(service, Question(("trip_count",), (), (during("2023-03"),), compare="2023-02")) == [("2023-03", 3), ("2023-02", 5)]


async def test_no_change_is_told_of_a_time_within_which_the_data_begins(service: QueryService) -> None:
    """Nine days of nineteen are not what came before: both numbers stand there, and why nothing is said of the difference."""
    question = Question(("trip_count",), (by_field("trips.rider"),), (during("2023-02-10..2023-02-28"),), compare="previous")
    made = await answered(service, POLICY, question, Text({}), deadline=Deadline.after(20))
    assert (made.rows.table.to_pylist(), made.compared_from) == (
        [{"rider": "Member", "trip_count": 3, "before": 2, "change": None}],
        date(2023, 2, 1),
    )
    alone = await answered(service, POLICY, msgspec.structs.replace(question, by=()), Text({}), deadline=Deadline.after(20))
    assert (alone.comparison, alone.compared_from) == (None, date(2023, 2, 1))


async def test_weeks_before_the_data_begins_meet_nothing(service: QueryService) -> None:
    """The week of its first day neither; later ones do."""
    question = Question(("trip_count",), (WEEKLY,), (during("2023-02-13..2023-03-12"),), compare="2023-01-16..2023-02-12")
    assert await told(service, question) == [
        (date(2023, 2, 13), 2, None, None),
        (date(2023, 2, 27), 2, None, None),
        (date(2023, 3, 6), None, 1, None),
    ]
