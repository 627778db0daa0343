"""Schema changes, applied in order, once each, by whoever comes first.

`store/migrations/NNNN_name.sql` run under an advisory lock, each in a transaction with the row that records its SHA-256.
A file that changed after it ran is refused: write a new one.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import msgspec
import psycopg

from seawall.core.errors import ConfigurationError
from seawall.store.postgres import CONNECT_SECONDS_MAX, Connection, unavailable

DIRECTORY = Path(__file__).parent / "migrations"
VECTOR_DIRECTORY = Path(__file__).parent / "vector_migrations"
"""Those of the vector store, which is a database of its own."""
_LOCK = 0x5EA_3A11
_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_BOOK = """
CREATE SCHEMA IF NOT EXISTS seawall;
CREATE TABLE IF NOT EXISTS seawall.migrations (
  version    integer PRIMARY KEY,
  name       text NOT NULL,
  sha256     text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class Migration(msgspec.Struct, frozen=True):
    """One file."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Names the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(directory: Path = DIRECTORY) -> tuple[Migration, ...]:
    """The files in order. ConfigurationError when a name or the numbering is wrong."""
    found: list[Migration] = []
    for path in sorted(directory.glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if match is None or int(match[1]) != len(found) + 1:
            raise ConfigurationError(f"The migration {path.name} is out of order", expected=f"{len(found) + 1:04d}_lower_case.sql")
        found.append(Migration(int(match[1]), path.stem, path.read_text("utf-8")))
    return tuple(found)


async def migrate(url: str, *, directory: Path = DIRECTORY) -> tuple[str, ...]:
    """Bring the database up to date; the names of the migrations that ran now.

    Unavailable when it cannot be reached, ConfigurationError when a recorded migration was altered. Versions the
    database has and the folder lacks are left alone: an older release may run beside a newer one.
    """
    migrations = read_migrations(directory)
    try:
        connection = await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX)
    except psycopg.OperationalError as error:
        raise unavailable(error) from error
    async with connection:
        await connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        await connection.execute(_BOOK)
        return tuple([migration.name for migration in migrations if await _apply(connection, migration)])


async def _apply(connection: Connection, migration: Migration) -> bool:
    cursor = await connection.execute("SELECT sha256 FROM seawall.migrations WHERE version = %s", (migration.version,))
    row = await cursor.fetchone()
    if row is None:
        async with connection.transaction():
            await connection.execute(migration.sql.encode())
            await connection.execute(
                "INSERT INTO seawall.migrations (version, name, sha256) VALUES (%s, %s, %s)",
                (migration.version, migration.name, migration.sha256),
            )
        return True
    if row[0] != migration.sha256:
        raise ConfigurationError(
            f"The migration {migration.name} was altered after it ran",
            expected=f"SHA-256 {row[0][:12]}…",
            got=f"{migration.sha256[:12]}…",
            fix="Restore the file and put the change into a new migration",
        )
    return False
