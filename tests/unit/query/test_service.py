"""The query service over real Parquet and DuckDB."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import duckdb
import msgspec
import pytest
from tests.unit.query.star import BY_GROUP, COLUMNS, SEMANTICS, app, everything, metric, viewer
from tests.unit.query.tables import Shop
from tests.unit.query.test_metrics import DATA

from seawall.app.model import Bundle, Dimension, Filter, MetricQuery, Order, Policy, Query, RowsQuery
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded, NotFound
from seawall.query.cache import Cache
from seawall.query.duckdb_engine import DuckDBEngine
from seawall.query.errors import EngineUnavailable, QueryFailed
from seawall.query.generations import Generation, TableFiles
from seawall.query.key_check import DuplicateKey, Key
from seawall.query.policy import EffectivePolicy, resolve
from seawall.query.results import ResultCache
from seawall.query.service import QueryService

GUARDED = app({"sales": Policy("sales", (), (BY_GROUP,))})
ALL = everything(GUARDED)
DEPARTMENT = Dimension("department", "products.department")
LISTING = RowsQuery("sales", ("amount", "sold_at"), (Order("amount", True),), limit=2, count="estimate")


class OneGeneration:
    """A generation reader with one generation, which tests replace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.generation = Generation("g1", "shop", 0.0, date(2017, 1, 9), {"t_sales": TableFiles(("sales.parquet",), 3, 1)})

    def current(self, app: str) -> Generation:
        return self.generation

    def locate(self, id: str) -> Mapping[str, Sequence[Path]]:
        return {f"t_{name}": [self.folder / f"{name}.parquet"] for name in COLUMNS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("warehouse")
    shop = Shop()
    shop.fill(DATA)
    for name in COLUMNS:
        shop.connection.execute(f"COPY \"t_{name}\" TO '{made}/{name}.parquet' (FORMAT parquet)").fetchall()
    return made


@pytest.fixture
async def engine(folder: Path) -> AsyncIterator[DuckDBEngine]:
    made = DuckDBEngine(OneGeneration(folder).locate, directory=folder)
    yield made
    await made.close()


@pytest.fixture
def service(folder: Path, engine: DuckDBEngine) -> QueryService:
    return QueryService(Bundle(GUARDED, "d" * 64), {"warehouse": engine}, OneGeneration(folder))


def soon(seconds: float = 10.0) -> Deadline:
    return Deadline.after(seconds)


async def test_a_table_knows_what_it_was_made_from(service: QueryService) -> None:
    """Rows, their meaning, the generation and its date."""
    answer = await service.table(MetricQuery(("revenue",), (DEPARTMENT,)), ALL, deadline=soon())
    assert answer.table.to_pylist() == [{"department": "A", "revenue": 30.0}, {"department": None, "revenue": 5.0}]
    assert [column.role for column in answer.columns] == ["dimension", "metric"]
    assert (answer.watermark, answer.as_of) == ("g1", date(2017, 1, 9))


async def test_pages_follow_each_other(service: QueryService) -> None:
    """A page shows its limit and no key columns; the last has no next."""
    first = await service.open(LISTING, ALL, deadline=soon())
    rows = [row async for batch in first.batches for row in batch.to_pylist()]
    assert [row["amount"] for row in rows] == [20.0, 10.0]
    assert set(rows[0]) == {"amount", "sold_at"}
    assert first.next_after == (10.0, 1)
    second = await service.open(LISTING, ALL, deadline=soon(), after=first.next_after)
    assert [row["amount"] async for batch in second.batches for row in batch.to_pylist()] == [5.0]
    assert second.next_after is None


async def test_a_page_that_ends_exactly_has_no_next(service: QueryService) -> None:
    """Three rows at three a page are one page."""
    page = await service.open(msgspec.structs.replace(LISTING, limit=3), ALL, deadline=soon())
    assert sum([batch.num_rows async for batch in page.batches]) == 3
    assert page.next_after is None


async def test_an_empty_page_tells_its_columns(service: QueryService) -> None:
    """One batch without rows."""
    query = msgspec.structs.replace(LISTING, where=(Filter("sales.units", "gt", (99,)),))
    page = await service.open(query, ALL, deadline=soon())
    assert [batch.schema.names async for batch in page.batches] == [["amount", "sold_at"]]


async def test_failures_come_before_the_first_batch(service: QueryService) -> None:
    """`open` raises; nothing has been sent by then."""
    with pytest.raises(NotFound):
        await service.open(RowsQuery("nothing", ("a",), ()), ALL, deadline=soon())
    with pytest.raises(DeadlineExceeded):
        await service.open(LISTING, ALL, deadline=soon(0))


async def test_an_unread_query_can_be_closed(service: QueryService) -> None:
    """More unread queries than slots."""
    for _ in range(8):
        await (await service.open(LISTING, ALL, deadline=soon())).close()
    assert (await service.count(LISTING, ALL, deadline=soon())) == (3, True)


async def test_counts_see_what_the_principal_sees(service: QueryService) -> None:
    """Policies and filters count."""
    north = resolve(GUARDED, viewer(store_groups=("north",)))
    assert await service.count(LISTING, north, deadline=soon()) == (2, True)
    filtered = msgspec.structs.replace(LISTING, where=(Filter("sales.amount", "gt", (5,)),))
    assert await service.count(filtered, ALL, deadline=soon()) == (2, True)


async def test_an_estimate_never_tells_of_hidden_rows(service: QueryService) -> None:
    """Out of time, the table's own size is given to who may see all of it, and to nobody else."""
    assert await service.count(LISTING, ALL, deadline=soon(0)) == (3, False)
    restricted = resolve(GUARDED, viewer(store_groups=("north",)))
    exact = msgspec.structs.replace(LISTING, count="exact")
    for query, policy in (
        (LISTING, restricted),
        (exact, ALL),
        (msgspec.structs.replace(LISTING, where=(Filter("sales.units", "not_null"),)), ALL),
    ):
        with pytest.raises(DeadlineExceeded):
            await service.count(query, policy, deadline=soon(0))


async def test_options_are_the_visible_values(service: QueryService) -> None:
    """Sorted, without NULL."""
    assert await service.options("products.department", ALL, deadline=soon()) == ["A", "B"]
    assert await service.options("sales.sold_at", resolve(GUARDED, viewer(store_groups=("south",))), deadline=soon()) == [
        "2017-01-02T00:00:00"
    ]
    with pytest.raises(NotFound):
        await service.options("secrets.plan", resolve(GUARDED, viewer()), deadline=soon())


async def test_a_dry_run_finds_what_the_database_refuses(folder: Path, engine: DuckDBEngine) -> None:
    """A column the table does not have."""
    missing = msgspec.structs.replace(SEMANTICS.datasets["sales"].fields["amount"], expression="no_such_column")
    sales = msgspec.structs.replace(SEMANTICS.datasets["sales"], fields={"amount": missing})
    broken = app(semantics=msgspec.structs.replace(SEMANTICS, datasets={"sales": sales}, metrics={"m": metric("m", "SUM(sales.amount)")}))
    service = QueryService(Bundle(broken, "d" * 64), {"warehouse": engine}, OneGeneration(folder))
    with pytest.raises(QueryFailed, match="no_such_column"):
        await service.dry_run(MetricQuery(("m",)))


async def test_duplicate_keys_are_found(service: QueryService, tmp_path: Path) -> None:
    """A product that is listed twice would double its sales; rows without a key join with nothing."""
    assert await service.duplicate_keys(deadline=soon()) == []
    shop = Shop()
    twice = {"product_id": 1, "department": "A"}
    nobody = {"product_id": None, "department": "C"}
    shop.fill(DATA | {"products": [twice, twice, nobody, nobody]})
    for name in COLUMNS:
        shop.connection.execute(f"COPY \"t_{name}\" TO '{tmp_path}/{name}.parquet' (FORMAT parquet)").fetchall()
    reader = OneGeneration(tmp_path)
    engine = DuckDBEngine(reader.locate, directory=tmp_path)
    careless = QueryService(Bundle(GUARDED, "d" * 64), {"warehouse": engine}, reader)
    assert await careless.duplicate_keys(deadline=soon()) == [DuplicateKey(Key("products", ("product_id",)), 1)]
    await engine.close()


async def test_the_cache_separates_rights_and_generations(folder: Path, engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second asker with equal rights is served from the cache; other rights and other generations never are."""
    runs = 0
    stream = engine.stream

    def counted(*args: object, **kwargs: object) -> object:
        nonlocal runs
        runs += 1
        return stream(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "stream", counted)
    reader = OneGeneration(folder)
    cache = Cache()
    results = ResultCache(cache)
    service = QueryService(Bundle(GUARDED, "d" * 64), {"warehouse": engine}, reader, results)

    async def revenue(policy: EffectivePolicy) -> object:
        return (await service.table(MetricQuery(("revenue",)), policy, deadline=soon())).table.to_pylist()[0]["revenue"]

    north, south = (resolve(GUARDED, viewer(store_groups=(name,))) for name in ("north", "south"))
    assert [await revenue(policy) for policy in (north, north, south, ALL)] == [15.0, 15.0, 20.0, 35.0]
    assert runs == 3
    reader.generation = msgspec.structs.replace(reader.generation, id="g2")
    assert await revenue(north) == 15.0
    assert runs == 4
    await results.close()


async def test_an_engine_that_is_not_set_up_is_unavailable(folder: Path) -> None:
    """An app over operational tables in a process without Postgres."""
    service = QueryService(Bundle(GUARDED, "d" * 64), {}, OneGeneration(folder))
    with pytest.raises(EngineUnavailable, match="not set up"):
        await service.table(MetricQuery(("revenue",)), ALL, deadline=soon())


@pytest.mark.parametrize(
    ("real", "made_up"),
    [
        (MetricQuery(("plans",)), MetricQuery(("plasn",))),
        (RowsQuery("secrets", ("plan",), ()), RowsQuery("sercets", ("plan",), ())),
        (MetricQuery((), (Dimension("plan", "secrets.plan"),)), MetricQuery((), (Dimension("plan", "sercets.plan"),))),
    ],
)
async def test_what_may_not_be_seen_is_not_there_wherever_it_is_kept(
    folder: Path, engine: DuckDBEngine, real: Query, made_up: Query
) -> None:
    """A hidden table of a database that is not set up reads like one that nobody has."""
    secrets = msgspec.structs.replace(SEMANTICS.datasets["secrets"], engine="operational")
    shop = app(semantics=msgspec.structs.replace(SEMANTICS, datasets=SEMANTICS.datasets | {"secrets": secrets}))
    service = QueryService(Bundle(shop, "d" * 64), {"warehouse": engine}, OneGeneration(folder))
    for query in (real, made_up):
        with pytest.raises(NotFound):
            await (service.count if isinstance(query, RowsQuery) else service.table)(query, resolve(shop, viewer()), deadline=soon())  # type: ignore[operator]
        with pytest.raises(NotFound):
            await service.open(query, resolve(shop, viewer()), deadline=soon())
    with pytest.raises(EngineUnavailable):
        await service.table(MetricQuery(("plans",)), everything(shop), deadline=soon())


def test_duckdb_is_the_version_these_tests_were_written_for() -> None:
    """Streaming, interruption and the parse tree's form are read from its behaviour, so a new major version wants a look."""
    assert duckdb.__version__.startswith("2.")
