"""The operational database of an instance, for commands: its own Postgres, or the one that DATABASE_URL names."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from seawall.cli.instance import InstanceRecord, NotRunning, reach
from seawall.core.errors import ConfigurationError

if TYPE_CHECKING:
    from seawall.store.postgres import Database


@asynccontextmanager
async def operational(data: Path, role: str) -> AsyncIterator[Database]:
    """It, as `role` may use it. NotRunning when there is no instance, or it does not run."""
    from seawall.store.postgres import Database, open_pool

    url = store_url(data, role)
    if not url:
        raise NotRunning(f"There is no instance in {data}", fix="Start it with `seawall up`, or name another with --data")
    database = Database(await open_pool(url, min_size=1, max_size=1))
    try:
        yield database
    finally:
        await database.close()


def store_url(data: Path, role: str) -> str:
    """Where an instance's Postgres answers `role`; empty before its first start. NotRunning when it does not run.

    ConfigurationError when it uses a Postgres of somebody's own, which only the environment names.
    """
    from seawall.cli.supervisor_process import postgres_identity
    from seawall.store.embedded_postgres import embedded_postgres, read_passwords

    if url := os.environ.get("DATABASE_URL"):
        return url
    found = reach(data, os.environ)
    record = found.read()
    running = record is not None and record.running
    if record is not None and running and uses_another_postgres(record):
        raise ConfigurationError("The instance uses a Postgres of your own", fix="Set DATABASE_URL as it was when the instance was started")
    postgres = embedded_postgres(found.data, found.run, postgres_identity(found.cluster))
    if not postgres.initialised:
        return ""
    if not running:
        raise NotRunning(f"The instance in {data} does not run, and its Postgres is asked", fix="Start it with `seawall up --detach`")
    return postgres.url(role, read_passwords(postgres.root / "passwords.json"))


def uses_another_postgres(record: InstanceRecord) -> bool:
    """Whether an instance, past its beginning, runs none itself."""
    names = {service.name for service in record.services}
    return "gateway" in names and "postgres" not in names
