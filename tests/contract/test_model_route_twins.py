"""What the live route table relies on of the database, held by Postgres and by its twin in memory alike."""

from __future__ import annotations

import asyncio

from seawall.model_proxy.route.live import CHANNEL, RouteHistory
from seawall.model_proxy.route.router import LiveRoute
from seawall.store.database import Queries

TO_B = LiveRoute({"b": 90, "a": 10}, ("c", "d"))


async def test_the_newest_change_of_each_route_counts(database: Queries) -> None:
    """And the history keeps them all, newest first."""
    history = RouteHistory(database)
    await history.set("small", TO_B, who="ada", why="a is slow")
    await history.set("large", TO_B, who="ada", why="")
    await history.set("small", None, who="bob", why="well again")
    current = await history.current()
    assert {route: change.setting for route, change in current.items()} == {"small": None, "large": TO_B}
    assert [(change.setting, change.who) for change in await history.of("small")] == [(None, "bob"), (TO_B, "ada")]
    assert len(await history.of("small", most=1)) == 1
    assert current["large"].at.tzinfo is not None


async def test_listeners_hear_which_route_changed(database: Queries) -> None:
    """At once."""
    heard = database.listen(CHANNEL)
    try:
        async with asyncio.timeout(30):
            assert await anext(heard) == ""
            await RouteHistory(database).set("small", TO_B, who="ada", why="")
            assert await anext(heard) == "small"
    finally:
        await heard.aclose()
