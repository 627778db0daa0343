"""What services rely on of the operational database, held by Postgres and by its twin in memory alike."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

from seawall.store.database import Queries

NOW = datetime(2026, 1, 8, 12, 0, tzinfo=UTC)


async def publish(database: Queries, id: str, app: str = "shop") -> None:
    """Publish a generation with nothing in it."""
    await database.execute("publish_generation", id=id, app=app, created_at=NOW, as_of=date(2026, 1, 7), manifest='{"id": "x"}')


async def test_publishing_moves_the_pointer(database: Queries) -> None:
    """The generation published last is current, also when it is an old one again."""
    await publish(database, "a")
    await publish(database, "b")
    assert await database.fetch_all("current_generations") == [{"app": "shop", "generation": "b"}]
    await publish(database, "a")
    assert await database.fetch_all("current_generations") == [{"app": "shop", "generation": "a"}]
    assert await database.fetch_one("generation_manifest", id="b") == {"manifest": {"id": "x"}}
    assert await database.fetch_one("generation_manifest", id="c") is None


async def test_the_current_generation_is_never_forgotten(database: Queries) -> None:
    """Forgetting keeps what is named and what is served."""
    for name in ("a", "b", "c"):
        await publish(database, name)
    await publish(database, "a")
    assert await database.execute("forget_generations", app="shop", keep=["c"]) == 1
    assert await database.fetch_one("generation_manifest", id="a")
    assert await database.fetch_one("generation_manifest", id="b") is None


async def test_listeners_hear_of_a_publication(database: Queries) -> None:
    """A listener gets an empty word once it listens, then the app and the generation."""
    heard = database.listen("seawall_generation")
    try:
        assert await anext(heard) == ""
        await publish(database, "a")
        async with asyncio.timeout(30):
            assert await anext(heard) == "shop a"
    finally:
        await heard.aclose()


async def test_an_older_summary_does_not_replace_a_newer(database: Queries) -> None:
    """Two writers may race: the answer made later stays."""
    await database.execute("write_summary", key="k", watermark="w2", made_at=2.0, sealed=b"new")
    await database.execute("write_summary", key="k", watermark="w1", made_at=1.0, sealed=b"old")
    assert await database.fetch_one("read_summary", key="k") == {"sealed": b"new", "made_at": 2.0}
    await database.execute("write_summary", key="k", watermark="w3", made_at=3.0, sealed=b"newest")
    assert await database.fetch_one("read_summary", key="k") == {"sealed": b"newest", "made_at": 3.0}


async def test_old_summaries_are_forgotten(database: Queries) -> None:
    """Forgetting with no age at all leaves none; with a large one, all."""
    await database.execute_many("write_summary", [{"key": k, "watermark": "w", "made_at": 1.0, "sealed": b""} for k in "ab"])
    assert await database.execute("forget_summaries", older_seconds=60.0, count_max=2) == 0
    assert await database.execute("forget_summaries", older_seconds=60.0, count_max=1) == 1
    assert await database.execute("forget_summaries", older_seconds=-60.0, count_max=2) == 1


async def test_use_adds_up_and_halves_in_a_week(database: Queries) -> None:
    """Recent use counts more than old use, and the policy kept is the last one."""
    columns = {"app": "shop", "page": "p", "parameters": '[["d", ["x\\u0000"]]]', "locale": "en", "fingerprint": "f"}
    rows = [{"key": "old", "panel": "old", "uses": 8.0, "at": NOW, "policy": b"1"} | columns]
    rows += [{"key": "new", "panel": "new", "uses": 3.0, "at": NOW + timedelta(days=14), "policy": b"1"} | columns]
    rows += [{"key": "new", "panel": "new", "uses": 2.0, "at": NOW + timedelta(days=14), "policy": b"2"} | columns]
    await database.execute_many("count_panel_use", rows)
    used = await database.fetch_all("most_used_panels", app="shop", limit=5, at=NOW + timedelta(days=14))
    assert [(row["panel"], row["uses"], row["policy"]) for row in used] == [("new", 5.0, b"2"), ("old", 2.0, b"1")]
    assert used[0]["parameters"] == '[["d", ["x\\u0000"]]]'
    assert await database.execute("forget_panel_use", before=NOW + timedelta(days=1)) == 1


async def test_a_web_vital_is_kept(database: Queries) -> None:
    """One measurement, one row."""
    vital = {"app": "shop", "page": "p", "release": "r", "action": "navigate", "metric": "LCP", "value": 120.5, "rating": "good"}
    assert await database.execute("record_web_vital", **vital, trace_id="") == 1
    await database.execute_many("record_web_vital", [{**vital, "trace_id": ""}] * 2)
    assert await database.execute("forget_web_vitals", older_seconds=60.0, count_max=3) == 0
    assert await database.execute("forget_web_vitals", older_seconds=60.0, count_max=1) == 2
    assert await database.execute("forget_web_vitals", older_seconds=-60.0, count_max=3) == 1
