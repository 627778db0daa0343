"""Rows by key, from a statement compiled once."""

from __future__ import annotations

import pytest

from seawall.app.model import Filter, Order, RowsQuery
from seawall.core.errors import InvalidInput
from seawall.query.port import Compiled
from seawall.query.rows_by_key import SIZES, filled, marked

QUERY = RowsQuery("products", ("id",), (Order("id"),), (Filter("products.brand", "eq", ("own",)),), limit=100)


@pytest.mark.parametrize("datatype", ["Integer", "String"])
@pytest.mark.parametrize("count", [1, 2, 16, 17, 512])
def test_values_take_the_places_of_marks(datatype: str, count: int) -> None:
    """Other parameters stay; where there are fewer values than places the last is there again."""
    query, marks = marked(QUERY, "products.id", datatype, count)  # type: ignore[arg-type]
    values = [n if datatype == "Integer" else f"key {n}" for n in range(count)]
    asked = filled(Compiled("…", ("own", *marks, 7, True, None), (), "warehouse", ()), marks, values)
    assert asked.parameters[0] == "own"
    assert asked.parameters[-3:] == (7, True, None)
    assert list(dict.fromkeys(asked.parameters[1:-3])) == values
    assert len(marks) == query.limit == next(size for size in SIZES if size >= count)
    assert query.where[:-1] == QUERY.where


@pytest.mark.parametrize("count", [0, 513])
def test_there_are_bounds(count: int) -> None:
    """Nothing is not asked for, nor more than a statement holds."""
    with pytest.raises(InvalidInput):
        marked(QUERY, "products.id", "Integer", count)
