"""Signing in while Postgres breaks off: nobody is signed in by half, and no link is lost."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from seawall.core.errors import Unavailable
from seawall.core.principal import Principal
from seawall.store.postgres import Database, open_pool
from seawall.trust.errors import InvalidLink
from seawall.trust.keys import generate
from seawall.trust.sessions import Sessions, SignedIn
from seawall.trust.tokens import Tokens

TOKENS = Tokens(generate())
WAITING = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND backend_type = 'client backend'"
)


async def redeemed(url: str, code: str) -> SignedIn:
    """By a service of its own."""
    database = Database(await open_pool(url), query_seconds_max=60)
    try:
        return await Sessions(database, TOKENS).redeem(code)
    finally:
        await database.close()


async def cut_at_the_session(url: str, code: str) -> None:
    """Redeem a link; the server process ends when it comes to write the session."""
    async with await psycopg.AsyncConnection.connect(url) as holder, await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        await holder.execute("LOCK TABLE seawall.sessions IN ACCESS EXCLUSIVE MODE")
        redeeming = asyncio.create_task(redeemed(url, code))
        async with asyncio.timeout(60):
            while not (found := await (await other.execute(WAITING)).fetchone()):
                await asyncio.sleep(0.02)
        await other.execute("SELECT pg_terminate_backend(%s)", found)
        with pytest.raises(Unavailable):
            await redeeming


async def test_a_link_is_not_used_up_without_a_session(database_url: str) -> None:
    """Postgres ends between the two: the link works when it is back, once."""
    database = Database(await open_pool(database_url))
    code = await Sessions(database, TOKENS).create_link(Principal(user="mia", roles=("buyer",)))
    await database.close()
    await cut_at_the_session(database_url, code)
    assert TOKENS.verify((await redeemed(database_url, code)).token).user == "mia"
    with pytest.raises(InvalidLink):
        await redeemed(database_url, code)
