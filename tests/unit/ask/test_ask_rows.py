"""What is computed beside a query's rows: ratios, two periods side by side, and the chart that suits."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.query import star

from seawall.app.model import Filter, Format, Grain, Order, Text
from seawall.ask.answer import compared_query, shown
from seawall.ask.answer_chart import chart_of
from seawall.ask.contract import columns
from seawall.ask.meeting import Meeting, stretches
from seawall.ask.question import Question, by_field, by_time, during
from seawall.ask.rows import Rows, beside, ordered, trimmed, with_ratio
from seawall.query.errors import InvalidQuery
from seawall.query.periods import Span
from seawall.query.port import Column

AS_OF = date(2018, 1, 1)
SALES = Column("sales", "Float", Text({"en": "Sales"}), Format(style="currency", currency="USD"), "metric", better="up")
TRIPS = Column("trips", "Integer", Text({"en": "Trips"}), Format(style="integer"), "metric")
TOWN = Column("town", "String", Text({"en": "Town"}), Format(style="text"), "dimension")
BY_TOWN = (by_field("shops.town"),)


def rows(**columns: list[object]) -> Rows:
    known = {"sales": SALES, "trips": TRIPS, "town": TOWN}
    return Rows(tuple(known[name] for name in columns), pa.table(columns))


def test_a_ratio_stands_first_and_is_nothing_over_zero() -> None:
    """Sales per trip, in dollars and cents."""
    made = with_ratio(rows(town=["Ulm", "Bonn", "Kiel"], sales=[10.0, 8.0, None], trips=[4, 0, 2]))
    assert made.table.column("ratio").to_pylist() == [2.5, None, None]
    assert [column.name for column in made.columns] == ["town", "ratio", "sales", "trips"]
    assert made.columns[1].label.in_locale("en") == "Sales per Trips"
    assert made.columns[1].format.decimals == 2


def test_two_periods_meet_where_their_towns_are_equal() -> None:
    """A town that only one of them has is there, without a change."""
    made = beside(rows(town=["Ulm", None], sales=[12.0, 1.0]), rows(town=["Ulm", "Bonn"], sales=[10.0, 5.0]), in_order=False)
    told = {row["town"]: (row["sales"], row["before"], row["change"]) for row in made.table.to_pylist()}
    assert told["Ulm"][:2] == (12.0, 10.0)
    assert told["Ulm"][2] == pytest.approx(0.2)
    assert told[None] == (1.0, None, None)
    assert told["Bonn"] == (None, 5.0, None)


def test_every_metric_has_its_value_before_and_its_change() -> None:
    """Side by side, metric by metric; the first one's columns keep their plain names."""
    made = beside(rows(town=["Ulm"], sales=[12.0], trips=[3]), rows(town=["Bonn", "Ulm"], sales=[5.0, 10.0], trips=[1, 4]), in_order=False)
    assert [column.name for column in made.columns] == ["town", "sales", "before", "change", "trips", "before_trips", "change_trips"]
    labels = [column.label.in_locale("en") for column in made.columns]
    assert labels[2:] == ["Sales before", "Sales change", "Trips", "Trips before", "Trips change"]
    ulm, bonn = made.table.to_pylist()
    assert (ulm["trips"], ulm["before_trips"], ulm["change_trips"]) == (3, 4, -0.25)
    assert (bonn["town"], bonn["trips"], bonn["before_trips"], bonn["change_trips"]) == ("Bonn", None, 1, None)


def test_two_spans_of_time_meet_by_place() -> None:
    """The first week with the first, whatever they are called; a week that the other time has not is alone."""
    made = beside(rows(town=["w5", "w6"], sales=[2.0, 3.0], trips=[1, 1]), rows(town=["w1"], sales=[1.0], trips=[2]), in_order=True)
    told = [(row["town"], row["before"], row["before_trips"]) for row in made.table.to_pylist()]
    assert told == [("w5", 1.0, 2), ("w6", None, None)]


