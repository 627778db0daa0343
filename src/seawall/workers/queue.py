"""The job queue: Procrastinate on Postgres, in a schema of its own (`store/migrations/0002_job_queue.sql`).

Guarantees: for each app a job waits at most once and runs at most once at a time (locks), is tried at most `ATTEMPTS_MAX`
times with growing pauses, survives the worker that ran it (a stalled job is taken up again), and gets what it works with
from the worker, never from its arguments. Jobs run at least once, so each is written to be repeatable.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import datetime

from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from procrastinate.connector import BaseAsyncConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from seawall.core.errors import ConfigurationError, Unavailable
from seawall.telemetry.events import event
from seawall.telemetry.spans import span
from seawall.workers.embed import embed, lacks_index
from seawall.workers.forecast.job import is_current, make_forecast
from seawall.workers.precompute import precompute
from seawall.workers.workshop import Workshop

ATTEMPTS_MAX = 4
STALLED_SECONDS = 30.0
KEEP_JOBS_HOURS = 24 * 7
KEEP_USE_SECONDS = 30 * 86_400.0
KEEP_SUMMARIES_SECONDS = 30 * 86_400.0
KEEP_VITALS_SECONDS = 30 * 86_400.0
KEEP_VITALS_MAX = 500_000
POOL_MAX = 4
OPEN_SECONDS_MAX = 5.0
RETRY = RetryStrategy(max_attempts=ATTEMPTS_MAX - 1, exponential_wait=5)
"""Pauses of 5, 25 and 125 s."""
WORKSHOP = "workshop"

logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # events say it in one line each


@contextlib.asynccontextmanager
async def open_queue(url: str) -> AsyncIterator[App]:
    """The queue on connections that see its schema. Unavailable when Postgres does not answer within a few seconds."""
    pool: AsyncConnectionPool = AsyncConnectionPool(
        url,
        min_size=1,
        max_size=POOL_MAX,
        open=False,
        check=AsyncConnectionPool.check_connection,
        kwargs={"options": "-c search_path=procrastinate,pg_catalog", "connect_timeout": 2},
    )
    queue = make_queue(PsycopgConnector())
    try:
        try:
            await pool.open(wait=True, timeout=OPEN_SECONDS_MAX)
        except PoolTimeout as error:
            raise Unavailable("The job queue does not answer", fix="See the postgres service in `seawall status`") from error
        await queue.open_async(pool)
        yield queue
    finally:
        await pool.close()


def make_queue(connection: BaseAsyncConnector) -> App:
    """The queue with every job registered."""
    queue = App(connector=connection, worker_defaults={"delete_jobs": "never"})
    queue.job_manager = _JobManager(queue.job_manager.connector)
    queue.task(name="forecast", queue="forecast", retry=RETRY, pass_context=True)(_forecast)
    queue.task(name="precompute", queue="panels", retry=RETRY, pass_context=True)(_precompute)
    queue.task(name="embed", queue="vectors", retry=RETRY, pass_context=True)(_embed)
    tidy = queue.task(name="tidy", queue="upkeep", queueing_lock="tidy", pass_context=True)(_tidy)
    queue.periodic(cron="* * * * *")(tidy)
    return queue


class _JobManager(JobManager):
    """Where the same job waits already, that one is the retry: with it a second cannot wait, and it needs the first one's lock."""

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        try:
            await super().retry_job(job, retry_at, priority, queue, lock)
        except UniqueViolation:
            await self.finish_job(job, Status.FAILED, delete_job=False)


class Jobs:
    """What may be asked of the workers."""

    def __init__(self, queue: App) -> None:
        self._queue = queue

    async def forecast(self, app: str) -> bool:
        """Forecast `app` soon; False when that is waiting already. Unavailable when Postgres is away."""
        return await self._defer("forecast", app)

    async def precompute(self, app: str) -> bool:
        """Precompute the most used panels of `app` soon; False when that is waiting already. Unavailable when Postgres is away."""
        return await self._defer("precompute", app)

    async def embed(self, app: str) -> bool:
        """Build the indexes `app` lacks soon; False when that is waiting already. Unavailable when Postgres is away."""
        return await self._defer("embed", app)

    async def _defer(self, task: str, app: str) -> bool:
        try:
            await self._queue.tasks[task].configure(queueing_lock=f"{task}:{app}", lock=f"{task}:{app}").defer_async(app=app)
        except AlreadyEnqueued:
            return False
        except ConnectorException as error:
            raise Unavailable("The job queue does not answer", fix="See the postgres service in `seawall status`") from error
        return True


@contextlib.asynccontextmanager
async def _done(context: JobContext, app: str) -> AsyncIterator[Workshop]:
    """The workshop, with what happens told as a span and, when it fails, an event."""
    workshop = _workshop(context)
    name = context.job.task_name
    try:
        with span(f"job.{name}", "worker", app=app, attempt=context.job.attempts + 1):
            yield workshop
    except Exception as error:
        event("job.failed", job=name, app=app, attempt=context.job.attempts + 1, error=str(error)[:300])
        raise


def _workshop(context: JobContext) -> Workshop:
    workshop = (context.additional_context or {}).get(WORKSHOP)
    if not isinstance(workshop, Workshop):
        raise ConfigurationError("The worker was started without a workshop", fix="Run jobs with `seawall workers`")
    return workshop


async def _forecast(context: JobContext, *, app: str) -> None:
    async with _done(context, app) as workshop:
        preparation = workshop.site(app).preparation
        if preparation is not None and preparation.series:
            await make_forecast(app, preparation, workshop.generations, workshop.cache_folder)


async def _precompute(context: JobContext, *, app: str) -> None:
    async with _done(context, app) as workshop:
        await precompute(workshop, app)


async def _embed(context: JobContext, *, app: str) -> None:
    async with _done(context, app) as workshop:
        await embed(workshop, app)


async def _tidy(context: JobContext, timestamp: int) -> None:
    """Every minute: take up stalled jobs, see that forecasts and indexes are there, let go of what nobody needs."""
    async with _done(context, "") as workshop:
        await take_up_stalled(context.app)
        await defer_missing(workshop, Jobs(context.app))
        await context.app.job_manager.delete_old_jobs(
            nb_hours=KEEP_JOBS_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
        )
        removed = await workshop.generations.prune()
        await workshop.usage.forget(older_seconds=KEEP_USE_SECONDS)
        if workshop.summaries is not None:
            await workshop.summaries.forget(older_seconds=KEEP_SUMMARIES_SECONDS)
        if workshop.database is not None:
            await workshop.database.execute("forget_web_vitals", older_seconds=KEEP_VITALS_SECONDS, count_max=KEEP_VITALS_MAX)
        if removed:
            event("generation.pruned", files=removed)


async def take_up_stalled(queue: App, stalled_seconds: float = STALLED_SECONDS) -> None:
    """Let the jobs of workers that died run again."""
    for job in await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=stalled_seconds):
        await queue.job_manager.retry_job(job)


async def defer_missing(workshop: Workshop, jobs: Jobs) -> None:
    """Ask for a forecast of every app whose current generation has none of its own yet, and for the indexes it lacks."""
    for name, site in workshop.sites.items():
        preparation = site.preparation
        with contextlib.suppress(Unavailable):
            if await lacks_index(workshop, name):
                await jobs.embed(name)
        with contextlib.suppress(Unavailable):
            if preparation is not None and preparation.series and not is_current(workshop.generations.current(name), preparation):
                await jobs.forecast(name)
