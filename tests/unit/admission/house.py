"""Replicas of the model proxy that admit calls in virtual time, over stores that fail, forget and answer late."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hypothesis import Phase

from seawall.core.clock import ManualClock
from seawall.core.deadline import Deadline
from seawall.core.errors import SeawallError, Unavailable
from seawall.core.principal import Principal
from seawall.model_proxy.admission.admission import Admission
from seawall.model_proxy.admission.buckets import Ask, Grant
from seawall.model_proxy.admission.estimate import Prices
from seawall.model_proxy.admission.journal import Journal
from seawall.model_proxy.admission.lease_stores import Leases, MemoryLeases
from seawall.model_proxy.admission.opening import assemble
from seawall.model_proxy.admission.settings import TICK_SECONDS, AdmissionSettings
from seawall.model_proxy.call import Call, Caller, Limits, Target, Usage
from seawall.model_proxy.config import Model, Route
from seawall.model_proxy.http import Request
from seawall.model_proxy.keys import tenant_account
from seawall.model_proxy.memory_database import ModelMemoryDatabase
from seawall.store.database import Queries
from seawall.telemetry.spans import Span

SEEDS = [phase for phase in Phase if phase is not Phase.shrink]
"""A simulation with another seed is another simulation: nothing of it can be made smaller, and looking for it takes minutes."""
PRICE = 1_000
"""Nano-dollars a token, in and out."""
MODELS = {
    "paid": Model(Target("paid", "p", "m", "small", PRICE, PRICE, 8192)),
    "free": Model(Target("free", "p", "m")),
    "narrow": Model(Target("narrow", "p", "m"), limits=Limits(60, 0, 2)),
}
ROUTES = {name: Route(name, {name: 100}) for name in MODELS} | {"both": Route("both", {"free": 100}, ("narrow",))}
PRICES = Prices(MODELS, lambda: ROUTES)


def a_call(
    clock: ManualClock,
    *,
    user: str = "mia",
    tenant: str = "acme",
    model: str = "free",
    tokens: int = 100,
    seconds: float = 30.0,
    **caller: Any,
) -> Call:
    """A call that may take `tokens` of output (and one of input)."""
    call = Call(
        Request("POST", "/v1/chat/completions", "", {}), "chat", Deadline.after(seconds, clock), Span("x", "model", "server", "", "", {})
    )
    call.model, call.body = model, {"max_tokens": tokens}
    call.caller = Caller(Principal(user, tenant), "", budget=caller.pop("budget", tenant_account(tenant)), **caller)
    return call


def end(admission: Admission, call: Call, tokens: int) -> int:
    """The call took so many tokens of output; what it cost."""
    call.usage = Usage(1, tokens)
    call.cost = (tokens + 1) * PRICE if call.model == "paid" else 0
    admission.settle(call)
    return call.cost


class Trouble:
    """How often a store fails, in each of three ways."""

    def __init__(self, seed: int, rate: float) -> None:
        self.random = random.Random(seed)
        self.rate = rate
        self.away = False

    def strikes(self) -> str:
        """What happens to the next operation: nothing, or `before`, `after` or `late` (it is done when nobody waits any more)."""
        if self.away:
            return "before"
        return self.random.choice(["before", "after", "late"]) if self.random.random() < self.rate else ""


class FlakyDatabase:
    """The ledger's database with latency and trouble."""

    def __init__(self, inner: ModelMemoryDatabase, trouble: Trouble) -> None:
        self.inner, self.trouble = inner, trouble

    async def fetch_all(self, query: str, /, **params: object) -> list[dict[str, Any]]:
        await asyncio.sleep(self.trouble.random.uniform(0.001, 0.02))
        struck = self.trouble.strikes()
        if struck == "late":
            asyncio.get_running_loop().call_later(self.trouble.random.uniform(0.1, 9), self.inner._run, query, dict(params))
        if struck in ("before", "late"):
            raise Unavailable("away")
        rows = self.inner._run(query, dict(params))
        if struck:
            raise Unavailable("the answer was lost")
        return rows

    async def fetch_one(self, query: str, /, **params: object) -> dict[str, Any] | None:
        return next(iter(await self.fetch_all(query, **params)), None)

    async def execute(self, query: str, /, **params: object) -> int:
        return len(await self.fetch_all(query, **params))

    async def execute_many(self, query: str, rows: Sequence[Mapping[str, object]], /) -> None:
        raise NotImplementedError

    def listen(self, channel: str, /) -> Any:
        return self.inner.listen(channel)


