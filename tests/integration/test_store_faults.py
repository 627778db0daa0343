"""Real Valkey and Postgres, killed and restarted under load: pages still serve, and recovery needs nobody."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from tests.engines import PostgresServer, ValkeyServer
from tests.waiting import recovered

from seawall.app.model import Outage
from seawall.core.deadline import Deadline
from seawall.core.errors import Unavailable
from seawall.query.cache import Cache, CacheKey
from seawall.query.cache_shared import SharedCache
from seawall.query.generations import Generations, TableFiles, new_generation
from seawall.query.ladder import Ladder, Served
from seawall.query.summaries import Summaries
from seawall.store.postgres import Database, open_pool
from seawall.store.valkey import ValkeyStore
from seawall.trust.encryption import Sealer

SEALER = Sealer(bytes(32))
OUTAGE = Outage(stale_max_age_seconds=3600.0)


def numbered(number: int, watermark: str = "w1") -> CacheKey:
    return CacheKey(f"panel {number}", (), "f", "en", watermark)


async def ask(ladder: Ladder, key: CacheKey, *, seconds: float = 30.0) -> Served:
    async def produce(_: Deadline) -> bytes:
        await asyncio.sleep(0.002)
        return key.exact.encode()

    return await ladder.serve(key, produce, outage=OUTAGE, fresh_for=60.0, deadline=Deadline.after(seconds))


async def load(ladder: Ladder, until: asyncio.Event, waits: list[float]) -> Counter[str]:
    """Ask for ever new panels, eight at a time; every answer must be the right one."""
    rungs: Counter[str] = Counter()
    number = 0
    while not until.is_set():
        began = time.perf_counter()
        keys = [numbered(number + offset) for offset in range(8)]
        for key, served in zip(keys, await asyncio.gather(*[ask(ladder, key) for key in keys]), strict=True):
            rungs[served.rung] += 1
            assert served.payload == key.exact.encode()
        waits.append(time.perf_counter() - began)
        number += 8
    return rungs


async def test_valkey_killed_and_restarted_under_load(own_valkey: ValkeyServer) -> None:
    """No answer is lost or wrong, none waits long, and afterwards processes share through Valkey again."""
    one, other = (
        Ladder(Cache(shared=SharedCache(ValkeyStore(own_valkey.url), SEALER)), None),
        Ladder(Cache(shared=SharedCache(ValkeyStore(own_valkey.url), SEALER)), None),
    )
    waits: list[float] = []
    stop = asyncio.Event()
    loading = asyncio.create_task(load(one, stop, waits))
    await asyncio.sleep(0.3)
    await asyncio.to_thread(own_valkey.kill)
    await asyncio.sleep(0.5)
    await asyncio.to_thread(own_valkey.start)
    await asyncio.sleep(0.3)
    stop.set()
    rungs = await loading
    assert set(rungs) == {"fresh"}
    async with asyncio.timeout(60):
        number = 1_000_000
        while True:  # the breaker's pause may still run
            number += 1
            await ask(one, numbered(number))
            await asyncio.sleep(0.05)
            if (await ask(other, numbered(number))).rung == "cached":
                break
    for ladder in (one, other):
        await ladder.close()
        await ladder._cache.close()
    assert len(asyncio.all_tasks()) == 1


async def test_valkey_that_hangs_holds_up_one_round_of_readers(own_valkey: ValkeyServer) -> None:
    """A stopped server costs those who are waiting its 50 ms, and those who come next nothing."""
    store = ValkeyStore(own_valkey.url)
    assert await store.ready()
    own_valkey.pause()
    try:
        waits = []
        for _ in range(4):
            began = time.perf_counter()
            with pytest.raises(Unavailable):
                await store.get("x")
            waits.append(time.perf_counter() - began)
        assert min(waits[1:]) < 0.01, waits
    finally:
        own_valkey.resume()
    await recovered(lambda: store.get("x"))
    await store.close()


async def test_postgres_killed_and_restarted(own_postgres: PostgresServer, tmp_path: Path) -> None:
    """Away, the pointer and the last good answers come from disk; back again, a publication is followed."""
    database = Database(await open_pool(own_postgres.url))
    generations = Generations(tmp_path / "warehouse", database, poll_seconds=0.1)
    old = published(generations, "old")
    await generations.publish(old)
    await generations.start()
    summaries = Summaries(database, tmp_path / "summaries", SEALER)
    ladder = Ladder(Cache(), summaries)
    await ask(ladder, numbered(1, old.id))
    await summaries.flush()

    await asyncio.to_thread(own_postgres.kill)
    new = published(generations, "new")
    with pytest.raises(Unavailable):
        await generations.publish(new)
    restarted = Generations(tmp_path / "warehouse", database, poll_seconds=0.1)
    await restarted.start()
    assert restarted.current("shop") == generations.current("shop") == old
    served = await fail(Ladder(Cache(), Summaries(database, tmp_path / "summaries", SEALER)), numbered(1, "w2"))
    assert (served.rung, served.payload) == ("summary", numbered(1, old.id).exact.encode())

    await asyncio.to_thread(own_postgres.start)
    async with asyncio.timeout(60):
        while not await publishes(generations, new):
            await asyncio.sleep(0.1)
        while restarted.current("shop") != new:
            await asyncio.sleep(0.05)
    for part in (generations, restarted, ladder, summaries, database):
        await part.close()
    assert len(asyncio.all_tasks()) == 1


def published(generations: Generations, name: str) -> object:
    (generations.files_dir("shop") / name).write_bytes(b"x")
    return new_generation("shop", date(2026, 1, 7), {"sales": TableFiles((name,), 1, 1)})


async def publishes(generations: Generations, generation: object) -> bool:
    try:
        await generations.publish(generation)
    except Unavailable:
        return False
    return True


async def fail(ladder: Ladder, key: CacheKey) -> Served:
    async def produce(_: Deadline) -> bytes:
        raise Unavailable

    served = await ladder.serve(key, produce, outage=Outage(None), fresh_for=60.0, deadline=Deadline.after(2.0))
    await ladder.close()
    return served


RACER = """
import asyncio, os, sys
from seawall.app.model import Outage
from seawall.core.deadline import Deadline
from seawall.query.cache import Cache, CacheKey
from seawall.query.cache_shared import SharedCache
from seawall.query.ladder import Ladder
from seawall.store.valkey import ValkeyStore
from seawall.trust.encryption import Sealer

