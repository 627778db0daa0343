"""One replica of a ui lane: wires everything, serves its unix socket, and on SIGTERM drains and returns.

It starts and serves while Postgres and Valkey are away. Draining: readiness says no at once, so that the gateway chooses another
replica; requests in flight get a few seconds to end.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import signal
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

from seawall.app.load import load_bundle
from seawall.app.model import App, Bundle, Format
from seawall.ask.opening import open_cascade
from seawall.ask.vectors.embedder import MemoEmbedder, ProxyEmbedder
from seawall.ask.vectors.pgvector import open_vectors
from seawall.ask.vectors.similar import SimilarRows
from seawall.core.digest import digest
from seawall.core.errors import ConfigurationError, SeawallError
from seawall.core.settings import Settings
from seawall.model_proxy.client import ModelProxyClient
from seawall.query.cache import Cache
from seawall.query.cache_shared import open_shared
from seawall.query.cursor import Cursors
from seawall.query.duckdb_engine import DuckDBEngine
from seawall.query.generations import Generations, NoGeneration
from seawall.query.ladder import Ladder
from seawall.query.port import Engine
from seawall.query.postgres_engine import PostgresEngine
from seawall.query.results import ResultCache
from seawall.query.service import QueryService
from seawall.query.summaries import Summaries
from seawall.query.usage import UsageRecorder
from seawall.query.without_pandas import declare_pandas_absent
from seawall.store.postgres import Database, open_pool
from seawall.telemetry.events import event
from seawall.telemetry.export import Exporter
from seawall.trust.encryption import Sealer, load_or_create_key
from seawall.trust.keys import load_or_create
from seawall.trust.sessions import Sessions
from seawall.trust.tokens import Tokens
from seawall.ui.asgi import Lane, build
from seawall.ui.ask.stores import KeptAnswers, Verdicts
from seawall.ui.ask.warm import keep_warm
from seawall.ui.assets import STYLE_SHEET, default_assets
from seawall.ui.auth import routes
from seawall.ui.headers import HeaderSet
from seawall.ui.health import Health, Ping
from seawall.ui.render.context import RenderContext
from seawall.ui.render.filters import filter_bar
from seawall.ui.render.page import page_head
from seawall.ui.rights import RightsOf
from seawall.ui.vitals import Vitals
from seawall.ui.wiring import NO_WATERMARK, Site, UiServices, watermark_of

DRAIN_SECONDS = 3.0
NOTICE_SECONDS = 0.3
"""How long the socket stays open after readiness said no."""
DUCKDB_MEMORY = "1GB"
POOL_MAX = 4
ASK_ACTION = "ask"
"""What users do that calls models from here."""


def run(settings: Settings, lane: str) -> None:
    """Serve the `read` or the `write` lane until SIGTERM or SIGINT; returns when drained."""
    if lane not in ("read", "write"):
        raise ConfigurationError("There is no such lane", expected="read or write", got=lane)
    declare_pandas_absent()
    uvloop.run(_serve(settings, "write" if lane == "write" else "read"))


async def _serve(settings: Settings, lane: Lane) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        services = await stack.enter_async_context(wired(settings, lane))
        settings.socket.unlink(missing_ok=True)
        server = Server(
            build(services, lane), uds=settings.socket, interface=Interfaces.ASGINL, websockets=False, log_enabled=False, backlog=1024
        )
        serving = asyncio.create_task(server.serve())
        for site in services.sites.values():
            _learn_locales(site.app)
        gc.collect()
        gc.freeze()
        event("service.started", service=settings.service, replica=settings.replica, apps=list(services.sites))
        await _until(stop, serving)
        services.health.draining = True
        await asyncio.sleep(NOTICE_SECONDS)
        server.stop()  # type: ignore[no-untyped-call]  # granian leaves it unannotated
        await asyncio.wait({serving}, timeout=DRAIN_SECONDS)
        gc.unfreeze()
    event("service.stopped", service=settings.service, replica=settings.replica)


async def _until(stop: asyncio.Event, serving: asyncio.Task[None]) -> None:
    """Wait until told to stop. A server that ends by itself raises what ended it."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({stopping, serving}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if serving.done():
        serving.result()


