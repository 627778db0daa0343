"""Sessions: links that work once, secrets that rotate, thieves that are noticed."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from seawall.core.clock import ManualClock
from seawall.core.errors import InvalidInput, Unavailable
from seawall.core.principal import Principal
from seawall.trust.errors import InvalidLink, NotSignedIn
from seawall.trust.keys import generate
from seawall.trust.sessions import SESSION_SECONDS, Sessions, SignedIn
from seawall.trust.sessions_memory import MemorySessions
from seawall.trust.tokens import Tokens

KEYS = generate()
MIA = Principal(user="mia", tenant="north", roles=("buyer",), attributes={"store_groups": ("a", "b")})


class Stand:
    """Sessions over the in-memory twin, with a clock of their own."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.database = MemorySessions(self.clock)
        self.tokens = Tokens(KEYS, self.clock)
        self.sessions = Sessions(self.database, self.tokens, self.clock)

    async def sign_in(self) -> SignedIn:
        return await self.sessions.redeem(await self.sessions.create_link(MIA))


@pytest.fixture
def stand() -> Stand:
    return Stand()


async def test_link_signs_in_once(stand: Stand) -> None:
    """The token says who the link was for; the link is then worthless."""
    code = await stand.sessions.create_link(MIA)
    signed_in = await stand.sessions.redeem(code)
    principal = stand.tokens.verify(signed_in.token)
    assert principal == msgspec.structs.replace(MIA, session=principal.session)
    assert principal.session
    with pytest.raises(InvalidLink):
        await stand.sessions.redeem(code)


async def test_link_expires(stand: Stand) -> None:
    """A link nobody used in time is worthless too."""
    code = await stand.sessions.create_link(MIA, 60)
    stand.clock.advance(60)
    with pytest.raises(InvalidLink):
        await stand.sessions.redeem(code)


@pytest.mark.parametrize("code", ["", "x", "a" * 10_000, "'; DROP TABLE sessions", "é", "../../etc"])
async def test_invented_link(stand: Stand, code: str) -> None:
    """A guess is refused like a used link."""
    with pytest.raises(InvalidLink):
        await stand.sessions.redeem(code)


@pytest.mark.parametrize("ttl", [0, -5, 86_401])
async def test_link_lifetime_is_bounded(stand: Stand, ttl: float) -> None:
    """Nobody makes a link that works for ever."""
    with pytest.raises(InvalidInput):
        await stand.sessions.create_link(MIA, ttl)


async def test_refresh_rotates(stand: Stand) -> None:
    """Each refresh gives a new token and a new secret, for the same session."""
    first = await stand.sign_in()
    stand.clock.advance(200)
    second = await stand.sessions.refresh(first.refresh)
    third = await stand.sessions.refresh(second.refresh)
    assert len({first.refresh, second.refresh, third.refresh}) == 3
    assert {stand.tokens.verify(one.token).session for one in (first, second, third)} == {first.principal.session}


async def test_race_of_two_tabs(stand: Stand) -> None:
    """Two tabs refreshing with one cookie both get a token; only one gets a new secret, which goes on working."""
    first = await stand.sign_in()
    one, two = await asyncio.gather(*(stand.sessions.refresh(first.refresh) for _ in range(2)))
    assert sorted([bool(one.refresh), bool(two.refresh)]) == [False, True]
    stand.clock.advance(9)
    assert (await stand.sessions.refresh(first.refresh)).refresh == ""
    assert (await stand.sessions.refresh(one.refresh or two.refresh)).refresh


async def test_reuse_revokes_the_family(stand: Stand) -> None:
    """An old secret after the race is over ends the session for thief and owner alike."""
    first = await stand.sign_in()
    second = await stand.sessions.refresh(first.refresh)
    stand.clock.advance(10.1)
    for cookie in (first.refresh, second.refresh):
        with pytest.raises(NotSignedIn):
            await stand.sessions.refresh(cookie)


