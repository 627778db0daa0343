"""Who is let in: tokens, machine keys, revocation at once, and what happens while Postgres is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.clock import ManualClock
from seawall.core.errors import InvalidInput, Unavailable
from seawall.core.principal import Principal
from seawall.model_proxy import identify
from seawall.model_proxy.errors import OutOfScope
from seawall.model_proxy.http import Request
from seawall.model_proxy.identify import Identifier, fingerprint
from seawall.model_proxy.keys import KeyBudget, MachineKeys, NewKey
from seawall.model_proxy.memory_database import ModelMemoryDatabase
from seawall.model_proxy.scopes import DEFAULT_SCOPES, allows, parse_scopes, require
from seawall.trust.errors import InvalidToken, NotSignedIn
from seawall.trust.keys import generate
from seawall.trust.tokens import Tokens

SIGNING = generate()


class Door:
    """An identifier, its database and its clock."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.database = ModelMemoryDatabase(self.clock)
        self.keys = MachineKeys(self.database, self.clock)
        self.tokens = Tokens(SIGNING, self.clock)
        self.identifier = Identifier(self.tokens, self.database, self.clock)

    async def enter(self, token: str) -> object:
        request = asked(token)
        return self.identifier.known(request) or await self.identifier.find(request)


def asked(token: str, scheme: str = "Bearer") -> Request:
    return Request("POST", "/v1/chat/completions", "", {"authorization": f"{scheme} {token}"})


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    made = Door()
    await made.identifier.start()
    await asyncio.sleep(0)
    yield made
    await made.identifier.close()


async def test_a_token_is_known_at_once(door: Door) -> None:
    """No round trip; the same caller each time, and the tenant's account pays."""
    token = door.tokens.mint(Principal("mia", "acme", ("buyer",)), 60)
    caller = door.identifier.known(asked(token))
    assert caller is door.identifier.known(asked(token, "bearer"))
    assert (caller.user, caller.tenant, caller.budget, caller.key_id) == ("mia", "acme", "tenant:acme", "")
    door.clock.advance(70)
    with pytest.raises(InvalidToken):
        door.identifier.known(asked(token))


@pytest.mark.parametrize("value", ["", "Bearer ", "Basic abc", "Bearer"])
async def test_without_a_bearer_nobody_asks(door: Door, value: str) -> None:
    """What carries nothing is told to sign in."""
    with pytest.raises(NotSignedIn):
        door.identifier.known(Request("GET", "/v1/models", "", {"authorization": value}))


async def test_a_key_is_looked_up_once_in_five_seconds(door: Door) -> None:
    """The first use asks Postgres; those after it do not, until it is to be checked again."""
    made, key = await door.keys.create(NewKey("ci", "acme", ("chat",), budget=KeyBudget(5)))
    assert door.identifier.known(asked(key)) is None
    caller = await door.identifier.find(asked(key))
    assert (caller.tenant, caller.key_id, caller.budget, caller.user) == ("acme", made.id, f"key:{made.id}", f"key:{made.id}")
    assert door.identifier.known(asked(key)) is caller
    door.clock.advance(5.1)
    assert door.identifier.known(asked(key)) is None


async def test_a_key_without_scopes_may_do_nothing(door: Door) -> None:
    """None is made; one that was, by other hands, is no person's token, which may do nearly everything."""
    with pytest.raises(InvalidInput, match="could do nothing"):
        await door.keys.create(NewKey("none", scopes=()))
    made, key = await door.keys.create(NewKey("ci"))
    assert made.principal.scopes == DEFAULT_SCOPES
    bare = msgspec.structs.replace(made.principal, scopes=())
    door.database.table("model_keys")[made.id]["principal"] = msgspec.json.encode(bare).decode()
    for _ in range(2):
        with pytest.raises(OutOfScope, match="may do nothing"):
            await door.enter(key)


async def test_revoked_means_at_once(door: Door) -> None:
    """The next request after a revocation is refused, though the key was fresh."""
    _, key = await door.keys.create(NewKey("ci"))
    await door.enter(key)
    await door.keys.revoke("ci")
    await asyncio.sleep(0)
    with pytest.raises(InvalidToken):
        await door.enter(key)


async def test_a_key_that_was_let_in_often_is_refused_as_any_other(door: Door) -> None:
    """What is remembered of a header that was good ends with the key: when it is revoked, when it expires, when it is looked up anew."""
    _, key = await door.keys.create(NewKey("ci", ttl_seconds=3.0))
    first = await door.enter(key)
    assert door.identifier.known(asked(key)) is door.identifier.known(asked(key)) is first
    door.clock.advance(3.1)
    with pytest.raises(InvalidToken, match="expired"):
        door.identifier.known(asked(key))
    _, other = await door.keys.create(NewKey("other"))
    await door.enter(other)
    door.clock.advance(5.1)
    assert door.identifier.known(asked(other)) is None
    await door.enter(other)
    assert door.identifier.known(asked(other)) is door.identifier.known(asked(other))
    await door.keys.revoke("other")
    await asyncio.sleep(0)
    with pytest.raises(InvalidToken):
        await door.enter(other)