class FlakyLeases:
    """Shared limits with latency and trouble."""

    def __init__(self, inner: Leases, trouble: Trouble) -> None:
        self.inner, self.trouble = inner, trouble

    async def lease(self, holder: str, asks: Sequence[Ask]) -> Sequence[Grant]:
        await asyncio.sleep(self.trouble.random.uniform(0.0005, 0.005))
        struck = self.trouble.strikes()
        if struck in ("before", "late"):
            raise Unavailable("away")
        grants = await self.inner.lease(holder, asks)
        if struck:
            raise Unavailable("the answer was lost")
        return grants


class Replica:
    """One process: its admission, what it has in flight, and a journal that outlives it."""

    def __init__(self, house: House, number: int) -> None:
        self.house, self.name, self.journal_path = house, f"r{number}", house.folder / f"r{number}.journal"
        self.tasks: set[asyncio.Task[None]] = set()
        self.start()

    def start(self) -> None:
        self.dead, self.in_flight = False, set[Call]()
        self.journal = Journal(self.journal_path)
        settings = AdmissionSettings(self.name, self.house.user, self.house.tenant, self.house.budget)
        clock = self.house.clock
        self.admission = assemble(settings, PRICES, self.house.database, self.house.leases, self.journal, clock=clock, ledger_clock=clock)
        self.spawn(self._tick())

    def spawn(self, work: Any) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            await self.admission.tick()

    async def crash(self) -> None:
        """The process is gone: nothing is settled, nothing is said. Providers bill what was in flight."""
        self.dead = True
        for call in self.in_flight:
            self.house.spent += self.house.random.randint(0, call.reservation.money)
            self.house.crashed += call.reservation.money
            self.house.live[call.caller.user] -= 1
        self.in_flight.clear()
        await self._end()

    async def stop(self) -> None:
        """A farewell as on SIGTERM."""
        await self.admission.close()
        await self._end()

    async def _end(self) -> None:
        tasks = [*self.tasks, *self.admission._desk._tasks, *self.admission._treasury._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.journal.close()

    async def serve(self, call: Call, seconds: float, tokens: int, give_up: float) -> None:
        """One call: admitted, answered in `seconds` (or given up on by its client), settled."""
        house = self.house
        try:
            if not self.admission.try_admit(call):
                await self.admission.admit(call)
        except SeawallError as error:
            house.refused[type(error).__name__] += 1
            return
        house.admitted.append((house.clock.time(), call.caller.user))
        house.live[call.caller.user] += 1
        house.most_live = max(house.most_live, house.live.total())
        house.most_of_one = max(house.most_of_one, max(house.live.values()))
        self.in_flight.add(call)
        try:
            async with asyncio.timeout(give_up):
                await asyncio.sleep(seconds)
        except TimeoutError:
            tokens //= 2
        finally:
            if not self.dead:
                self.in_flight.discard(call)
                house.live[call.caller.user] -= 1
                cost = end(self.admission, call, tokens)
                self.admission.settle(call)  # twice does nothing
                house.spent += cost
                house.settled += cost
                house.check()


class House:
    """Replicas over shared stores. Money is nano-dollars."""

    def __init__(
        self, clock: ManualClock, folder: Path, seed: int, *, user: Limits, tenant: Limits, budget: int | None, trouble: float = 0.0
    ) -> None:
        self.clock, self.folder, self.random = clock, folder, random.Random(seed)
        self.user, self.tenant, self.budget = user, tenant, budget
        self.inner, self.limits = ModelMemoryDatabase(clock), MemoryLeases(clock)
        self.postgres, self.valkey = Trouble(seed + 1, trouble), Trouble(seed + 2, trouble)
        self.database: Queries = FlakyDatabase(self.inner, self.postgres)
        self.leases: Leases = FlakyLeases(self.limits, self.valkey)
        self.replicas: list[Replica] = []
        self.spent = self.settled = self.crashed = 0
        """What providers bill; of that what was settled; and the reservations of calls in flight at a crash."""
        self.live: Counter[str] = Counter()
        self.most_live = self.most_of_one = 0
        self.admitted: list[tuple[float, str]] = []
        self.refused: Counter[str] = Counter()

    def open(self, replicas: int) -> None:
        self.replicas = [Replica(self, number) for number in range(replicas)]

    @property
    def allotment(self) -> int:
        return AdmissionSettings("", budget=self.budget).allotment

    def check(self) -> None:
        """Spending is within the budget and an allotment for each replica, at any moment."""
        if self.budget is not None:
            assert self.spent <= self.budget + self.allotment * len(self.replicas)

    def billed(self) -> int:
        """What the ledger says, which its entries add up to."""
        (row,) = self.inner.q_account_state(account="tenant:acme", now=self.clock.time()) or [{"billed": 0, "entries": 0}]
        assert row["billed"] == row["entries"]
        return int(row["billed"])
