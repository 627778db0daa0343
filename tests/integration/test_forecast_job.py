"""The forecast job on a slice of the real data, in a process of its own, and the panels that show it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from unittest.mock import patch

import duckdb
import msgspec
import pytest
from tests.integration.workbench import APP, APP_FOLDER

from seawall.app.load import load_bundle
from seawall.core.deadline import Deadline
from seawall.query.duckdb_engine import DuckDBEngine
from seawall.query.generations import Generations, new_generation
from seawall.query.policy import unrestricted
from seawall.query.service import QueryService
from seawall.workers.forecast import job
from seawall.workers.forecast.job import ForecastFailed, Overtaken, make_forecast
from seawall.workers.preparation import prepare, registry
from seawall.workers.preparation.plan import Preparation


@pytest.fixture
async def warehouse(sliced: Preparation, tmp_path: Path) -> Generations:
    """A warehouse with the slice prepared, not yet forecast."""
    generations = Generations(tmp_path / "warehouse")
    with patch.dict(registry.REGISTERED, {"completejourney": sliced}):
        await prepare(APP_FOLDER, generations)
    return generations


async def rows_of(warehouse: Generations, panel: str) -> list[dict[str, object]]:
    bundle = load_bundle(APP_FOLDER)
    engine = DuckDBEngine(warehouse.locate, directory=warehouse.files_dir(APP))
    service = QueryService(bundle, {"warehouse": engine}, warehouse)
    query = bundle.app.pages["demand"].panels[panel].query
    answer = await service.table(query, unrestricted(bundle.app), deadline=Deadline.after(60))
    await engine.close()
    return answer.table.to_pylist()


async def test_before_the_forecast_its_panels_are_empty_not_broken(warehouse: Generations):
    """Every question about the forecast has an answer without rows."""
    for panel in ("forecast", "forecast_departments", "forecast_accuracy"):
        assert await rows_of(warehouse, panel) == []


async def test_a_forecast_is_a_new_generation_that_shares_the_rest(warehouse: Generations, sliced: Preparation, tmp_path: Path):
    """Eight weeks ahead with intervals, errors beside two benchmarks, every other file the same; made again it is the same."""
    before = warehouse.current(APP)
    after = await make_forecast(APP, sliced, warehouse, tmp_path / "cache")
    assert {name for name in after.tables if after.tables[name] != before.tables[name]} == {"forecast", "forecast_errors"}
    assert after.as_of == before.as_of
    coming = [row for row in await rows_of(warehouse, "forecast") if row["forecast_sales"] is not None]
    assert [str(row["week"]) for row in coming] == [
        "2018-01-01",
        "2018-01-08",
        "2018-01-15",
        "2018-01-22",
        "2018-01-29",
        "2018-02-05",
        "2018-02-12",
        "2018-02-19",
    ]
    assert all(
        row["forecast_low_95"] <= row["forecast_low_80"] < row["forecast_sales"] < row["forecast_high_80"] <= row["forecast_high_95"]
        for row in coming
    )
    assert {row["method"] for row in await rows_of(warehouse, "forecast_accuracy")} == {
        "Chosen method",
        "Seasonal naive (4 weeks)",
        "Last value",
    }
    assert (await make_forecast(APP, sliced, warehouse, tmp_path / "cache")).id == after.id
    with patch.dict(registry.REGISTERED, {"completejourney": sliced}):
        prepared = await prepare(APP_FOLDER, warehouse)
    assert prepared is not None
    assert prepared.id == after.id


async def test_the_same_data_gives_the_same_forecast(warehouse: Generations, sliced: Preparation, tmp_path: Path):
    """Two runs in two processes give the same rows."""
    prepared = warehouse.current(APP)
    first = await make_forecast(APP, sliced, warehouse, tmp_path / "cache")
    files = {name: (warehouse.files_dir(APP) / first.tables[name].files[0]) for name in job.TABLES}
    once = {name: path.read_bytes() for name, path in files.items()}
    for path in files.values():
        path.unlink()
    await warehouse.publish(prepared)
    await make_forecast(APP, sliced, warehouse, tmp_path / "cache")
    assert {name: path.read_bytes() for name, path in files.items()} == once


async def test_a_generation_that_came_meanwhile_is_not_lost(warehouse: Generations, sliced: Preparation, tmp_path: Path):
    """The forecast of the older data is refused, to be tried again on the newer."""
    current = warehouse.current(APP)
    running = asyncio.create_task(make_forecast(APP, sliced, warehouse, tmp_path / "cache"))
    await asyncio.sleep(0.5)
    newer = new_generation(APP, current.as_of, current.tables)
    await warehouse.publish(newer)
    with pytest.raises(Overtaken):
        await running
    assert warehouse.current(APP).id == newer.id


async def test_a_forecast_that_fails_leaves_the_old_one(warehouse: Generations, sliced: Preparation, tmp_path: Path):
    """The error says what the process said last; the generation stays."""
    before = warehouse.current(APP)
    broken = msgspec.structs.replace(sliced, queries={**sliced.queries, sliced.series: "SELECT nonsense"})
    with pytest.raises(ForecastFailed, match="nonsense"):
        await make_forecast(APP, broken, warehouse, tmp_path / "cache")
    assert warehouse.current(APP).id == before.id


async def test_panels_give_the_sources_own_totals(warehouse: Generations, sliced: Preparation):
    """Sales by department through the whole query path are the sums of the package's own file."""
    rows = await rows_of(warehouse, "departments")
    paths = sliced.locate_sources()
    joined = f"'{paths['transactions']}' JOIN '{paths['products']}' USING (product_id)"
    raw = duckdb.sql(f"SELECT sum(round(sales_value * 100)::BIGINT)::BIGINT FROM {joined} WHERE department = 'GROCERY'").fetchall()
    grocery = next(row["net_sales"] for row in rows if row["department"] == "GROCERY")
    assert int(grocery * 100) == raw[0][0]