@contextlib.asynccontextmanager
async def wired(settings: Settings, lane: Lane) -> AsyncIterator[UiServices]:
    """Everything opened, in order; closed in the opposite one."""
    bundles = [load_bundle(folder, settings.bundles) for folder in settings.apps]
    if not bundles:
        raise ConfigurationError("There is no app to serve", fix="Name app folders in SEAWALL_APPS")
    async with contextlib.AsyncExitStack() as stack:
        exporter = Exporter(settings.otlp_endpoint, settings.service, f"{settings.service}-{settings.replica}")
        exporter.start()
        stack.callback(exporter.close)
        database = Database(await open_pool(settings.database_url, max_size=POOL_MAX))
        stack.push_async_callback(database.close)
        sealer = Sealer(load_or_create_key(settings.keys / "cache.key"))
        cache = Cache(shared=open_shared(settings.valkey_url, sealer))
        stack.push_async_callback(cache.close)
        summaries = Summaries(database, settings.summaries, sealer)
        usage = UsageRecorder(database)
        generations = Generations(settings.warehouse, database)
        for part in (generations, summaries, usage):
            await part.start()
            stack.push_async_callback(part.close)
        engine = DuckDBEngine(generations.locate, directory=_made(settings.warehouse), memory_limit=DUCKDB_MEMORY)
        stack.push_async_callback(engine.close)
        results, ladder = ResultCache(cache), Ladder(cache, summaries)
        stack.push_async_callback(results.close)
        stack.push_async_callback(ladder.close)
        vitals = Vitals(database)
        await stack.enter_async_context(_running(vitals.run(), _kept_warm(engine, generations, bundles)))
        engines: dict[str, Engine] = {"warehouse": engine, "operational": PostgresEngine(database.pool)}
        tokens = Tokens(load_or_create(settings.keys))
        vectors = await open_vectors(settings.vector_url) if settings.vector_url else None
        if vectors is not None:
            stack.push_async_callback(vectors.close)
        client = ModelProxyClient(settings.run)
        stack.push_async_callback(client.aclose)
        asking = ModelProxyClient(settings.run, action=ASK_ACTION)
        stack.push_async_callback(asking.aclose)
        embedder = MemoEmbedder(ProxyEmbedder(client, tokens, "seawall-ui"))
        sites, words = {}, {}
        for bundle, folder in zip(bundles, settings.apps, strict=True):
            questions = QueryService(bundle, engines, generations, results)
            cascade, lexicons = open_cascade(bundle, folder, questions, client=asking, cache=cache)
            stack.push_async_callback(lexicons.close)
            words[bundle.app.name] = lexicons
            similar = SimilarRows(bundle.app, questions, vectors, embedder)
            sites[bundle.app.name] = replace(_site(bundle, generations, questions, similar), ask=cascade)
        if lane == "read":
            await stack.enter_async_context(_running(keep_warm(words, usage)))
        yield UiServices(
            sites=sites,
            ladder=ladder,
            tokens=tokens,
            cursors=Cursors(load_or_create_key(settings.keys / "cursors.key").keys[-1].secret),
            headers=HeaderSet(secure=settings.secure, style=default_assets().inline(STYLE_SHEET).source),
            assets=default_assets(),
            health=Health(_pings(sites, engine, cache, database, lane)),
            usage=usage,
            vitals=vitals,
            verdicts=Verdicts(database),
            kept=KeptAnswers(database),
            auth_routes=tuple(routes(Sessions(database, tokens), settings)) if lane == "write" else (),
            public_url=settings.public_url,
            secure=settings.secure,
            version=code_version(),
        )


def _learn_locales(app: App) -> None:
    """Load the words and number patterns of every locale now, so that no request waits for that (0.2 s each)."""
    for locale in app.locales:
        ctx = RenderContext(app.name, "", locale, date(2020, 1, 1), {}, 0.0)
        ctx.formatter.value(1234.5, Format(), "Float")
        ctx.formatter.value(date(2020, 1, 1), Format(style="date"), "Date")
        for page in app.pages.values():
            page_head(page, ctx)
            filter_bar(page, {}, ctx)


def code_version() -> str:
    """SHA-256 over our own drawing code and words: a fragment drawn by other code is not served."""
    folder = Path(__file__).parent
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".json") and "static" not in path.parts)
    return digest([[path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()] for path in files])


def _site(bundle: Bundle, generations: Generations, questions: QueryService, similar: SimilarRows) -> Site:
    name = bundle.app.name
    return Site(bundle, questions, lambda: generations.current(name), RightsOf(bundle.app), similar)


def _pings(sites: Mapping[str, Site], engine: DuckDBEngine, cache: Cache, database: Database, lane: Lane) -> tuple[Ping, ...]:
    """How to ask after each thing wired above. Pages serve without Valkey and Postgres, and explain a missing generation."""

    async def bundles() -> bool:
        return bool(sites)

    async def generation() -> bool:
        return all(watermark_of(site)[0] != NO_WATERMARK for site in sites.values())

    return (
        Ping("bundle", bundles, detail=", ".join(f"{site.app.name} {site.bundle.digest[:12]}" for site in sites.values())),
        Ping("generation", generation, hard=False),
        Ping("warehouse", engine.ready, hard=lane == "read"),
        Ping("valkey", cache.shared.ready, hard=False),
        Ping("postgres", database.ready, hard=False),
    )


async def _kept_warm(engine: DuckDBEngine, generations: Generations, bundles: Sequence[Bundle]) -> None:
    """Open each generation when it becomes current, so that no request waits for that."""
    current: asyncio.Queue[str] = asyncio.Queue()
    generations.on_change(lambda generation: current.put_nowait(generation.id))
    for bundle in bundles:
        with contextlib.suppress(NoGeneration):
            current.put_nowait(generations.current(bundle.app.name).id)
    while True:
        watermark = await current.get()
        try:
            await engine.dry_run("SELECT 1", (), watermark=watermark)
        except SeawallError as error:
            event("generation.not_opened", generation=watermark, reason=error.slug)


@contextlib.asynccontextmanager
async def _running(*work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=1.0)


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory
