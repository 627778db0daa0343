"""Rows of the star schema in an in-memory DuckDB, and random ones for properties."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import duckdb
from hypothesis import strategies as st
from tests.unit.query.star import COLUMNS

from seawall.app.model import App, MetricQuery, Query, RowsQuery, Scalar
from seawall.query.compile_query import compile_query
from seawall.query.policy import EffectivePolicy

Row = dict[str, object]
Data = dict[str, list[Row]]
AS_OF = date(2017, 3, 1)


class Shop:
    """One connection that is filled anew for each example."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(":memory:", config={"threads": 1})
        self.connection.execute("SET TimeZone = 'UTC'").fetchall()
        for name, columns in COLUMNS.items():
            listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            self.connection.execute(f'CREATE TABLE "t_{name}" ({listed})').fetchall()

    def fill(self, data: Data) -> None:
        for name, columns in COLUMNS.items():
            self.connection.execute(f'DELETE FROM "t_{name}"').fetchall()
            rows = [[row.get(column) for column in columns] for row in data.get(name, ())]
            if rows:
                marks = ", ".join("?" for _ in columns)
                self.connection.executemany(f'INSERT INTO "t_{name}" VALUES ({marks})', rows)

    def rows(
        self,
        app: App,
        query: Query,
        policy: EffectivePolicy,
        after: tuple[Scalar, ...] | None = None,
        sizes: Mapping[str, int] | None = None,
    ) -> list[tuple[object, ...]]:
        compiled = compile_query(app, query, policy, dialect="duckdb", as_of=AS_OF, after=after, sizes=sizes or {})
        return self.connection.execute(compiled.sql, list(compiled.parameters)).fetchall()

    def answer(self, app: App, query: MetricQuery | RowsQuery, policy: EffectivePolicy) -> list[Row]:
        compiled = compile_query(app, query, policy, dialect="duckdb", as_of=AS_OF)
        rows = self.connection.execute(compiled.sql, list(compiled.parameters)).fetchall()
        return [dict(zip((column.name for column in compiled.columns), row, strict=False)) for row in rows]


DEPARTMENTS = ("GROCERY", "Fuel", "DELI", "x'; --", None)
GROUPS = ("north", "south", None)
_ids = st.one_of(st.none(), st.integers(1, 6))
_days = st.integers(0, 75).map(lambda days: date(2017, 1, 1) + timedelta(days=days))


def _halves(low: int, high: int) -> st.SearchStrategy[float | None]:
    """Binary fractions, so that sums are exact in any order."""
    return st.one_of(st.none(), st.integers(low, high).map(lambda n: n / 4))


def _moment(parts: tuple[date, int]) -> datetime:
    return datetime.combine(parts[0], datetime.min.time()) + timedelta(seconds=parts[1])


_sale = st.fixed_dictionaries(
    {
        "sold_at": st.one_of(st.none(), st.tuples(_days, st.integers(0, 86_399)).map(_moment)),
        "amount": _halves(-40, 80),
        "units": st.one_of(st.none(), st.integers(0, 5)),
        "basket_id": _ids,
        "household_id": _ids,
        "product_id": _ids,
        "store_id": _ids,
    }
)
_return = st.fixed_dictionaries(
    {
        "returned_on": st.one_of(st.none(), _days),
        "refund": _halves(0, 40),
        "reason": st.sampled_from(("broken", "late", None)),
        "product_id": _ids,
        "store_id": _ids,
    }
)


def _numbered(rows: list[Row], key: str) -> list[Row]:
    return [{key: number, **row} for number, row in enumerate(rows, 1)]


@st.composite
def shops(draw: st.DrawFn) -> Data:
    """Random rows: NULL and dangling foreign keys, NULL values, many facts on few dimension rows."""
    products = st.fixed_dictionaries({"department": st.sampled_from(DEPARTMENTS), "brand": st.sampled_from(("own", "other"))})
    stores = st.fixed_dictionaries({"store_group": st.sampled_from(GROUPS), "region_id": st.one_of(st.none(), st.integers(1, 3))})
    return {
        "sales": _numbered(draw(st.lists(_sale, max_size=14)), "sale_id"),
        "returns": _numbered(draw(st.lists(_return, max_size=8)), "return_id"),
        "products": _numbered(draw(st.lists(products, max_size=5)), "product_id"),
        "stores": _numbered(draw(st.lists(stores, max_size=5)), "store_id"),
        "regions": [{"region_id": 1, "region": "east"}, {"region_id": 2, "region": None}],
        "secrets": [],
        "__columns__": [{name: list(columns) for name, columns in COLUMNS.items()}],
    }
