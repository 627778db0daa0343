"""Generations: whole or not at all, and the old one stays current through every fault."""

from __future__ import annotations

import asyncio
import os
from datetime import date
from pathlib import Path

import pytest

from seawall.core.clock import ManualClock
from seawall.core.errors import InvalidInput, NotFound, Unavailable
from seawall.query import generations as module
from seawall.query.generations import Generation, Generations, NoGeneration, TableFiles, new_generation
from seawall.store.memory_database import MemoryDatabase

CLOCK = ManualClock()


def made(generations: Generations, name: str, app: str = "shop") -> Generation:
    """A generation with one file, written."""
    CLOCK.advance(1)
    (generations.files_dir(app) / f"{name}.parquet").write_bytes(name.encode())
    return new_generation(app, date(2026, 1, 7), {"sales": TableFiles((f"{name}.parquet",), 1, len(name))}, CLOCK)


def test_ids_sort_by_time_and_tell_contents_apart() -> None:
    """Later is greater; at one moment other files give another id, equal files the same."""
    clock = ManualClock()
    one = new_generation("shop", date(2026, 1, 7), {"a": TableFiles(("x",), 1, 1)}, clock)
    other = new_generation("shop", date(2026, 1, 7), {"a": TableFiles(("y",), 1, 1)}, clock)
    assert one.id == new_generation("shop", date(2026, 1, 7), {"a": TableFiles(("x",), 1, 1)}, clock).id
    assert one.id != other.id
    clock.advance(0.001)
    assert new_generation("shop", date(2026, 1, 7), {}, clock).id > max(one.id, other.id)


@pytest.mark.parametrize("with_database", [True, False])
async def test_published_is_current_and_found(tmp_path: Path, with_database: bool) -> None:
    """With Postgres or without, the last one published is served, also by a process that starts later."""
    database = MemoryDatabase() if with_database else None
    generations = Generations(tmp_path, database)
    with pytest.raises(NoGeneration):
        generations.current("shop")
    first, second = made(generations, "a"), made(generations, "b")
    await generations.publish(first)
    await generations.publish(second)
    assert generations.current("shop") == second
    assert Generations(tmp_path, database).current("shop") == second
    assert generations.locate(first.id) == {"sales": (tmp_path / "shop/files/a.parquet",)}
    await generations.publish(first)
    assert generations.current("shop") == first


async def test_a_crash_before_the_pointer_leaves_the_old_one(tmp_path: Path) -> None:
    """Postgres away while publishing: an error, and the old generation stays."""
    database = MemoryDatabase()
    generations = Generations(tmp_path, database)
    old, new = made(generations, "a"), made(generations, "b")
    await generations.publish(old)
    database.away = True
    with pytest.raises(Unavailable):
        await generations.publish(new)
    assert generations.current("shop") == Generations(tmp_path, database).current("shop") == old


async def test_watching_hears_at_once_and_tells(tmp_path: Path) -> None:
    """Another process's publication arrives by notification, long before the next poll."""
    database, told = MemoryDatabase(), asyncio.Queue[Generation]()
    publisher, reader = Generations(tmp_path, database), Generations(tmp_path, database, poll_seconds=60.0)
    reader.on_change(told.put_nowait)
    await reader.start()
    generation = made(publisher, "a")
    await asyncio.sleep(0)
    await publisher.publish(generation)
    async with asyncio.timeout(20):
        assert await told.get() == generation == reader.current("shop")
    await reader.close()


async def test_without_postgres_the_pointer_on_disk_counts(tmp_path: Path) -> None:
    """A reader that starts while Postgres is away serves what this machine last saw, and never steps back."""
    database = MemoryDatabase()
    generations = Generations(tmp_path, database)
    first, second = made(generations, "a"), made(generations, "b")
    await generations.publish(first)
    await generations.publish(second)
    database.away = True
    late = Generations(tmp_path, database)
    await late.refresh()
    await generations.refresh()
    assert late.current("shop") == generations.current("shop") == second


