"""A slice of the real data small enough for tests: sixty products over the whole year, as Parquet files of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import msgspec

from seawall.workers.preparation.completejourney import PREPARATION, locate_sources
from seawall.workers.preparation.plan import Preparation

PRODUCTS = 60


def slice_of_year(folder: Path) -> Preparation:
    """`completejourney` over the products that sell most, written into `folder`."""
    paths = {name: folder / f"{name}.parquet" for name in locate_sources()}
    with duckdb.connect() as connection:
        for name, path in locate_sources().items():
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")
        chosen = f"(SELECT product_id FROM transactions GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {PRODUCTS})"
        for name in ("transactions", "promotions"):
            connection.execute(f"COPY (SELECT * FROM {name} WHERE product_id IN {chosen}) TO '{paths[name]}' (FORMAT parquet)")
        for name in ("products", "demographics"):
            connection.execute(f"COPY {name} TO '{paths[name]}' (FORMAT parquet)")

    def located() -> Mapping[str, Path]:
        return paths

    return msgspec.structs.replace(PREPARATION, locate_sources=located, bytes_needed=20_000_000)
