"""One making for many askers: across the tasks of a process, and through claims in Valkey across processes.

A *flight* looks into Valkey, waits its turn, makes the answer, keeps it and tells everyone who waits. It belongs to no
request: whoever asked may leave, and the flight goes on under a limit of its own. A process that dies holding a claim
frees it by not renewing it. Without Valkey each process makes its own. Flights are bounded in number, their failures are
remembered for a moment so that a panel that always fails is not tried by every request, and `close()` ends them all.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import TypeVar

import msgspec

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded, SeawallError, Unavailable
from seawall.query.cache import Cache, CacheKey
from seawall.query.cache_shared import CLAIM_SECONDS, Entry, Turn
from seawall.telemetry.events import event
from seawall.telemetry.spans import span

LIMIT_SECONDS = 10.0
FLIGHTS_MAX = 256
RETRY_AFTER_SECONDS = 0.5
FAILURES_MAX = 4096
POLL_SECONDS_FIRST = 0.008
POLL_SECONDS_LONGEST = 0.05
CLOSE_SECONDS_MAX = 2.0

Produce = Callable[[Deadline], Awaitable[bytes]]
Result = TypeVar("Result")


class Terms(msgspec.Struct, frozen=True):
    """How long an answer is good for."""

    fresh_for: float
    """Seconds it counts as fresh."""
    keep_for: float
    """Seconds it is kept at all."""


class Made(msgspec.Struct, frozen=True):
    """An answer."""

    entry: Entry
    here: bool
    """This flight made it, now; otherwise it was found."""


class Failure(msgspec.Struct, frozen=True):
    """No answer."""

    reason: str
    """The error's slug, `error` for one we did not foresee."""
    error: SeawallError


class Overloaded(Unavailable):
    """As many answers are being made as this process can bear. Ask again in a moment."""

    slug = "overloaded"


class Flight:
    """An answer in the making."""

    __slots__ = ("found", "made", "task")

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.found: asyncio.Future[Entry | None] = loop.create_future()
        """What Valkey held, fresh or not."""
        self.made: asyncio.Future[Made | Failure] = loop.create_future()
        self.task: asyncio.Task[None] | None = None

    def settle(self, outcome: Made | Failure) -> None:
        """Tell everyone. Only the first outcome counts."""
        if not self.found.done():
            self.found.set_result(None)
        if not self.made.done():
            self.made.set_result(outcome)


class Seat(msgspec.Struct, frozen=True):
    """A place on a flight. Leaving it early does not disturb the flight.

    The work is in the trace of whoever the flight began for; everybody else's wait is a span of their own.
    """

    flight: Flight
    began: bool
    """The flight began for this asker."""

    async def found(self, deadline: Deadline) -> bool:
        """Wait until what Valkey holds is known, or for the deadline; whether it is."""
        return await self._wait(self.flight.found, deadline)

    async def made(self, deadline: Deadline) -> bool:
        """Wait until there is an outcome, or for the deadline; whether there is."""
        return await self._wait(self.flight.made, deadline)

    async def _wait(self, future: asyncio.Future[Result], deadline: Deadline) -> bool:
        if not future.done():
            with contextlib.nullcontext() if self.began else span("cache.wait", "storage"):
                await asyncio.wait({future}, timeout=deadline.remaining())
        return future.done()


