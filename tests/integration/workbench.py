"""The workers' real parts around the reference app with a slice of its data, and its queue worked off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

from procrastinate import App

from seawall.app.load import load_bundle
from seawall.query.duckdb_engine import DuckDBEngine
from seawall.query.generations import Generations
from seawall.query.results import ResultCache
from seawall.query.service import QueryService
from seawall.query.usage import UsageRecorder
from seawall.store.postgres import Database, open_pool
from seawall.workers.preparation import prepare, registry
from seawall.workers.preparation.plan import Preparation
from seawall.workers.queue import WORKSHOP
from seawall.workers.workshop import Site, Workshop

APP_FOLDER = Path(__file__).parents[2] / "apps" / "merchandising"
APP = "merchandising"


@asynccontextmanager
async def open_workshop(
    sliced: Preparation, folder: Path, database_url: str, results: ResultCache | None = None
) -> AsyncIterator[Workshop]:
    """A workshop in `folder` whose app is prepared."""
    database = Database(await open_pool(database_url))
    generations = Generations(folder / "warehouse", database)
    with patch.dict(registry.REGISTERED, {"completejourney": sliced}):
        await prepare(APP_FOLDER, generations)
        engine = DuckDBEngine(generations.locate, directory=generations.files_dir(APP))
        bundle = load_bundle(APP_FOLDER)
        sites = {APP: Site(bundle, QueryService(bundle, {"warehouse": engine}, generations, results))}
        yield Workshop(sites, generations, UsageRecorder(database), folder / "cache", database=database)
        await engine.close()
    await database.close()


async def work_off(queue: App, workshop: Workshop, *queues: str) -> None:
    """Do every job that is due, then stop."""
    options = {"install_signal_handlers": False, "listen_notify": False, "additional_context": {WORKSHOP: workshop}}
    await queue.run_worker_async(queues=list(queues) or None, wait=False, **options)


async def make_due(queue: App) -> None:
    """Whatever is to be tried again is to be tried now."""
    await queue.connector.execute_query_async("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'")
