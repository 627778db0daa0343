"""Named SQL: every query has a name, a description and a twin."""

from __future__ import annotations

import pytest

from seawall.core.errors import ConfigurationError
from seawall.store.memory_database import MemoryDatabase
from seawall.store.migrations import read_migrations
from seawall.store.named_sql import load, load_all, parse

TWINLESS = {"web_vitals_of_page"}
"""Reports that only Postgres answers."""


def test_a_query_is_parsed() -> None:
    """Name, description and body, without the semicolon."""
    queries = parse("-- name: one\n-- The number one.\nSELECT 1;\n\n-- name: two\n-- Two.\nSELECT\n  2\n")
    assert [(query.name, query.description, query.sql) for query in queries.values()] == [
        ("one", "The number one.", "SELECT 1"),
        ("two", "Two.", "SELECT\n  2"),
    ]


A = "-- name: a\n-- A.\nSELECT 1"


@pytest.mark.parametrize("text", ["-- name: a\nSELECT 1", "-- name: a\n--\nSELECT 1", "-- name: a\n-- A.\n", f"{A}\n{A}"])
def test_a_malformed_file_is_refused(text: str) -> None:
    """No description, no body, or a name twice."""
    with pytest.raises(ConfigurationError):
        parse(text)


def test_every_query_of_ours_has_a_twin() -> None:
    """What Postgres can be asked, the database in memory can be asked."""
    ours = [name for file in ("generations.sql", "summaries.sql", "usage.sql", "vitals.sql") for name in load(file)]
    assert {name for name in ours if not hasattr(MemoryDatabase, f"q_{name}")} == TWINLESS
    assert set(ours) <= set(load_all())


def test_migrations_are_in_order() -> None:
    """The files that ship are numbered without a gap."""
    assert read_migrations()[0].name == "0001_first_tables"
