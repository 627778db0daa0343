"""What DuckDB's own parser says a text would read, asked before it runs.

Expressions are vetted when an app is loaded and trees when they are compiled, both by another parser. This third look uses
the parser that will run the text: exactly one SELECT over the generation's tables, without table functions or files.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

import duckdb
import msgspec

from seawall.query.errors import QueryFailed

_SOURCES = frozenset({"BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY", "EXPRESSION_LIST"})
_CTE = re.compile(r"[A-Za-z0-9_ ]{1,80}")
"""A CTE's name may not look like a file's."""


def check_reads(connection: duckdb.DuckDBPyConnection, sql: str, tables: Collection[str]) -> None:
    """Raise QueryFailed unless `sql` is one SELECT that reads nothing but `tables` and its own CTEs."""
    serialized = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    parsed: dict[str, Any] = msgspec.json.decode(serialized[0][0]) if serialized else {"error": True}
    if parsed.get("error") or len(parsed.get("statements", ())) != 1:
        raise QueryFailed("The text is not one SELECT statement", got=str(parsed.get("error_message", ""))[:200])
    for node, known in _nodes(parsed, frozenset(tables)):
        kind = node.get("type")
        if "sample" in node and "select_list" not in node and kind not in _SOURCES:
            raise QueryFailed("The statement reads from something that is not a table", got=str(kind))
        if kind == "BASE_TABLE" and _table_of(node) not in known:
            raise QueryFailed("The statement reads a table that this generation does not have", got=str(_table_of(node))[:80])


def _nodes(value: object, tables: frozenset[str]) -> Iterator[tuple[dict[str, Any], frozenset[str]]]:
    """Every node with the names that mean a table there: the generation's, and the CTEs in whose scope it stands.

    Outside its scope, and in its own definition, a CTE's name would mean whatever else the database has under it.
    """
    waiting = [(value, tables)]
    while waiting:
        item, known = waiting.pop()
        if isinstance(item, dict):
            for entry in _ctes(item):
                waiting.append((entry.get("value"), known))
                known |= {name for name in (str(entry.get("key")),) if _CTE.fullmatch(name)}
            yield item, known
            waiting.extend((part, known) for name, part in item.items() if name != "cte_map")
        elif isinstance(item, list):
            waiting.extend((part, known) for part in item)


def _ctes(node: dict[str, Any]) -> list[dict[str, Any]]:
    ctes = node.get("cte_map")
    return list(ctes.get("map", ())) if isinstance(ctes, dict) else []


def _table_of(node: dict[str, Any]) -> str | None:
    """The table's bare name; None when it is qualified by a schema or catalog."""
    path = node.get("qualified_name", {}).get("path") if isinstance(node.get("qualified_name"), dict) else None
    if path is not None:
        return str(path[0]) if len(path) == 1 else None
    if node.get("schema_name") or node.get("catalog_name"):
        return None
    return str(node.get("table_name"))
