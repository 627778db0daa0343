"""Preparation on a slice of the real data: one whole generation, or none; killed, it goes on; without room, it says so."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import duckdb
import msgspec
import pytest
from tests.integration.preparation_slice import slice_of_year

from seawall.query.generations import Generation, Generations, NoGeneration
from seawall.workers.preparation import prepare, registry, writer
from seawall.workers.preparation.completejourney import group_of
from seawall.workers.preparation.errors import InsufficientSpace
from seawall.workers.preparation.plan import Preparation
from seawall.workers.preparation.writer import PreparationFailed, write_tables

APP = "name: shop\ndata: {prepare: completejourney}\n"


@pytest.fixture
def app_folder(tmp_path: Path) -> Path:
    """An app that says no more than preparation reads."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "app.yaml").write_text(APP)
    return folder


@pytest.fixture
def warehouse(tmp_path: Path) -> Generations:
    """A warehouse without a database."""
    return Generations(tmp_path / "warehouse")


async def prepared(sliced: Preparation, app_folder: Path, warehouse: Generations, **options: int) -> Generation:
    with patch.dict(registry.REGISTERED, {"completejourney": sliced}):
        made = await prepare(app_folder, warehouse, **options)
    assert made is not None
    return made


def query(warehouse: Generations, generation: Generation, sql: str) -> list[tuple]:
    with duckdb.connect() as connection:
        for name, (path,) in warehouse.locate(generation.id).items():
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")
        return connection.execute(sql).fetchall()


async def test_one_generation_with_every_table(sliced: Preparation, app_folder: Path, warehouse: Generations):
    """All tables are there, dated by the data, with the source's own totals, and the forecast's schema without rows."""
    made = await prepared(sliced, app_folder, warehouse)
    assert set(made.tables) == {table.name for table in sliced.tables}
    assert (made.as_of.isoformat(), made.tables["forecast"].rows) == ("2018-01-01", 0)
    source = sliced.locate_sources()["transactions"]
    raw = duckdb.sql(f"SELECT count(*), sum(CAST(sales_value AS DECIMAL(9,2))) FROM '{source}'").fetchall()
    assert query(warehouse, made, "SELECT count(*), sum(sales_value) FROM transactions") == raw


async def test_rows_mean_what_the_reference_says(sliced: Preparation, app_folder: Path, warehouse: Generations):
    """Weeks agree with the data's own numbers, groups with their formula, every key leads somewhere, rows come newest first."""
    made = await prepared(sliced, app_folder, warehouse)
    source = sliced.locate_sources()["transactions"]
    weeks = f"SELECT DATE '2016-12-26' + 7 * (week - 1)::INTEGER, count(*) FROM '{source}' GROUP BY 1 ORDER BY 1"
    ours = "SELECT CAST(date_trunc('week', sold_at) AS DATE), count(*) FROM transactions GROUP BY 1 ORDER BY 1"
    assert query(warehouse, made, ours) == duckdb.sql(weeks).fetchall()
    stores = query(warehouse, made, "SELECT store_id, store_group FROM stores")
    assert all(group == group_of(store) for store, group in stores)
    assert query(warehouse, made, "SELECT count(*) FROM transactions ANTI JOIN products USING (product_id)") == [(0,)]
    assert query(warehouse, made, "SELECT count(*) FROM products ANTI JOIN departments USING (department)") == [(0,)]
    order = "SELECT bool_and(sold_at <= before) FROM (SELECT sold_at, lag(sold_at) OVER (ORDER BY file_row_number) AS before FROM {})"
    (path,) = warehouse.locate(made.id)["transactions"]
    assert duckdb.sql(order.format(f"read_parquet('{path}', file_row_number = true)")).fetchall() == [(True,)]


async def test_the_second_time_nothing_is_done(sliced: Preparation, app_folder: Path, warehouse: Generations):
    """The same data is the same generation, found in well under a second, its files untouched."""
    first = await prepared(sliced, app_folder, warehouse)
    times = [path.stat().st_mtime_ns for paths in warehouse.locate(first.id).values() for path in paths]
    second = await prepared(sliced, app_folder, warehouse)
    assert second.id == first.id
    assert times == [path.stat().st_mtime_ns for paths in warehouse.locate(first.id).values() for path in paths]


async def test_two_at_once_do_the_work_once(sliced: Preparation, app_folder: Path, tmp_path: Path):
    """The second waits for the first and finds its generation."""
    one, two = Generations(tmp_path / "warehouse"), Generations(tmp_path / "warehouse")
    made = await asyncio.gather(prepared(sliced, app_folder, one), prepared(sliced, app_folder, two))
    assert made[0].id == made[1].id


async def test_scale_multiplies_baskets_and_households(sliced: Preparation, app_folder: Path, warehouse: Generations):
    """Twice the rows, no basket shared between copies, the same averages."""
    made = await prepared(sliced, app_folder, warehouse, scale=2)
    rows, baskets, homeless = query(
        warehouse,
        made,
        "SELECT count(*), count(DISTINCT (basket_id, product_id)), count(*) FILTER (h.household_id IS NULL) "
        "FROM transactions AS t LEFT JOIN households AS h USING (household_id)",
    )[0]
    source = sliced.locate_sources()["transactions"]
    assert (rows, baskets, homeless) == (2 * duckdb.sql(f"SELECT count(*) FROM '{source}'").fetchall()[0][0], rows, 0)


