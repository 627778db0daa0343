"""Looking at the newest stretch first changes how long a page takes, never what is on it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from tests.unit.query.star import COLUMNS, SALES, app, everything
from tests.unit.query.tables import Shop

from seawall.app.model import Bundle, Filter, Order, RowsQuery, Scalar
from seawall.core.deadline import Deadline
from seawall.query import row_pages, row_probe
from seawall.query.duckdb_engine import DuckDBEngine
from seawall.query.generations import Generation, TableFiles
from seawall.query.open_query import Moment, OpenQuery
from seawall.query.port import Compiled
from seawall.query.row_pages import Asked
from seawall.query.row_probe import Extent, leading_time, narrowed
from seawall.query.service import QueryService

SHOP = app()
ALL = everything(SHOP)
ROWS = 400


class Reader:
    """One generation of one shop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def current(self, app: str) -> Generation:
        return Generation("g1", app, 0.0, date(2017, 3, 1), {"t_sales": TableFiles(("sales.parquet",), ROWS, 1)})

    def locate(self, id: str) -> dict[str, list[Path]]:
        return {f"t_{name}": [self.folder / f"{name}.parquet"] for name in COLUMNS}


def sales() -> list[dict[str, object]]:
    """Rows over two months, some at the same moment, some at none."""
    chance = random.Random(7)
    start = datetime.fromisoformat("2017-01-01T00:00:00")
    moments = [start + timedelta(hours=chance.randint(0, 1400)) for _ in range(150)]
    return [
        {"sale_id": number, "sold_at": chance.choice([*moments, None]), "units": chance.randint(0, 3), "amount": 1.0}
        for number in range(ROWS)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("warehouse")
    shop = Shop()
    shop.fill({"sales": sales()})
    for name in COLUMNS:
        shop.connection.execute(f"COPY \"t_{name}\" TO '{made}/{name}.parquet' (FORMAT parquet)").fetchall()
    return made


@pytest.fixture
async def service(folder: Path) -> AsyncIterator[QueryService]:
    reader = Reader(folder)
    engine = DuckDBEngine(reader.locate, directory=folder)
    yield QueryService(Bundle(SHOP, "d" * 64), {"warehouse": engine}, reader)
    await engine.close()


async def all_pages(service: QueryService, query: RowsQuery) -> list[object]:
    rows: list[object] = []
    after: tuple[Scalar, ...] | None = None
    while True:
        page = await service.open(query, ALL, deadline=Deadline.after(20), after=after)
        rows += [value async for batch in page.batches for value in batch.column("sale_id").to_pylist()]
        after = page.next_after
        if after is None:
            return rows


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("where", [(), (Filter("sales.units", "eq", (3,)),), (Filter("sales.units", "eq", (9,)),)])
async def test_pages_are_the_same_with_and_without_windows(
    service: QueryService, monkeypatch: pytest.MonkeyPatch, descending: bool, where: tuple[Filter, ...]
) -> None:
    """Dense, sparse and empty; forwards and backwards; over ties and NULLs."""
    query = RowsQuery("sales", ("sale_id",), (Order("sold_at", descending),), where, limit=5)
    plain = await all_pages(service, msgspec.structs.replace(query, limit=ROWS))
    monkeypatch.setattr(row_pages, "WINDOW_ROWS_MIN", 0)
    monkeypatch.setattr(row_probe, "FIRST_ROWS", 20)
    assert await all_pages(service, query) == plain
    assert len(set(plain)) == len(plain)


def test_windows_widen_and_stay_inside_the_extent() -> None:
    """Each begins where the page begins, and each is wider than the one before."""
    query = RowsQuery("sales", ("sale_id",), (Order("sold_at", True),))
    windows = list(
        narrowed(query, SALES.fields["sold_at"], Extent("2017-01-01T00:00:00", "2017-12-31T00:00:00", 3_000_000), "2017-12-01T00:00:00")
    )
    assert [window.where[0].op for window in windows] == ["ge", "ge"]
    edges = [str(window.where[0].values[0]) for window in windows]
    assert "2017-12-01" > edges[0] > edges[1] > "2017-01-01"


@pytest.mark.parametrize(
    ("descending", "extent", "after"),
    [
        (False, Extent("2017-01-01T00:00:00", "9999-12-31T00:00:00", 1_000_000), "9999-12-31T00:00:00"),
        (True, Extent("0001-01-01T00:00:00", "2017-12-31T00:00:00", 1_000_000), "0001-01-01T00:00:00"),
    ],
)
def test_windows_end_where_time_does(descending: bool, extent: Extent, after: str) -> None:
    """Rows that are valid for ever often end on the last day there is: no page of them is narrowed, and none fails."""
    query = RowsQuery("sales", ("sale_id",), (Order("sold_at", descending),))
    assert list(narrowed(query, SALES.fields["sold_at"], extent, after)) == []


@pytest.mark.parametrize("query", [RowsQuery("sales", (), (Order("units"),)), RowsQuery("sales", (), ())])
def test_only_sorts_by_time_are_narrowed(query: RowsQuery) -> None:
    """Other sorts have no stretch to look at first."""
    assert leading_time(query, SALES.fields) is None


async def test_the_extent_is_asked_for_once_in_each_generation(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new generation reaches further, so what was known of the one before does not count."""
    monkeypatch.setattr(row_pages, "WINDOW_ROWS_MIN", 0)
    asked: list[str] = []

    async def run(compiled: Compiled, moment: Moment, deadline: Deadline) -> pa.Table:
        asked.append(moment.watermark)
        return pa.table({"first": [datetime.fromisoformat("2017-01-01")], "last": [datetime.fromisoformat("2017-02-01")], "rows": [ROWS]})

    async def start(asked: Asked, after: object, keys: object) -> OpenQuery:
        return Full()  # type: ignore[return-value]

    pages = row_pages.RowPages(SHOP, Reader(folder), start, run, "duckdb")
    for watermark in ("g1", "g1", "g2", "g1"):
        query = RowsQuery("sales", ("sale_id",), (Order("sold_at", True),))
        await pages.open(Asked(query, ALL, Moment(watermark, None), Deadline.after(20)), None)
    assert asked == ["g1", "g2"]


class Full:
    """A page with as many rows as were asked for."""

    async def is_full(self) -> bool:
        return True


@pytest.mark.parametrize("limit", [150, 400, 1000])
async def test_a_long_listing_is_read_in_chunks(service: QueryService, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """The same rows as one sort gives, up to the limit, and the place to go on from."""
    query = RowsQuery("sales", ("sale_id",), (Order("sold_at", True),), limit=limit)
    plain = await service.open(query, ALL, deadline=Deadline.after(20))
    expected = [value async for batch in plain.batches for value in batch.column("sale_id").to_pylist()]
    monkeypatch.setattr(row_pages, "WINDOW_ROWS_MIN", 0)
    monkeypatch.setattr(row_probe, "FIRST_ROWS", 20)
    monkeypatch.setattr(row_pages, "CHUNK_ROWS", 70)
    chunked = await service.open(query, ALL, deadline=Deadline.after(20))
    assert [value async for batch in chunked.batches for value in batch.column("sale_id").to_pylist()] == expected
    assert chunked.next_after == plain.next_after


async def test_a_long_listing_can_be_left_in_the_middle(service: QueryService, monkeypatch: pytest.MonkeyPatch) -> None:
    """More often than there are slots."""
    monkeypatch.setattr(row_pages, "WINDOW_ROWS_MIN", 0)
    monkeypatch.setattr(row_probe, "FIRST_ROWS", 20)
    monkeypatch.setattr(row_pages, "CHUNK_ROWS", 70)
    for _ in range(8):
        listing = await service.open(RowsQuery("sales", ("sale_id",), (Order("sold_at"),), limit=300), ALL, deadline=Deadline.after(20))
        async with aclosing(listing.batches) as batches:
            for _ in range(2):
                await anext(batches)


async def test_a_long_listing_is_never_held_whole(service: QueryService, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads a page ahead by itself; an export of any length stays within the bound of what may be held."""
    monkeypatch.setattr(row_pages, "SORTED_CHUNK_ROWS", 70)
    listing = await service.open(RowsQuery("sales", ("sale_id",), (Order("sold_at"),), limit=300), ALL, deadline=Deadline.after(20))
    await listing.hold(1)
    assert sum([batch.num_rows async for batch in listing.batches]) == 300
