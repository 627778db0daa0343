"""The forecast job: from the current generation to the next one, which shares every file but the forecast's two.

Guarantees: the generation served stays as it is until both files are whole; a generation that another job made current
meanwhile is not lost (the run is refused and tried again); the same data gives the same files.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import msgspec

from seawall.core.digest import digest
from seawall.core.errors import InvalidInput, SeawallError, Unavailable
from seawall.query.generations import Generation, Generations, TableFiles, new_generation
from seawall.telemetry.events import event
from seawall.workers.forecast.request import Answer, Request
from seawall.workers.preparation.plan import Preparation

SECONDS_MAX = 300.0
FORM = "forecast-1"
"""Changes when the same data should give another forecast."""
TABLES = ("forecast", "forecast_errors")


class ForecastFailed(SeawallError):
    """The forecast could not be made. The one before is still shown."""

    slug = "forecast-failed"
    title = "The forecast could not be made"


class Overtaken(Unavailable):
    """Another generation became current while the forecast was made. It is tried again."""

    slug = "forecast-overtaken"


def is_current(generation: Generation, preparation: Preparation) -> bool:
    """Whether the generation's forecast was made from its own data by this version."""
    key = forecast_key(generation, preparation)
    return all(generation.tables[name].files == (f"{name}-{key}.parquet",) for name in TABLES if name in generation.tables)


def forecast_key(generation: Generation, preparation: Preparation) -> str:
    """Names what a forecast depends on: the other tables' files, the query and the version of the method."""
    others = {name: files.files for name, files in generation.tables.items() if name not in TABLES}
    return digest([FORM, preparation.queries.get(preparation.series, ""), others, generation.as_of])[:12]


async def make_forecast(app: str, preparation: Preparation, generations: Generations, cache_folder: Path) -> Generation:
    """Forecast `app` and publish; gives the generation that is current afterwards.

    Raises InvalidInput when the preparation has nothing to forecast, ForecastFailed, Overtaken, or Unavailable.
    """
    if not preparation.series:
        raise InvalidInput(f"The preparation {preparation.name} names nothing to forecast", fix="Give it a `series` query")
    await generations.refresh()
    generation = generations.current(app)
    if is_current(generation, preparation):
        return generation
    request = Request(
        query=preparation.queries[preparation.series],
        tables={
            name: tuple(str(path) for path in paths) for name, paths in generations.locate(generation.id).items() if name not in TABLES
        },
        as_of=generation.as_of,
        folder=str(generations.files_dir(app)),
        key=forecast_key(generation, preparation),
    )
    answer = await _run_apart(request, cache_folder)
    await generations.refresh()
    if generations.current(app).id != generation.id:
        raise Overtaken
    made = {name: TableFiles((answer.files[name],), answer.rows[name], answer.bytes[name]) for name in TABLES}
    following = new_generation(app, generation.as_of, generation.tables | made)
    await generations.publish(following)
    event("forecast.made", app=app, generation=following.id, series=answer.series, seconds=answer.seconds)
    return following


async def _run_apart(request: Request, cache_folder: Path) -> Answer:
    """Run `python -m seawall.workers.forecast`, for at most five minutes."""
    await asyncio.to_thread(cache_folder.mkdir, parents=True, exist_ok=True)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache_folder), "OMP_NUM_THREADS": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "seawall.workers.forecast",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment,
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS_MAX):
            out, err = await process.communicate(msgspec.json.encode(request))
    except TimeoutError as error:
        raise ForecastFailed("The forecast took too long", expected=f"at most {SECONDS_MAX:.0f} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise ForecastFailed(got=_last_line(err) or f"exit status {process.returncode}", fix="See the workers' log")
    return msgspec.json.decode(out, type=Answer)


def _last_line(text: bytes) -> str:
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else ""
