"""Prepare an app's data: find what it asks for, write what is missing, publish one generation.

Guarantees: the generation that was current stays current until the new one is whole; running it twice does the work
once; two at the same time wait for each other; a forecast made on the same data is kept.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import yaml

from seawall.core.errors import ConfigurationError
from seawall.query.generations import Generation, Generations, NoGeneration, TableFiles, new_generation
from seawall.telemetry.events import event
from seawall.workers.preparation.plan import Preparation
from seawall.workers.preparation.registry import find
from seawall.workers.preparation.writer import Output, Progress, write_tables

LOCK = ".prepare.lock"
LOCK_POLL_SECONDS = 0.2


class _Data(msgspec.Struct, frozen=True):
    prepare: str = ""


class Declared(msgspec.Struct, frozen=True):
    """The two keys of app.yaml that matter here; `seawall check` vouches for the rest."""

    name: str
    data: _Data = _Data()


def no_progress(table: str, done: float) -> None:
    """Tell nobody."""


async def prepare(
    app_folder: Path, generations: Generations, progress: Progress = no_progress, *, scale: int = 1, threads: int | None = None
) -> Generation | None:
    """Make sure that the app's data is there; its current generation, or None when the app prepares nothing.

    `progress(table, share)` is called from a thread, share from 0 to 1. `scale` multiplies the rows of the largest fact, for
    benchmarks. Raises UnknownPreparation, InsufficientSpace, PreparationFailed, or Unavailable when Postgres is away.
    """
    declared = read_declared(app_folder)
    if not declared.data.prepare:
        return None
    preparation = find(declared.data.prepare)
    folder = generations.files_dir(declared.name)
    async with _only_one(folder):
        await generations.refresh()
        current = _current(generations, declared.name)
        key = await asyncio.to_thread(preparation.key, scale)
        if current is not None and _made_from(current, preparation, key):
            progress("", 1.0)
            return current
        started = time.monotonic()
        output = await asyncio.to_thread(write_tables, preparation, folder, scale=scale, progress=progress, threads=threads)
        generation = new_generation(declared.name, output.as_of, _table_files(output))
        await generations.publish(generation)
    event("generation.prepared", app=declared.name, generation=generation.id, seconds=round(time.monotonic() - started, 1))
    return generation


def read_declared(app_folder: Path) -> Declared:
    """The app's name and its preparation. ConfigurationError when app.yaml is missing or does not say."""
    path = app_folder / "app.yaml"
    try:
        return msgspec.convert(yaml.safe_load(path.read_text("utf-8")), Declared)
    except OSError as error:
        raise ConfigurationError(
            f"There is no app in {app_folder}", expected="a folder with an app.yaml", fix="Name the app's folder"
        ) from error
    except (yaml.YAMLError, msgspec.ValidationError, UnicodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read", got=str(error).splitlines()[0], fix=f"Run `seawall check {app_folder}`"
        ) from error


def _current(generations: Generations, app: str) -> Generation | None:
    try:
        return generations.current(app)
    except NoGeneration:
        return None


def _made_from(generation: Generation, preparation: Preparation, key: str) -> bool:
    """Whether a generation's prepared tables are those that `key` names; tables that a job fills may have moved on."""
    return set(generation.tables) == {table.name for table in preparation.tables} and all(
        generation.tables[table.name].files == (f"{table.name}-{key}.parquet",) for table in preparation.tables if not table.filled_later
    )


def _table_files(output: Output) -> Mapping[str, TableFiles]:
    return {name: TableFiles((written.path.name,), written.rows, written.bytes) for name, written in output.tables.items()}


@asynccontextmanager
async def _only_one(folder: Path) -> AsyncIterator[None]:
    """Hold the folder's lock; it goes with the process, however that ends."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _locked(descriptor):  # noqa: ASYNC110 -- the other side is another process
            await asyncio.sleep(LOCK_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
