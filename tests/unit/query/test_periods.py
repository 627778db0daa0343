"""What periods mean on a date."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.query.star import app, with_sunday_weeks

from seawall.app.model import Comparison, Dimension, Filter, MetricQuery
from seawall.query.errors import InvalidQuery
from seawall.query.periods import (
    Latest,
    Span,
    compared,
    earlier_start,
    last_complete,
    latest_period,
    moved,
    span_of,
    truncated,
)

AS_OF = date(2018, 1, 1)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2017-01-01..2017-03-31", "2017-01-01", "2017-04-01"),
        ("2017-03-31..", "2017-03-31", None),
        ("..2017-03-31", None, "2017-04-01"),
        ("2017-04", "2017-04-01", "2017-05-01"),
        ("2017", "2017-01-01", "2018-01-01"),
        ("2017-02-28", "2017-02-28", "2017-03-01"),
        ("last_4_weeks", "2017-12-04", "2018-01-01"),
        ("last_1_week", "2017-12-25", "2018-01-01"),
        ("last_3_months", "2017-10-01", "2018-01-01"),
        ("last_2_quarters", "2017-07-01", "2018-01-01"),
        ("last_1_year", "2017-01-01", "2018-01-01"),
        ("last_7_days", "2017-12-25", "2018-01-01"),
        ("this_month", "2018-01-01", "2018-02-01"),
    ],
)
def test_a_period_is_a_span_of_days(text: str, start: str | None, end: str | None) -> None:
    """Both days of a range are inside; relative periods are complete at the watermark's date."""
    made = span_of(text, AS_OF)
    assert (made.start and made.start.isoformat(), made.end and made.end.isoformat()) == (start, end)


@pytest.mark.parametrize(
    "text", ["", "..", "soon", "2017-13", "2017-02-30..", "2017-03-01..2017-02-01", "last_0_weeks", "last_99999_years", "0000", "9999"]
)
def test_what_is_not_a_period_is_refused(text: str) -> None:
    """Days that do not exist, spans that end before they begin, and words."""
    with pytest.raises(InvalidQuery):
        span_of(text, AS_OF)


def test_a_week_in_progress_is_not_complete() -> None:
    """On a Sunday the week still runs; with weeks that start on Sunday it is over."""
    sunday = date(2017, 12, 31)
    assert last_complete(1, "week", sunday).end == date(2017, 12, 25)
    assert last_complete(1, "week", sunday, "sunday").end == sunday


def test_relative_periods_need_a_date() -> None:
    """Without a watermark's date nobody knows what is last."""
    with pytest.raises(InvalidQuery, match="date to count back from"):
        span_of("last_4_weeks", None)


days = st.dates(date(1900, 1, 1), date(2100, 1, 1))
grains = st.sampled_from(("day", "week", "month", "quarter", "year"))
starts = st.sampled_from(("monday", "sunday", "saturday"))


@given(day=days, grain=grains, week_starts=starts, count=st.integers(1, 60))
def test_last_complete_periods_tile(day: date, grain: str, week_starts: str, count: int) -> None:
    """N periods end at or before the date, within one period of it, and are one more than N - 1."""
    span = last_complete(count, grain, day, week_starts)  # type: ignore[arg-type]
    assert span.start is not None
    assert span.end is not None
    assert span.end <= day < moved(span.end, grain, 1)  # type: ignore[arg-type]
    assert truncated(span.start, grain, week_starts) == span.start  # type: ignore[arg-type]
    assert moved(span.start, grain, count) == span.end  # type: ignore[arg-type]


@given(first=days, length=st.integers(0, 800))
def test_a_span_reads_its_own_text(first: date, length: int) -> None:
    """Text and span are two forms of one thing."""
    span = Span(first, first + timedelta(days=length + 1))
    assert span_of(span.text(), None) == span


def question(period: str = "") -> MetricQuery:
    where = (Filter("", "during", (period,)),) if period else ()
    return MetricQuery(("revenue",), (), where)


@pytest.mark.parametrize(
    ("query", "period", "expected"),
    [
        (question("last_4_weeks"), "previous", "2017-11-06..2017-12-03"),
        (question("last_4_weeks"), "year_ago", "2016-12-05..2017-01-01"),
        (question("2017-03"), "previous", "2017-02-01..2017-02-28"),
        (question("2017-03"), "year_ago", "2016-03-01..2016-03-31"),
        (question("2017-01-10..2017-01-19"), "previous", "2016-12-31..2017-01-09"),
    ],
)
def test_comparisons_ask_the_same_about_an_earlier_period(query: MetricQuery, period: str, expected: str) -> None:
    """Without a grain all the days compare with as many before: months with whole months, weeks with weeks."""
    earlier = compared(app(), query, Comparison(period), AS_OF)  # type: ignore[arg-type]
    assert earlier is not None
    assert earlier.where == (Filter("", "during", (expected,)),)
    assert earlier.last is None


