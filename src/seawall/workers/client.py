"""For other services and the command line: ask the workers for something. The only way in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from procrastinate.exceptions import ConnectorException
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from seawall.core.errors import Unavailable
from seawall.workers.queue import Jobs, connector, make_queue


@asynccontextmanager
async def open_jobs(database_url: str) -> AsyncIterator[Jobs]:
    """A connection to the job queue. Unavailable when Postgres is away."""
    queue = make_queue(connector(database_url))
    try:
        await queue.open_async()
    except (ConnectorException, OperationalError, PoolTimeout) as error:
        raise Unavailable("The job queue does not answer", fix="See the postgres service in `seawall status`") from error
    try:
        yield Jobs(queue)
    finally:
        await queue.close_async()


async def defer_forecast(database_url: str, app: str) -> bool:
    """Forecast `app` soon; False when that is waiting already. Unavailable when Postgres is away."""
    async with open_jobs(database_url) as jobs:
        return await jobs.forecast(app)


async def defer_precompute(database_url: str, app: str) -> bool:
    """Precompute the most used panels of `app` soon; False when that is waiting already. Unavailable when Postgres is away."""
    async with open_jobs(database_url) as jobs:
        return await jobs.precompute(app)