class Flights:
    """The flights of one process."""

    def __init__(
        self,
        cache: Cache,
        clock: Clock = SYSTEM_CLOCK,
        *,
        limit_seconds: float = LIMIT_SECONDS,
        flights_max: int = FLIGHTS_MAX,
        on_made: Callable[[CacheKey, Entry], None] | None = None,
    ) -> None:
        self._cache = cache
        self._clock = clock
        self._limit_seconds = limit_seconds
        self._flights_max = flights_max
        self._on_made = on_made
        self._flights: dict[str, Flight] = {}
        self._failures: OrderedDict[str, tuple[float, Failure]] = OrderedDict()
        self._claims: dict[str, str] = {}
        self._renewing: asyncio.Task[None] | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._flights)

    def join(self, key: CacheKey, produce: Produce, terms: Terms) -> Seat | Failure:
        """A seat on the flight that is making `key`, or on a new one. A Failure when it has just failed or there are too many."""
        flight = self._flights.get(key.exact)
        if flight is not None:
            return Seat(flight, began=False)
        if recent := self._recent_failure(key.exact):
            return recent
        if self._closed or len(self._flights) >= self._flights_max:
            overloaded = Overloaded()
            return Failure(overloaded.slug, overloaded)
        flight = self._flights[key.exact] = Flight()
        flight.task = asyncio.create_task(self._fly(flight, key, produce, terms), name="seawall-flight")
        return Seat(flight, began=True)

    async def close(self) -> None:
        """End every flight; those who wait are told it is unavailable. What is made already still goes to Valkey."""
        self._closed = True
        flights = tuple(self._flights.values())
        tasks = {flight.task for flight in flights if flight.task}
        for flight in flights:
            if flight.task and not flight.made.done():
                flight.task.cancel()
        if self._renewing is not None:
            self._renewing.cancel()
            tasks.add(self._renewing)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=CLOSE_SECONDS_MAX)
            for task in late:
                task.cancel()

    async def _fly(self, flight: Flight, key: CacheKey, produce: Produce, terms: Terms) -> None:
        token = secrets.token_hex(8)
        try:
            async with asyncio.timeout(self._limit_seconds):
                await self._make(flight, key, produce, terms, token)
        except asyncio.CancelledError:
            flight.settle(_failure(Unavailable("The service is stopping")))
            raise
        except TimeoutError:
            self._failed(flight, key, _failure(DeadlineExceeded()))
        except SeawallError as error:
            self._failed(flight, key, _failure(error))
        except Exception as error:  # noqa: BLE001 -- a process edge: whatever making an answer raises costs one panel, not the page
            self._failed(flight, key, _failure(SeawallError(got=type(error).__name__)), error)
        finally:
            del self._flights[key.exact]
            if self._claims.pop(key.exact, None):
                await self._cache.shared.release(key.exact, token)

    async def _make(self, flight: Flight, key: CacheKey, produce: Produce, terms: Terms, token: str) -> None:
        found = await self._turn(flight, key, terms, token)
        if found is not None:
            self._cache.keep(key, found, fresh_for=terms.fresh_for)
            flight.settle(Made(found, here=False))
            return
        began = self._clock.time()
        payload = await produce(Deadline.after(self._limit_seconds, self._clock))
        entry = Entry(payload, began, key.watermark)
        self._cache.keep(key, entry, fresh_for=terms.fresh_for)
        flight.settle(Made(entry, here=True))
        if self._on_made is not None:
            self._on_made(key, entry)
        await self._cache.shared.put(key, entry, keep_for=terms.keep_for)

    async def _turn(self, flight: Flight, key: CacheKey, terms: Terms, token: str) -> Entry | None:
        """Wait until it is our turn (None), or until another process has made a fresh entry (that one)."""
        entry, turn = await self._look(flight, key, terms, token)
        if turn is Turn.THEIRS and entry is None:
            pause_seconds = POLL_SECONDS_FIRST
            with span("cache.wait", "storage"):
                while turn is Turn.THEIRS and entry is None:
                    await asyncio.sleep(pause_seconds)
                    pause_seconds = min(pause_seconds * 1.5, POLL_SECONDS_LONGEST)
                    entry, turn = await self._look(flight, key, terms, token)
        if entry is None and turn is Turn.OURS:
            self._hold(key.exact, token)
        return entry

    async def _look(self, flight: Flight, key: CacheKey, terms: Terms, token: str) -> tuple[Entry | None, Turn]:
        """A fresh entry in Valkey; when there is none, whose turn it is to make one."""
        shared = self._cache.shared
        entry, turn = await shared.find_or_claim(key, token)
        if entry is not None:
            if self._clock.time() < entry.made_at + terms.fresh_for:
                return entry, turn
            if not flight.found.done():
                self._cache.keep(key, entry, fresh_for=terms.fresh_for)
            turn = await shared.claim(key, token)
        if not flight.found.done():
            flight.found.set_result(entry)
        return None, turn

    def _hold(self, exact: str, token: str) -> None:
        self._claims[exact] = token
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew(), name="seawall-claims", context=Context())

    async def _renew(self) -> None:
        """Renew every claim held, until there is none. In nobody's trace, for it serves every flight."""
        while True:
            await asyncio.sleep(CLAIM_SECONDS / 4)
            if not self._claims:
                return
            for exact, token in tuple(self._claims.items()):
                await self._cache.shared.renew(exact, token)

    def _failed(self, flight: Flight, key: CacheKey, failure: Failure, cause: Exception | None = None) -> None:
        event("answer.failed", subject=key.subject, reason=failure.reason, detail=repr(cause) if cause else failure.error.sentence())
        self._failures[key.exact] = (self._clock.monotonic() + RETRY_AFTER_SECONDS, failure)
        while len(self._failures) > FAILURES_MAX:
            self._failures.popitem(last=False)
        flight.settle(failure)

    def _recent_failure(self, exact: str) -> Failure | None:
        until, failure = self._failures.get(exact, (0.0, None))
        if failure is None or self._clock.monotonic() < until:
            return failure
        del self._failures[exact]
        return None


def _failure(error: SeawallError) -> Failure:
    return Failure(error.slug, error)
