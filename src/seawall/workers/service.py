"""The workers' process: durable jobs from Postgres, and the span collector, until SIGTERM.

Guarantees: it starts and answers health checks while Postgres is away, and takes up work when it is back; on SIGTERM it
takes no new job, gives running ones a few seconds and returns (what was running is taken up again later); no job touches
the event loop with long work.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Coroutine

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server
from procrastinate import App
from procrastinate.exceptions import ProcrastinateException
from psycopg import Error as PostgresError

from seawall.app.load import load_bundle
from seawall.ask.vectors.embedder import ProxyEmbedder
from seawall.ask.vectors.pgvector import BUILD_SECONDS_MAX, open_vectors
from seawall.core.errors import Unavailable
from seawall.core.settings import Settings
from seawall.model_proxy.client import ModelProxyClient
from seawall.query.cache import Cache
from seawall.query.cache_shared import open_shared
from seawall.query.duckdb_engine import DuckDBEngine
from seawall.query.generations import Generation, Generations
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
from seawall.trust.tokens import Tokens
from seawall.workers.asgi import make_asgi
from seawall.workers.embed import reachable
from seawall.workers.progress import FILE as PROGRESS_FILE
from seawall.workers.progress import ProgressBook
from seawall.workers.queue import WORKSHOP, Jobs, defer_missing, open_queue
from seawall.workers.workshop import Site, Workshop

CONCURRENCY = 3
"""An embedding takes its time, and much of it waits for the model."""
GRACE_SECONDS = 3.0
RECONNECT_SECONDS_MAX = 5.0
STORE_POLL_SECONDS = 2.0
DUCKDB_MEMORY = "512MB"
_LOST = (Unavailable, ProcrastinateException, PostgresError, OSError)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. The forecast, which wants pandas, is a process of its own."""
    declare_pandas_absent()
    uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    database = Database(await open_pool(settings.database_url, max_size=2))
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        exporter = Exporter(settings.otlp_endpoint, "workers", f"workers-{settings.replica}")
        exporter.start()
        stack.callback(exporter.close)
        workshop = await stack.enter_async_context(_workshop(settings, database))
        worker = Worker(settings.database_url, workshop)

        async def queue_check() -> str:
            return "" if worker.connected else "not connected to the job queue"

        async def database_check() -> str:
            return "" if await database.ready() else "the operational database does not answer"

        app = make_asgi({"queue": queue_check, "postgres": database_check}, settings.data / "telemetry")
        settings.socket.unlink(missing_ok=True)
        server = Server(app, uds=settings.socket, interface=Interfaces.ASGI, websockets=False, log_enabled=False)
        tasks = [asyncio.create_task(server.serve()), asyncio.create_task(worker.run())]
        event("service.started", service="workers", apps=sorted(workshop.sites))
        await _first_of(stop, tasks)
        server.stop()  # type: ignore[no-untyped-call]  # granian leaves it unannotated
        await worker.stop()
        await asyncio.wait(tasks, timeout=GRACE_SECONDS)
    event("service.stopped", service="workers")