def test_another_time_than_the_one_before_is_named() -> None:
    """May is not "before" March."""
    made = beside(
        rows(sales=[2.0], trips=[1]), rows(sales=[1.0], trips=[1]), in_order=False, time=Text({"en": "May 2017", "de": "Mai 2017"})
    )
    assert [column.label.in_locale("de") for column in made.columns][1:3] == ["Sales, Mai 2017", "Sales, Änderung"]
    assert made.table.num_rows == 1


def test_the_largest_change_comes_first_and_unknown_ones_last() -> None:
    """Sorted by what no database computed."""
    made = beside(rows(town=["A", "B", "C"], sales=[2.0, 9.0, 1.0]), rows(town=["A", "B"], sales=[1.0, 3.0]), in_order=False)
    question = Question(("sales",), BY_TOWN, order=(Order("change", descending=True),), limit=3)
    assert ordered(made, question).table.column("town").to_pylist() == ["B", "A", "C"]
    none = beside(Rows(made.columns[:2], made.table.select([0, 1]).slice(0, 0)), rows(town=["A"], sales=[1.0]), in_order=False)
    assert ordered(Rows(none.columns, none.table.slice(0, 0)), question).table.num_rows == 0, "nothing is in order too"


@pytest.mark.parametrize(
    ("compare", "period", "other"),
    [
        ("previous", "2017-03", "2017-02-01..2017-02-28"),
        ("year_ago", "2017-03", "2016-03-01..2016-03-31"),
        ("previous", "last_1_week", "2017-12-18..2017-12-24"),
        ("2017-05", "2017-03", "2017-05"),
    ],
)
def test_a_comparison_asks_the_same_about_another_time(compare: str, period: str, other: str) -> None:
    """Everything else stays as it was asked."""
    question = Question(("sales",), BY_TOWN, (Filter("shops.town", "ne", ("Ulm",)), during(period)), compare=compare)
    earlier = compared_query(star.app(), question, shown(question), AS_OF)
    assert Filter("", "during", (other,)) in earlier.where
    assert Filter("shops.town", "ne", ("Ulm",)) in earlier.where
    assert sum(one.op == "during" for one in earlier.where) == 1


def test_weeks_before_are_weeks_of_the_field() -> None:
    """Where they begin on Sunday, those before end on Saturday."""
    question = Question(("units",), where=(during("last_4_weeks"),), compare="previous")
    earlier = compared_query(star.with_sunday_weeks(), question, shown(question), date(2026, 11, 25))
    assert earlier.where == (during("2026-09-27..2026-10-24"),)


def test_nothing_stands_before_all_of_time() -> None:
    """A comparison needs a period."""
    question = Question(("sales",), compare="previous")
    with pytest.raises(InvalidQuery):
        compared_query(star.app(), question, shown(question), AS_OF)


@pytest.mark.parametrize(
    ("question", "given", "mark"),
    [
        (Question(("sales",)), {"sales": [1.0]}, "number"),
        (Question(("sales",), BY_TOWN), {"town": ["Ulm"], "sales": [1.0]}, "bar"),
        (Question(("sales",), BY_TOWN, show="table"), {"town": ["Ulm"], "sales": [1.0]}, "table"),
        (Question(("sales",), (by_time("week"),)), {"town": ["2017-01-02"], "sales": [1.0]}, "line"),
        (Question(("sales",), (by_time("week"),), show="bar"), {"town": ["2017-01-02"], "sales": [1.0]}, "bar"),
        (Question((), BY_TOWN), {"town": ["Ulm"]}, "table"),
        (Question(("sales", "trips"), BY_TOWN, compare="previous"), {"town": ["Ulm"], "sales": [1.0], "trips": [1]}, "table"),
        (Question(("sales", "trips"), (by_time("week"),), compare="previous"), {"town": ["w"], "sales": [1.0], "trips": [1]}, "table"),
        (Question(("sales", "trips"), compare="2017-04"), {"sales": [1.0], "trips": [1]}, "table"),
        (Question(("sales", "trips"), BY_TOWN, compare="previous", show="bar"), {"town": ["U"], "sales": [1.0], "trips": [1]}, "bar"),
        (Question(("sales",), (by_time("week"), *BY_TOWN), compare="2017-04"), {"town": ["U"], "sales": [1.0]}, "table"),
        (Question(("sales", "trips"), compare="previous", ratio=True), {"sales": [1.0], "trips": [1]}, "number"),
    ],
)
def test_the_chart_suits_the_rows(question: Question, given: dict[str, list[object]], mark: str) -> None:
    """A number alone, bars for groups, a line over time, and what was asked for when it can be drawn."""
    assert chart_of(question, rows(**given)).layers[0].mark == mark


