"""The live route table, followed and remembered, against the database's twin in memory."""

from __future__ import annotations

import asyncio
from pathlib import Path

from seawall.model_proxy.route.live import COPY, LiveRoutes, RouteHistory, Table, read_copy, write_copy
from seawall.model_proxy.route.router import LiveRoute
from seawall.store.memory_database import MemoryDatabase

TO_B = LiveRoute({"b": 100}, ("c",))


class Applied(list[Table]):
    """What a router was given."""

    def __call__(self, table: Table) -> tuple[str, ...]:
        self.append(table)
        return ()


async def test_a_change_is_followed_at_once_and_copied(tmp_path: Path) -> None:
    """By notification: the poll here would take a minute."""
    database, applied = MemoryDatabase(), Applied()
    live = LiveRoutes(database, tmp_path / COPY, applied, poll_seconds=60)
    await live.start()
    await asyncio.sleep(0.01)
    await RouteHistory(database).set("small", TO_B, who="ada", why="a is slow")
    async with asyncio.timeout(5):
        while read_copy(tmp_path / COPY) != {"small": TO_B}:
            await asyncio.sleep(0.01)
    await live.close()
    assert applied == [{"small": TO_B}]


async def test_the_copy_serves_while_the_database_is_away(tmp_path: Path) -> None:
    """And when it is back, what it says counts."""
    write_copy(tmp_path / COPY, {"small": TO_B})
    database, applied = MemoryDatabase(), Applied()
    database.away = True
    live = LiveRoutes(database, tmp_path / COPY, applied)
    await live.start()
    assert live.table == {"small": TO_B}
    database.away = False
    await live.refresh()
    assert live.table == {}
    await live.close()


async def test_what_is_known_stays_while_the_database_is_away(tmp_path: Path) -> None:
    """A flip is not undone by an outage."""
    database, applied = MemoryDatabase(), Applied()
    await RouteHistory(database).set("small", TO_B, who="ada", why="")
    live = LiveRoutes(database, tmp_path / COPY, applied)
    await live.refresh()
    database.away = True
    await live.refresh()
    assert live.table == {"small": TO_B}


async def test_history_tells_who_and_why() -> None:
    """Newest first; None is what the file says."""
    history = RouteHistory(MemoryDatabase())
    await history.set("small", TO_B, who="ada", why="a is slow")
    await history.set("small", None, who="bob", why="it is not")
    told = await history.of("small")
    assert [(change.who, change.why, change.setting) for change in told] == [("bob", "it is not", None), ("ada", "a is slow", TO_B)]
    assert (await history.current())["small"].setting is None


def test_a_copy_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    """Nor one that is not there."""
    (tmp_path / "x").write_text('{"small": {"variants": "all"}}')
    (tmp_path / "z").write_bytes(b'{"small\xff": {"variants": {}}}')
    assert read_copy(tmp_path / "x") == read_copy(tmp_path / "y") == read_copy(tmp_path / "z") == {}
