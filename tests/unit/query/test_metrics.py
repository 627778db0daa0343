"""Numbers worked out by hand, on data made to mislead."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from tests.unit.query.star import BY_GROUP, SEMANTICS, app, everything, field, metric, viewer, with_sunday_weeks
from tests.unit.query.tables import Data, Shop

from seawall.app.model import Dimension, Filter, MetricQuery, Order, Policy, RowPolicy, RowsQuery
from seawall.query.policy import resolve

SHOP = app()
ALL = everything(SHOP)
DEPARTMENT = Dimension("department", "products.department")
WEEK = Dimension("week", "", "week")


def sale(number: int, at: str, amount: float, basket: int, product: int, store: int) -> dict[str, object]:
    row = {"sale_id": number, "sold_at": at, "amount": amount, "units": 1, "basket_id": basket, "household_id": 6 + basket}
    return row | {"product_id": product, "store_id": store}


DATA: Data = {
    "products": [{"product_id": 1, "department": "A", "brand": "own"}, {"product_id": 2, "department": "B", "brand": "own"}],
    "stores": [{"store_id": 1, "store_group": "north", "region_id": 1}, {"store_id": 2, "store_group": "south", "region_id": 1}],
    "regions": [{"region_id": 1, "region": "east"}],
    "sales": [sale(1, "2017-01-01T23:59", 10.0, 1, 1, 1), sale(2, "2017-01-02", 20.0, 1, 1, 2), sale(3, "2017-01-03", 5.0, 2, 9, 1)],
    "returns": [
        {"return_id": 1, "returned_on": date(2017, 1, 2), "refund": 4.0, "product_id": 1, "store_id": 1},
        {"return_id": 2, "returned_on": date(2017, 1, 2), "refund": 4.0, "product_id": 1, "store_id": 1},
        {"return_id": 3, "returned_on": date(2017, 1, 9), "refund": 1.0, "product_id": 2, "store_id": 2},
    ],
}


@pytest.fixture(scope="module")
def shop() -> Shop:
    made = Shop()
    made.fill(DATA)
    return made


def test_two_facts_are_summed_apart_and_then_joined(shop: Shop) -> None:
    """Department A has two sales and two returns: a plain join would double both. B has returns only, NULL sales only."""
    rows = shop.rows(SHOP, MetricQuery(("revenue", "refunds", "net", "return_rate"), (DEPARTMENT,)), ALL)
    assert rows == [("A", 30.0, 8.0, 22.0, 1.0), ("B", None, 1.0, None, None), (None, 5.0, None, 5.0, 0.0)]


def test_unknown_keys_and_null_groups_meet(shop: Shop) -> None:
    """Groups without a department are one group over both facts, not two."""
    shop.fill({**DATA, "returns": [*DATA["returns"], {"return_id": 4, "refund": 2.0, "product_id": None}]})
    rows = shop.rows(SHOP, MetricQuery(("revenue", "refunds"), (DEPARTMENT,)), ALL)
    shop.fill(DATA)
    assert rows[-1] == (None, 5.0, 2.0)
    assert len(rows) == 3


def test_weeks_are_cut_on_monday_unless_the_field_says_otherwise(shop: Shop) -> None:
    """2017-01-01 was a Sunday."""
    assert shop.rows(SHOP, MetricQuery(("revenue",), (WEEK,)), ALL) == [(date(2016, 12, 26), 10.0), (date(2017, 1, 2), 25.0)]
    american = with_sunday_weeks()
    assert shop.rows(american, MetricQuery(("revenue",), (WEEK,)), everything(american)) == [(date(2017, 1, 1), 35.0)]


def test_a_day_means_all_of_it(shop: Shop) -> None:
    """Conditions with a date on a date-and-time field include that day's evening."""

    def revenue(op: str, *values: str) -> object:
        return shop.rows(SHOP, MetricQuery(("revenue",), (), (Filter("sales.sold_at", op, values),)), ALL)[0][0]  # type: ignore[arg-type]

    assert revenue("le", "2017-01-01") == revenue("eq", "2017-01-01") == revenue("in", "2017-01-01") == 10.0
    assert (
        revenue("gt", "2017-01-01") == revenue("ge", "2017-01-02") == revenue("ne", "2017-01-01") == revenue("not_in", "2017-01-01") == 25.0
    )
    assert revenue("lt", "2017-01-02T00:00:00") == 10.0


