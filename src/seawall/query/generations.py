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
import os
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol

import msgspec

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.digest import canonical
from seawall.core.errors import InvalidInput, NotFound, Unavailable
from seawall.query.background import Repeating
from seawall.store.database import Queries
from seawall.telemetry.events import event

CHANNEL = "seawall_generation"
POLL_SECONDS = 1.0
PRUNE_GRACE_SECONDS = 3600.0
KNOWN_MAX = 32

_ID = re.compile(r"\d{8}T\d{9}Z-[0-9a-f]{12}")
_APP = re.compile(r"[a-z][a-z0-9-]{0,62}")


class NoGeneration(Unavailable):
    """There is no data for this app yet. Prepare it with `seawall prepare`."""

    slug = "no-generation"


class TableFiles(msgspec.Struct, frozen=True):
    """The Parquet files of one table, relative to the app's `files_dir`."""

    files: tuple[str, ...]
    rows: int
    bytes: int


class Generation(msgspec.Struct, frozen=True):
    """An immutable set of tables. Its id is the watermark."""

    id: str
    """Sortable by time, with a tail made from the content."""
    app: str
    created_at: float
    """Seconds since 1970."""
    as_of: date
    """The last day the data covers; relative dates resolve against it."""
    tables: dict[str, TableFiles]


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
        self._root = root
        self._database = database
        self._current: dict[str, Generation] = {}
        self._known: dict[str, Generation] = {}
        self._told: list[Callable[[Generation], None]] = []
        self._refused: set[str] = set()
        self._watching = Repeating("generations", self.refresh, poll_seconds)
        self._listening = Repeating("generations-listen", self._listen, poll_seconds)

    # ── reading ──

    def files_dir(self, app: str) -> Path:
        """Where an app's Parquet files are; made when it is not there."""
        path = self._folder(app) / "files"
        path.mkdir(parents=True, exist_ok=True)
        return path

    def current(self, app: str) -> Generation:
        """The generation `app` serves now, from memory; the first time from this machine's disk. NoGeneration when there is none."""
        generation = self._current.get(app)
        if generation is None:
            generation = self._adopt(app, self._pointer_on_disk(app))
        if generation is None:
            raise NoGeneration
        return generation

    def locate(self, id: str) -> Mapping[str, Sequence[Path]]:
        """Table name → absolute paths of its Parquet files. NotFound when there is no such generation on this machine."""
        generation = self._known.get(id) or self._manifest_on_disk(id)
        if generation is None:
            raise NotFound(f"There is no generation {id!r} on this machine")
        files = self._folder(generation.app) / "files"
        return {name: tuple(files / file for file in table.files) for name, table in generation.tables.items()}

    def on_change(self, tell: Callable[[Generation], None]) -> None:
        """Call `tell` on the event loop with every generation that becomes current from now on."""
        self._told.append(tell)

    # ── keeping up ──

    async def refresh(self) -> None:
        """Look at the pointers once: in Postgres, or on disk when it is away or has none."""
        pointers = await asyncio.to_thread(self._pointers_on_disk)
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

        Raises Unavailable when Postgres is away, OSError when the disk fails; in both cases the old one stays current.
        """
        await asyncio.to_thread(self._write_manifest, generation)
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
        for app in await asyncio.to_thread(self._apps):
            current = self._current.get(app) or self._adopt(app, self._pointer_on_disk(app))
            kept = await asyncio.to_thread(self._prune_manifests, app, keep, current)
            removed += await asyncio.to_thread(self._prune_files, app, kept, clock.time() - grace_seconds)
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
        if id not in self._known and await asyncio.to_thread(self._manifest_on_disk, id) is None:
            await self._fetch_manifest(id)
        adopted = await asyncio.to_thread(self._adopt, app, id)
        if adopted is None:
            return
        for tell in self._told:
            tell(adopted)
        await asyncio.to_thread(self._write_pointer, app, id)

    async def _fetch_manifest(self, id: str) -> None:
        """Another machine published it onto a shared disk, or our copy of the manifest is gone."""
        if self._database is not None:
            with contextlib.suppress(Unavailable, msgspec.ValidationError):
                row = await self._database.fetch_one("generation_manifest", id=id)
                if row is not None:
                    self._know(msgspec.convert(row["manifest"], Generation))

    def _adopt(self, app: str, id: str | None) -> Generation | None:
        """Make it current in memory if it is whole on this machine."""
        generation = (self._known.get(id) or self._manifest_on_disk(id)) if id else None
        if generation is None or generation.app != app:
            return None
        files = self._folder(app) / "files"
        missing = [file for table in generation.tables.values() for file in table.files if not (files / file).is_file()]
        if missing:
            if generation.id not in self._refused:
                self._refused.add(generation.id)
                event("generation.refused", app=app, generation=generation.id, missing_files=len(missing))
            return None
        self._refused.discard(generation.id)
        self._know(generation)
        self._current[app] = generation
        return generation

    def _know(self, generation: Generation) -> None:
        self._known[generation.id] = generation
        while len(self._known) > KNOWN_MAX:
            del self._known[next(iter(self._known))]

    def _folder(self, app: str) -> Path:
        if not _APP.fullmatch(app):
            raise InvalidInput("An app's name is malformed", expected="lower-case letters, digits and dashes", got=repr(app[:80]))
        return self._root / app

    def _apps(self) -> list[str]:
        return sorted(path.name for path in self._root.glob("*") if _APP.fullmatch(path.name) and path.is_dir())

    def _pointers_on_disk(self) -> dict[str, str]:
        return {app: current for app in self._apps() if (current := self._pointer_on_disk(app))}

    def _pointer_on_disk(self, app: str) -> str | None:
        try:
            current = (self._folder(app) / "current").read_text("ascii").strip()
        except (OSError, UnicodeError):
            return None
        return current if _ID.fullmatch(current) else None

    def _write_pointer(self, app: str, id: str) -> None:
        if self._pointer_on_disk(app) != id:
            try:
                _write_whole(self._folder(app) / "current", id.encode())
            except OSError as error:  # the pointer in Postgres counts; this one is for when that is away
                event("generation.pointer_not_written", app=app, error=type(error).__name__)

    def _manifest_on_disk(self, id: str) -> Generation | None:
        if not _ID.fullmatch(id):
            return None
        for path in self._root.glob(f"*/generations/{id}.json"):
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                generation = msgspec.json.decode(path.read_bytes(), type=Generation)
                self._know(generation)
                return generation
        return None

    def _write_manifest(self, generation: Generation) -> None:
        if not _ID.fullmatch(generation.id):
            raise InvalidInput("A generation's id is malformed", expected="one made by `new_generation`", got=repr(generation.id[:80]))
        folder = self._folder(generation.app) / "generations"
        folder.mkdir(parents=True, exist_ok=True)
        _write_whole(folder / f"{generation.id}.json", msgspec.json.encode(generation))

    def _prune_manifests(self, app: str, keep: int, current: Generation | None) -> list[Generation]:
        kept = []
        for number, path in enumerate(sorted((self._folder(app) / "generations").glob("*.json"), reverse=True)):
            if number < keep or (current is not None and path.stem == current.id):
                kept.append(msgspec.json.decode(path.read_bytes(), type=Generation))
            else:
                path.unlink(missing_ok=True)
                self._known.pop(path.stem, None)
        return kept

    def _prune_files(self, app: str, kept: Sequence[Generation], before: float) -> int:
        named = {file for generation in kept for table in generation.tables.values() for file in table.files}
        folder = self._folder(app) / "files"
        removed = 0
        for path in folder.rglob("*"):
            if path.is_file() and str(path.relative_to(folder)) not in named and path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
                removed += 1
        return removed


def _write_whole(path: Path, body: bytes) -> None:
    """Replace a file's content, whole or not at all, also when the power fails."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        with scratch.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
