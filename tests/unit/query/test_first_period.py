"""Whether the first period of an answer over time is whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.query.star import COLUMNS, app, everything

from seawall.app.model import Bundle, Dimension, Filter, Grain, MetricQuery, Scalar
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded
from seawall.query.cache import Cache
from seawall.query.duckdb_engine import DuckDBEngine
from seawall.query.errors import InvalidQuery
from seawall.query.first_period import answer_and_whole_from, begins_late, begins_within, whole_from
from seawall.query.generations import Generation, TableFiles
from seawall.query.periods import moved, truncated
from seawall.query.results import ResultCache
from seawall.query.service import QueryService

APP = app()
ALL = everything(APP)
SUNDAY = date(2017, 1, 1)
MONDAY = date(2016, 12, 26)


@pytest.mark.parametrize(
    ("first", "grain", "days", "late"),
    [
        (date(2016, 12, 26), "week", [date(2017, 1, 1), date(2017, 1, 2)], True),
        (date(2017, 1, 2), "week", [date(2017, 1, 2), date(2017, 1, 3)], False),
        (date(2017, 1, 2), "week", [date(2017, 1, 3), date(2017, 1, 4)], True),
        (date(2017, 1, 2), "week", [date(2017, 1, 1), date(2017, 1, 2)], False),
        (date(2016, 12, 26), "week", [date(2017, 1, 1), date(2017, 1, 8)], False),
        (date(2017, 3, 1), "month", [date(2017, 3, 2), date(2017, 3, 3)], False),
        (date(2017, 3, 1), "month", [date(2017, 3, 16), date(2017, 3, 17)], True),
        (date(2017, 1, 1), "year", [date(2017, 3, 2), date(2017, 3, 3)], True),
        (date(2017, 1, 1), "year", [date(2017, 7, 1)], True),
    ],
)
def test_a_period_without_its_first_days_is_not_whole(first: date, grain: Grain, days: list[date], late: bool) -> None:
    """Unless the data came before it, lacks next to nothing of it, or has one day a week."""
    assert begins_late(first, grain, days) is late


@given(st.dates(date(2000, 1, 1), date(2030, 1, 1)), st.sampled_from(("week", "month", "quarter", "year")), st.integers(1, 3))
def test_data_that_begins_with_a_period_has_it_whole(day: date, grain: Grain, apart: int) -> None:
    """However many days lie between its rows."""
    first = truncated(day, grain)
    assert begins_late(first, grain, [first, first + timedelta(days=apart)]) is False
    assert begins_late(first, grain, [moved(first, grain, -1), first]) is False


class OneGeneration:
    """A generation reader with one generation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def current(self, app: str) -> Generation:
        return Generation("g1", "shop", 0.0, date(2017, 3, 1), {"t_sales": TableFiles(("sales.parquet",), 3, 1)})

    def locate(self, id: str) -> Mapping[str, Sequence[Path]]:
        return {f"t_{name}": [self.folder / f"{name}.parquet"] for name in ("sales", "returns")}


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[QueryService]:
    """Sales of every day from the first of January 2017, a Sunday; returns from the Monday before."""
    for name, time, begins in (("sales", "sold_at", SUNDAY), ("returns", "returned_on", MONDAY)):
        columns = {column: f"1 AS {column}" for column in COLUMNS[name]}
        columns[time] = f"CAST(day + INTERVAL 9 HOURS AS {COLUMNS[name][time]}) AS {time}"
        days = f"range(TIMESTAMP '{begins}', TIMESTAMP '2017-03-01', INTERVAL 1 DAY) t(day)"
        duckdb.sql(f"COPY (SELECT {', '.join(columns.values())} FROM {days}) TO '{tmp_path}/{name}.parquet' (FORMAT parquet)")
    reader = OneGeneration(tmp_path)
    engine = DuckDBEngine(reader.locate, directory=tmp_path)
    yield QueryService(Bundle(APP, "d" * 64), {"warehouse": engine}, reader)
    await engine.close()


@pytest.mark.parametrize(
    ("grain", "where", "whole"),
    [
        ("week", (), date(2017, 1, 2)),
        ("week", (Filter("", "during", ("2017-01-09..",)),), None),
        ("month", (), None),
        ("day", (), None),
        ("hour", (), None),
    ],
)
async def test_the_first_whole_period_is_told(service: QueryService, grain: Grain, where: tuple[Filter, ...], whole: date | None) -> None:
    """Data from a Sunday on has no first week, but a first month; asked from later on, every week is whole."""
    soon = Deadline.after(10)
    query = MetricQuery(("revenue",), (Dimension("time", "", grain),), where)
    answer = await service.table(query, ALL, deadline=soon)
    assert await whole_from(service, query, ALL, answer.table, deadline=soon) == whole


async def test_a_period_that_one_fact_has_whole_is_whole(service: QueryService) -> None:
    """Sales less returns: the week in which sales begin is one of returns."""
    query = MetricQuery(("net",), (Dimension("week", "", "week"),))
    answer, whole = await answer_and_whole_from(service, query, ALL, deadline=Deadline.after(10))
    assert (answer.table.column(0)[0].as_py(), whole) == (MONDAY, None)
    alone = msgspec.structs.replace(query, metrics=("revenue",))
    assert (await answer_and_whole_from(service, alone, ALL, deadline=Deadline.after(10)))[1] == date(2017, 1, 2)


