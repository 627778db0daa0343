"""The engines that commands ask: the warehouse of a data directory, and the Postgres of its running instance or of `DATABASE_URL`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from seawall.app.model import App
from seawall.cli.instance import NotRunning
from seawall.cli.operational import store_url
from seawall.core.errors import ConfigurationError
from seawall.query.duckdb_engine import DuckDBEngine
from seawall.query.generations import Generations
from seawall.query.port import Engine
from seawall.query.postgres_engine import PostgresEngine
from seawall.store.postgres import open_pool

CONNECT_SECONDS_MAX = 5.0


class Reached(msgspec.Struct, frozen=True):
    """What there is to ask."""

    engines: dict[str, Engine]
    generations: Generations
    missing: dict[str, str]
    """An engine the app needs that is not there, and why."""


def require_data(app: App, data: Path) -> None:
    """NotRunning when an app that keeps data there is asked where no instance ever was."""
    if "warehouse" in app.engines and not data.is_dir():
        raise NotRunning(f"There is no instance in {data}", fix="Start it with `seawall up`, or name another with --data")


@asynccontextmanager
async def reached(app: App, data: Path) -> AsyncIterator[Reached]:
    """The engines the app's datasets are on. Postgres is asked as the ui asks it, and only when a dataset is there."""
    generations = Generations(data / "warehouse")
    warehouse = DuckDBEngine(generations.locate, directory=data / "warehouse")
    engines: dict[str, Engine] = {"warehouse": warehouse}
    url, why = _operational_url(data) if "operational" in app.engines else ("", "")
    pool = await open_pool(url, min_size=0, max_size=1) if url else None
    if pool is not None:
        engines["operational"] = PostgresEngine(pool, connect_seconds=CONNECT_SECONDS_MAX)
    try:
        yield Reached(engines, generations, {"operational": why} if why else {})
    finally:
        for engine in engines.values():
            await engine.close()
        if pool is not None:
            await pool.close()
        await generations.close()


def _operational_url(data: Path) -> tuple[str, str]:
    """Where Postgres is; or "", and why it is nowhere."""
    try:
        url = store_url(data, "seawall_ui")
    except NotRunning:
        return "", f"the instance in {data} does not run"
    except ConfigurationError as error:
        return "", error.detail
    return url, "" if url else f"there is no instance in {data}, and DATABASE_URL is not set"
