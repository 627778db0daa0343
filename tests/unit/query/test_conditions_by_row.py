"""Which rows each condition finds. Those without a value are found by `is_null`, and by a list that names it; by nothing else."""

from __future__ import annotations

from datetime import datetime

import pytest
from tests.unit.query.star import app, everything
from tests.unit.query.tables import Shop

from seawall.app.model import DataType, Filter, Operator, Order, RowsQuery, Scalar
from seawall.query.errors import InvalidQuery
from seawall.query.sql_types import Binder

SHOP = app()
EMPTY, ONE, TWO = 1, 2, 3
"""The rows, by what they hold."""


@pytest.fixture(scope="module")
def shop() -> Shop:
    made = Shop()
    moments = [None, datetime.fromisoformat("2017-01-01T10:00"), datetime.fromisoformat("2017-01-02T10:00")]
    sales = [{"sale_id": n + 1, "units": n or None, "sold_at": moments[n], "product_id": n} for n in range(3)]
    made.fill({"sales": sales, "products": [{"product_id": 1, "department": "GROCERY 50%"}, {"product_id": 2, "department": "Çay_Deli"}]})
    return made


def found(shop: Shop, field: str, op: Operator, *values: Scalar) -> set[object]:
    query = RowsQuery("sales", ("sale_id",), (Order("sale_id"),), (Filter(field, op, values),))
    return {row[0] for row in shop.rows(SHOP, query, everything(SHOP))}


@pytest.mark.parametrize("field", ["sales.units", "sales.sold_at"])
def test_lists_with_and_without_a_value(shop: Shop, field: str) -> None:
    """Numbers as days; an empty list has nobody, and its opposite everybody who has a value."""
    one: Scalar = 1 if field == "sales.units" else "2017-01-01"
    assert found(shop, field, "in") == set()
    assert found(shop, field, "in", one) == {ONE}
    assert found(shop, field, "in", None) == {EMPTY}
    assert found(shop, field, "in", one, None) == {EMPTY, ONE}
    assert found(shop, field, "not_in") == found(shop, field, "not_in", None) == {ONE, TWO}
    assert found(shop, field, "not_in", one) == found(shop, field, "not_in", one, None) == {TWO}


@pytest.mark.parametrize(
    ("op", "expected"), [("eq", {ONE}), ("ne", {TWO}), ("lt", set()), ("le", {ONE}), ("gt", {TWO}), ("ge", {ONE, TWO})]
)
def test_comparisons(shop: Shop, op: Operator, expected: set[int]) -> None:
    """With the first value; what is not known is neither equal, nor different, nor before."""
    assert found(shop, "sales.units", op, 1) == found(shop, "sales.sold_at", op, "2017-01-01") == expected


def test_being_there(shop: Shop) -> None:
    """Also said as a comparison with nothing."""
    assert found(shop, "sales.units", "is_null") == found(shop, "sales.units", "eq", None) == {EMPTY}
    assert found(shop, "sales.units", "not_null") == found(shop, "sales.units", "ne", None) == {ONE, TWO}


@pytest.mark.parametrize(
    ("op", "text", "expected"),
    [
        ("contains", "groc", {ONE}),
        ("contains", "GROC", {ONE}),
        ("contains", "çAY", {TWO}),
        ("contains", "e", {ONE, TWO}),
        ("contains", "%", {ONE}),
        ("contains", "_", {TWO}),
        ("contains", "", {ONE, TWO}),
        ("starts_with", "gRoC", {ONE}),
        ("starts_with", "deli", set()),
        ("starts_with", "", {ONE, TWO}),
    ],
)
def test_parts_of_texts(shop: Shop, op: Operator, text: str, expected: set[int]) -> None:
    """Whatever their case; signs that other languages take for any letter are themselves."""
    assert found(shop, "products.department", op, text) == expected


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        *(("String", value) for value in ("half a \ud800", "a\0", 7)),
        *(("Integer", value) for value in (2**63, True, 1.5)),
        *(("Float", float("nan")), ("Decimal", 1e30), ("Boolean", 1)),
        *(("Date", "2017-02-30"), ("DateTime", "2017-01-01T10:00+01:00")),
    ],
)
def test_what_no_database_holds_is_refused_before_it(datatype: DataType, value: Scalar) -> None:
    """In words, not as an error of the driver's."""
    with pytest.raises(InvalidQuery, match="wrong type"):
        Binder().bind(value, datatype)