def test_days_that_a_table_keeps_as_moments_are_days(shop: Shop) -> None:
    """Grouped, compared and allowed by a policy as the type that is declared, whatever the table's own."""
    sales = SEMANTICS.datasets["sales"]
    datasets = SEMANTICS.datasets | {
        "sales": msgspec.structs.replace(sales, fields=sales.fields | {"day": field("sales", "day", "Date", "sold_at")})
    }
    only = Policy("sales", (), (RowPolicy("sales.day", "in", values=("2017-01-01", "2017-01-03")),))
    dated = app({"sales": only}, semantics=msgspec.structs.replace(SEMANTICS, datasets=datasets))
    query = MetricQuery(("revenue",), (Dimension("day", "sales.day"),))
    assert shop.rows(dated, query, everything(dated)) == [(date(2017, 1, 1), 10.0), (date(2017, 1, 3), 5.0)]
    first = msgspec.structs.replace(query, by=(), where=(Filter("sales.day", "eq", ("2017-01-01",)),))
    assert shop.rows(dated, first, everything(dated)) == [(10.0,)]


def test_masked_fields_are_null_everywhere(shop: Shop) -> None:
    """Shown, filtered, grouped, counted and sorted: a masked household is nowhere, and neither is its twin over the same column."""
    masked = app({"sales": Policy("sales", (), (), {"household_id": ("board",)})})
    policy = resolve(masked, viewer())
    listing = RowsQuery("sales", ("sale_id", "household_id", "household"), (Order("sale_id"),))
    assert [row[1:3] for row in shop.rows(masked, listing, policy)] == [(None, None)] * 3
    for name in ("household_id", "household"):
        assert shop.rows(masked, MetricQuery(("revenue",), (), (Filter(f"sales.{name}", "eq", (7,)),)), policy) == [(None,)]
        assert shop.rows(masked, MetricQuery(("revenue",), (Dimension("h", f"sales.{name}"),)), policy) == [(None, 35.0)]
    assert shop.rows(masked, MetricQuery(("households",)), policy) == [(None,)]
    assert shop.rows(masked, MetricQuery(("households",)), everything(masked)) == [(2,)]


def test_a_hidden_dimension_row_does_not_hide_its_facts(shop: Shop) -> None:
    """Sales of products that policy hides are counted, under no department; sales that policy hides are not."""
    guarded = app({"sales": Policy("sales", (), (BY_GROUP,)), "stores": Policy("stores", ("board",))})
    policy = resolve(guarded, viewer(store_groups=("north",)))
    assert shop.rows(guarded, MetricQuery(("revenue",), (DEPARTMENT,)), policy) == [("A", 10.0), (None, 5.0)]


def test_division_by_zero_is_null(shop: Shop) -> None:
    """Neither infinity nor an error."""
    texts = {"a": "SUM(sales.units) / (SUM(sales.units) - SUM(sales.units))", "b": "SUM(sales.units) % 0", "c": "1 / COUNT(sales.sale_id)"}
    odd = {name: metric(name, text) for name, text in texts.items()}
    strange = app(semantics=msgspec.structs.replace(SEMANTICS, metrics=odd))
    assert shop.rows(strange, MetricQuery(("a", "b", "c")), everything(strange)) == [(None, None, pytest.approx(1 / 3))]


def test_nothing_is_one_row_without_groups_and_none_with(shop: Shop) -> None:
    """Counts of nothing are 0, sums of nothing NULL."""
    nowhere = (Filter("stores.store_group", "eq", ("nowhere",)),)
    query = MetricQuery(("sales_count", "revenue", "return_count"), (), nowhere)
    assert shop.rows(SHOP, query, ALL) == [(0, None, 0)]
    assert shop.rows(SHOP, msgspec.structs.replace(query, by=(DEPARTMENT,)), ALL) == []


def test_rows_may_show_fields_of_what_they_lead_to(shop: Shop) -> None:
    """Columns of another dataset keep the name they were asked by."""
    query = RowsQuery("sales", ("sale_id", "products.department", "regions.region"), (Order("sale_id", True),), limit=1)
    assert shop.answer(SHOP, query, ALL) == [{"sale_id": 3, "products.department": None, "regions.region": "east"}]
