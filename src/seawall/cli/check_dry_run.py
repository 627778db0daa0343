"""Try every query of an app on its data, planned and not run, and tell which the database refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec

from seawall.app.faults import Fault, Report
from seawall.app.model import Bundle, Dimension, MetricQuery, Query
from seawall.app.places import Places
from seawall.app.suggest import suggestion
from seawall.app.yaml_tree import Node
from seawall.core.errors import ConfigurationError, SeawallError

DEFAULT_DATA = Path(".seawall")


class DryRun(msgspec.Struct, frozen=True):
    """What was tried."""

    generation: str = ""
    """The generation the queries were planned on; empty when none was tried."""
    queries: int = 0
    skipped: str = ""
    """Why nothing, or not everything, was tried."""


def dry_run(folder: Path, bundle: Bundle, data: Path | None) -> tuple[tuple[Fault, ...], DryRun]:
    """The faults of a sound app that only its data shows. ConfigurationError when `data` was asked for and holds none."""
    report, places = Report(), Places(folder)
    _check_preparation(bundle, places, report)
    warehouse = (data or DEFAULT_DATA) / "warehouse"
    if not (warehouse / bundle.app.name / "current").is_file():
        if data is not None:
            raise ConfigurationError(
                f"{data} holds no data of {bundle.app.name}", fix="Start it once with `seawall up`, or leave --data out"
            )
        return report.faults(), DryRun(skipped="no prepared data here; see --data")
    tried = asyncio.run(_try_all(bundle, warehouse, places, report))
    return report.faults(), tried


def _check_preparation(bundle: Bundle, places: Places, report: Report) -> None:
    from seawall.workers.preparation import registry

    name = bundle.app.prepare
    if name and name not in registry.REGISTERED:
        fix = suggestion(name, registry.REGISTERED)
        report.add(places.of("data", "prepare"), "unknown_preparation", f"There is no data preparation `{name}`", got=name, fix=fix)


async def _try_all(bundle: Bundle, warehouse: Path, places: Places, report: Report) -> DryRun:
    from seawall.query.duckdb_engine import DuckDBEngine
    from seawall.query.generations import Generations
    from seawall.query.service import QueryService

    generations = Generations(warehouse)
    engine = DuckDBEngine(generations.locate, directory=warehouse)
    service = QueryService(bundle, {"warehouse": engine}, generations)
    skipped = tried = 0
    try:
        for query, place, what in _queries(bundle, places):
            try:
                await service.dry_run(query)
                tried += 1
            except SeawallError as error:
                if error.slug == "engine-unavailable":
                    skipped += 1
                else:
                    fix = error.fix or _fix(error.got, bundle)
                    report.add(
                        place,
                        "dry_run_failed",
                        f"The database refuses {what}: {error.detail}",
                        expected=error.expected,
                        got=error.got,
                        fix=fix,
                    )
        generation = generations.current(bundle.app.name).id
    finally:
        await engine.close()
        await generations.close()
    return DryRun(generation, tried, f"{skipped} queries over operational tables" if skipped else "")


def _fix(got: str, bundle: Bundle) -> str:
    if any(dataset.source == got for dataset in bundle.app.semantics.datasets.values()):
        return f"Publish it: seawall publish FOLDER --table {got}=FILE"
    return "Compare the names with the columns of the prepared tables"


def _queries(bundle: Bundle, places: Places) -> Iterator[tuple[Query, Node, str]]:
    """Every panel; and every field, metric and filter, used by a panel or not."""
    app = bundle.app
    for page in app.pages.values():
        for panel in page.panels.values():
            yield panel.query, places.of("pages", page.name, "panels", panel.name), f"the panel `{panel.name}`"
    for metric in app.semantics.metrics.values():
        yield MetricQuery((metric.name,)), places.metric(metric.name), f"the metric `{metric.name}`"
    for dataset in app.semantics.datasets.values():
        for field in dataset.fields.values():
            yield (
                MetricQuery((), (Dimension(field.name, field.ref),), limit=1),
                places.field(dataset.name, field.name),
                f"the field `{field.ref}`",
            )
