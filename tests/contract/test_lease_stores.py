"""Limits shared in Valkey and in memory: the same steps give the same grants."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engines import ValkeyServer

from seawall.core.clock import ManualClock
from seawall.model_proxy.admission.buckets import Ask
from seawall.model_proxy.admission.lease_stores import MemoryLeases, ValkeyLeases
from seawall.model_proxy.call import Limits
from seawall.store.valkey import ValkeyStore

small = st.integers(0, 12)
LIMITS = Limits(30, 500, 6)
asks = st.builds(
    Ask, subject=st.sampled_from(["{t}:a", "{t}:b"]), limits=st.just(LIMITS), need_requests=small, want_requests=small, give_requests=small,
    need_tokens=st.integers(0, 600), want_tokens=st.integers(0, 600), give_tokens=small, held=st.integers(0, 3),
    need_streams=small, want_streams=small,
)  # fmt: skip
steps = st.lists(
    st.tuples(st.integers(0, 40_000), st.sampled_from(["r0", "r1", "r2"]), st.lists(asks, min_size=1, max_size=2)), max_size=12
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=steps)
def test_the_script_is_the_pure_step(valkey_server: ValkeyServer, steps: list[tuple[int, str, list[Ask]]]) -> None:
    """Whatever replicas ask in whatever order, Valkey grants what buckets.py says."""

    async def play() -> None:
        clock = ManualClock(1_700_000_000.0)
        store = ValkeyStore(valkey_server.url, operation_seconds_max=5)
        memory, valkey = MemoryLeases(clock), ValkeyLeases(store)
        try:
            await store._client.flushall()
            for milliseconds, holder, wanted in steps:
                clock.advance(milliseconds / 1000)
                valkey.now_ms = int(clock.monotonic() * 1000)
                assert await valkey.lease(holder, wanted) == await memory.lease(holder, wanted)
        finally:
            await store.close()

    asyncio.run(play())


async def test_valkeys_own_clock(valkey_server: ValkeyServer) -> None:
    """In production the time is Valkey's: a bucket fills while we sleep."""
    store = ValkeyStore(valkey_server.url, operation_seconds_max=5)
    leases = ValkeyLeases(store)
    ask = Ask("{clock}:a", Limits(6000, 0, 0), need_requests=6000, want_requests=6000)
    assert (await leases.lease("r", [ask]))[0].requests == 6000
    await asyncio.sleep(0.05)
    (grant,) = await leases.lease("r", [Ask("{clock}:a", Limits(6000, 0, 0))])
    assert 4_000 <= grant.requests_left <= 600_000
    await store.close()
