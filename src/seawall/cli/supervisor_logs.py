"""One log file a process, bounded by size.

Guarantees: a child writes straight to its file (a full or slow supervisor never blocks it), and no file grows past
`BYTES_MAX` for longer than one round of `rotate`. Rotation copies and truncates, because children hold the file open; they
opened it for appending, so they go on at the new end. Lines written between copy and truncation are lost.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

BYTES_MAX = 8 * 1024 * 1024
KEPT = 3
"""Older files beside the current one: `ui-read-0.log.1` is the newest of them."""


class Logs:
    """The log files of one instance."""

    def __init__(self, folder: Path, bytes_max: int = BYTES_MAX) -> None:
        self.folder = folder
        self._bytes_max = bytes_max
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, label: str) -> Path:
        """Where `label` writes."""
        return self.folder / f"{label}.log"

    def open(self, label: str) -> int:
        """A file descriptor to append to, for the caller to close."""
        return os.open(self.path(label), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def rotate(self) -> None:
        """Move what is too long out of the way."""
        for path in self.folder.glob("*.log"):
            if path.stat().st_size > self._bytes_max:
                self._rotate(path)

    def tail(self, label: str, lines: int = 12) -> str:
        """The last lines written, for an error message."""
        try:
            with self.path(label).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 16_384))
                return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])
        except OSError:
            return ""

    def _rotate(self, path: Path) -> None:
        for age in range(KEPT - 1, 0, -1):
            older = path.with_name(f"{path.name}.{age}")
            if older.exists():
                older.replace(path.with_name(f"{path.name}.{age + 1}"))
        shutil.copyfile(path, path.with_name(f"{path.name}.1"))
        os.truncate(path, 0)
