"""The roles of an embedded Postgres: made once, their rights renewed after every migration.

Guarantees: passwords never travel or rest in clear on the server's side (they arrive as scram verifiers), and a
service's role may do what `store/sql/embedded_roles.sql` names and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psycopg

from seawall.store.embedded_postgres import DATABASE, OWNER, SUPERUSER
from seawall.store.named_sql import load
from seawall.store.postgres import CONNECT_SECONDS_MAX, Connection, unavailable

_FILE = "embedded_roles.sql"
GRANTS = ("grant_to_services", "grant_jobs_to_workers")
VECTOR_GRANTS = ("grant_vectors_to_services",)
"""Those in the vector store."""


async def make_roles(superuser_url: str, passwords: Mapping[str, str]) -> None:
    """Make the roles and the database that are missing. Unavailable when the server cannot be reached."""
    queries = load(_FILE)
    async with await _connect(superuser_url) as connection:
        made = False
        for role, password in passwords.items():
            if role != SUPERUSER:
                verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
                made |= await _make(connection, queries["create_role_statement"].sql, {"role": role, "verifier": verifier})
        made |= await _make(connection, queries["create_database_statement"].sql, {"database": DATABASE, "owner": OWNER})
        if made:
            await connection.execute(queries["close_databases"].sql)


async def make_vector_extension(superuser_url: str) -> None:
    """Make pgvector's types known in the database; its owner may not. Unavailable when the server cannot be reached."""
    async with await _connect(superuser_url.replace("@/postgres?", f"@/{DATABASE}?")) as connection:
        await connection.execute(load(_FILE)["make_vector_extension"].sql)


async def grant(owner_url: str, names: Sequence[str] = GRANTS) -> None:
    """Renew what the services may do. Call after migrations."""
    queries = load(_FILE)
    async with await _connect(owner_url) as connection, connection.transaction():
        for name in names:
            await connection.execute(queries[name].sql)


async def _make(connection: Connection, sql: str, values: Mapping[str, str]) -> bool:
    """Run the statement that the query `sql` writes, if it writes one."""
    row = await (await connection.execute(sql, values)).fetchone()
    if row is None:
        return False
    await connection.execute(row[0])
    return True


async def _connect(url: str) -> Connection:
    try:
        return await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX)
    except psycopg.OperationalError as error:
        raise unavailable(error) from error
