"""One generation as an in-memory DuckDB database: a view per table, and nothing else it could read.

External access is off but for exactly the generation's files, extensions cannot be installed or loaded, Python objects are
not visible, and the configuration is locked before the first query. Functions here block: call them on a thread.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import msgspec
from sqlglot import exp

from seawall.query.duckdb_guard import check_reads
from seawall.query.errors import EngineUnavailable

CHECKED_MAX = 2048


class DuckDBLimits(msgspec.Struct, frozen=True):
    """What one generation's database may use."""

    threads: int = 2
    memory_limit: str = "1GB"


class Generation:
    """An open generation, its idle cursors and how many queries use it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, tables: frozenset[str]) -> None:
        self.tables = tables
        self.users = 0
        self.retired = False
        self._connection = connection
        self._idle: list[duckdb.DuckDBPyConnection] = []
        self._checked: OrderedDict[str, None] = OrderedDict()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own, so that interrupting one query leaves the others alone."""
        return self._idle.pop() if self._idle else self._connection.cursor()

    def give_back(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Keep a cursor whose query ran to its end."""
        self._idle.append(cursor)

    def check(self, cursor: duckdb.DuckDBPyConnection, sql: str) -> None:
        """Raise QueryFailed when the statement reads more than tables. Remembers statements that passed."""
        if sql not in self._checked:
            check_reads(cursor, sql, self.tables)
            self._checked[sql] = None
            while len(self._checked) > CHECKED_MAX:
                self._checked.popitem(last=False)

    def close(self) -> None:
        """Let go of the database."""
        for cursor in self._idle:
            cursor.close()
        self._connection.close()


def open_generation(tables: Mapping[str, Sequence[Path]], directory: Path, limits: DuckDBLimits) -> Generation:
    """Open the tables' files, all of which must lie in `directory`. EngineUnavailable when one is missing."""
    files = [path.resolve() for paths in tables.values() for path in paths]
    root = directory.resolve()
    for path in files:
        if not path.is_relative_to(root) or not path.is_file():
            raise EngineUnavailable("A file of the generation is not in the warehouse", got=path.name)
    connection = duckdb.connect(":memory:", config={"threads": limits.threads, "memory_limit": limits.memory_limit})
    try:
        for name, paths in tables.items():
            connection.execute(_view(name, [path.resolve() for path in paths]))
        for statement in _lock_down(files):
            connection.execute(statement)
    except duckdb.Error as error:
        connection.close()
        raise EngineUnavailable("The generation cannot be opened", got=type(error).__name__) from error
    return Generation(connection, frozenset(tables))


def _view(name: str, paths: Sequence[Path]) -> str:
    return f"CREATE VIEW {exp.to_identifier(name, quoted=True).sql('duckdb')} AS SELECT * FROM read_parquet({_texts(paths)})"


def _texts(paths: Sequence[Path]) -> str:
    return f"[{', '.join(exp.Literal.string(str(path)).sql('duckdb') for path in paths)}]"


def _lock_down(files: Sequence[Path]) -> tuple[str, ...]:
    return (
        "SET temp_directory = ''",
        "SET GLOBAL TimeZone = 'Etc/UTC'",  # without GLOBAL, of this connection alone; queries have cursors, which are others
        "SET default_null_order = 'nulls_last'",
        "SET parquet_metadata_cache = true",
        "SET preserve_insertion_order = false",
        "SET python_enable_replacements = false",
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        f"SET allowed_paths = {_texts(files)}",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    )
