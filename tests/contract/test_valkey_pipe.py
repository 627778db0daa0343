"""What the lean way to Valkey promises beside `KeyValue`: shared round trips, bounds, a login, and how it loses and finds Valkey."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.engines import ValkeyServer
from tests.waiting import recovered

from seawall.core.errors import ConfigurationError, Unavailable
from seawall.store.valkey import OPERATION_SECONDS_MAX, ValkeyStore
from seawall.store.valkey_link import address_of
from seawall.store.valkey_pipe import PipedValkey
from seawall.telemetry import spans

PATIENCE = 10.0
"""Seconds; a busy machine does not always turn to Valkey within the usual 50 ms."""


@asynccontextmanager
async def ready(store: PipedValkey) -> AsyncIterator[PipedValkey]:
    """Until it is closed; it leaves no task."""
    async with asyncio.timeout(60):
        while not await store.ready():
            await asyncio.sleep(0.05)
    spans.finished.clear()
    yield store
    await store.close()
    assert len(asyncio.all_tasks()) == 1


@pytest.fixture
async def piped(own_valkey: ValkeyServer) -> AsyncIterator[PipedValkey]:
    """One with a server of its own."""
    async with ready(PipedValkey(own_valkey.url, operation_seconds_max=PATIENCE)) as store:
        yield store


@pytest.fixture
async def hasty(own_valkey: ValkeyServer) -> AsyncIterator[PipedValkey]:
    """One that waits for no longer than services do."""
    async with ready(PipedValkey(own_valkey.url)) as store:
        yield store


def told(events: str) -> list[str]:
    return [json.loads(line)["event"] for line in events.splitlines()]


def spans_told() -> list[tuple[str, str, str, bool]]:
    return [(one.name, one.boundary, one.kind, bool(one.error)) for one in spans.finished]


async def admin(server: ValkeyServer, *command: str) -> None:
    """Any command, with the library's client."""
    store = ValkeyStore(server.url, operation_seconds_max=5)
    await store._client.execute_command(*command)
    await store.close()


async def test_what_is_asked_in_one_turn_is_one_round_trip(piped: PipedValkey) -> None:
    """And one span, a child of what asked first; each gets its own reply."""
    await piped.set({str(number): b"%d" % number for number in range(50)}, ttl_seconds=5)
    with spans.span("model.call", "model") as call:
        assert await asyncio.gather(*[piped.get(str(number)) for number in range(51)]) == [*(b"%d" % n for n in range(50)), None]
    assert spans_told()[:2] == [("valkey.set", "storage", "client", False), ("valkey.get", "storage", "client", False)]
    assert len(spans.finished) == 3
    assert spans.finished[1].parent_id == call.span_id


async def test_who_leaves_disturbs_nobody(piped: PipedValkey) -> None:
    """Replies still go to those they are for."""
    await piped.set({"a": b"a", "b": b"b"}, ttl_seconds=5)
    asking = [asyncio.create_task(piped.get(name)) for name in "abab"]
    await asyncio.sleep(0)
    asking[0].cancel()
    asking[2].cancel()
    done = await asyncio.gather(*asking, return_exceptions=True)
    assert [done[1], done[3]] == [b"b", b"b"]


async def test_a_script_is_sent_once_and_again_after_a_restart(piped: PipedValkey, own_valkey: ValkeyServer) -> None:
    """A server that does not know it is told."""
    double = piped.script("double", "return ARGV[1] * 2")
    assert [await double([], [number]) for number in (1, 2)] == [2, 4]
    assert [one.name for one in spans.finished] == ["valkey.double"] * 3
    await admin(own_valkey, "SCRIPT", "FLUSH")
    assert await double([], [3]) == 6


async def test_what_waits_is_bounded(own_valkey: ValkeyServer) -> None:
    """Who comes too many is told so at once, and Valkey is not taken for dead."""
    store = PipedValkey(own_valkey.url, commands_max=10, operation_seconds_max=PATIENCE)
    done = await asyncio.gather(*[store.get("x") for _ in range(12)], return_exceptions=True)
    assert [type(one) for one in done] == [type(None)] * 10 + [Unavailable] * 2
    assert await store.get("x") is None
    await store.close()


