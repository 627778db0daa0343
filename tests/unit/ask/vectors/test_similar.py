"""Similar rows over a real engine: in the store's order, under the policy of whoever asks, with and without the store."""

from __future__ import annotations

import hashlib
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import duckdb
import msgspec
import pytest

from seawall.app.model import (
    App,
    Bundle,
    Chart,
    Dataset,
    Field,
    Filter,
    Order,
    Page,
    PageFilter,
    Panel,
    Policy,
    Role,
    RowPolicy,
    RowsQuery,
    Scalar,
    Semantics,
    Similar,
    Text,
)
from seawall.ask.vectors.building import Progress, build, index_name, is_built
from seawall.ask.vectors.described import Described, Descriptions, Shown
from seawall.ask.vectors.embedder import MemoEmbedder
from seawall.ask.vectors.memory import MemoryVectors
from seawall.ask.vectors.port import DIMENSIONS, Vector, key_of
from seawall.ask.vectors.similar import Alike, IndexMissing, SimilarRows, Wanted, alike_of
from seawall.core.deadline import Deadline
from seawall.core.errors import NotFound, NotPermitted, Unavailable
from seawall.core.principal import Principal
from seawall.query.duckdb_engine import DuckDBEngine
from seawall.query.filters import apply
from seawall.query.generations import Generation, TableFiles
from seawall.query.open_query import OpenQuery
from seawall.query.policy import EffectivePolicy, resolve
from seawall.query.service import QueryService

KINDS = ("milk", "cheese", "milk drink", "dog food", "cat food")
TEXT = Text({"en": "x"})


def _fields() -> dict[str, Field]:
    return {
        name: Field("products", name, name, "Integer" if name == "id" else "String", TEXT) for name in ("id", "kind", "brand", "region")
    }


QUERY = RowsQuery("products", ("id", "kind"), (Order("id"),), limit=7)
PANEL = Panel(
    "similar", TEXT, QUERY, Chart(()), filters=("product", "words", "brand"), similar=Similar(("kind", "brand"), "product", "words")
)
FILTERS = {
    "product": PageFilter("product", "products.id", TEXT, "text"),
    "words": PageFilter("words", "products.kind", TEXT, "text"),
    "brand": PageFilter("brand", "products.brand", TEXT, "select"),
}
APP = App(
    name="shop",
    title=TEXT,
    semantics=Semantics({"products": Dataset("products", "products", _fields(), primary_key=("id",))}, (), {}),
    roles={"viewer": Role("viewer"), "boss": Role("boss", ("viewer",))},
    policies={"products": Policy("products", rows=(RowPolicy("products.region", "in", "user.regions", unless=("boss",)),))},
    pages={"products": Page("products", TEXT, {"similar": PANEL}, (("similar",),), FILTERS)},
)
BOSS = resolve(APP, Principal("boss", roles=("boss",)))
NORTH = resolve(APP, Principal("ann", roles=("viewer",), attributes={"regions": ("north",)}))


