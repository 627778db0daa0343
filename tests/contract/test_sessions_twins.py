"""The session queries, held by Postgres and by their twin in memory alike."""

from __future__ import annotations

import asyncio

import pytest

from seawall.core.clock import ManualClock
from seawall.core.principal import Principal
from seawall.store.database import Queries
from seawall.trust.errors import InvalidLink, NotSignedIn
from seawall.trust.keys import generate
from seawall.trust.sessions import SESSION_SECONDS, Sessions
from seawall.trust.sessions_memory import MemorySessions
from seawall.trust.tokens import Tokens

KEYS = generate()
MIA = Principal(user="mia", roles=("buyer",), attributes={"store_groups": ("a", "ü"), "level": 3})


class Stand:
    """Sessions over one implementation, with a clock of their own."""

    def __init__(self, database: Queries) -> None:
        self.clock = ManualClock()
        self.database = database
        self.sessions = Sessions(database, Tokens(KEYS, self.clock), self.clock)


@pytest.fixture
def twin() -> Queries:
    """In memory."""
    return MemorySessions()


@pytest.fixture
def stand(database: Queries) -> Stand:
    """On each implementation in turn."""
    return Stand(database)


async def test_a_link_is_redeemed_once(stand: Stand) -> None:
    """Of many who open a link at once, one is signed in, as the person the link was made for."""
    code = await stand.sessions.create_link(MIA)
    outcomes = await asyncio.gather(*(stand.sessions.redeem(code) for _ in range(4)), return_exceptions=True)
    (signed_in,) = [one for one in outcomes if not isinstance(one, BaseException)]
    assert (signed_in.principal.user, signed_in.principal.attributes) == ("mia", MIA.attributes)
    assert sum(isinstance(one, InvalidLink) for one in outcomes) == 3


async def test_a_link_expires(stand: Stand) -> None:
    """A link that is too old signs nobody in."""
    code = await stand.sessions.create_link(MIA, 60)
    stand.clock.advance(60)
    with pytest.raises(InvalidLink):
        await stand.sessions.redeem(code)


async def test_racing_refreshes(stand: Stand) -> None:
    """Of many refreshes with one secret, one rotates it and the others get a token; later it ends the session."""
    first = await stand.sessions.redeem(await stand.sessions.create_link(MIA))
    given = await asyncio.gather(*(stand.sessions.refresh(first.refresh) for _ in range(4)))
    (following,) = [one.refresh for one in given if one.refresh]
    stand.clock.advance(10.1)
    with pytest.raises(NotSignedIn):
        await stand.sessions.refresh(first.refresh)
    with pytest.raises(NotSignedIn):
        await stand.sessions.refresh(following)


async def test_revoking_and_ending(stand: Stand) -> None:
    """A session that was revoked, or whose week is over, gives nothing more."""
    revoked, old = [await stand.sessions.redeem(await stand.sessions.create_link(MIA)) for _ in range(2)]
    await stand.sessions.revoke(revoked.principal.session)
    with pytest.raises(NotSignedIn):
        await stand.sessions.refresh(revoked.refresh)
    stand.clock.advance(SESSION_SECONDS)
    with pytest.raises(NotSignedIn):
        await stand.sessions.refresh(old.refresh)


async def test_pruning(stand: Stand) -> None:
    """Making a link forgets what has expired and nothing else."""
    kept = await stand.sessions.redeem(await stand.sessions.create_link(MIA))
    stand.clock.advance(SESSION_SECONDS - 60)
    await stand.sessions.create_link(MIA)
    assert (await stand.sessions.refresh(kept.refresh)).token
