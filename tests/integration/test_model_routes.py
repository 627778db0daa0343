"""The live route table through Postgres: two replicas follow a flip, and an outage undoes none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from click.testing import CliRunner
from tests.engines import PostgresServer
from tests.integration.proxy_house import client_of
from tests.waiting import eventually

from seawall.cli.instance import InstanceRecord
from seawall.cli.models import models
from seawall.core.principal import Principal
from seawall.core.settings import Settings
from seawall.lab.provider import ProviderSimulator
from seawall.model_proxy.app import refusal
from seawall.model_proxy.config import Config
from seawall.model_proxy.config_load import parse
from seawall.model_proxy.edge import Server
from seawall.model_proxy.route.live import COPY, POLL_SECONDS, LiveRoutes, RouteHistory
from seawall.model_proxy.route.router import LiveRoute, Router
from seawall.model_proxy.wiring import wired
from seawall.store.postgres import Database, open_pool
from seawall.trust.keys import load_or_create
from seawall.trust.tokens import Tokens

FILE = b"""
providers: {here: {kind: embedded}}
models: {a: {provider: here, model: a}, b: {provider: here, model: b}, v: {provider: here, model: v, kind: embedding}}
routes: {small: {variants: {a: 100, b: 0}, fallback: [b]}}
"""


def config() -> Config:
    read, faults = parse(FILE, "models.yaml")
    assert read is not None, faults
    return read


class Replica:
    """A proxy's router and its live table."""

    def __init__(self, database: Database, folder: Path, poll_seconds: float = POLL_SECONDS) -> None:
        folder.mkdir(exist_ok=True)
        self.router = Router(config())
        self.live = LiveRoutes(database, folder / COPY, self.router.apply, poll_seconds=poll_seconds)

    @property
    def serves(self) -> str:
        """Who gets all the traffic."""
        return max(self.router.routes()["small"].variants.items(), key=lambda item: item[1])[0]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The replicas' database."""
    pool = await open_pool(database_url)
    yield Database(pool)
    await pool.close()


async def test_a_flip_reaches_every_replica_within_a_second(database: Database, tmp_path: Path) -> None:
    """They hear of it: the looking now and then comes too late for this test."""
    replicas = [Replica(database, tmp_path / name, poll_seconds=600.0) for name in ("one", "two")]
    for replica in replicas:
        await replica.live.start()
    for flip in ("b", "a", "b"):
        await RouteHistory(database).set("small", LiveRoute({flip: 100}), who="test", why="flip")
        await eventually(lambda flip=flip: all(replica.serves == flip for replica in replicas))  # type: ignore[misc]
    for replica in replicas:
        await replica.live.close()


