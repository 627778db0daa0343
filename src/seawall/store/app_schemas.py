"""The schemas that hold apps' operational tables, and who may read them.

Guarantees: a schema is made when it is missing and never dropped or emptied; what is in it belongs to whoever made it. With an
embedded Postgres the services may read, and only read, what the database's owner has there, now and later.
"""

from __future__ import annotations

from collections.abc import Iterable

import psycopg

from seawall.store.named_sql import load
from seawall.store.postgres import CONNECT_SECONDS_MAX, unavailable


async def make_schemas(owner_url: str, schemas: Iterable[str], *, grant: bool) -> None:
    """Make the schemas that are missing; `grant`: let the embedded services' roles read them. Unavailable when Postgres is away."""
    queries = load("app_schemas.sql")
    names = ["create_schema_statement", "read_schema_statement"] if grant else ["create_schema_statement"]
    try:
        async with await psycopg.AsyncConnection.connect(owner_url, connect_timeout=CONNECT_SECONDS_MAX) as connection:
            for schema in schemas:
                for name in names:
                    row = await (await connection.execute(queries[name].sql, {"schema": schema})).fetchone()
                    if row is not None:
                        await connection.execute(row[0])
    except psycopg.OperationalError as error:
        raise unavailable(error) from error
