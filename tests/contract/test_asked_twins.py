"""Verdicts and kept answers, in Postgres and in their twin in memory alike."""

from __future__ import annotations

import msgspec
import pytest

from seawall.core.principal import Principal
from seawall.store.database import Queries
from seawall.ui.ask.memory import AskedMemoryDatabase
from seawall.ui.ask.stores import KeptAnswers, Verdict, Verdicts

ANN, BOB = Principal("ann"), Principal("bob")
VERDICT = Verdict("shop", "ab", "sales", "en", "", "metric=sales", "", "small", "up", "ask ann@example.org")


@pytest.fixture
def twin() -> Queries:
    """In memory."""
    return AskedMemoryDatabase()


async def titles(kept: KeptAnswers, who: Principal = ANN) -> list[str]:
    return [one.title for one in await kept.of("shop", who)]


async def test_verdicts_are_candidates_the_newest_first(database: Queries) -> None:
    """Redacted, with the day and without a name; those looked at are dropped."""
    await Verdicts(database).record(VERDICT)
    await Verdicts(database).record(msgspec.structs.replace(VERDICT, verdict="down", comment=""))
    found = await database.fetch_all("golden_candidates", app="shop", limit=10)
    assert [row["verdict"] for row in found] == ["down", "up"]
    assert found[1]["comment"] == "ask [email]"
    assert found[0]["day"].year > 2000
    await database.execute("forget_candidates", app="shop", up_to=found[1]["id"])
    assert [row["verdict"] for row in await database.fetch_all("golden_candidates", app="shop", limit=10)] == ["down"]


async def test_candidates_are_bounded(database: Queries) -> None:
    """When enough wait, more are dropped."""
    fields = {name: getattr(VERDICT, name) for name in VERDICT.__struct_fields__}
    for _ in range(3):
        await database.execute("record_verdict", **fields, count_max=2)
    assert len(await database.fetch_all("golden_candidates", app="shop", limit=10)) == 2


async def test_answers_are_kept_in_order_and_once(database: Queries) -> None:
    """Keeping again what is there gives it another title; each person has a page of their own."""
    kept = KeptAnswers(database)
    for title in ("a", "b", "c"):
        assert await kept.keep("shop", ANN, title, f"metric={title}")
    assert await kept.keep("shop", ANN, "B", "metric=b")
    await kept.keep("shop", BOB, "other", "metric=a")
    assert await titles(kept) == ["a", "B", "c"]
    assert await titles(kept, BOB) == ["other"]


async def test_answers_change_places(database: Queries) -> None:
    """With their neighbour; at either end nothing happens, nor to what is another's."""
    kept = KeptAnswers(database)
    for title in ("a", "b", "c"):
        await kept.keep("shop", ANN, title, f"metric={title}")
    ids = {one.title: one.id for one in await kept.of("shop", ANN)}
    await kept.move("shop", ANN, ids["c"], up=True)
    assert await titles(kept) == ["a", "c", "b"]
    await kept.move("shop", ANN, ids["a"], up=True)
    await kept.move("shop", BOB, ids["a"], up=False)
    assert await titles(kept) == ["a", "c", "b"]
    await kept.move("shop", ANN, ids["a"], up=False)
    assert await titles(kept) == ["c", "a", "b"]


async def test_answers_are_renamed_and_taken_off_by_their_owner_alone(database: Queries) -> None:
    """The number of an answer is no secret, so it is not what protects it."""
    kept = KeptAnswers(database)
    await kept.keep("shop", ANN, "a", "metric=a")
    (one,) = await kept.of("shop", ANN)
    await kept.rename("shop", BOB, one.id, "stolen")
    await kept.drop("shop", BOB, one.id)
    assert await titles(kept) == ["a"]
    await kept.rename("shop", ANN, one.id, "mine")
    assert await titles(kept) == ["mine"]
    await kept.drop("shop", ANN, one.id)
    assert await titles(kept) == []


async def test_a_page_is_bounded(database: Queries) -> None:
    """A full one takes nothing more, but a new title for what is there."""
    owner = {"app": "shop", "tenant": "default", "owner": "ann", "count_max": 2}
    for number in range(3):
        await database.fetch_one("keep_answer", **owner, title="t", params=f"metric=m{number}")
    assert len(await KeptAnswers(database).of("shop", ANN)) == 2
    assert await database.fetch_one("keep_answer", **owner, title="new", params="metric=m0")