async def test_an_outage_undoes_no_flip(own_postgres: PostgresServer, tmp_path: Path) -> None:
    """Neither for a replica that runs nor for one that starts meanwhile; the first change afterwards is followed."""
    pool = await open_pool(own_postgres.url)
    database = Database(pool)
    running = Replica(database, tmp_path)
    await running.live.start()
    await RouteHistory(database).set("small", LiveRoute({"b": 100}), who="test", why="")
    await eventually(lambda: running.serves == "b" and (tmp_path / COPY).exists())
    own_postgres.kill()
    await running.live.refresh()
    started = Replica(database, tmp_path)
    await started.live.start()
    assert (running.serves, started.serves) == ("b", "b")
    await asyncio.to_thread(own_postgres.start)
    async with asyncio.timeout(60):
        while not await database.ready():
            await asyncio.sleep(0.05)
    await RouteHistory(database).set("small", None, who="test", why="back")
    await eventually(lambda: running.serves == started.serves == "a")
    for replica in (running, started):
        await replica.live.close()
    await pool.close()


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """`seawall models` against a database; gives the JSON it prints."""
    (tmp_path / "models.yaml").write_bytes(FILE)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SEAWALL_MODELS", str(tmp_path / "models.yaml"))

    def invoke(*words: str) -> dict[str, object]:
        done = CliRunner().invoke(models, [*words, "--json"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return dict(msgspec.json.decode(done.output))

    return invoke


def test_the_command_shows_sets_flips_and_rolls_back(run) -> None:  # type: ignore[no-untyped-def]
    """Every change is remembered."""
    assert run("route", "set", "small", "a=90", "b=10", "--why", "a tenth tries b")["variants"] == {"a": 90, "b": 10}
    assert run("route", "flip", "small")["variants"] == {"a": 0, "b": 100}
    back = run("route", "rollback", "small")
    assert (back["variants"], back["fallback"]) == ({"a": 90, "b": 10}, ["b"])
    assert run("route", "reset", "small")["live"] is False
    [shown] = run("route", "show", "small")["routes"]
    assert [change["why"] for change in shown["changes"]] == ["reset", "rollback", "", "a tenth tries b"]


def test_the_instances_own_models_are_meant(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """So that nobody has to name the file twice."""
    monkeypatch.delenv("SEAWALL_MODELS")
    record = InstanceRecord(1, 1, "", 0, str(tmp_path), "", models=str(tmp_path / "models.yaml"))
    (tmp_path / "instance.json").write_bytes(msgspec.json.encode(record))
    assert run("route", "flip", "small", "b", "--data", str(tmp_path))["variants"] == {"a": 0, "b": 100}


@pytest.mark.parametrize(
    "words", [("set", "small", "a=0"), ("set", "small", "gone=1"), ("set", "small", "v=1"), ("rollback", "small"), ("flip", "nowhere")]
)
def test_what_cannot_be_set_is_refused(run, words: tuple[str, ...]) -> None:  # type: ignore[no-untyped-def]
    """And nothing is changed."""
    from seawall.core.errors import SeawallError

    with pytest.raises(SeawallError):
        run("route", *words)
    assert run("route", "show")["routes"][0]["changes"] == []


async def test_two_proxies_change_models_together(database_url: str, tmp_path: Path) -> None:
    """Whole proxies, asked over HTTP: each answers from the other model within moments of a flip."""
    simulator = ProviderSimulator()
    url = await simulator.listen()
    (tmp_path / "models.yaml").write_text(
        f"providers: {{sim: {{kind: openai, url: '{url}', allow_private: true}}}}\n"
        "models: {a: {provider: sim, model: model-a}, b: {provider: sim, model: model-b}}\n"
        "routes: {small: {variants: {a: 100, b: 0}}}\ncache: {ttl: 0}\n"
    )
    settings = Settings(data=tmp_path, run=tmp_path, apps=(), database_url=database_url, valkey_url="", service="model-proxy")
    environment = {"SEAWALL_MODELS": str(tmp_path / "models.yaml")}
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(_proxy(settings, environment, tmp_path / f"{n}.sock")) for n in range(2)]
        assert [await _model(client) for client in clients] == ["model-a", "model-a"]
        pool = await open_pool(database_url, max_size=1)
        stack.push_async_callback(pool.close)
        await RouteHistory(Database(pool)).set("small", LiveRoute({"b": 100}), who="test", why="flip")
        async with asyncio.timeout(60):
            while [await _model(client) for client in clients] != ["model-b", "model-b"]:
                await asyncio.sleep(0.02)
    await simulator.close()


@asynccontextmanager
async def _proxy(settings: Settings, environment: dict[str, str], path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with wired(settings, environment) as proxy:
        server = Server(proxy.handle, refusal)
        await server.listen(path)
        token = Tokens(load_or_create(settings.keys)).mint(Principal(user="u", roles=("viewer",)), 600.0)
        async with client_of(path, token) as client:
            yield client
        await server.drain(1)


async def _model(client: httpx.AsyncClient) -> str:
    """Who answers."""
    answer = await client.post("/v1/chat/completions", json={"model": "small", "messages": [{"role": "user", "content": "hello"}]})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["model"])
