"""The ten answers of the Demand page as a data scientist would write them, for the peers' dashboards."""

from __future__ import annotations

import json
import os

import duckdb

FILES: dict[str, list[str]] = json.loads(os.environ["SEAWALL_PEER_TABLES"])
"""Table → the very Parquet files Seawall serves from."""


def scan(table: str) -> str:
    """A FROM item over the table's files."""
    return f"read_parquet({FILES[table]!r})"


T, P, S = (scan(name) for name in ("transactions", "products", "stores"))
QUERIES = {
    "net_sales": (f"SELECT sum(sales_value) AS value FROM {T} WHERE sold_at >= (SELECT max(sold_at) FROM {T}) - INTERVAL 28 DAY"),
    "baskets": (f"SELECT count(DISTINCT basket_id) AS value FROM {T} WHERE sold_at >= (SELECT max(sold_at) FROM {T}) - INTERVAL 28 DAY"),
    "sales_by_week": f"SELECT date_trunc('week', sold_at) AS week, sum(sales_value) AS net_sales FROM {T} GROUP BY 1 ORDER BY 1",
    "by_department": (
        f"SELECT department, sum(sales_value) AS net_sales FROM {T} JOIN {P} USING (product_id) GROUP BY 1 ORDER BY 2 DESC LIMIT 12"
    ),
    "by_store_group": (f"SELECT store_group, sum(sales_value) AS net_sales FROM {T} JOIN {S} USING (store_id) GROUP BY 1 ORDER BY 2 DESC"),
    "units": (
        f"SELECT date_trunc('week', sold_at) AS week, sum(units) AS units FROM {T}"
        f" JOIN {P} USING (product_id) WHERE department <> 'FUEL' GROUP BY 1 ORDER BY 1"
    ),
    "discount": (
        f"SELECT date_trunc('week', sold_at) AS week, sum(loyalty_discount) / sum(sales_value + loyalty_discount) AS rate"
        f" FROM {T} GROUP BY 1 ORDER BY 1"
    ),
    "basket_size": (
        f"SELECT date_trunc('week', sold_at) AS week, sum(sales_value) / count(DISTINCT basket_id) AS basket FROM {T} GROUP BY 1 ORDER BY 1"
    ),
    "movers": (f"SELECT category, sum(sales_value) AS net_sales FROM {T} JOIN {P} USING (product_id) GROUP BY 1 ORDER BY 2 DESC LIMIT 10"),
    "rows": (f"SELECT sold_at, basket_id, product_id, store_id, quantity, sales_value FROM {T} ORDER BY sold_at DESC LIMIT 100"),
}


def frame(name: str):  # noqa: ANN201 -- a pandas frame, which only the peers' environments have
    """The answer as a pandas frame."""
    return duckdb.connect().execute(QUERIES[name]).df()
