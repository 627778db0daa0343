"""Try every query of an app on its data, planned and not run, and tell which the database refuses."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from seawall.app.faults import Fault, Report
from seawall.app.model import Bundle
from seawall.app.places import Places
from seawall.app.suggest import suggestion
from seawall.core.errors import ConfigurationError

DEFAULT_DATA = Path(".seawall")
NO_DATA = "no prepared data here; see --data"


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
    prepared = ((data or DEFAULT_DATA) / "warehouse" / bundle.app.name / "current").is_file()
    if data is not None and not prepared and "warehouse" in bundle.app.engines:
        raise ConfigurationError(f"{data} holds no data of {bundle.app.name}", fix="Start it once with `seawall up`, or leave --data out")
    if not prepared and "operational" not in bundle.app.engines:
        return report.faults(), DryRun(skipped=NO_DATA)
    tried = asyncio.run(_try_all(bundle, data or DEFAULT_DATA, places, report, prepared=prepared))
    return report.faults(), tried


def preparation_faults(folder: Path, bundle: Bundle) -> tuple[Fault, ...]:
    """A preparation that nobody registered."""
    report = Report()
    _check_preparation(bundle, Places(folder), report)
    return report.faults()


def _check_preparation(bundle: Bundle, places: Places, report: Report) -> None:
    from seawall.workers.preparation import registry

    name = bundle.app.prepare
    if name and name not in registry.REGISTERED:
        fix = suggestion(name, registry.REGISTERED)
        report.add(places.of("data", "prepare"), "unknown_preparation", f"There is no data preparation `{name}`", got=name, fix=fix)


async def _try_all(bundle: Bundle, data: Path, places: Places, report: Report, *, prepared: bool) -> DryRun:
    from seawall.cli.check_trial import Trial
    from seawall.cli.engines import reached
    from seawall.query.service import QueryService

    async with reached(bundle.app, data) as there:
        missing = dict(there.missing) if prepared else there.missing | {"warehouse": NO_DATA}
        trial = Trial(bundle, QueryService(bundle, there.engines, there.generations), places, report, missing)
        await trial.queries()
        await trial.types()
        generation = there.generations.current(bundle.app.name).id if prepared else ""
    return DryRun(generation, trial.tried, trial.skipped())
