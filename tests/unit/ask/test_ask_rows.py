"""What is computed beside a query's rows: ratios, two periods side by side, and the chart that suits."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from seawall.app.model import Filter, Format, Order, Text
from seawall.ask.answer import chart_of, compared_query, shown
from seawall.ask.question import Question, by_field, by_time, during
from seawall.ask.rows import Rows, beside, ordered, with_ratio
from seawall.query.errors import InvalidQuery
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


def test_the_largest_change_comes_first_and_unknown_ones_last() -> None:
    """Sorted by what no database computed."""
    made = beside(rows(town=["A", "B", "C"], sales=[2.0, 9.0, 1.0]), rows(town=["A", "B"], sales=[1.0, 3.0]), in_order=False)
    question = Question(("sales",), BY_TOWN, order=(Order("change", descending=True),), limit=3)
    assert ordered(made, question).table.column("town").to_pylist() == ["B", "A", "C"]


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
    earlier = compared_query(question, shown(question), AS_OF)
    assert Filter("", "during", (other,)) in earlier.where
    assert Filter("shops.town", "ne", ("Ulm",)) in earlier.where
    assert sum(one.op == "during" for one in earlier.where) == 1


def test_nothing_stands_before_all_of_time() -> None:
    """A comparison needs a period."""
    question = Question(("sales",), compare="previous")
    with pytest.raises(InvalidQuery):
        compared_query(question, shown(question), AS_OF)


@pytest.mark.parametrize(
    ("question", "columns", "mark"),
    [
        (Question(("sales",)), {"sales": [1.0]}, "number"),
        (Question(("sales",), BY_TOWN), {"town": ["Ulm"], "sales": [1.0]}, "bar"),
        (Question(("sales",), BY_TOWN, show="table"), {"town": ["Ulm"], "sales": [1.0]}, "table"),
        (Question(("sales",), (by_time("week"),)), {"town": ["2017-01-02"], "sales": [1.0]}, "line"),
        (Question(("sales",), (by_time("week"),), show="bar"), {"town": ["2017-01-02"], "sales": [1.0]}, "bar"),
        (Question((), BY_TOWN), {"town": ["Ulm"]}, "table"),
    ],
)
def test_the_chart_suits_the_rows(question: Question, columns: dict[str, list[object]], mark: str) -> None:
    """A number alone, bars for groups, a line over time, and what was asked for when it can be drawn."""
    assert chart_of(question, rows(**columns)).layers[0].mark == mark