async def test_a_wrong_secret_never_passes(door: Door) -> None:
    """Knowing a key's id is worth nothing, and costs no look-up once the key is known."""
    _, key = await door.keys.create(NewKey("ci"))
    await door.enter(key)
    door.database.away = True
    for wrong in (key[:-1] + ("A" if key[-1] != "A" else "B"), key[:20] + "\udcff" * 43, key + "x", key[:19], "sw_", "sw_x_y"):
        with pytest.raises(InvalidToken):
            await door.enter(wrong)


async def test_unknown_keys_are_remembered_for_a_moment(door: Door) -> None:
    """A made-up key is looked up once in five seconds; one made meanwhile is heard of at once."""
    fake = "sw_" + "0" * 16 + "_" + "a" * 43
    with pytest.raises(InvalidToken):
        await door.enter(fake)
    door.database.away = True
    with pytest.raises(InvalidToken):
        await door.enter(fake)
    door.database.notify("seawall_model_keys", "0" * 16)
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await door.enter(fake)


async def test_while_postgres_is_away_known_keys_go_on_for_a_minute(door: Door) -> None:
    """A key that was good goes on for a stated time; one that is not known is refused as unavailable, never let in."""
    _, used = await door.keys.create(NewKey("used"))
    _, unused = await door.keys.create(NewKey("unused"))
    await door.enter(used)
    door.database.away = True
    for _ in range(11):
        door.clock.advance(5)
        assert await door.enter(used)
        assert door.identifier.known(asked(used)), "believed for a moment without asking again"
    with pytest.raises(Unavailable):
        await door.enter(unused)
    door.clock.advance(6)
    with pytest.raises(Unavailable):
        await door.enter(used)


async def test_an_expired_key_is_refused(door: Door) -> None:
    """To the second, though it is cached."""
    _, key = await door.keys.create(NewKey("ci", ttl_seconds=3))
    await door.enter(key)
    door.clock.advance(3)
    with pytest.raises(InvalidToken, match="expired"):
        await door.enter(key)


async def test_everything_is_bounded(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, made-up keys and tokens are kept in tables that do not grow."""
    monkeypatch.setattr(identify, "KEYS_MAX", 3)
    monkeypatch.setattr(identify, "UNKNOWN_MAX", 3)
    for number in range(6):
        await door.enter((await door.keys.create(NewKey(f"k{number}")))[1])
        with pytest.raises(InvalidToken):
            await door.enter(f"sw_{number:016x}_{'a' * 43}")
    assert len(door.identifier._known) == len(door.identifier._unknown) == 3


async def test_the_same_key_is_looked_up_once_for_all_who_wait(door: Door) -> None:
    """A hundred first requests with one key are one question; too many different ones are refused."""
    _, key = await door.keys.create(NewKey("ci"))
    assert len({id(caller) for caller in await asyncio.gather(*(door.enter(key) for _ in range(100)))}) == 1
    fakes = [door.enter(f"sw_{number:016x}_{'a' * 43}") for number in range(identify.LOOKUPS_WAITING_MAX + 50)]
    found = await asyncio.gather(*fakes, return_exceptions=True)
    assert sum(isinstance(one, Unavailable) for one in found) == 50
    assert all(isinstance(one, Unavailable | InvalidToken) for one in found)


words = st.sampled_from(["a", "b", "buyer"])
principals = st.builds(
    Principal,
    user=words,
    tenant=words,
    roles=st.lists(words, max_size=3).map(tuple),
    attributes=st.dictionaries(words, st.one_of(words, st.lists(words).map(tuple))),
    scopes=st.lists(words, max_size=2).map(tuple),
)


@given(principals, principals)
def test_fingerprints_are_equal_only_for_equal_rights(one: Principal, two: Principal) -> None:
    """Another tenant's never is; the order in which roles are named and the user's name do not count."""

    def rights(who: Principal) -> object:
        return (who.tenant, set(who.roles), who.attributes, set(who.scopes))

    assert (fingerprint(one) == fingerprint(two)) is (rights(one) == rights(two))


def test_scopes() -> None:
    """A key may do what it was made for; a person everything but evaluations."""
    scopes = parse_scopes(["chat", "prompts:shop/*", "chat"])
    assert scopes == ("chat", "prompts:shop/*")
    assert [allows(scopes, one) for one in ("chat", "embeddings", "prompts:shop/ask", "prompts:bank/ask", "eval")] == [
        True,
        False,
        True,
        False,
        False,
    ]
    assert [allows((), one) for one in ("chat", "prompts:shop/ask", "eval")] == [True, True, False]
    assert allows(("prompts:*",), "prompts:a/b")
    assert not allows(DEFAULT_SCOPES, "prompts:a/b")
    with pytest.raises(OutOfScope, match="seawall key create --scope eval"):
        require(("chat",), "eval")
    for wrong in ("all", "prompts:", "prompts:a", "prompts:a/b/c", "prompts:*/b", "*"):
        with pytest.raises(InvalidInput):
            parse_scopes([wrong])
