"""How far long jobs are, for `seawall status` and the log: one small file, replaced whole.

Guarantees: writing it fails no job. A line in the log for every tenth; the file at most twice a second and at the end.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.store.whole_files import replace_whole
from seawall.telemetry.events import event

FILE = "jobs.json"
WRITE_SECONDS_MIN = 0.5


class JobProgress(msgspec.Struct, frozen=True):
    """One job under way."""

    job: str
    app: str
    what: str
    done: int
    total: int
    pid: int
    """Of the worker."""
    began: float
    """Seconds since 1970."""


def read_progress(path: Path) -> tuple[JobProgress, ...]:
    """What was last written; nothing when that cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[JobProgress, ...])
    except (OSError, msgspec.MsgspecError):
        return ()


class ProgressBook:
    """Keeps the file of one worker."""

    def __init__(self, path: Path | None, clock: Clock = SYSTEM_CLOCK) -> None:
        self._path = path
        self._clock = clock
        self._jobs: dict[tuple[str, str, str], JobProgress] = {}
        self._written_at = float("-inf")
        self._write()

    def tell(self, job: str, app: str, what: str, done: int, total: int) -> None:
        """It is so far."""
        key = (job, app, what)
        before = self._jobs.get(key)
        self._jobs[key] = JobProgress(job, app, what, done, total, os.getpid(), before.began if before else self._clock.time())
        if before is None or _tenth(before) != _tenth(self._jobs[key]):
            event("job.progress", job=job, app=app, what=what, done=done, total=total)
        if before is None or self._clock.monotonic() - self._written_at >= WRITE_SECONDS_MIN:
            self._write()

    def end(self, job: str, app: str, what: str) -> None:
        """It is over, well or not."""
        self._jobs.pop((job, app, what), None)
        self._write()

    def _write(self) -> None:
        self._written_at = self._clock.monotonic()
        if self._path is None:
            return
        with suppress(OSError):
            replace_whole(self._path, msgspec.json.encode(list(self._jobs.values())))


NOWHERE = ProgressBook(None)
"""Tells the log alone."""


def _tenth(progress: JobProgress) -> int:
    return 10 * progress.done // max(1, progress.total)
