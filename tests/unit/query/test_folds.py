"""A fact is folded before its join where that gives the very same numbers and pays; elsewhere it is joined as it is."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.query import naive
from tests.unit.query.star import SEMANTICS, app, everything, metric, viewer
from tests.unit.query.tables import AS_OF, Data, Shop, shops
from tests.unit.query.test_metrics_property import FILTERS, GROUPS_HELD, POLICIES, rounded
from tests.unit.shipped import shipped

from seawall.app.model import Dimension, Filter, MetricQuery, Policy
from seawall.query.compile_query import compile_query
from seawall.query.policy import resolve, unrestricted

DEPARTMENT = Dimension("department", "products.department")
GROUP = Dimension("store_group", "stores.store_group")
REGION = Dimension("region", "regions.region")
LARGE = {"t_sales": 40, "t_products": 10, "t_stores": 10}
FOLD = 'GROUP BY 1) AS "sales" LEFT JOIN'


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


def sql_of(query: MetricQuery, rows: dict[str, int]) -> str:
    shop = app()
    return compile_query(shop, query, everything(shop), dialect="duckdb", as_of=AS_OF, sizes=rows).sql


def test_conditions_on_the_fact_stand_inside_the_fold():
    """Rows become one for each product once those of other days are gone; what is asked of products stands outside."""
    where = (Filter("", "during", ("2017-01",)), Filter("products.brand", "eq", ("own",)))
    inside, _, outside = sql_of(MetricQuery(("units",), (DEPARTMENT,), where), LARGE).partition(FOLD)
    assert ("sold_at" in inside, "sold_at" in outside) == (True, False)
    assert outside.count('"brand" =') == 1


@pytest.mark.parametrize(
    ("metric", "by", "rows"),
    [
        ("units", DEPARTMENT, {}),
        ("units", DEPARTMENT, LARGE | {"t_products": 11}),
        ("units", Dimension("week", "", "week"), LARGE),
        ("revenue", DEPARTMENT, LARGE),
        ("baskets", DEPARTMENT, LARGE),
    ],
    ids=["size not known", "too few rows a key", "by the fact's own time", "floats", "distinct"],
)
def test_else_the_fact_is_joined_as_it_is(metric: str, by: Dimension, rows: dict[str, int]):
    """Sums of floats depend on their order, distinct values cannot be added, and a fold that hardly folds is only work."""
    assert 'GROUP BY 1) AS "sales"' not in sql_of(MetricQuery((metric,), (by,)), rows)


def test_a_sum_under_a_condition_elsewhere_is_joined_first(shop: Shop) -> None:
    """Which rows it takes is known only beside the product."""
    grocery = metric("grocery_units", "SUM(sales.units) FILTER (WHERE products.department = 'GROCERY')", "Integer")
    declared = app(semantics=msgspec.structs.replace(SEMANTICS, metrics=SEMANTICS.metrics | {"grocery_units": grocery}))
    sales = [{"sale_id": number, "units": number, "product_id": 1 + number % 2} for number in range(5)]
    shop.fill({"sales": sales, "products": [{"product_id": 1, "department": "GROCERY"}, {"product_id": 2, "department": "DELI"}]})
    query = MetricQuery(("grocery_units",), (DEPARTMENT,))
    assert shop.rows(declared, query, everything(declared), sizes=LARGE) == [("DELI", None), ("GROCERY", 6)]


def test_the_last_weeks_of_a_time_elsewhere_stand_outside_the_fold() -> None:
    """Flights by the weeks of the weather: its days are not the flight's own."""
    flights = shipped("flights").app
    query = MetricQuery(("flights",), (Dimension("week", "weather.observed_at", "week"),), last=4)
    rows = {one.source: 10 for one in flights.semantics.datasets.values()} | {flights.semantics.datasets["flights"].source: 1_000}
    sql = compile_query(flights, query, unrestricted(flights), dialect="duckdb", as_of=AS_OF, sizes=rows).sql
    inner, joined, _ = sql.partition('AS "flights" LEFT JOIN')
    assert joined
    assert '"weather"."observed_at"' not in inner.rpartition("FROM (SELECT")[2]


@st.composite
def foldable(draw: st.DrawFn) -> MetricQuery:
    """Counts and sums of whole numbers by what the facts lead to."""
    metrics = draw(st.lists(st.sampled_from(("units", "sales_count", "return_count")), min_size=1, unique=True))
    by = draw(st.lists(st.sampled_from((DEPARTMENT, GROUP, REGION)), max_size=1))
    return MetricQuery(tuple(metrics), tuple(by), tuple(draw(st.lists(FILTERS, max_size=2))))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=shops(), query=foldable(), policies=st.sampled_from(POLICIES), groups=GROUPS_HELD)
def test_a_folded_fact_gives_the_numbers_of_a_loop(
    shop: Shop, data: Data, query: MetricQuery, policies: dict[str, Policy], groups: tuple[str, ...]
) -> None:
    """Keys that are empty or lead nowhere, rows that policies hide, groups without a row: the same as without the fold."""
    shop.fill(data)
    declared = app(policies)
    policy = resolve(declared, viewer(store_groups=groups))
    assert rounded(shop.rows(declared, query, policy, sizes=LARGE | {"t_returns": 40})) == rounded(naive.answer(data, policy, query, AS_OF))
