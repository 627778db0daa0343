"""L1: bounded in bytes, and the one used longest ago goes first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seawall.query.cache import ENTRY_OVERHEAD_BYTES, CacheKey, MemoryCache
from seawall.query.cache_shared import Entry


def key(subject: str, watermark: str = "w") -> CacheKey:
    return CacheKey(subject, (), "f", "en", watermark)


def entry(size: int = 100, made_at: float = 0.0, watermark: str = "w") -> Entry:
    return Entry(b"x" * size, made_at, watermark)


def test_the_one_used_longest_ago_goes_first() -> None:
    """Looking at an entry saves it."""
    cache = MemoryCache(bytes_max=8 * (100 + ENTRY_OVERHEAD_BYTES))
    for number in range(8):
        cache.put(key(str(number)), entry(), 1.0)
    cache.get(key("0").exact)
    cache.put(key("8"), entry(), 1.0)
    assert cache.get(key("0").exact)
    assert cache.get(key("1").exact) is None


def test_an_entry_too_large_is_not_kept() -> None:
    """One answer does not throw out all others."""
    cache = MemoryCache(bytes_max=10_000)
    cache.put(key("a"), entry(100), 1.0)
    cache.put(key("b"), entry(9_000), 1.0)
    assert (len(cache), cache.get(key("b").exact)) == (1, None)


def test_the_latest_is_the_one_made_last() -> None:
    """An answer for an old watermark that comes in late does not hide a newer one."""
    cache = MemoryCache()
    cache.put(key("a", "w2"), entry(made_at=2.0, watermark="w2"), 1.0)
    cache.put(key("a", "w1"), entry(made_at=1.0, watermark="w1"), 1.0)
    assert cache.latest(key("a").lasting) == entry(made_at=2.0, watermark="w2")


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3), st.integers(0, 900)), max_size=80))
def test_the_account_is_right(puts: list[tuple[int, int, int]]) -> None:
    """After any sequence of puts the bytes counted are those held, within the bound, and the index names what is there."""
    cache = MemoryCache(bytes_max=12_000)
    for number, (subject, watermark, size) in enumerate(puts):
        cache.put(key(str(subject), str(watermark)), entry(size, float(number), str(watermark)), 1.0)
    held = list(cache._slots.values())
    assert cache.bytes == sum(len(slot.entry.payload) + ENTRY_OVERHEAD_BYTES for slot in held) <= 12_000
    assert set(cache._latest.values()) <= set(cache._slots)
    cache.clear()
    assert (len(cache), cache.bytes) == (0, 0)