def weekly(period: str = "", last: int | None = None, grain: str = "week") -> MetricQuery:
    where = (Filter("", "during", (period,)),) if period else ()
    return MetricQuery(("revenue",), (Dimension(grain, "", grain),), where, last=last)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "latest", "previous", "year_ago"),
    [
        (weekly(last=1), "2017-12-25", "2017-12-18", "2016-12-26"),
        (weekly(last=13), "2017-12-25", "2017-12-18", "2016-12-26"),
        (weekly(), "2017-12-25", "2017-12-18", "2016-12-26"),
        (weekly("2017-03"), "2017-03-20", "2017-03-13", "2016-03-21"),
        (weekly(last=3, grain="month"), "2017-12-01", "2017-11-01", "2016-12-01"),
        (weekly("2017-02-10..2017-03-31", grain="month"), "2017-03-01", "2017-02-01", "2016-03-01"),
        (weekly(grain="quarter"), "2017-10-01", "2017-07-01", "2016-10-01"),
        (weekly(grain="day"), "2017-12-31", "2017-12-30", "2017-01-01"),
    ],
)
def test_over_time_the_last_whole_period_is_compared(query: MetricQuery, latest: str, previous: str, year_ago: str) -> None:
    """With the one before it, or the same a year before: however many are shown, and only whole ones."""
    assert latest_period(app(), query, AS_OF) == Latest(date.fromisoformat(latest))
    for period, expected in (("previous", previous), ("year_ago", year_ago)):
        earlier = compared(app(), query, Comparison(period), AS_OF)  # type: ignore[arg-type]
        assert earlier is not None
        assert [str(each.values[0]).partition("..")[0] for each in earlier.where] == [expected]
        assert earlier.last is None


@pytest.mark.parametrize("time", ["", "sales.sold_at"])
def test_weeks_begin_as_the_time_of_the_fact_says(time: str) -> None:
    """Rows of a week that begins on Sunday are told and compared by that Sunday, whether the question names the field or not."""
    shop = with_sunday_weeks()
    query = MetricQuery(("revenue",), (Dimension("week", time, "week"),), last=13)
    assert latest_period(shop, query, AS_OF) == Latest(date(2017, 12, 24))
    earlier = compared(shop, query, Comparison(), AS_OF)
    assert earlier is not None
    assert earlier.where == (Filter(time, "during", ("2017-12-17..2017-12-23",)),)
    latest_weeks = msgspec.structs.replace(query, by=(), last=None, where=(Filter(time, "during", ("last_1_week",)),))
    before = compared(shop, latest_weeks, Comparison(), AS_OF)
    assert before is not None
    assert before.where == (Filter(time, "during", ("2017-12-17..2017-12-23",)),)


@pytest.mark.parametrize("query", [weekly("2017-03-07..2017-03-15"), weekly("2017-03-06..2017-03-10"), weekly("2018-02-01..2018-02-28")])
def test_days_without_a_whole_period_compare_with_nothing(query: MetricQuery) -> None:
    """Half a week is not set against a whole one."""
    assert latest_period(app(), query, AS_OF) == Latest(None)
    assert compared(app(), query, Comparison(), AS_OF) is None


@given(day=days, grain=grains, last=st.integers(1, 60), period=st.sampled_from(("previous", "year_ago")))
def test_a_comparison_asks_for_the_period_that_the_number_looks_for(day: date, grain: str, last: int, period: str) -> None:
    """What is asked for is one whole period, the one drawing will look up by date."""
    query = weekly(last=last, grain=grain)
    latest = latest_period(app(), query, day)
    earlier = compared(app(), query, Comparison(period), day)  # type: ignore[arg-type]
    assert latest is not None
    assert latest.start is not None
    assert earlier is not None
    asked = span_of(str(earlier.where[-1].values[0]), day)
    assert asked.start == earlier_start(latest.start, grain, period)  # type: ignore[arg-type]
    assert asked.start is not None
    assert truncated(asked.start, grain) == asked.start  # type: ignore[arg-type]
    assert moved(asked.start, grain, 1) == asked.end  # type: ignore[arg-type]


@pytest.mark.parametrize(("period", "ago"), [("0001-01-01..2017-12-31", "previous"), ("0001-05", "year_ago"), ("0001", "previous")])
def test_before_year_one_there_is_nothing_to_compare_with(period: str, ago: str) -> None:
    """However long the days asked about are, asking is no fault."""
    assert compared(app(), question(period), Comparison(ago), AS_OF) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("period", ["", "2017-01-01.."])
def test_without_a_bounded_period_there_is_nothing_to_compare_with(period: str) -> None:
    """All time has no time before it."""
    assert compared(app(), question(period), Comparison("previous"), AS_OF) is None
