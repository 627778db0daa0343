"""Similar products, as a browser's user asks for them: the first page of each, over the gateway, at a steady rate.

`first_page(data, seconds)` measures a running instance; `instance()` starts one with an index that serves. Each product is asked for once,
so that no answer is kept from before. `recall(data)` holds what the index finds against looking at every vector.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg

from seawall.app.load import load_bundle
from seawall.ask.vectors.pgvector import PgVectors, open_vectors
from seawall.ask.vectors.port import START, Index
from seawall.cli.instance import locate
from seawall.core.errors import Unavailable
from seawall.core.principal import Principal
from seawall.lab.drill_load import client_of, run, views_of
from seawall.store.embedded_postgres import VECTOR_PORT, EmbeddedPostgres, read_passwords
from seawall.trust import keys
from seawall.trust.tokens import Tokens

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "apps" / "merchandising"
COMMAND = (sys.executable, "-m", "seawall.cli.main")
RATE = 50.0
WARM_SECONDS = 5.0
WARM_RATE = 20.0
INDEX_SECONDS_MAX = 900.0
SAMPLE = "SELECT key FROM seawall.vector_items WHERE index_id = %s ORDER BY md5(key || %s) LIMIT %s"


class FirstPage(msgspec.Struct, frozen=True):
    """What was measured, in milliseconds, of views that were not answered from before."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    views: int
    by_meaning: int
    """As usual: neither found by words nor answered from before."""
    failed: int


class Recall(msgspec.Struct, frozen=True):
    """The share of the truly nearest rows that were found, and how long a search took."""

    at_50: float
    at_500: float
    p95_ms: float
    searches: int


@contextmanager
def instance(data: Path) -> Iterator[Path]:
    """An instance of the console in `data` whose index of similar products serves."""
    done = subprocess.run((*COMMAND, "up", str(APP), "--data", str(data), "--detach", "--json"), stdout=subprocess.PIPE, check=True)
    try:
        assert json.loads(done.stdout)["url"]
        asyncio.run(_until_indexed(data))
        yield data
    finally:
        subprocess.run((*COMMAND, "down", "--data", str(data)), check=True, stderr=subprocess.DEVNULL)


def first_page(data: Path, seconds: float = 30.0, rate: float = RATE, seed: int = 1) -> FirstPage:
    """First pages of similar products, each of another product, at `rate` a second."""
    return asyncio.run(_first_page(data, seconds, rate, random.Random(seed)))


def recall(data: Path, searches: int = 200, seed: int = 1) -> Recall:
    """The index against looking at every vector, for random products, over one page of fifty and ten of them."""
    return asyncio.run(_recall(data, searches, seed))


def drill(data: Path, duration: str = "5m", rate: float = RATE) -> dict[str, object]:
    """The report of `seawall drill vector-store`."""
    argv = (*COMMAND, "drill", "vector-store", "--for", duration, "--rate", str(rate), "--data", str(data), "--json")
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=False)
    report: dict[str, object] = json.loads(done.stdout)
    return report


async def _first_page(data: Path, seconds: float, rate: float, source: random.Random) -> FirstPage:
    record = locate(data, os.environ).read()
    assert record is not None
    app = load_bundle(APP, data / "bundles").app
    token = Tokens(keys.load(data / "keys")).mint(Principal("bench", roles=tuple(app.roles)), 3600.0)
    async with client_of(record.url, token) as client:
        found = (await views_of(client, app)).similar
        each = iter(source.sample(found, len(found)))
        await run(client, lambda: next(each), rate=WARM_RATE, seconds=WARM_SECONDS, told=lambda now, count: None)
        seen = await run(client, lambda: next(each), rate=rate, seconds=seconds, told=lambda now, count: None)
    took = sorted((one.ended - one.began) * 1000 for one in seen if one.state != "earlier")
    good = sum(one.state == "usual" for one in seen)
    failed = sum(one.status != 200 for one in seen)
    return FirstPage(_quantile(took, 0.5), _quantile(took, 0.95), _quantile(took, 0.99), len(seen), good, failed)


async def _recall(data: Path, searches: int, seed: int) -> Recall:
    url = _url(data)
    vectors, index = await _opened(url)
    try:
        async with await psycopg.AsyncConnection.connect(url) as connection:
            sample = await (await connection.execute(SAMPLE, (index.id, str(seed), searches))).fetchall()
        hits, took = {50: 0, 500: 0}, []
        for (key,) in sample:
            vector = await vectors.vector(index, key)
            assert vector is not None
            exact = [near.key for near in await vectors.nearest_exactly(index, vector, limit=500)]
            found: list[str] = []
            position = START
            for _ in range(10):
                began = time.perf_counter()
                page = await vectors.nearest(index, vector, limit=50, after=position)
                took.append((time.perf_counter() - began) * 1000)
                found += [near.key for near in page]
                position = page[-1].position
            for depth in hits:
                hits[depth] += len({*exact[:depth]} & {*found[:depth]})
        return Recall(hits[50] / (50 * len(sample)), hits[500] / (500 * len(sample)), _quantile(sorted(took), 0.95), len(took))
    finally:
        await vectors.close()


async def _until_indexed(data: Path) -> None:
    end = time.monotonic() + INDEX_SECONDS_MAX
    while time.monotonic() < end:
        try:
            vectors, _ = await _opened(_url(data))
            await vectors.close()
            return
        except (LookupError, OSError):
            await asyncio.sleep(1.0)
    raise TimeoutError("the index of similar products was not built")


def _url(data: Path) -> str:
    """Where the instance's own vector store is, as the ui knows it. OSError while there is none."""
    found = locate(data, os.environ)
    passwords = read_passwords(found.data / "vectors" / "passwords.json")
    return EmbeddedPostgres(Path("/"), found.data / "vectors", found.run, port=VECTOR_PORT).url("seawall_ui", passwords)


async def _opened(url: str) -> tuple[PgVectors, Index]:
    """The store and the index that serves. LookupError when there is none yet."""
    vectors = await open_vectors(url, seconds_max=10.0)
    try:
        index = await vectors.current("merchandising", "similar")
    except Unavailable:
        index = None
    if index is None:
        await vectors.close()
        raise LookupError("no index serves")
    return vectors, index


def _quantile(ordered: Sequence[float], share: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else float("nan")
