"""Every row on exactly one page, whatever ties, NULLs and page sizes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.query import naive
from tests.unit.query.star import BY_GROUP, SEMANTICS, app, everything, field, viewer
from tests.unit.query.tables import Data, Shop, shops

from seawall.app.model import App, Filter, Order, Policy, RowsQuery, Scalar
from seawall.query.compile_names import Vocabulary
from seawall.query.compile_rows import key_parts
from seawall.query.open_query import scalar_of
from seawall.query.policy import EffectivePolicy, resolve

SHOP = app()
GUARDED = app({"sales": Policy("sales", (), (BY_GROUP,))})
SORTABLE = ("sold_at", "amount", "units", "basket_id", "is_large")
COLUMNS = ("sale_id", "sold_at", "amount", "units", "basket_id", "is_large")


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


def pages(shop: Shop, policy: EffectivePolicy, query: RowsQuery, of: App = SHOP) -> list[list[tuple[object, ...]]]:
    """All pages, each from the key of the last row of the one before."""
    parts = key_parts(Vocabulary(of, policy), query)
    hidden = [part.output for part in parts if part.output not in query.columns]
    names = [*query.columns, *hidden]
    made: list[list[tuple[object, ...]]] = []
    after: tuple[Scalar, ...] | None = None
    while page := shop.rows(of, query, policy, after):
        made.append([row[: len(query.columns)] for row in page])
        after = tuple(scalar_of(page[-1][names.index(part.output)]) for part in parts)
        assert len(made) < 50
    return made


orders = st.lists(st.tuples(st.sampled_from(SORTABLE), st.booleans()), max_size=3, unique_by=lambda pair: pair[0])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=shops(), sort=orders, limit=st.integers(1, 5), groups=st.sampled_from((None, ("north",), ())))
def test_pages_are_a_partition_of_the_sorted_rows(
    shop: Shop, data: Data, sort: list[tuple[str, bool]], limit: int, groups: tuple[str, ...] | None
) -> None:
    """Joined, the pages are the visible rows in one sort, none missing and none twice, NULLs last."""
    shop.fill(data)
    policy = everything(SHOP) if groups is None else resolve(GUARDED, viewer(store_groups=groups))
    query = RowsQuery("sales", COLUMNS, tuple(Order(name, descending) for name, descending in sort), limit=limit)
    found = pages(shop, policy, query)
    rows = [row for page in found for row in page]
    assert [row[0] for row in rows] == [row["sale_id"] for row in expected(data, policy, sort)]
    assert all(len(page) == limit for page in found[:-1])


def expected(data: Data, policy: EffectivePolicy, sort: list[tuple[str, bool]]) -> list[dict[str, object]]:
    rows = sorted(naive.seen(data, policy, "sales"), key=lambda row: row["sale_id"])  # type: ignore[arg-type,return-value]
    for name, descending in reversed(sort):
        present = [row for row in rows if value(row, name) is not None]
        present.sort(key=lambda row: value(row, name), reverse=descending)  # type: ignore[arg-type,return-value]
        rows = present + [row for row in rows if value(row, name) is None]
    return rows


def value(row: dict[str, object], name: str) -> object:
    if name == "is_large":
        return None if row["amount"] is None else row["amount"] > 10  # type: ignore[operator]
    return row[name]


def test_a_filter_narrows_every_page(shop: Shop) -> None:
    """Filters and cursors hold together."""
    shop.fill({"sales": [{"sale_id": number, "units": number % 3} for number in range(10)]})
    query = RowsQuery("sales", ("sale_id",), (Order("units"),), (Filter("sales.units", "ge", (1,)),), limit=2)
    found = pages(shop, everything(SHOP), query)
    assert [row[0] for page in found for row in page] == [1, 4, 7, 2, 5, 8]


def test_not_a_number_sorts_as_null(shop: Shop) -> None:
    """A NaN neither breaks the cursor nor loses rows."""
    shop.fill({"sales": [{"sale_id": 1, "amount": float("nan")}, {"sale_id": 2, "amount": 1.0}, {"sale_id": 3, "amount": float("inf")}]})
    for columns in (("sale_id",), ("sale_id", "amount")):
        query = RowsQuery("sales", columns, (Order("amount", True),), limit=1)
        assert [row[0] for page in pages(shop, everything(SHOP), query) for row in page] == [3, 2, 1]


@pytest.mark.parametrize("descending", [True, False])
def test_values_that_the_cursor_rounds_are_ties(shop: Shop, descending: bool) -> None:
    """A decimal has six places in a cursor, however many the table keeps: none of its rows is lost, and none is there twice."""
    sales = SEMANTICS.datasets["sales"]
    price = field("sales", "price", "Decimal", "amount")
    datasets = SEMANTICS.datasets | {"sales": msgspec.structs.replace(sales, fields=sales.fields | {"price": price})}
    priced = app(semantics=msgspec.structs.replace(SEMANTICS, datasets=datasets))
    shop.fill({"sales": [{"sale_id": n, "amount": 0.125 + n / 10_000_000} for n in range(12)]})
    query = RowsQuery("sales", ("sale_id", "price"), (Order("price", descending),), limit=2)
    found = [row[0] for page in pages(shop, everything(priced), query, priced) for row in page]
    assert sorted(found) == list(range(12))