async def _first_of(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    """Wait until told to stop, or until a task that should never end has ended; then raise what ended it."""
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    for task in done - {stopping}:
        task.result()


@contextlib.asynccontextmanager
async def _workshop(settings: Settings, database: Database) -> AsyncIterator[Workshop]:
    """Everything jobs need, opened and closed in order."""
    generations = Generations(settings.warehouse, database)
    engine = DuckDBEngine(generations.locate, directory=settings.warehouse, threads=1, memory_limit=DUCKDB_MEMORY, concurrency_max=1)
    sealer = Sealer(load_or_create_key(settings.keys / "cache.key"))
    cache = Cache(shared=open_shared(settings.valkey_url, sealer))
    results = ResultCache(cache)
    engines: dict[str, Engine] = {"warehouse": engine, "operational": PostgresEngine(database.pool)}
    bundles = [load_bundle(folder, settings.bundles) for folder in settings.apps]
    sites = {bundle.app.name: Site(bundle, QueryService(bundle, engines, generations, results)) for bundle in bundles}
    await generations.start()
    closing = contextlib.AsyncExitStack()
    try:
        summaries, vectors = Summaries(database, settings.summaries, sealer), None
        if settings.vector_url:
            vectors = await open_vectors(settings.vector_url, seconds_max=BUILD_SECONDS_MAX, connections_max=CONCURRENCY + 1)
            closing.push_async_callback(vectors.close)
        client = ModelProxyClient(settings.run)
        closing.push_async_callback(client.aclose)
        yield Workshop(
            sites=sites,
            generations=generations,
            usage=UsageRecorder(database),
            cache_folder=settings.data / "cache",
            summaries=summaries,
            database=database,
            vectors=vectors,
            embedder=ProxyEmbedder(client, Tokens(load_or_create(settings.keys)), "seawall-workers"),
            progress=ProgressBook(settings.data / PROGRESS_FILE),
        )
    finally:
        await closing.aclose()
        await generations.close()
        await results.close()
        await engine.close()
        await cache.close()


class Worker:
    """Runs jobs for as long as Postgres answers, and again when it is back."""

    def __init__(self, url: str, workshop: Workshop) -> None:
        self._url = url
        self._workshop = workshop
        self._running: asyncio.Task[None] | None = None
        self._stopped = False
        self._deferring: set[asyncio.Task[None]] = set()
        self._jobs: Jobs | None = None
        self.connected = False
        workshop.generations.on_change(self._changed)

    async def run(self) -> None:
        """Work until `stop`."""
        pause_seconds = 0.2
        while not self._stopped:
            try:
                async with open_queue(self._url) as queue:
                    pause_seconds = 0.2
                    await self._work(queue)
            except _LOST as error:
                event("queue.lost", error=type(error).__name__)
            finally:
                self.connected, self._jobs = False, None
            if not self._stopped:
                await asyncio.sleep(pause_seconds)
                pause_seconds = min(pause_seconds * 2, RECONNECT_SECONDS_MAX)

    async def stop(self) -> None:
        """Take no new job; what runs has a few seconds."""
        self._stopped = True
        if self._running is not None:
            self._running.cancel()

    async def _work(self, queue: App) -> None:
        self._jobs = Jobs(queue)
        for app in self._workshop.sites:
            await self._jobs.precompute(app)
        self.connected = True
        event("queue.connected")
        self._start(self._begin(self._jobs))
        self._running = asyncio.create_task(
            queue.run_worker_async(
                concurrency=CONCURRENCY,
                install_signal_handlers=False,
                shutdown_graceful_timeout=GRACE_SECONDS - 1,
                additional_context={WORKSHOP: self._workshop},
            )
        )
        try:
            await self._running
        except asyncio.CancelledError:
            if not self._stopped:
                raise

    def _changed(self, generation: Generation) -> None:
        """A new generation: make its most used panels, and its forecast if it has none."""
        self._start(self._follow(generation.app))

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._deferring.add(task)
        task.add_done_callback(self._deferring.discard)

    async def _begin(self, jobs: Jobs) -> None:
        """Ask for what is missing, beside the work. The vector store starts after everything else: ask again once it answers."""
        await self._ask_for_missing(jobs)
        while self._jobs is jobs and not await reachable(self._workshop):  # noqa: ASYNC110 -- nothing tells of it
            await asyncio.sleep(STORE_POLL_SECONDS)
        await self._ask_for_missing(jobs)

    async def _ask_for_missing(self, jobs: Jobs) -> None:
        if self._jobs is jobs:
            with contextlib.suppress(*_LOST):
                await defer_missing(self._workshop, jobs)

    async def _follow(self, app: str) -> None:
        jobs = self._jobs
        if jobs is None or app not in self._workshop.sites:
            return
        try:
            await jobs.precompute(app)
            await defer_missing(self._workshop, jobs)
        except _LOST as error:
            event("job.not_deferred", app=app, error=type(error).__name__)