def test_each_metrics_change_orders_and_is_drawn() -> None:
    """Not the first one's alone."""
    now, before = rows(town=["A", "B"], sales=[2.0, 9.0], trips=[9, 1]), rows(town=["A", "B"], sales=[1.0, 9.0], trips=[3, 1])
    question = Question(("sales", "trips"), BY_TOWN, order=(Order("change_trips"),), compare="previous", show="bar")
    made = beside(now, before, in_order=False)
    assert ordered(made, question).table.column("town").to_pylist() == ["B", "A"]
    assert chart_of(question, made).layers[0].encoding["x"][0].field == "change_trips"
    assert columns(question) == ("town", "sales", "trips", "change", "change_trips")


DAY = Column("week", "Date", Text({"en": "Week"}), Format(style="week"), "dimension")


def by_week(*pairs: tuple[date, float], town: str = "") -> Rows:
    columns: dict[str, list[object]] = {"week": [day for day, _ in pairs], "sales": [value for _, value in pairs]}
    if not town:
        return Rows((DAY, SALES), pa.table(columns))
    return Rows((DAY, TOWN, SALES), pa.table({"week": columns["week"], "town": [town] * len(pairs), "sales": columns["sales"]}))


def meeting(now: Span, before: Span, grain: Grain = "week", as_of: date | None = None) -> Meeting:
    found = stretches(now, before, grain, "monday", as_of)
    assert found is not None
    return Meeting(*found, frozenset({"week"}))


MARCH, FEBRUARY = Span(date(2017, 3, 1), date(2017, 4, 1)), Span(date(2017, 2, 1), date(2017, 3, 1))


def test_weeks_meet_as_far_from_the_beginning_of_their_times() -> None:
    """Also where one has no rows: the third week meets the third, and one that only the time before has is called as now."""
    now = by_week((date(2017, 3, 6), 2.0), (date(2017, 3, 20), 4.0))
    before = by_week((date(2017, 2, 6), 1.0), (date(2017, 2, 13), 3.0), (date(2017, 2, 20), 5.0))
    told = beside(now, before, meeting=meeting(MARCH, FEBRUARY)).table.to_pylist()
    assert [(row["week"].day, row["sales"], row["before"], row["change"]) for row in told] == [
        (6, 2.0, 1.0, 1.0), (13, None, 3.0, None), (20, 4.0, 5.0, pytest.approx(-0.2)),
    ]  # fmt: skip


def test_parts_of_weeks_that_differ_do_not_meet() -> None:
    """March ends with five days of a week, February with two; its first five days are compared with five."""
    now = by_week((date(2017, 2, 27), 5.0), (date(2017, 3, 27), 5.0))
    before = by_week((date(2017, 1, 30), 4.0), (date(2017, 2, 27), 2.0))
    told = beside(now, before, meeting=meeting(MARCH, FEBRUARY)).table.to_pylist()
    assert [(row["sales"], row["before"], row["change"]) for row in told] == [(5.0, 4.0, 0.25), (5.0, None, None)]


@pytest.mark.parametrize("today", [date(2017, 3, 13), date(2017, 3, 15)])
def test_a_week_that_is_not_over_has_no_change_and_those_to_come_no_row(today: date) -> None:
    """The time before had them all; also where the data ends on the week's first day."""
    now = by_week((date(2017, 3, 6), 5.0), (date(2017, 3, 13), 1.0))
    before = by_week(*((date(2017, 2, day), 4.0) for day in (6, 13, 20)))
    told = beside(now, before, meeting=meeting(MARCH, FEBRUARY, as_of=today)).table.to_pylist()
    assert [(row["week"].day, row["change"]) for row in told] == [(6, 0.25), (13, None)]


