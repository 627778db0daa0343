"""Valkey in a dictionary, for tests that need no process. Set `away = True` to make every call raise Unavailable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import Unavailable


class MemoryValkey:
    """Keeps the promises of `KeyValue`, in memory."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self.away = False
        self._clock = clock
        self._values: dict[str, tuple[bytes, float]] = {}

    async def get(self, name: str) -> bytes | None:
        """The value, or None."""
        return self._live(name)

    async def set(self, values: Mapping[str, bytes], *, ttl_seconds: float) -> None:
        """Write values that expire."""
        self._check()
        for name, value in values.items():
            self._values[name] = (value, self._clock.monotonic() + ttl_seconds)

    async def get_or_claim(self, name: str, claim: str, token: str, *, ttl_seconds: float) -> tuple[bytes | None, bool]:
        """The value; or when there is none, whether `token` now owns `claim`."""
        value = self._live(name)
        if value is not None:
            return value, False
        return None, await self.claim(claim, token, ttl_seconds=ttl_seconds)

    async def get_or_claim_many(
        self, wanted: Sequence[tuple[str, str]], token: str, *, ttl_seconds: float
    ) -> list[tuple[bytes | None, bool]]:
        """For each (name, claim) the value, and whether `token` now owns the claim."""
        return [(self._live(name), await self.claim(claim, token, ttl_seconds=ttl_seconds)) for name, claim in wanted]

    async def claim(self, claim: str, token: str, *, ttl_seconds: float) -> bool:
        """Whether `token` now owns `claim`."""
        if self._live(claim) is not None:
            return False
        await self.set({claim: token.encode()}, ttl_seconds=ttl_seconds)
        return True

    async def renew(self, claim: str, token: str, *, ttl_seconds: float) -> bool:
        """Whether `token` still owned `claim`."""
        if self._live(claim) != token.encode():
            return False
        await self.set({claim: token.encode()}, ttl_seconds=ttl_seconds)
        return True

    async def release(self, claim: str, token: str) -> None:
        """Give `claim` up."""
        if self._live(claim) == token.encode():
            del self._values[claim]

    async def ready(self) -> bool:
        """Whether it answers now."""
        return not self.away

    async def close(self) -> None:
        """Nothing to let go of."""

    def clear(self) -> None:
        """Forget everything, as a restart does."""
        self._values.clear()

    def _check(self) -> None:
        if self.away:
            raise Unavailable("Valkey does not answer")

    def _live(self, name: str) -> bytes | None:
        self._check()
        value, expires = self._values.get(name, (None, 0.0))
        if value is not None and expires <= self._clock.monotonic():
            del self._values[name]
            return None
        return value