async def test_killed_and_started_again(piped: PipedValkey, own_valkey: ValkeyServer, capfd: pytest.CaptureFixture[str]) -> None:
    """Those under way and those after hear of it at once; a probe finds it again; each is told once."""
    own_valkey.kill()
    for _ in range(3):
        began = time.perf_counter()
        done = await asyncio.gather(*[piped.get("x") for _ in range(20)], return_exceptions=True)
        assert {type(one) for one in done} == {Unavailable}
        assert time.perf_counter() - began < PATIENCE / 2
    assert not await piped.ready()
    await asyncio.to_thread(own_valkey.start)
    await recovered(lambda: piped.get("x"))
    await asyncio.gather(*[piped.get("x") for _ in range(20)])
    assert told(capfd.readouterr().err) == ["valkey.lost", "valkey.found"]


async def test_a_server_that_hangs(hasty: PipedValkey, own_valkey: ValkeyServer) -> None:
    """It costs those who wait their 50 ms, however many they are, and those who come next nothing."""
    own_valkey.pause()
    try:
        for _ in range(2):
            began = time.perf_counter()
            done = await asyncio.gather(*[hasty.get("x") for _ in range(100)], return_exceptions=True)
            assert {type(one) for one in done} == {Unavailable}
            assert time.perf_counter() - began < 100 * OPERATION_SECONDS_MAX / 2
    finally:
        own_valkey.resume()
    assert [one[3] for one in spans_told()] == [True]
    await recovered(lambda: hasty.get("x"))


async def test_a_process_that_was_held_up_does_not_take_valkey_for_dead(hasty: PipedValkey) -> None:
    """The answer was there all along."""
    asking = asyncio.create_task(hasty.get("x"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    time.sleep(0.2)
    assert await asking is None


async def test_an_answer_that_is_an_error_is_no_answer(piped: PipedValkey, capfd: pytest.CaptureFixture[str]) -> None:
    """As where Valkey is out of memory; the connection stays, and its other replies count."""
    broken = piped.script("broken", "return redis.error_reply('OOM no room')")
    done = await asyncio.gather(broken([], []), piped.get("x"), return_exceptions=True)
    assert [type(one) for one in done] == [Unavailable, type(None)]
    await recovered(lambda: piped.get("x"))
    assert told(capfd.readouterr().err)[0] == "valkey.lost"


async def test_closed_in_the_middle(own_valkey: ValkeyServer) -> None:
    """Who waits hears of it, also while it was only connecting; who comes later too."""
    for turns in (0, 1, 5):
        store = PipedValkey(own_valkey.url)
        asking = asyncio.create_task(store.get("x"))
        for _ in range(turns + 1):
            await asyncio.sleep(0)
        await store.close()
        (done,) = await asyncio.gather(asking, return_exceptions=True)
        assert done is None or isinstance(done, Unavailable)
        with pytest.raises(Unavailable):
            await store.get("x")
    assert len(asyncio.all_tasks()) == 1


async def test_it_logs_in_and_chooses_its_database(own_valkey: ValkeyServer) -> None:
    """With a user and a password; a wrong one is Unavailable and is not told to anybody."""
    await admin(own_valkey, "ACL", "SETUSER", "mia", "on", ">p@ss/word", "~*", "+@all")
    await admin(own_valkey, "ACL", "SETUSER", "default", "off")
    well = PipedValkey(f"unix://mia:p%40ss%2Fword@{own_valkey.socket}?db=3", operation_seconds_max=PATIENCE)
    await well.set({"x": b"1"}, ttl_seconds=5)
    assert await well.get("x") == b"1"
    wrong = PipedValkey(f"unix://mia:guessed@{own_valkey.socket}", operation_seconds_max=PATIENCE)
    with pytest.raises(Unavailable) as caught:
        await wrong.get("x")
    assert "guessed" not in repr(caught.value)
    assert not await wrong.ready()
    for one in (well, wrong):
        await one.close()


def test_addresses() -> None:
    """Those of ValkeyStore; what cannot be kept is refused, and a password is not shown."""
    given = address_of("valkeys://mia:s3cret@cache.example:7000/2?ssl_ca_certs=/ca.pem")
    assert (given.host, given.port, given.user, given.password, given.database) == ("cache.example", 7000, "mia", "s3cret", 2)
    assert (given.tls, given.authorities) == (True, "/ca.pem")
    assert "s3cret" not in repr(given)
    for wrong in ("http://x", "valkeys://x?ssl_cert_reqs=none"):
        with pytest.raises(ConfigurationError):
            address_of(wrong)
