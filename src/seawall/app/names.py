"""How things may be named, and which names are taken."""

from __future__ import annotations

_END = r"$(?!\n)"
"""Python's `$` also matches before a final newline, ECMAScript's does not; this means the same to both."""
APP = r"^[a-z][a-z0-9-]{0,39}" + _END
"""Apps and pages: they stand in URLs."""
KEY = r"^[a-z][a-z0-9_]{0,59}" + _END
"""Panels, filters, roles, datasets, fields, metrics: they stand in SQL, element ids and URL parameters."""
TABLE = r"^[A-Za-z_][A-Za-z0-9_]{0,62}" + _END
"""A table or column of the database: a plain word, never a path, a query or a qualified name."""
LOCALE = r"^[a-z]{2,3}(-[A-Z][A-Za-z0-9]{1,7}){0,2}" + _END
ATTRIBUTE = r"^user\.[a-z][a-z0-9_]{0,59}" + _END
CURRENCY = r"^[A-Z]{3}" + _END

RESERVED_PATHS = ("v1", "api", "auth", "healthz", "readyz", "static", "ask", "mine")
"""First or second parts of URLs that are Seawall's own."""
RESERVED_PARAMETERS = ("lang", "inorder", "after", "limit", "format", "panels")
"""URL parameters with a meaning of their own, which no filter may take."""
GRAINS = ("hour", "day", "week", "month", "quarter", "year")
SYSTEM_TABLES = ("pg_", "duckdb_", "sqlite_", "information_schema", "procrastinate_")
"""How the names of tables begin that tell of the database itself, or of Seawall's jobs; no dataset may read them."""


def operational_schema(app: str) -> str:
    """The schema of Postgres that holds an app's operational tables: `app_` and its name, with `_` for `-`.

    An app can name tables of this schema only: never another app's, Seawall's own or the database's.
    """
    return f"app_{app.replace('-', '_')}"
