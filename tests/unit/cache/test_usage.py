"""Recorded use: counted cheaply, written in batches, lost quietly."""

from __future__ import annotations

from seawall.core.clock import ManualClock
from seawall.query.cache import parameters_of
from seawall.query.usage import WAITING_MAX, UsageRecorder
from seawall.store.memory_database import MemoryDatabase


def record(recorder: UsageRecorder, panel: str, times: int = 1) -> None:
    for _ in range(times):
        recorder.record("shop", "demand", panel, parameters_of({"d": ["x"]}), "en", "f", b"policy")


async def test_the_most_used_come_first() -> None:
    """Uses of a variant add up over batches and come back with what is needed to compute it again."""
    recorder = UsageRecorder(MemoryDatabase(), ManualClock())
    record(recorder, "sales", 2)
    await recorder.flush()
    record(recorder, "sales", 3)
    record(recorder, "basket", 4)
    await recorder.flush()
    used = await recorder.most_used("shop", 5)
    assert [(use.panel, round(use.uses)) for use in used] == [("sales", 5), ("basket", 4)]
    assert (used[0].parameters, used[0].policy) == ((("d", ("x",)),), b"policy")


async def test_postgres_away_loses_counts_and_nothing_else() -> None:
    """A flush that cannot be written is dropped without an error."""
    database = MemoryDatabase()
    recorder = UsageRecorder(database, ManualClock())
    database.away = True
    record(recorder, "sales")
    await recorder.flush()
    database.away = False
    assert await recorder.most_used("shop", 5) == ()


async def test_variants_that_wait_are_bounded() -> None:
    """Someone who invents parameters cannot fill the memory."""
    recorder = UsageRecorder(MemoryDatabase(), ManualClock())
    for number in range(WAITING_MAX + 10):
        record(recorder, f"panel {number}")
    record(recorder, "panel 0")
    assert len(recorder._counts) == WAITING_MAX
    assert max(recorder._counts.values()) == 2


async def test_closing_writes_what_waits() -> None:
    """A stop loses no count when Postgres is there."""
    recorder = UsageRecorder(MemoryDatabase(), ManualClock())
    await recorder.start()
    record(recorder, "sales")
    await recorder.close()
    assert len(await recorder.most_used("shop", 5)) == 1


def test_whether_anything_was_looked_at_is_told_once() -> None:
    """Whoever waits until nobody looks any more would else wait for ever."""
    recorder = UsageRecorder(MemoryDatabase(), ManualClock())
    assert not recorder.looked()
    record(recorder, "sales")
    assert [recorder.looked(), recorder.looked()] == [True, False]
