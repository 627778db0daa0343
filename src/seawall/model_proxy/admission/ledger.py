"""Money in Postgres: budgets, what is billed to them, and the words by which replicas draw and account for it.

A draw bills an allotment before any of it is spent, so a replica that vanishes has been paid for. Words are absolute ("of this allotment
I have spent so much and hold so much") and numbered: one that comes late, or whose fate is unknown, is made good by the next.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from seawall.core.clock import Clock
from seawall.core.errors import Unavailable
from seawall.store.database import Queries

LAST_STEP = (1 << 31) - 1
"""Nothing comes after it: what a former process left is accounted for."""


class Drawn(msgspec.Struct, frozen=True):
    """The answer to a draw. Money is nano-dollars."""

    granted: int
    remaining: int
    """What is left of the budgets after it, below 0 when they are overspent."""
    seconds: float
    """How long the period lasts; 0: the allotment is of one that is over."""


class Word(msgspec.Struct, frozen=True):
    """What a holder says of an allotment."""

    id: str
    step: int
    spent: int
    """With what calls in flight may cost."""
    hold: int
    close: bool = False


class Ledger:
    """Draws and reports. `clock` given: its time decides the period, else Postgres' own. Unavailable when Postgres is away."""

    def __init__(self, database: Queries, holder: str, clock: Clock | None = None) -> None:
        self._database = database
        self._holder = holder
        self._clock = clock

    async def draw(
        self, allotment: str, step: int, account: str, payer: str, *, budget: int | None, period: str, want: int, need: int
    ) -> Drawn:
        """Bill up to `want`, at least `need` or nothing, to `account` and to `payer`, whose budget is told here."""
        row = await self._database.fetch_one(
            "draw_allotment",
            id=allotment,
            step=step,
            holder=self._holder,
            account=account,
            payer=payer,
            budget=budget,
            period=period,
            want=want,
            need=need,
            now=self._now(),
        )
        if row is None:
            raise Unavailable("The ledger gave no answer")
        return Drawn(row["granted"], row["remaining"], row["seconds"])

    async def report(self, words: Sequence[Word]) -> None:
        """Say what was spent."""
        if words:
            await self._database.fetch_all("report_allotments", reports=msgspec.json.encode(words).decode(), now=self._now())

    def _now(self) -> float | None:
        return self._clock.time() if self._clock is not None else None
