"""Values bounded in bytes: those not used for longest go first, none lives longer than it should."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

from seawall.core.clock import SYSTEM_CLOCK, Clock

OVERHEAD_BYTES = 512
"""What an entry costs beside its value: objects, key and index, rounded up."""

Value = TypeVar("Value")


class BoundedCache(Generic[Value]):
    """At most `bytes_max` of values and their overhead. A value that would fill an eighth of the room is not kept."""

    def __init__(self, bytes_max: int, clock: Clock = SYSTEM_CLOCK) -> None:
        self._bytes_max = bytes_max
        self._now = clock.monotonic
        self._entries: OrderedDict[bytes, tuple[Value, int, float]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes) -> Value | None:
        """The value, which becomes the one used last; None when there is none or its time is over."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._now() >= entry[2]:
            self.drop(key)
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: bytes, value: Value, size: int, *, seconds: float = float("inf")) -> None:
        """Keep a value of `size` bytes for `seconds`, in place of what was there."""
        if key in self._entries:
            self.drop(key)
        size += OVERHEAD_BYTES
        if size * 8 > self._bytes_max or seconds <= 0:
            return
        while self.bytes + size > self._bytes_max:
            self.drop(next(iter(self._entries)))
        self._entries[key] = (value, size, self._now() + seconds)
        self.bytes += size

    def drop(self, key: bytes) -> None:
        """Let go of one."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.bytes -= entry[1]

    def clear(self) -> None:
        """Let go of all."""
        self._entries.clear()
        self.bytes = 0