def test_groups_meet_their_own_weeks() -> None:
    """A town that had no sales shifts no other."""
    now = by_week((date(2017, 3, 6), 2.0), (date(2017, 3, 13), 4.0), town="Ulm")
    before = by_week((date(2017, 2, 13), 2.0), town="Ulm")
    told = beside(now, before, meeting=meeting(MARCH, FEBRUARY)).table.to_pylist()
    assert [(row["week"].day, row["town"], row["before"]) for row in told] == [(6, "Ulm", None), (13, "Ulm", 2.0)]


@pytest.mark.parametrize(("grain", "days"), [("month", (1, 1)), ("quarter", (1, 1)), ("year", (1, 1)), ("day", (7, 9)), ("week", (6, 9))])
def test_whole_periods_are_compared_whatever_their_length(grain: Grain, days: tuple[int, int]) -> None:
    """March with February, though it has more days; days and weeks by how many came before them."""
    first, second = date(2017, 1, days[0]), date(2016, 1, days[1])
    both = meeting(Span(first, date(2018, 1, 1)), Span(second, date(2017, 1, 1)), grain)
    begins = both.now.begins(0)
    assert both.now.place(begins) == 0
    assert both.now.begins(both.now.place(both.now.begins(3))) == both.now.begins(3)
    assert both.called(both.before.begins(2)) == both.now.begins(2)


def test_times_without_an_end_meet_nowhere() -> None:
    """There rows meet by place."""
    assert stretches(Span(None, date(2017, 4, 1)), FEBRUARY, "week", "monday", None) is None


def test_hours_meet_their_own() -> None:
    """Those in which nothing was sold shift no other."""
    both = meeting(Span(date(2017, 3, 5), date(2017, 3, 7)), Span(date(2017, 3, 3), date(2017, 3, 5)), "hour")
    now, before = ([[datetime(2017, 3, day, hour, tzinfo=UTC) for day, hour in hours]] for hours in (((5, 8), (6, 9)), ((3, 7), (4, 9))))
    assert both.met(["week"], now, before) == [(None, 0), (0, None), (1, 1)]
    assert both.called(datetime(2017, 3, 4, 9, tzinfo=UTC)) == datetime(2017, 3, 6, 9, tzinfo=UTC)


QUESTIONS = st.builds(
    Question,
    st.sampled_from([("sales",), ("sales", "trips")]),
    st.lists(st.sampled_from([by_time("week"), by_time("month"), by_field("shops.town")]), max_size=3, unique=True).map(tuple),
    st.sampled_from([(), (during("2017-03"),)]),
    st.sampled_from([(), (Order("change"),), (Order("trips"),), (Order("ratio"),)]),
    st.sampled_from([None, 3]),
    st.none(),
    st.booleans(),
    st.sampled_from(["", "previous", "2017-04"]),
    st.sampled_from(["auto", "table", "bar", "line", "number"]),
)


@given(QUESTIONS)
def test_every_question_has_a_chart_before_it_has_rows(question: Question) -> None:
    """For the skeleton: nothing is known but the columns of its query."""
    known = {"sales": SALES, "trips": TRIPS}
    columns = [msgspec.structs.replace(TOWN, name=one.name) for one in question.by] + [known[name] for name in question.metrics]
    empty = pa.schema([pa.field(column.name, pa.null()) for column in columns]).empty_table()
    assert chart_of(question, Rows(tuple(columns), empty)).layers


def test_periods_of_which_nothing_is_known_are_no_ends_of_a_line() -> None:
    """Of a forecast those before it begins; gaps within it stay."""
    days = [date(2017, 1, day) for day in (2, 9, 16, 23, 30)]
    made = Rows((DAY, SALES), pa.table({"week": days, "sales": [None, 1.0, None, 2.0, None]}))
    assert trimmed(made).table.column("sales").to_pylist() == [1.0, None, 2.0]
    assert trimmed(Rows((DAY, SALES), pa.table({"week": days[:1], "sales": pa.array([None], pa.float64())}))).table.num_rows == 0