async def test_what_is_done_twice_is_the_same_bytes(sliced: Preparation, tmp_path: Path):
    """Equal keys, equal files: whatever the threads did."""
    outputs = []
    for name, threads in (("a", 1), ("b", 2)):
        folder = tmp_path / name
        folder.mkdir()
        outputs.append(await asyncio.to_thread(write_tables, sliced, folder, scale=1, progress=lambda *_: None, threads=threads))
    for table in sliced.tables:
        same = f"SELECT count(*) FROM (FROM '{outputs[0].tables[table.name].path}' EXCEPT ALL FROM '{outputs[1].tables[table.name].path}')"
        assert duckdb.sql(same).fetchall() == [(0,)]


KILLED = """
import sys, time
from pathlib import Path
from tests.integration.preparation_slice import slice_of_year
from seawall.workers.preparation.writer import write_tables
def progress(table, done):
    if table == "promotions":
        print("now", flush=True)
        time.sleep(30)
write_tables(slice_of_year(Path(sys.argv[1])), Path(sys.argv[2]), scale=1, progress=progress)
"""


async def test_killed_midway_nothing_is_half_and_the_rest_is_kept(app_folder: Path, warehouse: Generations, tmp_path: Path):
    """After SIGKILL no generation is there; the next run keeps the finished tables, clears what was begun, and ends well."""
    sources = tmp_path / "sources"
    sources.mkdir()
    folder = warehouse.files_dir("shop")
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(sources), str(folder)], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": "src:."}
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"now\n"
    (folder / writer.STAGING / "promotions-begun.parquet").write_bytes(b"PAR1 half")
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with pytest.raises(NoGeneration):
        warehouse.current("shop")
    kept = {path.name: path.stat().st_mtime_ns for path in folder.glob("transactions-*.parquet")}
    made = await prepared(slice_of_year(sources), app_folder, warehouse)
    assert kept == {path.name: path.stat().st_mtime_ns for path in folder.glob("transactions-*.parquet")}
    assert not (folder / writer.STAGING).exists()
    assert made.tables["promotions"].rows > 0


async def test_a_disk_that_is_too_small_is_refused_before_the_work(sliced: Preparation, app_folder: Path, warehouse: Generations):
    """The error names the place, what is needed and what is free; nothing is written."""
    greedy = msgspec.structs.replace(sliced, bytes_needed=10**18)
    with pytest.raises(InsufficientSpace) as caught:
        await prepared(greedy, app_folder, warehouse)
    free = f"{caught.value.free_bytes:,}"
    assert all(part in str(caught.value) for part in (str(warehouse.files_dir("shop")), "1,000,000,000,000,000,000", free))
    assert not (warehouse.files_dir("shop") / writer.STAGING).exists()
    assert list(warehouse.files_dir("shop").glob("*.parquet")) == []


FULL = """
import resource, signal, sys
from pathlib import Path
from tests.integration.preparation_slice import slice_of_year
from seawall.core.errors import SeawallError
from seawall.workers.preparation.writer import write_tables
made = slice_of_year(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
try:
    write_tables(made, Path(sys.argv[2]), scale=1, progress=lambda *_: None)
except SeawallError as error:
    print(type(error).__name__, error)
"""


async def test_a_disk_that_fills_while_writing_leaves_the_old_generation(
    sliced: Preparation, app_folder: Path, warehouse: Generations, tmp_path: Path
):
    """No file may grow beyond 50 kB: the error is the same clear one, the old generation is served, no half file is left."""
    before = await prepared(sliced, app_folder, warehouse)
    other = tmp_path / "other"
    other.mkdir()
    sources = tmp_path / "sources"
    sources.mkdir()
    out = subprocess.run(
        [sys.executable, "-c", FULL, str(sources), str(other)],
        capture_output=True,
        env=os.environ | {"PYTHONPATH": "src:."},
        text=True,
        timeout=300,
        check=False,
    )
    assert out.stdout.startswith("InsufficientSpace No room to prepare data in"), out.stdout + out.stderr
    assert str(other) in out.stdout
    assert not (other / writer.STAGING).exists()
    assert warehouse.current("shop").id == before.id


@pytest.fixture
def tiny_disk(tmp_path: Path):
    """A real file system of two megabytes, where this machine lets us mount one."""
    place = tmp_path / "tiny"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting a tmpfs is not allowed here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


async def test_a_really_full_disk(sliced: Preparation, tiny_disk: Path):
    """Two megabytes are asked to hold more: refused by name, and the disk is as empty as before."""
    small = msgspec.structs.replace(sliced, bytes_needed=1)
    with pytest.raises(InsufficientSpace, match="free bytes"):
        await asyncio.to_thread(write_tables, small, tiny_disk, scale=4, progress=lambda *_: None)
    assert not (tiny_disk / writer.STAGING).exists()


async def test_progress_rises_to_one(sliced: Preparation, app_folder: Path, warehouse: Generations):
    """Every table is named once, in order, and the end is 1."""
    told: list[tuple[str, float]] = []
    with patch.dict(registry.REGISTERED, {"completejourney": sliced}):
        await prepare(app_folder, warehouse, lambda table, done: told.append((table, done)))
    assert [table for table, _ in told] == [*(table.name for table in sliced.tables), ""]
    assert [done for _, done in told] == sorted(done for _, done in told)
    assert told[-1] == ("", 1.0)


async def test_sql_that_the_database_refuses_is_told(sliced: Preparation, tmp_path: Path):
    """Another failure than space says so in one line."""
    broken = msgspec.structs.replace(sliced, queries={**sliced.queries, "stores": "SELECT nothing"})
    with pytest.raises(PreparationFailed, match="nothing"):
        await asyncio.to_thread(write_tables, broken, tmp_path, scale=1, progress=lambda *_: None)
