"""What was spent of each allotment, written where a crash of the process cannot reach it: a mapped file, one slot an allotment.

A store into the map costs a fraction of a microsecond and survives the process (the page is the kernel's), not the machine: nothing is
synced. When the replica comes back it tells the ledger what is here, and the rest of what it had drawn returns. Where the file is held
by another process, or lost, nothing is remembered and what was drawn stays billed: wrong by at most an allotment, never in the user's
favour.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import uuid
from pathlib import Path

import msgspec

from seawall.telemetry.events import event

SLOTS = 4096
_SLOT_BYTES = 32
_ID_BYTES = 16
_WORDS = _SLOT_BYTES // 8


class Remains(msgspec.Struct, frozen=True):
    """What a former process had spent, with what calls in flight might cost."""

    slot: int
    id: str
    used: int
    """Nano-dollars."""


class Journal:
    """Slots. `path` None: nothing is remembered."""

    def __init__(self, path: Path | None) -> None:
        self._file = _open(path) if path is not None else -1
        self._map = mmap.mmap(self._file, SLOTS * _SLOT_BYTES)
        self._bytes = memoryview(self._map)
        self.used = self._bytes.cast("q")
        """What is spent, at `index(slot)`: written on the hot path."""
        found = [slot for slot in range(1, SLOTS) if any(self._id(slot))]
        self.remains = tuple(Remains(slot, str(uuid.UUID(bytes=self._id(slot))), self.used[self.index(slot)]) for slot in found)
        taken = set(found)
        self._free = [slot for slot in range(SLOTS - 1, 0, -1) if slot not in taken]

    @staticmethod
    def index(slot: int) -> int:
        """Where in `used` a slot's number is."""
        return slot * _WORDS + 2

    def open(self, allotment: str) -> int:
        """A slot for an allotment; 0, which nobody reads, when there is none."""
        if not self._free:
            return 0
        slot = self._free.pop()
        self.used[self.index(slot)] = 0
        at = slot * _SLOT_BYTES
        self._bytes[at : at + _ID_BYTES] = uuid.UUID(allotment).bytes
        return slot

    def close_slot(self, slot: int) -> None:
        """Forget an allotment the ledger knows everything of."""
        if slot:
            at = slot * _SLOT_BYTES
            self._bytes[at : at + _ID_BYTES] = bytes(_ID_BYTES)
            self._free.append(slot)

    def close(self) -> None:
        """Let go of the file, with what is in it."""
        self.used.release()
        self._bytes.release()
        self._map.close()
        if self._file >= 0:
            os.close(self._file)

    def _id(self, slot: int) -> bytes:
        at = slot * _SLOT_BYTES
        return bytes(self._bytes[at : at + _ID_BYTES])


def _open(path: Path) -> int:
    """The file, locked and of full size; -1 (memory) when another process has it or it cannot be had."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        event("journal.not_kept", error=error.strerror or type(error).__name__)
        return -1
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.posix_fallocate(file, 0, SLOTS * _SLOT_BYTES)
    except OSError as error:
        os.close(file)
        event("journal.not_kept", error=error.strerror or type(error).__name__)
        return -1
    return file
