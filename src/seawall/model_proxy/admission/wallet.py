"""What this replica may spend of an account without asking: an allotment it has drawn.

Pure; `treasury.py` draws and reports. Of an allotment, `used` is what calls have cost and what those in flight may cost at most; it only
goes beyond `drawn` while the ledger is away (by `credit`, one allotment), or when a call cost more than was reserved.
"""

from __future__ import annotations

import asyncio
import uuid

from seawall.model_proxy.admission.journal import Journal

PERIOD_ENDLESS = 1e15


class Allotment:
    """Money drawn for one account and period. Nano-dollars; times are monotonic seconds."""

    __slots__ = ("credit", "drawn", "id", "in_flight", "index", "journal", "limit", "reported", "slot", "step", "until", "used", "used_at")

    def __init__(self, journal: Journal) -> None:
        self.id = str(uuid.uuid4())
        self.journal = journal.used
        self.slot = journal.open(self.id)
        self.index = journal.index(self.slot)
        self.drawn = 0
        self.credit = 0
        self.limit = 0
        """`drawn` + `credit`: calls may go while `used` stays within."""
        self.used = 0
        self.in_flight = 0
        """Calls."""
        self.step = 0
        self.reported = 0
        """`used`, as last told."""
        self.until = PERIOD_ENDLESS
        """When its period ends."""
        self.used_at = 0.0

    def take(self, nanodollars: int, now: float) -> None:
        """Reserve for a call."""
        self.used += nanodollars
        self.in_flight += 1
        self.used_at = now
        self.journal[self.index] = self.used

    def settle(self, reserved: int, cost: int) -> None:
        """The call has ended."""
        self.used += cost - reserved
        self.in_flight -= 1
        self.journal[self.index] = self.used

    def set(self, drawn: int, credit: int = 0) -> None:
        """What may be spent from now on."""
        self.drawn = drawn
        self.credit = credit
        self.limit = drawn + credit


class Wallet:
    """One account's, at this replica."""

    __slots__ = (
        "account", "allotment", "away_until", "budget", "flight", "payer", "period", "refused_need", "refused_until",
        "remaining", "retired", "size", "waiting",
    )  # fmt: skip

    def __init__(self, account: str, payer: str, budget: int | None, period: str, size: int) -> None:
        self.account = account
        self.payer = payer
        self.budget = budget
        """The payer's."""
        self.period = period
        self.size = size
        """What is drawn at a time."""
        self.allotment: Allotment | None = None
        self.retired: list[Allotment] = []
        """Of periods that are over, until their last call has ended and the ledger knows."""
        self.remaining = 0
        """Of the budget, when last heard."""
        self.refused_need = 0
        self.refused_until = 0.0
        self.away_until = 0.0
        """Until then the ledger is taken to be away."""
        self.flight: asyncio.Future[None] | None = None
        """One question about it at a time."""
        self.waiting = 0
        """Nano-dollars that waiting calls need."""

    def has(self, need: int, now: float) -> bool:
        """Whether a call that may cost `need` may go."""
        held = self.allotment
        return held is not None and held.used + need <= held.limit and held.until > now

    def low(self) -> bool:
        """Whether it is time to draw."""
        held = self.allotment
        return held is not None and held.limit - held.used < self.size >> 1

    def refused(self, need: int, now: float) -> bool:
        """Whether the ledger refused as little as this a moment ago."""
        held = self.allotment
        return now < self.refused_until and need - (held.limit - held.used if held is not None else 0) >= self.refused_need

    def retire(self) -> None:
        """The period is over: what is left goes back, and the next call draws anew."""
        if self.allotment is not None:
            self.allotment.set(self.allotment.drawn)
            self.retired.append(self.allotment)
            self.allotment = None
