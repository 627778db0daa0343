"""Last-good answers, so that a panel has something true to show when everything that makes it is away.

Kept under the key without its watermark, sealed, in two places: in Postgres, which every machine shares, and on this
machine's disk, which is there when Postgres is not. Writing happens behind the reader's back, at most once in a while
for each key; reading takes at most 100 ms and the newer of the two counts. Neither raises because a place failed.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from pathlib import Path

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import Unavailable
from seawall.query.background import Repeating
from seawall.query.cache import CacheKey
from seawall.query.cache_shared import Entry, pack, unpack
from seawall.store.database import Queries
from seawall.store.whole_files import replace_whole
from seawall.telemetry.events import event
from seawall.telemetry.spans import span
from seawall.trust.encryption import Sealer

EVERY_SECONDS = 60.0
WAITING_MAX = 512
REMEMBERED_MAX = 20_000
FILES_MAX = 10_000
ROWS_MAX = 10_000
SUMMARY_BYTES_MAX = 2 * 1024 * 1024
READ_SECONDS_MAX = 0.1
READS_MAX = 32
FLUSH_SECONDS = 1.0
CLOSE_SECONDS_MAX = 2.0


class DiskSummaries:
    """Sealed files named by key, in 256 folders; the oldest go when there are more than `files_max`. Blocking."""

    def __init__(self, directory: Path, *, files_max: int = FILES_MAX) -> None:
        self._directory = directory
        self._files_max = files_max
        self._written = 0

    def write(self, name: str, sealed: bytes) -> None:
        """Replace one file, whole or not at all. OSError when the disk is full or gone."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_whole(path, sealed)
        self._written += 1
        if self._written % 256 == 0:
            self.prune()

    def read(self, name: str) -> bytes | None:
        """The file's content, or None."""
        try:
            return self._path(name).read_bytes()
        except OSError:
            return None

    def prune(self) -> None:
        """Remove the oldest files over the bound."""
        files = sorted((path.stat().st_mtime, path) for path in self._directory.glob("??/*"))
        for _, path in files[: max(0, len(files) - self._files_max)]:
            path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._directory / name[:2] / name


class Summaries:
    """Both places together. `start` the writer on the event loop, `close` it at the end; without it nothing is written."""

    def __init__(
        self,
        database: Queries | None,
        directory: Path | None,
        sealer: Sealer,
        clock: Clock = SYSTEM_CLOCK,
        *,
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._database = database
        self._disk = DiskSummaries(directory) if directory is not None else None
        self._sealer = sealer
        self._clock = clock
        self._every_seconds = every_seconds
        self._noted: OrderedDict[str, float] = OrderedDict()
        self._waiting: dict[str, Entry] = {}
        self._disk_failed = False
        self._reads: set[asyncio.Task[Entry | None]] = set()
        self._writing = Repeating("summaries", self.flush, FLUSH_SECONDS)

    def note(self, key: CacheKey, entry: Entry) -> None:
        """Remember an answer; written soon, unless this key's was a moment ago or too many wait already."""
        now = self._clock.monotonic()
        last = self._noted.get(key.lasting)
        if (last is not None and now - last < self._every_seconds) or len(entry.payload) > SUMMARY_BYTES_MAX:
            return
        if len(self._waiting) >= WAITING_MAX:
            return
        self._noted[key.lasting] = now
        while len(self._noted) > REMEMBERED_MAX:
            self._noted.popitem(last=False)
        self._waiting[key.lasting] = entry

    async def find(self, key: CacheKey) -> Entry | None:
        """The newer of the last good answers on disk and in Postgres, or one that waits to be written."""
        waiting = self._waiting.get(key.lasting)
        if waiting is not None:
            return waiting
        found = await asyncio.gather(self._from_disk(key.lasting), self._from_database(key.lasting))
        entries = [entry for entry in found if entry is not None]
        return max(entries, key=lambda entry: entry.made_at, default=None)

    async def start(self) -> None:
        """Write what is noted once a second, in a task that `close` ends."""
        self._writing.start()

    async def close(self) -> None:
        """End the writer, after a last write of what waits (at most 2 s)."""
        await self._writing.close()
        for read in self._reads:
            read.cancel()
        if self._reads:
            await asyncio.wait(self._reads, timeout=CLOSE_SECONDS_MAX)
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await self.flush()
        except TimeoutError:
            event("summaries.not_written", waiting=len(self._waiting))

    async def flush(self) -> None:
        """Write what waits now. A place that fails is skipped: the next answer will be written."""
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        rows: list[dict[str, object]] = [
            {"key": name, "watermark": entry.watermark, "made_at": entry.made_at, "sealed": pack(entry, self._sealer, _context(name))}
            for name, entry in waiting.items()
        ]
        if self._disk is not None:
            with span("summaries.write", "storage", files=len(rows)):
                await asyncio.to_thread(self._write_disk, self._disk, rows)
        if self._database is not None:
            try:
                await self._database.execute_many("write_summary", rows)
            except Unavailable:
                return

    async def forget(self, *, older_seconds: float, count_max: int = ROWS_MAX) -> None:
        """Drop from Postgres what was not written again for so long, and the oldest beyond a number, as the disk does."""
        if self._database is not None:
            await self._database.execute("forget_summaries", older_seconds=older_seconds, count_max=count_max)

    def _write_disk(self, disk: DiskSummaries, rows: list[dict[str, object]]) -> None:
        try:
            for row in rows:
                disk.write(str(row["key"]), bytes(row["sealed"]))  # type: ignore[call-overload]
        except OSError as error:
            if not self._disk_failed:
                event("summaries.disk_failed", error=type(error).__name__, errno=error.errno)
            self._disk_failed = True
        else:
            self._disk_failed = False

    async def _from_disk(self, name: str) -> Entry | None:
        if self._disk is None:
            return None
        with span("summaries.read", "storage"):
            sealed = await asyncio.to_thread(self._disk.read, name)
        return unpack(sealed, self._sealer, _context(name)) if sealed else None

    async def _from_database(self, name: str) -> Entry | None:
        """Stop waiting after 100 ms, but leave the read to its own limit, so that the database learns that it hangs."""
        if self._database is None or len(self._reads) >= READS_MAX:
            return None
        read = asyncio.create_task(self._read(self._database, name), name="seawall-summary-read")
        self._reads.add(read)
        read.add_done_callback(self._reads.discard)
        await asyncio.wait({read}, timeout=READ_SECONDS_MAX)
        return read.result() if read.done() and not read.cancelled() else None

    async def _read(self, database: Queries, name: str) -> Entry | None:
        try:
            row = await database.fetch_one("read_summary", key=name)
        except Unavailable:
            return None
        return unpack(row["sealed"], self._sealer, _context(name)) if row else None


def _context(name: str) -> str:
    return f"summary:{name}"
