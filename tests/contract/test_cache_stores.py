"""What the second cache level relies on, held by both ways to Valkey and by its twin in memory alike."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from seawall.query.cache import CacheKey
from seawall.query.cache_shared import Entry, SharedCache, Turn
from seawall.store.memory_valkey import MemoryValkey
from seawall.store.valkey import KeyValue, ValkeyStore
from seawall.store.valkey_pipe import PipedValkey
from seawall.trust.encryption import Sealer

SEALER = Sealer(bytes(32))


@pytest.fixture(params=["memory", "valkey", "piped"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[KeyValue]:
    """Each implementation in turn."""
    if request.param == "memory":
        yield MemoryValkey()
        return
    kind = ValkeyStore if request.param == "valkey" else PipedValkey
    valkey = kind(request.getfixturevalue("valkey_server").url, operation_seconds_max=10.0)
    yield valkey
    await valkey.close()


@pytest.fixture
def key() -> CacheKey:
    """A key no other test uses."""
    return CacheKey(uuid.uuid4().hex, (), "f", "en", "w1")


async def test_values_expire(store: KeyValue, key: CacheKey) -> None:
    """A value is there until its time is over, and then it is not."""
    await store.set({f"{key.exact}:1": b"\x00\xff", f"{key.exact}:2": b""}, ttl_seconds=1.5)
    assert [await store.get(f"{key.exact}:{number}") for number in (1, 2, 3)] == [b"\x00\xff", b"", None]
    async with asyncio.timeout(30):
        while await store.get(f"{key.exact}:1") is not None:
            await asyncio.sleep(0.05)


async def test_many_are_looked_up_in_one_trip(store: KeyValue, key: CacheKey) -> None:
    """Each with its value, if there is one, and whether its claim is ours now."""
    wanted = [(f"{{{key.exact}}}:{number}", f"{{{key.exact}}}:{number}:claim") for number in range(3)]
    await store.set({wanted[0][0]: b"x"}, ttl_seconds=5)
    assert await store.claim(wanted[1][1], "b", ttl_seconds=5)
    assert await store.get_or_claim_many(wanted, "a", ttl_seconds=5) == [(b"x", True), (None, False), (None, True)]


async def test_a_claim_has_one_owner(store: KeyValue, key: CacheKey) -> None:
    """Nobody else can take, renew or release it; its owner can."""
    claim = f"{{{key.exact}}}:claim"
    assert await store.claim(claim, "a", ttl_seconds=5)
    assert not await store.claim(claim, "b", ttl_seconds=5)
    assert [await store.renew(claim, token, ttl_seconds=5) for token in "ab"] == [True, False]
    await store.release(claim, "b")
    assert not await store.claim(claim, "b", ttl_seconds=5)
    await store.release(claim, "a")
    assert await store.claim(claim, "b", ttl_seconds=5)


async def test_of_many_claimants_one_wins(store: KeyValue, key: CacheKey) -> None:
    """Twenty at once: one owner."""
    claim = f"{{{key.exact}}}:claim"
    won = await asyncio.gather(*[store.claim(claim, str(number), ttl_seconds=5) for number in range(20)])
    assert sum(won) == 1


async def test_a_claim_not_renewed_is_free(store: KeyValue, key: CacheKey) -> None:
    """The owner has died: its claim ends by itself, unless it was renewed."""
    claims = [f"{{{key.exact}}}:{number}" for number in (1, 2)]
    for claim in claims:
        await store.claim(claim, "the dead", ttl_seconds=1.5)
    await store.renew(claims[1], "the dead", ttl_seconds=60)
    await asyncio.sleep(1.6)
    assert [await store.claim(claim, "b", ttl_seconds=5) for claim in claims] == [True, False]


async def test_get_or_claim_is_one_step(store: KeyValue, key: CacheKey) -> None:
    """The value if there is one; else a claim, for the first who asks."""
    name, claim = f"{{{key.exact}}}:entry", f"{{{key.exact}}}:claim"
    assert await store.get_or_claim(name, claim, "a", ttl_seconds=5) == (None, True)
    assert await store.get_or_claim(name, claim, "b", ttl_seconds=5) == (None, False)
    await store.set({name: b"x"}, ttl_seconds=5)
    assert await store.get_or_claim(name, claim, "b", ttl_seconds=5) == (b"x", False)


async def test_an_entry_is_found_under_its_own_key_only(store: KeyValue, key: CacheKey) -> None:
    """Any other right, parameter, locale or watermark finds nothing; the latest forgets only the watermark."""
    shared, entry = SharedCache(store, SEALER), Entry(b"payload", 5.0, "w1")
    await shared.put(key, entry, keep_for=60)
    others = [
        CacheKey(key.subject, (), "g", "en", "w1"),
        CacheKey(key.subject, (("a", ("b",)),), "f", "en", "w1"),
        CacheKey(key.subject, (), "f", "de", "w1"),
    ]
    new = CacheKey(key.subject, (), "f", "en", "w2")
    assert await shared.find(key) == await shared.latest(key) == await shared.latest(new) == entry
    assert [await shared.find(other) for other in [*others, new]] == [None] * 4
    assert [await shared.latest(other) for other in others] == [None] * 3


async def test_an_entry_moved_to_another_key_does_not_open(store: KeyValue, key: CacheKey) -> None:
    """Whoever can write to Valkey cannot serve one reader what was made for another; the answer is made anew."""
    shared, victim = SharedCache(store, SEALER), CacheKey(key.subject, (), "g", "en", "w1")
    await shared.put(key, Entry(b"secret", 5.0, "w1"), keep_for=60)
    sealed = await store.get(f"seawall:{{{key.exact}}}:entry")
    assert sealed
    assert b"secret" not in sealed
    await store.set({f"seawall:{{{victim.exact}}}:entry": sealed}, ttl_seconds=60)
    await store.set({f"seawall:latest:{victim.lasting}": key.exact.encode()}, ttl_seconds=60)
    assert await shared.find(victim) is None
    assert await shared.latest(victim) is None
    assert await shared.find_or_claim(victim, "a") == (None, Turn.OURS)


async def test_an_old_entry_moved_to_the_new_watermark_is_not_found(store: KeyValue, key: CacheKey) -> None:
    """It opens, for it was made for the same rights, but it says which generation it shows."""
    shared, new = SharedCache(store, SEALER), CacheKey(key.subject, (), "f", "en", "w2")
    await shared.put(key, Entry(b"old", 5.0, "w1"), keep_for=60)
    sealed = await store.get(f"seawall:{{{key.exact}}}:entry")
    assert sealed
    await store.set({f"seawall:{{{new.exact}}}:entry": sealed}, ttl_seconds=60)
    assert await shared.find(new) is None


async def test_turns_are_taken(store: KeyValue, key: CacheKey) -> None:
    """One makes, the others wait; once it is put they find it, and once released it can be made anew."""
    one, other = SharedCache(store, SEALER), SharedCache(store, SEALER)
    assert await one.find_or_claim(key, "a") == (None, Turn.OURS)
    assert await other.find_or_claim(key, "b") == (None, Turn.THEIRS)
    await one.put(key, Entry(b"x", 5.0, "w1"), keep_for=60)
    await one.release(key.exact, "a")
    assert await other.find_or_claim(key, "b") == (Entry(b"x", 5.0, "w1"), Turn.THEIRS)
    assert await other.claim(key, "b") is Turn.OURS
    assert await other.ready()
