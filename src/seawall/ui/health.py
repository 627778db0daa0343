"""`/healthz` and `/readyz`, derived from what is wired: whoever wires a dependency registers how to ask after it.

Healthy means: the process answers. Ready means: every *hard* dependency answers. A soft one that is away (Valkey, Postgres) is
told but takes no traffic from us, because pages still serve without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

PING_SECONDS_MAX = 1.0
Check = Callable[[], Awaitable[bool]]


class Ping(msgspec.Struct, frozen=True):
    """How to ask after one dependency. `check` gives whether it answers; an exception means no."""

    name: str
    check: Check
    hard: bool = True
    detail: str = ""


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one dependency said."""

    ok: bool
    hard: bool
    detail: str = ""


class Readiness(msgspec.Struct, frozen=True):
    """The body of `/readyz`."""

    ready: bool
    checks: dict[str, Result]


class Health:
    """All pings of this process."""

    def __init__(self, pings: tuple[Ping, ...]) -> None:
        self._pings = pings
        self.draining = False
        """Set at shutdown: the gateway stops choosing us while requests in flight end."""

    async def readiness(self) -> Readiness:
        """Ask everybody at once; each has a second."""
        results = await asyncio.gather(*(_ask(ping) for ping in self._pings))
        checks = {ping.name: result for ping, result in zip(self._pings, results, strict=True)}
        if self.draining:
            checks["process"] = Result(ok=False, hard=True, detail="shutting down")
        return Readiness(ready=all(result.ok for result in checks.values() if result.hard), checks=checks)


async def _ask(ping: Ping) -> Result:
    try:
        async with asyncio.timeout(PING_SECONDS_MAX):
            ok = await ping.check()
    except TimeoutError:
        return Result(ok=False, hard=ping.hard, detail=f"no answer within {PING_SECONDS_MAX:.0f} s")
    except Exception as error:  # noqa: BLE001 -- a health check's edge: whatever goes wrong means "not ok"
        return Result(ok=False, hard=ping.hard, detail=type(error).__name__)
    return Result(ok=ok, hard=ping.hard, detail=ping.detail if ok else ping.detail or "does not answer")