class One:
    """A warehouse of one generation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.generation = Generation("g1", "shop", 0.0, date(2017, 1, 9), {"products": TableFiles(("products-1.parquet",), 60, 1)})

    def current(self, app: str) -> Generation:
        return self.generation

    def locate(self, id: str) -> Mapping[str, Sequence[Path]]:
        return {"products": [self.folder / "products.parquet"]}


class Words:
    """An embedder that puts texts near each other that share words."""

    version = "words/1"

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def embed(self, texts: Sequence[str], *, deadline: Deadline) -> list[Vector]:
        self.asked += texts
        return [_vector(text) for text in texts]


def _vector(text: str) -> Vector:
    numbers = [0.01] * DIMENSIONS
    for word in text.replace(",", " ").lower().split():
        numbers[int(hashlib.sha256(word.encode()).hexdigest(), 16) % DIMENSIONS] += 1.0
    length = math.sqrt(math.fsum(number * number for number in numbers))
    return tuple(number / length for number in numbers)


class Shop:
    """Everything about similar products."""

    def __init__(self, folder: Path, engine: DuckDBEngine) -> None:
        self.generation = One(folder)
        self.questions = QueryService(Bundle(APP, "d" * 64), {"warehouse": engine}, self.generation)
        self.vectors, self.words = MemoryVectors(), Words()
        self.similar = SimilarRows(APP, self.questions, self.vectors, MemoEmbedder(self.words))

    async def build(self) -> list[Progress]:
        told: list[Progress] = []
        name = index_name(APP, PANEL, self.generation.generation, self.words.version)
        await build(name, PANEL, self.questions, self.vectors, self.words, told.append)
        return told

    def wanted(self, policy: EffectivePolicy, **chosen: str) -> Wanted:
        from seawall.query.filters import from_url

        filters = from_url(APP, APP.pages["products"], {name: [value] for name, value in chosen.items()})
        query, alike = apply(PANEL, filters, APP), alike_of(PANEL, filters)
        assert isinstance(query, RowsQuery)
        assert alike is not None
        return Wanted(PANEL, query, policy, alike)

    async def rows(self, opened: OpenQuery) -> list[dict[str, object]]:
        return [row async for batch in opened.batches for row in batch.to_pylist()]

    async def every(self, wanted: Wanted, *, by_words: bool = False) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        after: tuple[Scalar, ...] | None = None
        while True:
            open_ = self.similar.open_by_words if by_words else self.similar.open
            page = await open_(wanted, deadline=Deadline.after(10), after=after)
            found += await self.rows(page)
            after = page.next_after
            if after is None:
                return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("warehouse")
    values = ", ".join(f"({n}, '{KINDS[n % 5]}', '{'own' if n % 2 else 'national'}', '{'north' if n % 3 else 'south'}')" for n in range(60))
    duckdb.execute(f"COPY (SELECT * FROM (VALUES {values}) AS t (id, kind, brand, region)) TO '{made}/products.parquet' (FORMAT parquet)")
    return made


@pytest.fixture
async def shop(folder: Path) -> AsyncIterator[Shop]:
    engine = DuckDBEngine(One(folder).locate, directory=folder)
    made = Shop(folder, engine)
    yield made
    await engine.close()


async def test_the_chosen_row_is_first_then_what_is_like_it(shop: Shop) -> None:
    """With how similar it is, which falls from row to row; each row once over all pages."""
    await shop.build()
    rows = await shop.every(shop.wanted(BOSS, product="10"))
    assert (rows[0]["id"], rows[0]["similarity"]) == (10, 1.0)
    assert [row["kind"] for row in rows[:12]] == ["milk"] * 6 + ["milk drink"] * 6
    assert sorted(row["id"] for row in rows) == list(range(60))
    assert [row["similarity"] for row in rows] == sorted((row["similarity"] for row in rows), reverse=True)
    assert list(rows[0]) == ["id", "similarity", "kind"]


async def test_rows_that_may_not_be_seen_are_on_no_page(shop: Shop) -> None:
    """Pages are full all the same; such a row cannot be chosen either, and one that never existed looks the same."""
    await shop.build()
    first = await shop.similar.open(shop.wanted(NORTH, product="10"), deadline=Deadline.after(10))
    assert len(await shop.rows(first)) == 8  # the chosen one and a page
    rows = await shop.every(shop.wanted(NORTH, product="10"))
    assert sorted(row["id"] for row in rows) == [n for n in range(60) if n % 3]
    for product in ("3", "999"):
        with pytest.raises(NotFound):
            await shop.every(shop.wanted(NORTH, product=product))
        with pytest.raises(NotFound):
            await shop.every(shop.wanted(NORTH, product=product), by_words=True)


async def test_what_describes_rows_is_read_for_each_policy_and_generation(shop: Shop) -> None:
    """And once for those who may see the same of the same data."""
    known, shown = Descriptions(), Shown.of(APP, QUERY, PANEL.similar or Similar((), "", ""))

    async def of(policy: EffectivePolicy) -> Described:
        return await known.of(shop.questions, shown, policy, deadline=Deadline.after(10))

    everything, some = await of(BOSS), await of(NORTH)
    assert (everything.items, some.items) == (60, 40)
    assert await of(BOSS) is everything
    shop.generation.generation = msgspec.structs.replace(shop.generation.generation, id="g2")
    assert await of(BOSS) is not everything


async def test_other_filters_narrow_what_is_similar(shop: Shop) -> None:
    """A chosen row that they leave out is no fault."""
    await shop.build()
    rows = await shop.every(shop.wanted(BOSS, product="10", brand="own"))
    assert {row["id"] for row in rows} == {n for n in range(60) if n % 2}
    assert [row["kind"] for row in rows[:6]] == ["milk"] * 6


async def test_words_find_rows_by_meaning_and_by_word(shop: Shop) -> None:
    """The better of both counts."""
    await shop.build()
    rows = await shop.every(shop.wanted(BOSS, words="dog"))
    assert [row["kind"] for row in rows[:12]] == ["dog food"] * 12
    assert shop.words.asked.count("dog") == 1


@pytest.mark.parametrize(("chosen", "milks"), [({"product": "10"}, 4), ({"words": "milk"}, 8)])
async def test_without_the_store_words_still_find_rows(shop: Shop, chosen: dict[str, str], milks: int) -> None:
    """`open` says what is missing; the search by words is governed and paged like the other."""
    for wanted in (shop.wanted(NORTH, **chosen), shop.wanted(BOSS, **chosen)):
        with pytest.raises(IndexMissing):
            await shop.similar.open(wanted, deadline=Deadline.after(10))
    await shop.build()
    shop.vectors.away = True
    with pytest.raises(Unavailable):
        await shop.similar.open(shop.wanted(NORTH, **chosen), deadline=Deadline.after(10))
    rows = await shop.every(shop.wanted(NORTH, **chosen), by_words=True)
    assert [row["kind"] for row in rows[:milks]] == ["milk"] * milks
    assert all(row["id"] % 3 for row in rows)  # type: ignore[operator]
    assert len({row["id"] for row in rows}) == len(rows)


async def test_a_page_cut_by_words_goes_on_by_words(shop: Shop) -> None:
    """Also when the store is back, so that no row comes twice; one cut by meaning begins anew by words."""
    await shop.build()
    wanted = shop.wanted(BOSS, product="10")
    by_words = await shop.similar.open_by_words(wanted, deadline=Deadline.after(10))
    on = await shop.similar.open(wanted, deadline=Deadline.after(10), after=by_words.next_after)
    assert on.next_after is None or on.next_after[0] == "w"
    by_meaning = await shop.similar.open(wanted, deadline=Deadline.after(10))
    again = await shop.similar.open_by_words(wanted, deadline=Deadline.after(10), after=by_meaning.next_after)
    assert (await shop.rows(again))[0]["id"] == 10


async def test_hidden_descriptions_tell_nothing(shop: Shop) -> None:
    """Who does not see what describes rows does not learn what is alike."""
    await shop.build()
    access = msgspec.structs.replace(BOSS.datasets["products"], masked=("brand",))
    hidden = msgspec.structs.replace(BOSS, datasets={"products": access})
    with pytest.raises(NotPermitted):
        await shop.similar.open(shop.wanted(hidden, product="10"), deadline=Deadline.after(10))


async def test_a_build_goes_on_where_it_was(shop: Shop) -> None:
    """Each distinct text is embedded once, over interruptions and generations; a whole index is left alone."""
    told = await shop.build()
    assert (told[0], told[-1]) == (Progress(0, 10), Progress(10, 10))
    assert sorted(shop.words.asked) == sorted(f"{kind}, {brand}" for kind in KINDS for brand in ("own", "national"))
    assert await shop.build() == []
    table = TableFiles(("products-2.parquet",), 60, 1)
    shop.generation.generation = msgspec.structs.replace(shop.generation.generation, id="g2", tables={"products": table})
    assert (await shop.build())[0] == Progress(10, 10)
    assert len(shop.words.asked) == 10
    assert [index.state for index in await shop.vectors.versions("shop", "similar")] == ["current", "old"]


async def test_another_embedder_makes_another_index(shop: Shop) -> None:
    """The old one serves rows until it is whole, but not words: their vectors could not be compared."""
    await shop.build()
    shop.words.version = "words/2"
    assert not await is_built(shop.vectors, index_name(APP, PANEL, shop.generation.generation, "words/2"))
    assert len(await shop.every(shop.wanted(BOSS, product="10"))) == 60
    with pytest.raises(Unavailable):
        await shop.every(shop.wanted(BOSS, words="dog"))
    await shop.build()
    assert len(shop.words.asked) == 20


def test_what_is_chosen() -> None:
    """A row before words; nothing when nothing is; nothing for other panels."""
    product, words = Filter("products.id", "eq", (5,)), Filter("products.kind", "contains", ("milk",))
    assert alike_of(PANEL, {"product": (product,), "words": (words,)}) == Alike(key=5)
    assert alike_of(PANEL, {"words": (words,)}) == Alike(words="milk")
    assert alike_of(PANEL, {}) is None
    assert alike_of(msgspec.structs.replace(PANEL, similar=None), {"product": (product,)}) is None
    assert key_of(5) < key_of(10)