@pytest.mark.parametrize(
    ("period", "begins"),
    [
        ("2016-12-01..2017-01-31", SUNDAY),
        ("2017-01", None),
        ("2016-12-31..2017-01-30", None),
        ("2016-11", None),
        ("..2017-01-31", None),
    ],
    ids=["half of it", "all of it", "all but a day", "nothing of it", "no beginning"],
)
async def test_a_period_that_has_data_in_a_part_is_told(service: QueryService, period: str, begins: date | None) -> None:
    """By the first day there is, where more than a little lacks before it."""
    query = MetricQuery(("revenue",), where=(Filter("", "during", (period,)),))
    assert await begins_within(service, query, ALL, deadline=Deadline.after(10)) == begins


class Asked:
    """An engine that notes what it is asked, and whether two questions were there at once."""

    def __init__(self, engine: DuckDBEngine) -> None:
        self.dialect = engine.dialect
        self.asked: list[tuple[str, tuple[Scalar, ...]]] = []
        self.together = False
        self._engine = engine
        self._running = 0

    async def stream(self, sql: str, parameters: Sequence[Scalar], **how: Any) -> AsyncIterator[pa.RecordBatch]:
        self.asked.append((sql, tuple(parameters)))
        self._running += 1
        self.together |= self._running > 1
        await asyncio.sleep(0)
        try:
            async for batch in self._engine.stream(sql, parameters, **how):
                yield batch
        finally:
            self._running -= 1


WEEKLY = MetricQuery(("revenue",), (Dimension("week", "", "week"),), last=8)
"""As of 2017-03-01 from 2017-01-02 on."""


@pytest.mark.parametrize(
    ("query", "whole", "together"),
    [
        (WEEKLY, None, True),
        (msgspec.structs.replace(WEEKLY, last=9), date(2017, 1, 2), True),
        (msgspec.structs.replace(WEEKLY, last=20), date(2017, 1, 2), True),
        (msgspec.structs.replace(WEEKLY, last=None, where=(Filter("", "during", ("2016-12-28..2017-02-01",)),)), date(2017, 1, 2), True),
        (msgspec.structs.replace(WEEKLY, last=None), date(2017, 1, 2), False),
        (MetricQuery(("revenue",), (Dimension("day", "", "day"),), last=8), None, False),
    ],
)
async def test_it_is_asked_while_the_answer_is_made(service: QueryService, query: MetricQuery, whole: date | None, together: bool) -> None:
    """Where the question says with which period it begins. The answer and what is told are those of one after the other."""
    engine = Asked(service._engines["warehouse"])  # type: ignore[arg-type]
    service._engines = {"warehouse": engine}  # type: ignore[dict-item]
    answer, told = await answer_and_whole_from(service, query, ALL, deadline=Deadline.after(10))
    assert answer.table == (await service.table(query, ALL, deadline=Deadline.after(10))).table
    assert told == whole == await whole_from(service, query, ALL, answer.table, deadline=Deadline.after(10))
    assert engine.together is together


async def test_answers_that_begin_together_share_it(service: QueryService) -> None:
    """Three weekly panels under different filters ask four questions."""
    engine = Asked(service._engines["warehouse"])  # type: ignore[arg-type]
    results = ResultCache(Cache())
    sharing = QueryService(Bundle(APP, "d" * 64), {"warehouse": engine}, service._generations, results)  # type: ignore[dict-item]
    filters = [(), (Filter("sales.units", "ge", (1,)),), (Filter("sales.amount", "gt", (0.5,)),)]
    asked = [msgspec.structs.replace(WEEKLY, last=9, where=where) for where in filters]
    made = await asyncio.gather(*(answer_and_whole_from(sharing, query, ALL, deadline=Deadline.after(10)) for query in asked))
    assert [whole for _, whole in made] == [date(2017, 1, 2)] * 3
    assert len(engine.asked) == 4
    await results.close()


async def test_answers_come_in_the_order_they_are_asked_for(service: QueryService) -> None:
    """Each with what is told of it: nothing that a page's first panel needs stands behind the panels after it."""
    engine = Asked(service._engines["warehouse"])  # type: ignore[arg-type]
    results = ResultCache(Cache())
    busy = QueryService(Bundle(APP, "d" * 64), {"warehouse": engine}, service._generations, results)  # type: ignore[dict-item]
    plain = MetricQuery(("revenue",), (Dimension("units", "sales.units"),))
    queries = [msgspec.structs.replace(WEEKLY, last=4), plain, msgspec.structs.replace(WEEKLY, last=6), plain, WEEKLY]
    await asyncio.gather(*(answer_and_whole_from(busy, query, ALL, deadline=Deadline.after(10)) for query in queries))
    mains = [busy.compile(query, ALL)[1] for query in dict.fromkeys(queries)]
    assert [engine.asked.index((main.sql, main.parameters)) for main in mains] == [1, 2, 4, 6]
    await results.close()


async def test_what_the_answer_raises_is_raised(service: QueryService) -> None:
    """A question that is refused is refused, and nothing is left running."""
    refused = msgspec.structs.replace(WEEKLY, where=(Filter("sales.units", "eq", ("many",)),))
    with pytest.raises(InvalidQuery):
        await answer_and_whole_from(service, refused, ALL, deadline=Deadline.after(10))
    with pytest.raises(DeadlineExceeded):
        await answer_and_whole_from(service, WEEKLY, ALL, deadline=Deadline.after(0))


async def test_an_answer_does_not_wait_for_it(service: QueryService) -> None:
    """When no time is left the answer stands as it is."""
    query = MetricQuery(("revenue",), (Dimension("time", "", "week"),))
    answer = await service.table(query, ALL, deadline=Deadline.after(10))
    assert isinstance(answer.table.column(0)[0].as_py(), date | datetime)
    assert await whole_from(service, query, ALL, answer.table, deadline=Deadline.after(0)) is None
