"""For other services and the command line: ask the workers for something. The only way in."""

from __future__ import annotations

from seawall.workers.queue import Jobs, open_queue


async def defer_forecast(database_url: str, app: str) -> bool:
    """Forecast `app` soon; False when that is waiting already. Unavailable when Postgres is away."""
    async with open_queue(database_url) as queue:
        return await Jobs(queue).forecast(app)


async def defer_precompute(database_url: str, app: str) -> bool:
    """Precompute the most used panels of `app` soon; False when that is waiting already. Unavailable when Postgres is away."""
    async with open_queue(database_url) as queue:
        return await Jobs(queue).precompute(app)
