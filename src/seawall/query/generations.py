"""Generations: immutable sets of Parquet files, and the pointer that says which one an app serves now.

```
warehouse/<app>/files/…parquet           written by whoever prepares data; never changed, shared between generations
warehouse/<app>/generations/<id>.json    the manifest: which files make up which tables
warehouse/<app>/current                  the id this machine last saw as current, for when Postgres is away
```
Postgres holds the pointer that counts. Publishing writes the manifest, then moves that pointer, then the file: a crash
in between leaves the old generation current. Readers keep the generation they began with. `current` is a look-up in
memory, kept fresh by `watch`; a pointer is followed only once every file it names is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol

import msgspec

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.digest import canonical
from seawall.core.errors import InvalidInput, NotFound, Unavailable
from seawall.query.background import Repeating
from seawall.query.generations_disk import Generation, TableFiles, WarehouseDisk
from seawall.store.database import Queries
from seawall.telemetry.events import event
from seawall.telemetry.spans import span

CHANNEL = "seawall_generation"
POLL_SECONDS = 1.0
PRUNE_GRACE_SECONDS = 3600.0
KNOWN_MAX = 32

__all__ = ["Generation", "GenerationReader", "Generations", "NoGeneration", "TableFiles", "new_generation"]


class NoGeneration(Unavailable):
    """There is no data for this app yet. Give it some with `seawall publish APP --table NAME=FILE`."""

    slug = "no-generation"


class GenerationReader(Protocol):
    """What queries need."""

    def current(self, app: str) -> Generation:
        """The generation served now. NoGeneration when there is none."""

    def locate(self, id: str) -> Mapping[str, Sequence[Path]]:
        """Table name → absolute paths of its Parquet files. NotFound when there is no such generation."""


def new_generation(app: str, as_of: date, tables: Mapping[str, TableFiles], clock: Clock = SYSTEM_CLOCK) -> Generation:
    """A generation with an id of its own: `20260108T101500123Z-` and twelve digits of the digest of its tables."""
    now = clock.time()
    moment = datetime.fromtimestamp(now, UTC)
    tail = hashlib.sha256(canonical((as_of, dict(tables)))).hexdigest()[:12]
    return Generation(f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03d}Z-{tail}", app, now, as_of, dict(tables))


class Generations:
    """The generations of a warehouse folder. With None for a database, the pointer on disk is the one that counts."""

    def __init__(self, root: Path, database: Queries | None = None, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._disk = WarehouseDisk(root)
        self._database = database
        self._current: dict[str, Generation] = {}
        self._known: dict[str, Generation] = {}
        self._lock = threading.Lock()
        self._told: list[Callable[[Generation], None]] = []
        self._refused: set[str] = set()
        self._watching = Repeating("generations", self.refresh, poll_seconds)
        self._listening = Repeating("generations-listen", self._listen, poll_seconds)

    # ── reading ──

    def files_dir(self, app: str) -> Path:
        """Where an app's Parquet files are; made when it is not there."""
        path = self._disk.files(app)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def current(self, app: str) -> Generation:
        """The generation `app` serves now, from memory; the first time from this machine's disk. NoGeneration when there is none."""
        generation = self._current.get(app)
        if generation is None:
            generation = self._adopt(app, self._disk.pointer(app))
        if generation is None:
            raise NoGeneration
        return generation

    def locate(self, id: str) -> Mapping[str, Sequence[Path]]:
        """Table name → absolute paths of its Parquet files. NotFound when there is no such generation on this machine."""
        generation = self._find(id)
        if generation is None:
            raise NotFound(f"There is no generation {id!r} on this machine")
        files = self._disk.files(generation.app)
        return {name: tuple(files / file for file in table.files) for name, table in generation.tables.items()}

    def on_change(self, tell: Callable[[Generation], None]) -> None:
        """Call `tell` on the event loop with every generation that becomes current from now on."""
        self._told.append(tell)

    # ── keeping up ──

    async def refresh(self) -> None:
        """Look at the pointers once: in Postgres, or on disk when it is away or has none."""
        pointers = await asyncio.to_thread(self._disk.pointers)
        if self._database is not None:
            with contextlib.suppress(Unavailable):
                rows = await self._database.fetch_all("current_generations")
                pointers |= {row["app"]: row["generation"] for row in rows}
        for app, current in pointers.items():
            if app not in self._current or self._current[app].id != current:
                await self._follow(app, current)

    async def watch(self) -> None:
        """Keep `current` fresh until cancelled: at once when notified, else every poll."""
        self._listening.start()
        try:
            await self._watching.run()
        finally:
            await self._listening.close()

    async def start(self) -> None:
        """Look once, then watch in tasks that `close` ends."""
        with contextlib.suppress(OSError):
            await self.refresh()
        self._watching.start()
        self._listening.start()

    async def close(self) -> None:
        """End the watching."""
        await self._watching.close()
        await self._listening.close()

    # ── writing ──

    async def publish(self, generation: Generation) -> None:
        """Make `generation` current. Its files must be in `files_dir` already; publishing an old one again goes back to it.

        Raises InvalidInput when a file is missing, Unavailable when Postgres is away, OSError when the disk fails; the old
        one stays current then.
        """
        if not await asyncio.to_thread(self._disk.whole, generation):
            raise InvalidInput(
                f"The generation {generation.id} names files that are not in {generation.app}'s folder",
                fix="Write every file into `files_dir` before publishing",
            )
        await asyncio.to_thread(self._disk.write_manifest, generation)
        if self._database is not None:
            await self._database.execute(
                "publish_generation",
                id=generation.id,
                app=generation.app,
                created_at=datetime.fromtimestamp(generation.created_at, UTC),
                as_of=generation.as_of,
                manifest=msgspec.json.encode(generation).decode(),
            )
        await self._follow(generation.app, generation.id)

    async def prune(self, keep: int = 3, *, grace_seconds: float = PRUNE_GRACE_SECONDS, clock: Clock = SYSTEM_CLOCK) -> int:
        """Remove all but the newest `keep` generations of each app and the current one, and files nobody names; how many files.

        Files younger than `grace_seconds` stay: somebody may be writing the generation that will name them.
        """
        removed = 0
        for app in await asyncio.to_thread(self._disk.apps):
            current = self._current.get(app) or self._adopt(app, self._disk.pointer(app))
            kept = await asyncio.to_thread(self._disk.prune_manifests, app, keep, current.id if current else "")
            removed += await asyncio.to_thread(self._disk.prune_files, app, kept, clock.time() - grace_seconds)
            if self._database is not None:
                with contextlib.suppress(Unavailable):
                    await self._database.execute("forget_generations", app=app, keep=[generation.id for generation in kept])
        return removed

    # ── inside ──

    async def _listen(self) -> None:
        if self._database is not None:
            async with contextlib.aclosing(self._database.listen(CHANNEL)) as heard:
                async for _ in heard:
                    self._watching.wake()

    async def _follow(self, app: str, id: str) -> None:
        if await asyncio.to_thread(self._find, id) is None:
            await self._fetch_manifest(id)
        adopted = await asyncio.to_thread(self._adopt, app, id)
        if adopted is None:
            return
        for tell in self._told:
            tell(adopted)
        await asyncio.to_thread(self._disk.write_pointer, app, id)

    async def _fetch_manifest(self, id: str) -> None:
        """Another machine published it onto a shared disk, or our copy of the manifest is gone."""
        if self._database is not None:
            with contextlib.suppress(Unavailable, msgspec.ValidationError):
                row = await self._database.fetch_one("generation_manifest", id=id)
                if row is not None:
                    self._know(msgspec.convert(row["manifest"], Generation))

    def _adopt(self, app: str, id: str | None) -> Generation | None:
        """Make it current in memory if it is whole on this machine."""
        with span("generation.read", "storage", app=app):
            generation = self._find(id) if id else None
            if generation is None or generation.app != app:
                return None
            whole = self._disk.whole(generation)
        if not whole:
            if generation.id not in self._refused:
                self._refused.add(generation.id)
                event("generation.refused", app=app, generation=generation.id)
            return None
        self._refused.discard(generation.id)
        self._current[app] = generation
        return generation

    def _find(self, id: str) -> Generation | None:
        if known := self._known.get(id):
            return known
        generation = self._disk.manifest(id)
        return self._know(generation) if generation else None

    def _know(self, generation: Generation) -> Generation:
        with self._lock:  # engines locate from threads of their own
            self._known[generation.id] = generation
            while len(self._known) > KNOWN_MAX:
                del self._known[next(iter(self._known))]
        return generation
