"""The admit stage: limits by user, tenant, key and model, and money, from what this replica holds of each.

Guarantees: `try_admit` and `settle` make no round trip and never wait; `admit` asks for what is missing and refuses with a `Retry-After`
that is right: after it, and nobody else asking, the call goes. A call reserves what it may take at most and gives back at its end what
it did not. Nothing is taken for a call that is refused.
"""

from __future__ import annotations

import asyncio

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.model_proxy.admission.desk import LeaseDesk
from seawall.model_proxy.admission.estimate import Prices, tokens_of
from seawall.model_proxy.admission.lease import STREAM_RETRY_SECONDS, Lease
from seawall.model_proxy.admission.moves import Moves
from seawall.model_proxy.admission.reservation import Reservation, Seat
from seawall.model_proxy.admission.seats import Seats
from seawall.model_proxy.admission.settings import ROUNDS_MAX, TICK_SECONDS, AdmissionSettings
from seawall.model_proxy.admission.treasury import Treasury, over_budget
from seawall.model_proxy.call import Call, Caller
from seawall.model_proxy.errors import CallOverLimit, OverLimit
from seawall.model_proxy.scopes import EVAL, allows, require
from seawall.telemetry.events import event
from seawall.trust.errors import NotSignedIn

RETRY_SECONDS_MIN = 0.05


