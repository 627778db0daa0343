"""Filters from people and URLs."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from tests.unit.query.star import app, viewer

from seawall.app.model import Chart, Comparison, Dimension, Filter, MetricQuery, Page, PageFilter, Panel, Text
from seawall.core.errors import InvalidInput, SeawallError
from seawall.query.filters import apply, from_url, parse_where
from seawall.query.periods import Latest, compared, latest_period
from seawall.query.policy import resolve

SHOP = app()
NONE = Text({})
CONTROLS = {
    "department": PageFilter("department", "products.department", NONE, "multiselect"),
    "brand": PageFilter("brand", "products.brand", NONE, "select"),
    "reason": PageFilter("reason", "returns.reason", NONE, "text"),
    "units": PageFilter("units", "sales.units", NONE, "range"),
    "sold": PageFilter("sold", "sales.sold_at", NONE, "range"),
    "period": PageFilter("period", "", NONE, "period"),
}
JANUARY = [Filter("sales.sold_at", "ge", ("2017-01-01",)), Filter("sales.sold_at", "le", ("2017-01-31",))]
PAGE = Page("demand", NONE, {}, (), CONTROLS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("department = GROCERY", Filter("products.department", "eq", ("GROCERY",))),
        ("sales.units >= 3", Filter("sales.units", "ge", (3,))),
        ("store_group in a, b", Filter("stores.store_group", "in", ("a", "b"))),
        ("reason is not null", Filter("returns.reason", "not_null")),
        ("sold_at <= 2017-03-31", Filter("sales.sold_at", "le", ("2017-03-31",))),
        ("sold_at during last_4_weeks", Filter("sales.sold_at", "during", ("last_4_weeks",))),
        ("is_large = true", Filter("sales.is_large", "eq", (True,))),
    ],
)
def test_conditions_are_read_with_their_types(text: str, expected: Filter) -> None:
    """Names resolve, values take the field's type."""
    assert parse_where(SHOP, text) == expected


@pytest.mark.parametrize("text", ["", "nothing = 1", "units = many", "units contains 3", "region_id = 1", "department ~ x", "plan = x"])
def test_bad_conditions_are_refused(text: str) -> None:
    """Unknown, ambiguous, hidden, mistyped: each is an error in words."""
    with pytest.raises(SeawallError):
        parse_where(SHOP, text, resolve(SHOP, viewer()))


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("department", ["B", "A", "B"], [Filter("products.department", "in", ("B", "A"))]),
        ("brand", ["own"], [Filter("products.brand", "eq", ("own",))]),
        ("reason", ["Late"], [Filter("returns.reason", "contains", ("Late",))]),
        ("units", ["2..5"], [Filter("sales.units", "ge", (2,)), Filter("sales.units", "le", (5,))]),
        ("units", ["..5"], [Filter("sales.units", "le", (5,))]),
        ("units", ["5"], [Filter("sales.units", "eq", (5,))]),
        (
            "sold",
            ["2017-01-01..2017-01-31"],
            [Filter("sales.sold_at", "ge", ("2017-01-01",)), Filter("sales.sold_at", "le", ("2017-01-31",))],
        ),
        ("period", ["last_4_weeks"], [Filter("", "during", ("last_4_weeks",))]),
    ],
)
def test_url_values_become_conditions(name: str, values: list[str], expected: list[Filter]) -> None:
    """Each control reads its parameter in its own way."""
    assert from_url(SHOP, PAGE, {name: values, "unknown": ["x"]}) == {name: tuple(expected)}


@pytest.mark.parametrize("values", [[], [""], ["all"]])
def test_nothing_chosen_filters_nothing(values: list[str]) -> None:
    """Empty controls are not conditions."""
    assert from_url(SHOP, PAGE, {"department": values, "period": values}) == {}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("units", ["many"]),
        ("units", [".."]),
        ("units", ["1..x"]),
        ("units", ["20..5"]),
        ("sold", ["2017-02-01..2017-01-31"]),
        ("sold", ["yesterday"]),
        ("period", ["soon"]),
        ("period", ["2017-02-30.."]),
        ("brand", ["a", "b"]),
    ],
)
def test_a_value_of_the_wrong_type_names_its_parameter(name: str, values: list[str]) -> None:
    """Whoever wrote the URL learns which part is wrong, and what was expected."""
    with pytest.raises(InvalidInput, match=f"'{name}'") as caught:
        from_url(SHOP, PAGE, {name: values})
    assert caught.value.expected


def panel(filters: tuple[str, ...], last: int | None = None, where: tuple[Filter, ...] = ()) -> Panel:
    query = MetricQuery(("revenue",), (Dimension("week", "", "week"),), where, last=last)
    return Panel("p", NONE, query, Chart(()), filters=filters)


def test_a_panel_takes_only_the_filters_that_touch_it() -> None:
    """Its own conditions stay."""
    own = Filter("products.department", "ne", ("FUEL",))
    chosen = {"brand": (Filter("products.brand", "eq", ("own",)),), "units": (Filter("sales.units", "eq", (1,)),)}
    assert apply(panel(("brand",), where=(own,)), chosen, SHOP).where == (own, *chosen["brand"])


def test_a_chosen_period_replaces_the_panels_own() -> None:
    """`last: 13` and a standing `during` give way to what the user asks for."""
    chosen = Filter("", "during", ("2017-03",))
    query = apply(panel(("period",), 13, (Filter("", "during", ("last_4_weeks",)),)), {"period": (chosen,)}, SHOP)
    assert query == panel((), None, (chosen,)).query


@pytest.mark.parametrize(("chosen", "own"), [("sales.sold_at", ""), ("", "sales.sold_at"), ("sales.sold_at", "sales.sold_at")])
def test_the_time_of_a_fact_has_two_names(chosen: str, own: str) -> None:
    """A filter that names the field replaces `last: 13` as one that names none does; the number told is that of the chosen days."""
    query = MetricQuery(("revenue",), (Dimension("week", own, "week"),), (Filter(own, "during", ("last_4_weeks",)),), last=13)
    period = Filter(chosen, "during", ("2017-03",))
    asked = apply(msgspec.structs.replace(panel(("period",)), query=query), {"period": (period,)}, SHOP)
    assert asked == msgspec.structs.replace(query, where=(period,), last=None)
    assert isinstance(asked, MetricQuery)
    assert latest_period(SHOP, asked, date(2017, 12, 31)) == Latest(date(2017, 3, 20))
    earlier = compared(SHOP, asked, Comparison(), date(2017, 12, 31))
    assert earlier is not None
    assert earlier.where == (Filter(own, "during", ("2017-03-13..2017-03-19",)),)


def test_the_times_of_several_facts_have_names_of_their_own() -> None:
    """A period of sales leaves the default times of sales and returns alone."""
    asked = msgspec.structs.replace(panel(("period",), 13), query=MetricQuery(("net",), (Dimension("week", "", "week"),), last=13))
    period = Filter("sales.sold_at", "during", ("2017-03",))
    assert apply(asked, {"period": (period,)}, SHOP) == msgspec.structs.replace(asked.query, where=(period,))


def test_without_a_chosen_period_the_panels_own_stays() -> None:
    """Filters on other fields leave time alone."""
    asked = panel(("brand", "period"), 13)
    assert apply(asked, {"brand": ()}, SHOP) == asked.query
