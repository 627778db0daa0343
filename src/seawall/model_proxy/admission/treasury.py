"""Draws allotments from the ledger and accounts for them, in the background where it can.

Guarantees, for each account: this replica never spends more than it has drawn, but for one allotment while the ledger is away, and for
what a call in flight costs beyond its reservation; both are billed when the ledger is back, and nothing more is lent before that. What a
former process left is accounted for before anything is drawn.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import Unavailable
from seawall.model_proxy.admission.journal import Journal, Remains
from seawall.model_proxy.admission.ledger import LAST_STEP, Ledger, Word
from seawall.model_proxy.admission.settings import (
    ALLOTMENT_PART,
    IDLE_SECONDS,
    REPORT_SECONDS,
    AdmissionSettings,
)
from seawall.model_proxy.admission.wallet import PERIOD_ENDLESS, Allotment, Wallet
from seawall.model_proxy.errors import OverBudget
from seawall.model_proxy.keys import tenant_account
from seawall.telemetry.events import event

REFUSED_SECONDS = 1.0
AWAY_SECONDS = 0.5
WORDS_MAX = 256
"""In one statement."""


class Treasury:
    """The wallets of this replica."""

    def __init__(self, ledger: Ledger, journal: Journal, settings: AdmissionSettings, clock: Clock = SYSTEM_CLOCK) -> None:
        self._ledger = ledger
        self._journal = journal
        self._settings = settings
        self._clock = clock
        self._wallets: OrderedDict[str, Wallet] = OrderedDict()
        self._remains: list[Remains] = list(journal.remains)
        self._tasks: set[asyncio.Task[None]] = set()
        self._reported_at = 0.0
        self._recovering = asyncio.Lock()
        self.on_drop: Callable[[], None] = lambda: None
        """Called when wallets are forgotten: who keeps references to some looks them up again."""

    def wallet(self, account: str, tenant: str) -> Wallet:
        """The wallet of an account, made when missing."""
        found = self._wallets.get(account)
        if found is None:
            settings = self._settings
            found = Wallet(account, tenant_account(tenant), settings.budget, settings.period, settings.allotment)
            self._wallets[account] = found
        return found

    async def draw(self, wallet: Wallet, need: int) -> None:
        """Draw so that a call that may cost `need` can go, if the budget has it. OverBudget, or Unavailable when nobody can tell."""
        wallet.waiting += need
        try:
            await asyncio.wait([wallet.flight or self._start(wallet, need)])
        finally:
            wallet.waiting -= need
        now = self._clock.monotonic()
        if wallet.has(need, now):
            return
        if wallet.refused(need, now):
            raise over_budget()
        if wallet.away_until > now:
            raise Unavailable("The ledger that knows the budgets does not answer", fix="Ask again in a moment")

    def prefetch(self, wallet: Wallet) -> None:
        """Draw while there is still some, unless that is under way or was just refused."""
        now = self._clock.monotonic()
        if wallet.flight is None and wallet.refused_until <= now and wallet.away_until <= now:
            self._start(wallet, 1)

    async def recover(self) -> None:
        """Account for what a former process left. Unavailable when the ledger is away."""
        async with self._recovering:
            while self._remains:
                some = self._remains[:WORDS_MAX]
                await self._ledger.report([Word(one.id, LAST_STEP, one.used, 0, close=True) for one in some])
                for one in some:
                    self._journal.close_slot(one.slot)
                del self._remains[: len(some)]
                event("allotments.recovered", allotments=len(some))

    async def tick(self) -> None:
        """Tell the ledger what was spent, give back what lies idle. Call every second."""
        now = self._clock.monotonic()
        try:
            await self.recover()
            everything = now - self._reported_at >= REPORT_SECONDS
            due = [wallet for wallet in list(self._wallets.values()) if wallet.flight is None and _due(wallet, now, everything=everything)]
            for at in range(0, len(due), WORDS_MAX):
                await self._report(due[at : at + WORDS_MAX], now)
            if everything:
                self._reported_at = now
        except Unavailable:
            return
        self._forget(now)

    async def close(self) -> None:
        """Give back everything that is not in flight."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        for wallet in self._wallets.values():
            wallet.retire()
        try:
            await self._report(list(self._wallets.values()), self._clock.monotonic())
        except Unavailable:  # the journal knows, and the next process will tell
            return

    # ── drawing ──

    def _start(self, wallet: Wallet, need: int) -> asyncio.Future[None]:
        task = asyncio.get_running_loop().create_task(self._draw(wallet, need), name="seawall-draw")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        wallet.flight = task
        return task

    async def _draw(self, wallet: Wallet, need: int) -> None:
        try:
            await self.recover()
            held = wallet.allotment
            if held is not None and (held.until <= self._clock.monotonic() or held.used > held.drawn):
                if held.until <= self._clock.monotonic():
                    wallet.retire()
                await self._tell([wallet])  # what was lent is billed before more is drawn
            await self._drawn(wallet, need)
        except Unavailable:
            self._lend(wallet)
        finally:
            wallet.flight = None

    async def _drawn(self, wallet: Wallet, need: int) -> None:
        held = wallet.allotment
        if held is None:
            held = wallet.allotment = Allotment(self._journal)
        held.step += 1
        lacking = max(1, need - (held.drawn - held.used))
        want = max(lacking, max(wallet.size, wallet.waiting) - (held.drawn - held.used))
        answer = await self._ledger.draw(
            held.id, held.step, wallet.account, wallet.payer, budget=wallet.budget, period=wallet.period, want=want, need=lacking
        )
        now = self._clock.monotonic()
        if answer.seconds <= 0.0:
            wallet.retire()
            return
        held.set(held.drawn + answer.granted)
        held.until = now + answer.seconds if answer.seconds < PERIOD_ENDLESS / 1e6 else PERIOD_ENDLESS
        held.used_at = max(held.used_at, now)
        wallet.remaining = answer.remaining
        left = max(0, answer.remaining) + answer.granted
        wallet.size = max(1, min(self._settings.allotment, left // ALLOTMENT_PART)) if answer.remaining < 1 << 60 else wallet.size
        if not answer.granted:
            wallet.refused_need, wallet.refused_until = lacking, now + REFUSED_SECONDS

    def _lend(self, wallet: Wallet) -> None:
        """The ledger is away: one allotment may be spent undrawn, if it knows this one and had some left when it was last heard."""
        wallet.away_until = self._clock.monotonic() + AWAY_SECONDS
        held = wallet.allotment
        if held is not None and held.drawn and not held.credit and wallet.remaining > 0:
            held.set(held.drawn, wallet.size)
            event("ledger.lost", account=wallet.account)

    # ── accounting ──

    async def _report(self, wallets: Sequence[Wallet], now: float) -> None:
        """Tell of several wallets in one statement; nobody draws for them meanwhile."""
        flight: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for wallet in wallets:
            wallet.flight = flight
            held = wallet.allotment
            if held is not None and (held.until <= now or (now - held.used_at > IDLE_SECONDS and not held.in_flight)):
                wallet.retire()
        try:
            await self._tell(wallets)
        finally:
            for wallet in wallets:
                wallet.flight = None
            flight.set_result(None)

    async def _tell(self, wallets: Sequence[Wallet]) -> None:
        told: list[tuple[Wallet, Allotment, Word]] = []
        for wallet in wallets:
            held = wallet.allotment
            told += [(wallet, one, _word(one, 0, close=not one.in_flight)) for one in wallet.retired]
            if held is not None:
                told.append((wallet, held, _word(held, max(0, min(held.drawn - held.used, 2 * wallet.size)))))
        for _, held, word in told:  # what goes back is not spent meanwhile; what was lent is not lent twice
            held.set(min(held.drawn, word.spent + word.hold), held.credit)
        await self._ledger.report([word for _, _, word in told])
        for wallet, held, word in told:
            if word.spent > held.drawn:  # more than was drawn was spent: nothing is lent again before the ledger says there is some
                wallet.remaining = 0
            held.set(word.spent + word.hold)
            held.reported = word.spent
            if word.close:
                wallet.retired.remove(held)
                self._journal.close_slot(held.slot)

    def _forget(self, now: float) -> None:
        """Wallets nobody uses make room, the oldest first."""
        gone = [
            name
            for name, one in self._wallets.items()
            if one.allotment is None and not one.retired and one.flight is None and not one.waiting
        ]
        for name in gone:
            if self._wallets[name].refused_until <= now:
                del self._wallets[name]
        if gone:
            self.on_drop()


def _due(wallet: Wallet, now: float, *, everything: bool) -> bool:
    held = wallet.allotment
    if wallet.retired:
        return everything or any(not one.in_flight for one in wallet.retired)
    if held is None:
        return False
    idle = now - held.used_at > IDLE_SECONDS and not held.in_flight
    return idle or held.until <= now or (everything and held.used != held.reported)


def _word(held: Allotment, hold: int, *, close: bool = False) -> Word:
    held.step += 1
    return Word(held.id, held.step, held.used, hold, close)


def over_budget() -> OverBudget:
    """The error of a call that nobody can pay for."""
    return OverBudget("The budget that pays for this call is spent", fix="Raise it, or wait for its next period")
