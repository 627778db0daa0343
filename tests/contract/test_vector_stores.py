"""What is relied on of a vector store, held by pgvector and by its twin in memory alike."""

from __future__ import annotations

import math
import random
from collections.abc import AsyncIterator, Sequence

import pytest
from tests.engines import PostgresServer

from seawall.ask.vectors.memory import MemoryVectors
from seawall.ask.vectors.pgvector import PgVectors, open_vectors
from seawall.ask.vectors.port import DIMENSIONS, START, Index, IndexName, Near, Vector, Vectors, digest_of, key_of
from seawall.core.errors import InvalidInput
from seawall.store.migrations import VECTOR_DIRECTORY, migrate

ONE = IndexName("shop", "products", "minilm/1", "g1")


@pytest.fixture(params=["memory", "pgvector"])
async def vectors(request: pytest.FixtureRequest) -> AsyncIterator[Vectors]:
    """Each implementation in turn."""
    if request.param == "memory":
        yield MemoryVectors()
        return
    url = request.getfixturevalue("empty_database_url")
    await migrate(url, directory=VECTOR_DIRECTORY)
    store = await open_vectors(url, seconds_max=30.0)
    try:
        yield store
    finally:
        await store.close()


def direction(angle: float) -> Vector:
    """A vector in the plane of the first two axes."""
    return (math.cos(angle), math.sin(angle), *([0.0] * (DIMENSIONS - 2)))


def scattered(count: int, seed: int = 1) -> list[Vector]:
    """Vectors of length one in all directions."""
    random_ = random.Random(seed)
    made = []
    for _ in range(count):
        numbers = [random_.gauss(0, 1) for _ in range(DIMENSIONS)]
        length = math.sqrt(math.fsum(number * number for number in numbers))
        made.append(tuple(number / length for number in numbers))
    return made


async def filled(vectors: Vectors, name: IndexName, rows: Sequence[tuple[int, str, Vector]]) -> Index:
    """A finished index of (key, text, vector)."""
    index = await vectors.open(name)
    await vectors.upsert(
        index, {digest_of(text): vector for _, text, vector in rows}, {key_of(key): digest_of(text) for key, text, _ in rows}
    )
    return await vectors.finish(index)


async def pages(vectors: Vectors, index: Index, wanted: Vector, limit: int, but: str = "") -> list[Near]:
    """Every item, a page after the other."""
    found: list[Near] = []
    position = START
    while page := await vectors.nearest(index, wanted, limit=limit, after=position, but=but):
        found += page
        position = page[-1].position
    return found


async def test_the_nearest_come_first_and_ties_by_key(vectors: Vectors) -> None:
    """Equal texts have equal distances; their keys are in numeric order."""
    rows = [(key, text, direction(angle)) for text, angle in (("a", 0.1), ("b", 0.9), ("c", 0.4)) for key in (30, 4, 200)]
    index = await filled(vectors, ONE, [(key + place, *rest) for place, (key, *rest) in enumerate(rows)])
    found = await vectors.nearest(index, direction(0.0), limit=9)
    assert [near.key for near in found] == [key_of(key) for key in (5, 30, 202, 11, 36, 208, 8, 33, 205)]
    assert found[0].distance == found[2].distance < found[3].distance
    assert found[0].distance == pytest.approx(1 - math.cos(0.1), abs=1e-3)


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_pages_hold_every_item_once(vectors: Vectors, limit: int) -> None:
    """However long the pages are and wherever they cut through ties."""
    made = scattered(60)
    index = await filled(vectors, ONE, [(key, f"text {key % 60}", made[key % 60]) for key in range(240)])
    found = await pages(vectors, index, made[7], limit, but=key_of(7))
    assert [near.position for near in found] == sorted(near.position for near in found)
    assert len({near.key for near in found}) == len(found) == 239
    assert key_of(7) not in {near.key for near in found}


async def test_a_text_of_thousands_of_rows_is_paged(vectors: Vectors) -> None:
    """One text describes more rows than a page, and more than the first look."""
    rows = [(key, "crowd", direction(0.2)) for key in range(2500)]
    rows += [(9000 + key, f"other {key}", direction(0.3 + key / 50)) for key in range(40)]
    index = await filled(vectors, ONE, rows)
    found = await pages(vectors, index, direction(0.2), 900)
    assert [near.key for near in found[:2500]] == [key_of(key) for key in range(2500)]
    assert len(found) == 2540