async def test_reuse_of_an_older_one_revokes_at_once(stand: Stand) -> None:
    """The grace is for the latest rotation only."""
    first = await stand.sign_in()
    second = await stand.sessions.refresh(first.refresh)
    third = await stand.sessions.refresh(second.refresh)
    for cookie in (first.refresh, third.refresh):
        with pytest.raises(NotSignedIn):
            await stand.sessions.refresh(cookie)


async def test_session_id_is_no_key(stand: Stand) -> None:
    """Who knows a session's id, from a log or a token, can neither refresh nor end it."""
    first = await stand.sign_in()
    for cookie in (f"{first.principal.session}.guess", first.principal.session, "a.b", ".", "x" * 500):
        with pytest.raises(NotSignedIn):
            await stand.sessions.refresh(cookie)
    assert (await stand.sessions.refresh(first.refresh)).refresh


async def test_sessions_end(stand: Stand) -> None:
    """Refreshing does not prolong a session beyond its week."""
    first = await stand.sign_in()
    stand.clock.advance(SESSION_SECONDS)
    with pytest.raises(NotSignedIn):
        await stand.sessions.refresh(first.refresh)


async def test_revoke(stand: Stand) -> None:
    """Signing out ends this session and no other; doing it twice changes nothing."""
    first, other = await stand.sign_in(), await stand.sign_in()
    await stand.sessions.revoke(first.principal.session)
    await stand.sessions.revoke_cookie(first.refresh)
    with pytest.raises(NotSignedIn):
        await stand.sessions.refresh(first.refresh)
    assert (await stand.sessions.refresh(other.refresh)).refresh


async def test_store_holds_no_secret(stand: Stand) -> None:
    """Reading the whole store gives nothing to sign in with."""
    code = await stand.sessions.create_link(MIA)
    used = await stand.sessions.create_link(MIA)
    signed_in = await stand.sessions.redeem(used)
    kept = repr(stand.database.tables)
    assert not [secret for secret in (code, used, *signed_in.refresh.split("."), signed_in.token) if secret in kept]


async def test_store_away(stand: Stand) -> None:
    """Without its store nobody is signed in, and the reason is told apart from a wrong secret."""
    first = await stand.sign_in()
    stand.database.away = True
    with pytest.raises(Unavailable):
        await stand.sessions.refresh(first.refresh)


async def test_expired_rows_are_forgotten(stand: Stand) -> None:
    """Tables do not grow for ever."""
    await stand.sign_in()
    stand.clock.advance(SESSION_SECONDS + 1)
    await stand.sessions.create_link(MIA)
    assert (len(stand.database.table("sessions")), len(stand.database.table("sign_in_links"))) == (0, 1)


class Families(RuleBasedStateMachine):
    """Whoever refreshes in whatever order: one current secret, and an old one outside the race ends it all."""

    @initialize()
    def start(self) -> None:
        self.stand = Stand()
        self.issued = [asyncio.run(self.stand.sign_in()).refresh]
        self.rotated_at = self.stand.clock.time()
        self.ended = False

    @rule(seconds=st.sampled_from([1.0, 5.0, 10.0, 11.0, 3600.0]))
    def wait(self, seconds: float) -> None:
        self.stand.clock.advance(seconds)

    @rule(back=st.integers(0, 3))
    def refresh(self, back: int) -> None:
        index = max(0, len(self.issued) - 1 - back)
        age, now = len(self.issued) - 1 - index, self.stand.clock.time()
        try:
            given_secret = asyncio.run(self.stand.sessions.refresh(self.issued[index])).refresh
        except NotSignedIn:
            expired = now >= self.stand.database.table("sessions")[next(iter(self.stand.database.table("sessions")))]["expires_at"]
            raced = age == 1 and now - self.rotated_at <= 10
            assert self.ended or expired or (age > 0 and not raced)
            self.ended = True
            return
        assert not self.ended
        assert age == 0 or (age == 1 and now - self.rotated_at <= 10)
        assert bool(given_secret) is (age == 0)
        if given_secret:
            self.issued.append(given_secret)
            self.rotated_at = now

    @invariant()
    def secrets_are_distinct(self) -> None:
        assert len(set(getattr(self, "issued", []))) == len(getattr(self, "issued", []))


TestFamilies = Families.TestCase
TestFamilies.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
