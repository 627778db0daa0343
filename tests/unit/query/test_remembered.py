"""What the query service remembers: never longer, and never for more, than it is true."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from tests.unit.query.star import SEMANTICS, app, everything
from tests.unit.query.test_service import OneGeneration

from seawall.app.model import App, Bundle, Dimension, MetricQuery, Order, RowsQuery, Scalar
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded
from seawall.query import row_pages
from seawall.query import service as services
from seawall.query.cache import Cache
from seawall.query.generations import Generation
from seawall.query.open_query import Moment, OpenQuery
from seawall.query.port import Compiled
from seawall.query.results import ResultCache
from seawall.query.row_pages import Asked, RowPages
from seawall.query.service import QueryService

SHOP = app()
REVENUE = MetricQuery(("revenue",))
LATE = RowsQuery("sales", ("sale_id",), (Order("sold_at"),))


@dataclass
class Counting:
    """An engine that gives each question a number."""

    dialect: str = "duckdb"
    seconds: list[float] = field(default_factory=list)
    """How long each question might have taken."""
    is_slow: bool = False

    async def stream(
        self, sql: str, parameters: tuple[Scalar, ...], *, deadline: Deadline, **more: object
    ) -> AsyncIterator[pa.RecordBatch]:
        self.seconds.append(deadline.remaining())
        if self.is_slow:
            raise DeadlineExceeded
        yield pa.RecordBatch.from_pydict({"revenue": [float(len(self.seconds))]})


def service_of(
    shop: App, engine: Counting, results: ResultCache | None = None, digest: str = "d" * 64
) -> tuple[QueryService, OneGeneration]:
    reader = OneGeneration(Path("/nowhere"))
    engines = {"warehouse": engine, "operational": engine}
    return QueryService(Bundle(shop, digest), engines, reader, results), reader  # type: ignore[arg-type]


async def ask(service: QueryService, query: MetricQuery = REVENUE) -> object:
    return (await service.table(query, everything(service.app), deadline=Deadline.after(10))).table.column(0)[0].as_py()


async def test_what_changes_without_a_generation_is_not_kept() -> None:
    """Operational tables are asked each time; of a generation the first answer is every one."""
    results = ResultCache(Cache())
    moved = {name: msgspec.structs.replace(each, engine="operational") for name, each in SEMANTICS.datasets.items()}
    changing, _ = service_of(app(semantics=msgspec.structs.replace(SEMANTICS, datasets=moved)), Counting(), results)
    lasting, _ = service_of(SHOP, Counting(), results)
    assert [await ask(changing), await ask(changing)] == [1.0, 2.0]
    assert [await ask(lasting), await ask(lasting)] == [1.0, 1.0]
    await results.close()


async def test_another_version_of_an_app_has_answers_of_its_own() -> None:
    """The same question may mean something else there."""
    results, engine = ResultCache(Cache()), Counting()
    versions = [service_of(SHOP, engine, results, digest * 64)[0] for digest in "aab"]
    assert [await ask(each) for each in versions] == [1.0, 1.0, 2.0]
    await results.close()


async def test_relative_periods_move_with_the_generation() -> None:
    """A statement that was compiled for one day is not asked on another."""
    service, _ = service_of(SHOP, Counting())
    weekly = MetricQuery(("revenue",), (Dimension("week", "", "week"),), last=1)
    dated = [Generation(f"g{day}", "shop", 0.0, date(2017, 1, day), {}) for day in (9, 16)]
    spans = [service.reading(generation).compile(weekly, everything(SHOP))[1].parameters for generation in dated]
    assert spans == [("2017-01-02T00:00:00", "2017-01-09T00:00:00"), ("2017-01-09T00:00:00", "2017-01-16T00:00:00")]


def test_statements_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks ever other questions fills no memory."""
    monkeypatch.setattr(services, "COMPILED_MAX", 3)
    service, _ = service_of(SHOP, Counting())
    for limit in range(8):
        service.compile(msgspec.structs.replace(REVENUE, limit=limit), everything(SHOP))
    assert len(service._compiled) == 3


async def test_an_estimate_comes_while_there_is_time_for_it() -> None:
    """A count that takes too long is given up at half of the time."""
    engine = Counting(is_slow=True)
    service, _ = service_of(SHOP, engine)
    listing = msgspec.structs.replace(LATE, count="estimate")
    assert await service.count(listing, everything(SHOP), deadline=Deadline.after(10)) == (3, False)
    assert engine.seconds[0] <= 5


@dataclass
class Starts:
    """Notes from where pages were asked for, and has each of them full."""

    edges: list[object] = field(default_factory=list)

    async def start(self, asked: Asked, after: object, keys: object) -> OpenQuery:
        self.edges.append(asked.query.where[-1].values[0])
        return self  # type: ignore[return-value]

    async def is_full(self) -> bool:
        return True

    async def run(self, compiled: Compiled, moment: Moment, deadline: Deadline) -> pa.Table:
        ends = [[datetime.fromisoformat(f"{year}-01-01")] for year in (2007, 2017)]
        return pa.table({"first": ends[0], "last": ends[1], "rows": [10_000_000]})


async def test_a_later_page_looks_where_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """However far down: else each page would read all that stands before it. How far a table reaches is forgotten, too."""
    monkeypatch.setattr(row_pages, "EXTENTS_MAX", 2)
    starts = Starts()
    pages = RowPages(SHOP, OneGeneration(Path("/nowhere")), starts.start, starts.run, "duckdb")
    monkeypatch.setattr(row_pages, "WINDOW_ROWS_MIN", 0)
    for watermark, after in (("g1", None), ("g2", ("2015-06-01T00:00:00", 7)), ("g3", None)):
        asked = Asked(LATE, everything(SHOP), Moment(watermark, None), Deadline.after(20))
        await pages.open(asked, after)
    assert [str(edge)[:7] for edge in starts.edges] == ["2007-01", "2015-06", "2007-01"]
    assert len(pages._extents) == 2