url, made, mode = sys.argv[1:]

async def produce(_):
    with open(made, "a") as file:
        file.write(f"{os.getpid()}\\n")
    if mode == "dies":
        os._exit(9)
    await asyncio.sleep(0.5)
    return b"the answer"

async def main():
    cache = Cache(shared=SharedCache(ValkeyStore(url, operation_seconds_max=10.0), Sealer(bytes(32))))
    await cache.shared.ready()
    print("ready", flush=True)
    sys.stdin.readline()
    ladder = Ladder(cache, None)
    key = CacheKey("p", (), "f", "en", "w")
    served = await ladder.serve(key, produce, outage=Outage(), fresh_for=60.0, deadline=Deadline.after(60.0))
    print(served.rung, served.payload.decode(), flush=True)
    await ladder.close()
    await cache.close()

asyncio.run(main())
"""


def racer(url: str, made: Path, mode: str) -> subprocess.Popen[str]:
    """A process that is ready to ask when told."""
    process = subprocess.Popen(
        [sys.executable, "-c", RACER, url, str(made), mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def test_two_processes_race_for_one_miss(valkey_server: ValkeyServer, tmp_path: Path) -> None:
    """Both miss at the same moment; one makes the answer and both give it."""
    made = tmp_path / "made"
    _forget(valkey_server)
    racers = [racer(valkey_server.url, made, "lives") for _ in range(2)]
    for process in racers:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = sorted(process.communicate(timeout=120)[0] for process in racers)
    assert answers == ["cached the answer\n", "fresh the answer\n"]
    assert len(made.read_text().splitlines()) == 1


def test_an_owner_killed_while_making_frees_its_turn(valkey_server: ValkeyServer, tmp_path: Path) -> None:
    """The first process dies in the making; the second waits for its claim to end and makes the answer."""
    made = tmp_path / "made"
    _forget(valkey_server)
    dead, alive = racer(valkey_server.url, made, "dies"), racer(valkey_server.url, made, "lives")
    assert dead.communicate("go\n", timeout=120)[0] == ""
    assert dead.returncode == 9
    assert alive.communicate("go\n", timeout=120)[0] == "fresh the answer\n"
    assert len(made.read_text().splitlines()) == 2


def _forget(server: ValkeyServer) -> None:
    server.kill()
    server.socket.unlink(missing_ok=True)
    server.start()