async def test_a_generation_with_a_missing_file_is_not_followed(tmp_path: Path) -> None:
    """The pointer may arrive before the files: until they are there, the old generation is served."""
    database = MemoryDatabase()
    here, there = Generations(tmp_path / "here", database), Generations(tmp_path / "there", database)
    old, new = made(there, "a"), made(there, "b")
    made(here, "a")
    for generation in (old, new):
        await there.publish(generation)
        await here.refresh()
    assert here.current("shop") == old
    made(here, "b")
    await here.refresh()
    assert here.current("shop") == new


async def test_a_generation_without_its_files_is_not_published(tmp_path: Path) -> None:
    """Whoever prepares data hears of a file that is not there, and nothing changes."""
    generations = Generations(tmp_path, MemoryDatabase())
    generation = made(generations, "a")
    (generations.files_dir("shop") / "a.parquet").unlink()
    with pytest.raises(InvalidInput, match="names files that are not in"):
        await generations.publish(generation)
    with pytest.raises(NoGeneration):
        generations.current("shop")


async def test_a_pointer_to_another_apps_generation_is_not_followed(tmp_path: Path) -> None:
    """An app never shows the tables of another, whatever a pointer says."""
    publisher = Generations(tmp_path)
    own, other = made(publisher, "a"), made(publisher, "b", app="bikes")
    await publisher.publish(own)
    await publisher.publish(other)
    (tmp_path / "shop/current").write_text(other.id)
    await publisher.refresh()
    assert publisher.current("shop") == own
    with pytest.raises(NoGeneration):
        Generations(tmp_path).current("shop")


async def test_manifests_are_remembered_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that lives through many generations keeps a few, and finds the others on disk."""
    monkeypatch.setattr(module, "KNOWN_MAX", 2)
    generations = Generations(tmp_path)
    published = [made(generations, name) for name in "abcd"]
    for each in published:
        await generations.publish(each)
    assert len(generations._known) == 2
    assert generations.locate(published[0].id) == {"sales": (tmp_path / "shop/files/a.parquet",)}


async def test_a_lost_manifest_comes_from_postgres(tmp_path: Path) -> None:
    """The rows of Postgres hold the manifest too."""
    database = MemoryDatabase()
    generations = Generations(tmp_path, database)
    generation = made(generations, "a")
    await generations.publish(generation)
    (tmp_path / f"shop/generations/{generation.id}.json").unlink()
    late = Generations(tmp_path, database)
    await late.refresh()
    assert late.current("shop") == generation


async def test_pruning_keeps_the_newest_the_current_and_what_they_share(tmp_path: Path) -> None:
    """Old generations and files nobody names go; files just written stay."""
    generations = Generations(tmp_path, MemoryDatabase())
    every = [made(generations, name) for name in "abcdef"]
    for generation in every:
        await generations.publish(generation)
    await generations.publish(every[0])
    assert await generations.prune(keep=2) == 0
    for path in generations.files_dir("shop").iterdir():
        os.utime(path, (0, 0))
    (generations.files_dir("shop") / "in the making.parquet").write_bytes(b"")
    assert await generations.prune(keep=2) == 3
    assert sorted(path.stem for path in generations.files_dir("shop").iterdir()) == ["a", "e", "f", "in the making"]
    with pytest.raises(NotFound):
        Generations(tmp_path).locate(every[1].id)


@pytest.mark.parametrize("name", ["../up", "", "a/b", "A", ".hidden", "a" * 80])
def test_an_app_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    """Names become folders, so only well-formed ones pass."""
    with pytest.raises(InvalidInput):
        Generations(tmp_path).files_dir(name)


@pytest.mark.parametrize("name", ["../../etc/passwd", "*", "", "20260108T101500123Z-zzzzzzzzzzzz"])
def test_a_made_up_id_is_not_found(tmp_path: Path, name: str) -> None:
    """Ids become file names and patterns, so only well-formed ones are looked for."""
    with pytest.raises(NotFound):
        Generations(tmp_path).locate(name)
