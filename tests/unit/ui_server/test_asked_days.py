"""Which days a question over time asks about."""

from __future__ import annotations

from datetime import date

import pytest
from tests.unit.query import star
from tests.unit.ui_server.sample import sample_app

from seawall.app.model import Dimension, Filter, MetricQuery
from seawall.ask.question import by_field, by_time, during
from seawall.query.periods import Span
from seawall.ui.asked_days import asked_days

WEEKLY = by_time("week")


@pytest.mark.parametrize(
    ("by", "where", "days"),
    [
        (WEEKLY, (during("2017-03"),), Span(date(2017, 3, 1), date(2017, 4, 1))),
        (WEEKLY, (during("2017"), during("2017-06-15..")), Span(date(2017, 6, 15), date(2018, 1, 1))),
        (WEEKLY, (during("last_1_month"),), Span(date(2017, 12, 1), date(2018, 1, 1))),
        (WEEKLY, (during("2017-03", "transactions.sold_at"),), Span(date(2017, 3, 1), date(2017, 4, 1))),
        (WEEKLY, (Filter("transactions.store", "eq", ("S1",)),), None),
        (by_field("transactions.store"), (during("2017-03"),), None),
        (
            Dimension("week", "transactions.sold_at", "week"),
            (during("..2017-03-31", "transactions.sold_at"),),
            Span(None, date(2017, 4, 1)),
        ),
    ],
)
def test_the_days_are_those_that_all_periods_of_its_time_share(by: Dimension, where: tuple[Filter, ...], days: Span | None) -> None:
    """The time that a fact goes by is the same with and without its name."""
    assert asked_days(sample_app(), MetricQuery(("sales",), (by,), where), date(2018, 1, 5)) == days


def test_a_period_of_another_time_cuts_no_week() -> None:
    """Weeks of sales and returns each go by their own time; days of sales alone say nothing of them."""
    assert asked_days(star.app(), MetricQuery(("net",), (WEEKLY,), (during("2017-03", "sales.sold_at"),)), date(2018, 1, 5)) is None
