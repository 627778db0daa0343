"""Files on their way to readers of any speed: few at once, each in small pieces, none of them in the way of anybody's question.

An export reads ahead what it sends (`query/open_query.py`), so that the engine is free while the reader is slow; what it may hold meanwhile
is bounded by the seats here and the size of what is read ahead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager

from seawall.core.errors import Unavailable
from seawall.core.principal import Principal

AT_ONCE_MAX = 2
"""Files a process sends at once."""
EACH_MAX = 1
"""Files one principal gets at once from a process."""
PIECE_BYTES_MAX = 64 * 1024
"""What is written at once: a reader that takes less than this in `replies.WRITE_SECONDS_MAX` is cut off."""
HELD_BYTES_MAX = 64 * 1024 * 1024
"""The answer of a metric panel is held whole while it is sent."""


class TooManyExports(Unavailable):
    """As many files are being sent as may be at once."""

    slug = "too-many-exports"
    status = 429
    title = "Too many exports at once"


class ExportSeats:
    """Who is being sent a file now."""

    def __init__(self) -> None:
        self._taken: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def seat(self, principal: Principal) -> Iterator[None]:
        """A place, kept until the end. TooManyExports when there is none, or when this principal has one."""
        who = (principal.tenant, principal.user)
        if self._taken.total() >= AT_ONCE_MAX or self._taken[who] >= EACH_MAX:
            raise TooManyExports(
                expected=f"at most {EACH_MAX} at once for each user and {AT_ONCE_MAX} for all",
                fix="Wait for the other file, then try again",
            )
        self._taken[who] += 1
        try:
            yield
        finally:
            self._taken[who] -= 1
            self._taken += Counter()  # forgets whoever has none


class FileBody:
    """Pieces, and what they are read from: closing it lets go of that, also when no piece was ever asked for."""

    def __init__(self, pieces: AsyncGenerator[bytes, None], held: AsyncExitStack) -> None:
        self._pieces = pieces
        self._held = held

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        """End it."""
        try:
            await self._pieces.aclose()
        finally:
            await self._held.aclose()


def small(piece: bytes) -> Iterator[bytes]:
    """`piece`, cut to what is written at once."""
    for start in range(0, len(piece), PIECE_BYTES_MAX):
        yield piece[start : start + PIECE_BYTES_MAX]