async def test_the_old_index_serves_until_the_new_is_finished(vectors: Vectors) -> None:
    """Then the new one does, and the old one can be dropped."""
    old = await filled(vectors, ONE, [(1, "a", direction(0.0))])
    new = await vectors.open(IndexName("shop", "products", "minilm/2", "g1"))
    assert await vectors.current("shop", "products") == old
    await vectors.upsert(new, {digest_of("b"): direction(1.0)}, {key_of(2): digest_of("b")})
    finished = await vectors.finish(new)
    assert await vectors.current("shop", "products") == finished
    assert (finished.items, finished.texts, finished.state) == (1, 1, "current")
    assert [index.state for index in await vectors.versions("shop", "products")] == ["current", "old"]
    assert len(await vectors.nearest(old, direction(0.0), limit=5)) == 1
    assert await vectors.drop_old("shop", "products", older_seconds=60.0) == 0
    assert await vectors.drop_old("shop", "products", older_seconds=0.0) == 1
    assert await vectors.versions("shop", "products") == (finished,)


async def test_what_was_embedded_is_taken_over(vectors: Vectors) -> None:
    """By the next generation of the same embedder, not by another embedder."""
    await filled(vectors, ONE, [(1, "a", direction(0.5)), (2, "b", direction(0.7))])
    digests = [digest_of(text) for text in "abc"]
    same = await vectors.open(IndexName("shop", "products", "minilm/1", "g2"))
    other = await vectors.open(IndexName("shop", "products", "minilm/2", "g2"))
    assert await vectors.remembered(same, digests) == {digest_of("a"), digest_of("b")}
    assert await vectors.remembered(other, digests) == frozenset()
    assert (await vectors.count(same)).texts == 2
    await vectors.upsert(same, {}, {key_of(1): digest_of("a")})
    assert (await vectors.vector(same, key_of(1)) or (0,))[0] == pytest.approx(math.cos(0.5), abs=1e-3)


async def test_doing_it_again_changes_nothing(vectors: Vectors) -> None:
    """A job that was interrupted begins again: opening, adding and finishing are repeatable, and a key may change its text."""
    index = await filled(vectors, ONE, [(1, "a", direction(0.0))])
    assert await vectors.open(ONE) == index
    again = await filled(vectors, ONE, [(1, "a", direction(3.0))])
    assert (again.id, (await vectors.count(again)).texts) == (index.id, 1)
    assert (await vectors.nearest(again, direction(0.0), limit=1))[0].distance == pytest.approx(0.0, abs=1e-3)
    await vectors.upsert(again, {digest_of("b"): direction(1.0)}, {key_of(1): digest_of("b")})
    assert (await vectors.nearest(again, direction(1.0), limit=5))[0].distance == pytest.approx(0.0, abs=1e-3)
    await vectors.forget(again, [key_of(1), key_of(77)])
    assert await vectors.nearest(again, direction(1.0), limit=5) == ()


async def test_a_live_index_serves_while_it_grows(vectors: Vectors) -> None:
    """Questions are added one by one and found at once."""
    index = await vectors.open(IndexName("shop", "questions", "minilm/1"), live=True)
    assert await vectors.current("shop", "questions") == index
    for place, text in enumerate(["sales by week", "units by store"]):
        await vectors.upsert(index, {digest_of(text): direction(place)}, {key_of(text): digest_of(text)})
    assert [near.key for near in await vectors.nearest(index, direction(0.9), limit=1)] == ["sunits by store"]


async def test_what_is_not_there_is_not_found(vectors: Vectors) -> None:
    """No index, no item, an empty page: nothing, and no error."""
    assert await vectors.current("shop", "nothing") is None
    index = await vectors.open(ONE)
    assert await vectors.vector(index, key_of(5)) is None
    assert await vectors.nearest(index, direction(0.0), limit=5) == ()
    with pytest.raises(InvalidInput):
        await vectors.nearest(index, direction(0.0), limit=0)


async def test_the_index_finds_nearly_all_of_the_nearest(postgres_server: PostgresServer, empty_database_url: str) -> None:
    """HNSW against looking at every vector: at least 95 % of the first fifty, over pages, in a hard case (no structure at all)."""
    await migrate(empty_database_url, directory=VECTOR_DIRECTORY)
    store: PgVectors = await open_vectors(empty_database_url, seconds_max=30.0)
    try:
        made = scattered(1500)
        index = await filled(store, ONE, [(key, f"text {key}", vector) for key, vector in enumerate(made)])
        hits = 0
        for wanted in scattered(10, seed=2):
            exact = {near.key for near in await store.nearest_exactly(index, wanted, limit=50)}
            first = await store.nearest(index, wanted, limit=25)
            second = await store.nearest(index, wanted, limit=25, after=first[-1].position)
            hits += len(exact & {near.key for near in (*first, *second)})
        assert hits >= 0.95 * 500
    finally:
        await store.close()
