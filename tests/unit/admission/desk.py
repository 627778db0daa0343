"""One replica's admission over twins of its stores, and calls that come to it."""

from __future__ import annotations

from collections.abc import Sequence

from tests.unit.admission.house import PRICES, a_call, end

from seawall.core.clock import ManualClock
from seawall.core.errors import SeawallError
from seawall.model_proxy.admission.admission import Admission
from seawall.model_proxy.admission.buckets import Ask, Grant
from seawall.model_proxy.admission.journal import Journal
from seawall.model_proxy.admission.lease_stores import MemoryLeases
from seawall.model_proxy.admission.opening import assemble
from seawall.model_proxy.admission.settings import AdmissionSettings
from seawall.model_proxy.call import Call, Limits
from seawall.model_proxy.memory_database import ModelMemoryDatabase

NONE = Limits()


class CountedLeases(MemoryLeases):
    """Counts round trips."""

    trips = 0

    async def lease(self, holder: str, asks: Sequence[Ask]) -> Sequence[Grant]:
        self.trips += 1
        return await super().lease(holder, asks)


class Desk:
    """A replica over stores of its own, or those of `beside`."""

    def __init__(self, *, user: Limits = NONE, tenant: Limits = NONE, budget: int | None = None, beside: Desk | None = None) -> None:
        self.clock = beside.clock if beside else ManualClock()
        self.database = beside.database if beside else ModelMemoryDatabase(self.clock)
        self.leases = beside.leases if beside else CountedLeases(self.clock)
        self.settings = AdmissionSettings("r1" if beside else "r0", user, tenant, budget)
        self.journal = Journal(None)
        self.passed = 0
        self.admission = self.open(self.journal)

    def open(self, journal: Journal) -> Admission:
        return assemble(self.settings, PRICES, self.database, self.leases, journal, clock=self.clock, ledger_clock=self.clock)

    async def enter(self, **of: object) -> Call:
        call = a_call(self.clock, **of)
        if not self.admission.try_admit(call):
            await self.admission.admit(call)
        return call

    async def pass_by(self, **of: object) -> Call:
        call = await self.enter(**of)
        end(self.admission, call, call.body["max_tokens"])
        self.passed += 1
        return call

    async def until(self, error: type[SeawallError], **of: object) -> SeawallError:
        """Calls pass one after another until one is refused."""
        for _ in range(1000):
            try:
                await self.pass_by(**of)
            except error as refused:
                return refused
        raise AssertionError("never refused")

    async def tick(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.clock.advance(1)
            await self.admission.tick()

    def held(self) -> int:
        return sum(lease.held for lease in self.admission._desk._leases.values())
