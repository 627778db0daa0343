"""A warehouse folder on this machine's disk: manifests, pointers, files. Every call blocks, so call it in a thread.

A manifest or pointer is replaced whole or not at all, also when the power fails. Names that came from outside become
paths only when they are well formed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec

from seawall.core.errors import InvalidInput
from seawall.store.whole_files import replace_whole
from seawall.telemetry.events import event

_ID = re.compile(r"\d{8}T\d{9}Z-[0-9a-f]{12}")
_APP = re.compile(r"[a-z][a-z0-9-]{0,62}")


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


class WarehouseDisk:
    """The folder `root`, laid out as `generations.py` draws it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def files(self, app: str) -> Path:
        """Where an app's Parquet files are. InvalidInput when the name is malformed."""
        return self._folder(app) / "files"

    def whole(self, generation: Generation) -> bool:
        """Whether every file it names is there."""
        files = self.files(generation.app)
        return all((files / file).is_file() for table in generation.tables.values() for file in table.files)

    def apps(self) -> list[str]:
        """The apps that have a folder."""
        return sorted(path.name for path in self._root.glob("*") if _APP.fullmatch(path.name) and path.is_dir())

    def pointers(self) -> dict[str, str]:
        """App → the id last seen as current."""
        return {app: current for app in self.apps() if (current := self.pointer(app))}

    def pointer(self, app: str) -> str | None:
        """The id last seen as current, or None."""
        try:
            current = (self._folder(app) / "current").read_text("ascii").strip()
        except (OSError, UnicodeError):
            return None
        return current if _ID.fullmatch(current) else None

    def write_pointer(self, app: str, id: str) -> None:
        """Remember an id as current; a disk that fails is told as an event, for the pointer in Postgres counts."""
        if self.pointer(app) != id:
            try:
                replace_whole(self._folder(app) / "current", id.encode(), lasting=True)
            except OSError as error:
                event("generation.pointer_not_written", app=app, error=type(error).__name__)

    def manifest(self, id: str) -> Generation | None:
        """The generation with this id, of any app, or None when its manifest is not here or not readable."""
        if not _ID.fullmatch(id):
            return None
        for path in self._root.glob(f"*/generations/{id}.json"):
            try:
                return msgspec.json.decode(path.read_bytes(), type=Generation)
            except (OSError, msgspec.MsgspecError):
                continue
        return None

    def write_manifest(self, generation: Generation) -> None:
        """Write a generation down. InvalidInput when its id is malformed, OSError when the disk fails."""
        if not _ID.fullmatch(generation.id):
            raise InvalidInput("A generation's id is malformed", expected="one made by `new_generation`", got=repr(generation.id[:80]))
        folder = self._folder(generation.app) / "generations"
        folder.mkdir(parents=True, exist_ok=True)
        replace_whole(folder / f"{generation.id}.json", msgspec.json.encode(generation), lasting=True)

    def prune_manifests(self, app: str, keep: int, current: str) -> list[Generation]:
        """Remove all but the newest `keep` and `current`; those that stay."""
        kept = []
        for number, path in enumerate(sorted((self._folder(app) / "generations").glob("*.json"), reverse=True)):
            if number < keep or path.stem == current:
                kept.append(msgspec.json.decode(path.read_bytes(), type=Generation))
            else:
                path.unlink(missing_ok=True)
        return kept

    def prune_files(self, app: str, kept: Sequence[Generation], before: float) -> int:
        """Remove files that none of `kept` names and that were written before a moment; how many."""
        named = {file for generation in kept for table in generation.tables.values() for file in table.files}
        folder = self.files(app)
        removed = 0
        for path in folder.rglob("*"):
            if path.is_file() and str(path.relative_to(folder)) not in named and path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _folder(self, app: str) -> Path:
        if not _APP.fullmatch(app):
            raise InvalidInput("An app's name is malformed", expected="lower-case letters, digits and dashes", got=repr(app[:80]))
        return self._root / app
