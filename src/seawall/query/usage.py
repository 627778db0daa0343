"""Which variants of which panels people look at, so that workers precompute those.

Counting is a dictionary look-up; counts go to Postgres in batches and are lost when it is away. Earlier uses count half
after a week. What is recorded is the encoded policy, not who asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from datetime import UTC, datetime

import msgspec

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.digest import canonical
from seawall.core.errors import Unavailable
from seawall.query.background import Repeating
from seawall.query.cache import Parameters
from seawall.store.database import Queries

FLUSH_SECONDS = 2.0
WAITING_MAX = 5_000
CLOSE_SECONDS_MAX = 1.0

_Variant = tuple[str, str, str, Parameters, str, str]


class Use(msgspec.Struct, frozen=True):
    """One variant of a panel."""

    page: str
    panel: str
    parameters: Parameters
    locale: str
    fingerprint: str
    policy: bytes
    """The encoded EffectivePolicy under which it was asked for."""
    uses: float


class UsageRecorder:
    """Counts uses and reads them back. `start` it on the event loop, `close` it at the end."""

    def __init__(self, database: Queries, clock: Clock = SYSTEM_CLOCK) -> None:
        self._database = database
        self._clock = clock
        self._counts: dict[_Variant, int] = {}
        self._policies: dict[_Variant, bytes] = {}
        self._looked = False
        self._writing = Repeating("usage", self.flush, FLUSH_SECONDS)

    def record(self, app: str, page: str, panel: str, parameters: Parameters, locale: str, fingerprint: str, policy: bytes) -> None:
        """Count one use. When thousands of different variants wait to be written, new ones are not counted."""
        self._looked = True
        variant = (app, page, panel, parameters, locale, fingerprint)
        count = self._counts.get(variant)
        if count is not None:
            self._counts[variant] = count + 1
        elif len(self._counts) < WAITING_MAX:
            self._counts[variant] = 1
            self._policies[variant] = policy

    def looked(self) -> bool:
        """Whether anything was looked at since this was asked last."""
        looked, self._looked = self._looked, False
        return looked

    async def most_used(self, app: str, limit: int) -> tuple[Use, ...]:
        """The variants of an app's panels used most of late. Unavailable when Postgres is away."""
        at = datetime.fromtimestamp(self._clock.time(), UTC)
        rows = await self._database.fetch_all("most_used_panels", app=app, limit=limit, at=at)
        return tuple(msgspec.convert(row | {"parameters": msgspec.json.decode(row["parameters"])}, Use) for row in rows)

    async def forget(self, *, older_seconds: float) -> None:
        """Drop variants not used for so long. Unavailable when Postgres is away."""
        await self._database.execute("forget_panel_use", before=datetime.fromtimestamp(self._clock.time() - older_seconds, UTC))

    async def flush(self) -> None:
        """Write the counts now; when Postgres is away they are lost."""
        counts, policies = self._counts, self._policies
        self._counts, self._policies = {}, {}
        at = datetime.fromtimestamp(self._clock.time(), UTC)
        rows = [_row(variant, uses, policies[variant], at) for variant, uses in counts.items()]
        if rows:
            with contextlib.suppress(Unavailable):
                await self._database.execute_many("count_panel_use", rows)

    async def start(self) -> None:
        """Write every 2 s, in a task that `close` ends."""
        self._writing.start()

    async def close(self) -> None:
        """End the task, after a last write (at most 1 s)."""
        await self._writing.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await self.flush()


def _row(variant: _Variant, uses: int, policy: bytes, at: datetime) -> dict[str, object]:
    app, page, panel, parameters, locale, fingerprint = variant
    return {
        "key": hashlib.sha256(canonical(variant)).hexdigest(),
        "app": app,
        "page": page,
        "panel": panel,
        "parameters": canonical(parameters).decode(),
        "locale": locale,
        "fingerprint": fingerprint,
        "policy": policy,
        "uses": float(uses),
        "at": at,
    }
