"""`/healthz` and `/readyz`, derived from what is wired: whoever wires a dependency gives the question to ask it.

Healthy means: the process answers. Ready means: every *hard* dependency answers. The proxy goes on without Postgres and Valkey, so these
are told and change nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from seawall.core.errors import SeawallError
from seawall.model_proxy.http import Response

PING_SECONDS_MAX = 1.0


class Ping(msgspec.Struct, frozen=True):
    """How to ask after one dependency."""

    name: str
    check: Callable[[], Awaitable[bool]]
    hard: bool = True
    detail: str = ""


class Check(msgspec.Struct, frozen=True):
    """What one dependency said."""

    ok: bool
    hard: bool
    detail: str = ""


class Health:
    """All pings of this process."""

    def __init__(self, pings: tuple[Ping, ...] = ()) -> None:
        self._pings = pings
        self.draining = False
        """Set at shutdown: the gateway stops choosing us while calls in flight end."""

    async def ready(self) -> Response:
        """Ask everybody at once; each has a second."""
        results = await asyncio.gather(*(_ask(ping) for ping in self._pings))
        checks = {ping.name: result for ping, result in zip(self._pings, results, strict=True)}
        if self.draining:
            checks["process"] = Check(ok=False, hard=True, detail="shutting down")
        ready = all(check.ok for check in checks.values() if check.hard)
        return Response(200 if ready else 503, msgspec.json.encode({"ready": ready, "checks": checks}))


def healthy() -> Response:
    """The process answers."""
    return Response(200, b'{"healthy":true}')


async def _ask(ping: Ping) -> Check:
    try:
        async with asyncio.timeout(PING_SECONDS_MAX):
            ok = await ping.check()
    except (TimeoutError, OSError, SeawallError) as error:
        return Check(ok=False, hard=ping.hard, detail=type(error).__name__)
    return Check(ok=ok, hard=ping.hard, detail=ping.detail)