class Admission:
    """Keeps the promise of `stages.Admit`; `may` is what `route.router.Router` asks, `move` what `caller.Caller` does (`moves.py`). `start`
    keeps it going, `close` gives all back."""

    def __init__(
        self, settings: AdmissionSettings, prices: Prices, desk: LeaseDesk, treasury: Treasury, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._desk = desk
        self._treasury = treasury
        self._now = clock.monotonic
        self._seats = Seats(settings, prices, desk)
        desk.on_drop = treasury.on_drop = self._seats.clear
        moves = Moves(self._seats, desk, treasury, clock)
        self.may, self.move = moves.may, moves.move
        self._ticking: asyncio.Task[None] | None = None

    # ── the stage ──

    def try_admit(self, call: Call) -> bool:
        """Reserve from what is here and set `call.reservation`; False: a round trip is needed, `admit` makes it."""
        caller = call.caller
        if caller is None:
            raise NotSignedIn
        self._check_scope(call, caller)
        seat = self._seats.of(caller, call.model)
        price = seat.price
        reads, writes = tokens_of(call, price)
        return self._reserve(call, caller, seat, reads + writes, reads * price.input + writes * price.output)

    async def admit(self, call: Call) -> None:
        """Lease and draw what is missing, then reserve. OverLimit, OverBudget, Unavailable."""
        for _ in range(ROUNDS_MAX):
            if self.try_admit(call):
                return
            call.deadline.check()
            caller = call.caller
            if caller is not None:
                await self._fill(call, caller)
        raise OverLimit("Too many ask for the same at once", retry_after=STREAM_RETRY_SECONDS)

    def settle(self, call: Call) -> None:
        """Give back what `call.usage` and `call.cost` did not use, and the stream. Safe to call twice."""
        held = call.reservation
        if held is None or held.settled:
            return
        held.settled = True
        usage = call.usage
        unused = held.tokens - usage.input - usage.output
        for lease in held.leases:
            lease.tokens += unused
            lease.held -= 1
        if held.model is not None:
            held.model.give(unused + held.before)
        if held.allotment is not None:
            held.allotment.settle(held.money, call.cost)

    async def start(self) -> None:
        """Renew and account in the background until `close`."""
        self._ticking = asyncio.create_task(self._tick_for_ever(), name="seawall-admission")

    async def close(self) -> None:
        """Give back what nobody uses, and tell the ledger."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.wait([self._ticking])
            self._ticking = None
        await self._desk.close()
        await self._treasury.close()

    async def tick(self) -> None:
        """One round of what goes on in the background."""
        await self._desk.tick()
        await self._treasury.tick()
        self._seats.tidy()

    # ── reserving ──

    def _reserve(self, call: Call, caller: Caller, seat: Seat, tokens: int, money: int) -> bool:
        now = self._now()
        leases = seat.leases
        for lease in leases:
            if lease.requests <= 0 or lease.tokens < tokens or lease.held >= lease.slots or lease.until <= now:
                return self._wait_or_ask(lease, tokens, now)
        tenant = seat.tenant
        tight = tenant is not None and tenant.shares is not None and tenant.shares.tight_until > now
        if tight:
            self._check_share(caller, seat, tokens, now)
        if seat.models and any(lease.worth_asking(tokens, now) for lease in seat.models):
            return False
        if money and not self._can_pay(caller, seat, money, now):
            return False
        self._take(call, seat, tokens, money, now)
        if tight and tenant is not None and tenant.shares is not None:
            tenant.shares.took(caller.principal.user, tokens)
        return True

    def _can_pay(self, caller: Caller, seat: Seat, money: int, now: float) -> bool:
        """False: draw more. OverBudget when we know that there is none."""
        wallet = seat.wallet
        if wallet is None:
            wallet = seat.wallet = self._treasury.wallet(caller.budget, caller.principal.tenant)
        if wallet.has(money, now):
            return True
        if wallet.refused(money, now):
            raise over_budget()
        return False

    def _take(self, call: Call, seat: Seat, tokens: int, money: int, now: float) -> None:
        """Everything is there: take it, and ask for more where little is left."""
        allotment, wallet = None, seat.wallet
        if money and wallet is not None and wallet.allotment is not None:
            allotment = wallet.allotment
            allotment.take(money, now)
            if allotment.limit - allotment.used < wallet.size >> 1:
                self._treasury.prefetch(wallet)
        for lease in seat.leases:
            lease.requests -= 1
            lease.tokens -= tokens
            lease.held += 1
            lease.used_at = now
            if lease.requests < lease.low_requests or lease.tokens < lease.low_tokens:
                self._desk.prefetch(lease)
        call.reservation = Reservation(seat.leases, tokens, allotment, money, seat.models)

    def _wait_or_ask(self, lease: Lease, tokens: int, now: float) -> bool:
        """False: ask for more. OverLimit when we know that there is none."""
        seconds, kind = lease.wait(tokens, now)
        most = lease.limits.tokens_per_minute
        if most and tokens > most:
            raise CallOverLimit(
                f"One call is larger than the limit of tokens a minute of the {_whose(lease)}",
                expected=f"at most {most}",
                got=f"{tokens} with the longest answer",
                fix="Send less, or set a smaller max_tokens",
            )
        if seconds > 0.0:
            raise _over(lease, kind, seconds)
        return False

    def _check_share(self, caller: Caller, seat: Seat, tokens: int, now: float) -> None:
        """While a tenant's limit is short, nobody gets more than an equal part of it."""
        tenant = seat.tenant
        shares = tenant.shares if tenant is not None else None
        if tenant is None or shares is None:
            return
        user = caller.principal.user
        seconds = shares.wait(user, tokens, now, requests_here=tenant.requests, tokens_here=tenant.tokens)
        if seconds > 0.0:
            raise _over(tenant, "requests or tokens, of which every user has an equal part,", seconds)
        if seat.user is not None and tenant.limits.streams and seat.user.held >= shares.slots(tenant.limits.streams):
            raise _over(tenant, "streams, of which every user has an equal part,", STREAM_RETRY_SECONDS)

    async def _fill(self, call: Call, caller: Caller) -> None:
        """Ask for whatever is short, all at once."""
        seat = self._seats.of(caller, call.model)
        reads, writes = tokens_of(call, seat.price)
        tokens, money = reads + writes, reads * seat.price.input + writes * seat.price.output
        now = self._now()
        short = [lease for lease in seat.leases if not lease.has(tokens, now)]
        short += [lease for lease in seat.models if lease.worth_asking(tokens, now)]
        wallet = seat.wallet if money else None
        if short:
            await self._desk.fill(short, tokens)
        elif wallet is not None and not wallet.has(money, now):
            await self._treasury.draw(wallet, money)

    def _check_scope(self, call: Call, caller: Caller) -> None:
        scopes = caller.principal.scopes
        wanted = call.surface if call.surface != "prompt" else f"prompts:{call.app}/{call.prompt}"
        if not allows(scopes, wanted):
            require(scopes, wanted)
        if call.lane == EVAL:
            require(scopes, EVAL)

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await self.tick()
            except Exception as error:  # noqa: BLE001 -- the edge of a task: the next round may do better
                event("background.failed", work="admission", error=type(error).__name__)


def _whose(lease: Lease) -> str:
    return lease.subject.rpartition("}:")[2].partition(":")[0]


def _over(lease: Lease, kind: str, seconds: float) -> OverLimit:
    wait = max(RETRY_SECONDS_MIN, seconds)
    return OverLimit(f"The limit of {kind} of this {_whose(lease)} is reached", retry_after=wait, fix=f"Ask again in {wait:.1f} s")
