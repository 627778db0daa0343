"""Models with limits of their own: a call is counted at the one it is sent to, and what a dearer one may cost is reserved as well."""

from __future__ import annotations

from seawall.core.clock import Clock
from seawall.core.errors import Unavailable
from seawall.model_proxy.admission.desk import LeaseDesk
from seawall.model_proxy.admission.estimate import tokens_of
from seawall.model_proxy.admission.lease import Lease
from seawall.model_proxy.admission.reservation import Reservation
from seawall.model_proxy.admission.seats import Seats
from seawall.model_proxy.admission.settings import ROUNDS_MAX
from seawall.model_proxy.admission.treasury import Treasury
from seawall.model_proxy.admission.wallet import Wallet
from seawall.model_proxy.call import Call, Target
from seawall.model_proxy.errors import OverBudget


class Moves:
    """Where calls are counted while they go from model to model."""

    def __init__(self, seats: Seats, desk: LeaseDesk, treasury: Treasury, clock: Clock) -> None:
        self._seats = seats
        self._desk = desk
        self._treasury = treasury
        self._now = clock.monotonic

    def may(self, call: Call, target: Target) -> bool:
        """Whether a model's own limits let a call through. It is counted at the first that does; where it goes on, see `move`."""
        held = call.reservation
        first = held is not None and not held.routed and not held.settled
        lease = self._model_lease(call, target)
        if lease is not None and (held is None or held.model is not lease):
            if not self._has(lease, held):
                return False
            if held is not None and first:
                held.model = lease
                lease.take(held.tokens, self._now())
        if held is not None and first:
            held.routed = True
        return True

    async def move(self, call: Call, target: Target) -> bool:
        """A call is sent to another model: it is counted there from now on, and what that may cost beyond what is reserved is reserved
        as well. False: that model's own limits, or the budget, do not let it through."""
        held = call.reservation
        if held is None or held.settled or call.caller is None:
            return True
        reads, writes = tokens_of(call, self._seats.of(call.caller, call.model).price)
        lacking = call.cost + reads * target.input_price + writes * target.output_price - held.money
        if lacking > 0 and not await self._paid(held, self._treasury.wallet(call.caller.budget, call.caller.principal.tenant), lacking):
            return False
        lease = self._model_lease(call, target)
        if lease is held.model:
            return True
        if lease is not None:
            if not await self._leased(lease, held.tokens):
                return False
            lease.take(held.tokens, self._now())
        used = call.usage.input + call.usage.output
        if held.model is not None:
            held.model.give(held.tokens - used + held.before)
        held.model, held.before = lease, used
        return True

    def _model_lease(self, call: Call, target: Target) -> Lease | None:
        models = call.reservation.models if call.reservation is not None else None
        if models is None:
            models = self._seats.of(call.caller, call.model).models if call.caller is not None else ()
        return next((lease for lease in models if lease.tag == f"model:{target.id}"), None) if models else None

    def _has(self, lease: Lease, held: Reservation | None) -> bool:
        if lease.has(held.tokens if held is not None else 0, self._now()):
            return True
        self._desk.prefetch(lease)
        return False

    async def _leased(self, lease: Lease, tokens: int) -> bool:
        """Whether there is room, after more was asked for where there was none."""
        for _ in range(ROUNDS_MAX):
            if lease.has(tokens, self._now()):
                return True
            if not lease.worth_asking(tokens, self._now()):
                return False
            await self._desk.fill([lease], tokens)
        return False

    async def _paid(self, held: Reservation, wallet: Wallet, money: int) -> bool:
        """Reserve more for a call that is under way, if the budget has it."""
        for _ in range(ROUNDS_MAX):
            now = self._now()
            if held.allotment is not None and held.allotment is not wallet.allotment:
                return False  # its period is over
            if wallet.allotment is not None and wallet.has(money, now):
                wallet.allotment.take(money, now)
                wallet.allotment.in_flight -= held.allotment is not None  # it counts once
                held.allotment, held.money = wallet.allotment, held.money + money
                return True
            if wallet.refused(money, now):
                return False
            try:
                await self._treasury.draw(wallet, money)
            except (OverBudget, Unavailable):
                return False
        return False
