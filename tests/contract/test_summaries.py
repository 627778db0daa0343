"""Last-good answers, on disk and in Postgres or its twin: found while one of the two is there."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from seawall.core.clock import ManualClock
from seawall.core.errors import Unavailable
from seawall.query.cache import CacheKey
from seawall.query.cache_shared import Entry
from seawall.query.summaries import WAITING_MAX, DiskSummaries, Summaries
from seawall.store.database import Queries, Row
from seawall.trust.encryption import Sealer

SEALER = Sealer(bytes(32))
KEY = CacheKey("p", (), "f", "en", "w1")
NEXT = CacheKey("p", (), "f", "en", "w2")
OTHER = CacheKey("p", (), "g", "en", "w1")
ENTRY = Entry(b"good", 5.0, "w1")


class Away:
    """A database that cannot be reached."""

    async def fetch_one(self, *_: object, **__: object) -> Row | None:
        raise Unavailable

    execute_many = fetch_one


async def test_another_machine_finds_it_in_postgres(database: Queries, tmp_path: Path) -> None:
    """What one ui wrote, another with an empty disk finds, for the same rights only, under any watermark."""
    writer = Summaries(database, tmp_path / "one", SEALER)
    writer.note(KEY, ENTRY)
    await writer.flush()
    reader = Summaries(database, tmp_path / "two", SEALER)
    assert await reader.find(KEY) == await reader.find(NEXT) == ENTRY
    assert await reader.find(OTHER) is None


async def test_without_postgres_it_is_on_disk(database: Queries, tmp_path: Path) -> None:
    """Postgres gone, also before a restart: this machine's own copy serves."""
    writer = Summaries(database, tmp_path, SEALER)
    writer.note(KEY, ENTRY)
    await writer.flush()
    restarted = Summaries(Away(), tmp_path, SEALER)  # type: ignore[arg-type]
    assert await restarted.find(NEXT) == ENTRY
    restarted.note(KEY, ENTRY)
    await restarted.flush()


async def test_with_a_full_disk_it_is_in_postgres(database: Queries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that takes nothing costs the local copy, and no error."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(DiskSummaries, "write", full)
    writer = Summaries(database, tmp_path, SEALER)
    writer.note(KEY, ENTRY)
    await writer.flush()
    assert await Summaries(database, tmp_path, SEALER).find(KEY) == ENTRY


async def test_the_newer_of_the_two_counts(database: Queries, tmp_path: Path) -> None:
    """Another machine may have written since."""
    here, there = Summaries(database, tmp_path / "one", SEALER), Summaries(database, tmp_path / "two", SEALER)
    here.note(KEY, ENTRY)
    await here.flush()
    there.note(NEXT, Entry(b"better", 9.0, "w2"))
    await there.flush()
    found = await here.find(KEY)
    assert found
    assert found.payload == b"better"


async def test_a_key_is_written_at_most_once_in_a_while(database: Queries, tmp_path: Path) -> None:
    """A panel made anew every second does not become a write every second; the wait is over after `every_seconds`."""
    clock = ManualClock()
    summaries = Summaries(database, tmp_path, SEALER, clock, every_seconds=60.0)
    payloads = []
    for number in range(3):
        summaries.note(KEY, Entry(b"%d" % number, float(number), "w1"))
        await summaries.flush()
        found = await summaries.find(KEY)
        assert found
        payloads.append(found.payload)
        clock.advance(31.0)
    assert payloads == [b"0", b"0", b"2"]


async def test_what_was_altered_is_not_served(database: Queries, tmp_path: Path) -> None:
    """A file copied over another key's, or cut short, is as if it were not there."""
    writer = Summaries(None, tmp_path, SEALER)
    writer.note(KEY, ENTRY)
    await writer.flush()
    disk = DiskSummaries(tmp_path)
    sealed = disk.read(KEY.lasting)
    assert sealed
    disk.write(OTHER.lasting, sealed)
    disk.write(KEY.lasting, sealed[:-1])
    assert [await Summaries(database, tmp_path, SEALER).find(key) for key in (KEY, OTHER)] == [None, None]


async def test_what_waits_and_what_is_kept_is_bounded(tmp_path: Path) -> None:
    """Neither memory nor disk grows with the number of variants."""
    summaries = Summaries(None, None, SEALER)
    for number in range(WAITING_MAX + 10):
        summaries.note(CacheKey(str(number), (), "f", "en", "w"), ENTRY)
    assert len(summaries._waiting) == WAITING_MAX
    disk = DiskSummaries(tmp_path, files_max=5)
    for number in range(9):
        disk.write(f"{number:02d}", b"x")
    disk.prune()
    assert len(list(tmp_path.glob("??/*"))) == 5


async def test_closing_writes_what_waits(database: Queries, tmp_path: Path) -> None:
    """A stop loses nothing that was noted."""
    summaries = Summaries(database, tmp_path, SEALER)
    await summaries.start()
    summaries.note(KEY, ENTRY)
    await summaries.close()
    assert await Summaries(database, None, SEALER).find(KEY) == ENTRY
