"""The exact cache: what the pipeline asks before it asks a model.

```
found = cache.look(call)                    # Answer: send its bytes · Flight: take a seat · None: ask a model …
if found is None and call.cache_key:        # … for everybody, when the call may be cached:
    flight = cache.begin(call)              #     from here on others join; take a seat oneself
    answer = await cache.fetch(call)        #     another process's answer? then everybody has it already
```

Between `look` and `begin` there must be no `await`, or two would ask. What a hit costs is nothing: usage and money were the first asker's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import Unavailable
from seawall.model_proxy.cache.answers import Answer
from seawall.model_proxy.cache.bounded import BoundedCache
from seawall.model_proxy.cache.flights import Flight
from seawall.model_proxy.cache.keys import HEADER, Routing, asked_model, key_of, mode_of
from seawall.model_proxy.cache.shared import SharedAnswers
from seawall.model_proxy.call import Call
from seawall.model_proxy.config import CacheSettings

FLIGHTS_MAX = 1024
WAIT_SECONDS_MAX = 20.0
"""For an answer that another process is making, before this one asks itself."""


class Counts(NamedTuple):
    """What became of look-ups."""

    hits: int
    coalesced: int
    misses: int


class ExactCache:
    """Keeps the promise of `stages.Cache`. `policy` names the screening that kept answers have passed; `routing` see keys.py."""

    def __init__(
        self,
        settings: CacheSettings = CacheSettings(),  # noqa: B008 -- frozen
        shared: SharedAnswers | None = None,
        *,
        routing: Routing = asked_model,
        policy: str = "",
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._ttl_seconds = settings.ttl
        self._answers: BoundedCache[Answer] = BoundedCache(settings.max_mb << 20, clock)
        self._shared = shared
        self._routing = routing
        self._policy = policy
        self._time = clock.time
        self._flights: dict[bytes, Flight] = {}
        self._hits = self._coalesced = self._misses = 0

    @property
    def counts(self) -> Counts:
        """Since the start."""
        return Counts(self._hits, self._coalesced, self._misses)

    @property
    def kept_bytes(self) -> int:
        """In this process."""
        return self._answers.bytes

    def look(self, call: Call) -> Answer | Flight | None:
        """Sets `call.cache_key` and `call.served`. What this process holds: an answer, a flight to join, or None."""
        call.cache_key, call.served = None, "model"
        mode = mode_of(call)
        if mode == "off" or self._ttl_seconds <= 0:
            return None
        key = key_of(call, self._routing(call), self._policy)
        if key is None:
            return None
        if mode == "on":
            answer = self._answers.get(key)
            if answer is not None:
                call.cache_key, call.served, call.kept_of = key, "cache", answer.kept.target
                self._hits += 1
                return answer
            flight = self._flights.get(key)
            if flight is not None:
                if not flight.joinable:
                    return None
                call.cache_key, call.served = key, "coalesced"
                self._coalesced += 1
                return flight
        elif key in self._flights:
            return None  # somebody else's answer will be as new as ours
        if len(self._flights) < FLIGHTS_MAX:
            call.cache_key = key
        self._misses += 1
        return None

    def begin(self, call: Call) -> Flight:
        """The flight of a call that `look` found nothing for, and that others may join from now on."""
        flight = Flight(call, self._ended, self._time)
        self._flights[flight.key] = flight
        return flight

    async def fetch(self, call: Call) -> Answer | None:
        """The answer another process has or is making, told to everybody on the call's flight; None: ask the model."""
        key = call.cache_key
        flight = self._flights.get(key) if key else None
        if key is None or flight is None or self._shared is None or mode_of(call) == "refresh":
            return None
        answer, ours = await self._shared.find_or_claim(key)
        if answer is None and not ours:
            answer = await self._shared.wait(key, min(WAIT_SECONDS_MAX, call.deadline.remaining() / 2))
        return self._taken(call, flight, self._shared, answer)

    def ask(self, call: Call, told: Callable[[bool | None], None]) -> bool:
        """`fetch` without a task. `told` is called, perhaps at once: True when everybody on the call's flight has the answer, False when
        the model is to be asked, None when another process is making the answer and `fetch` is to wait for it. False where it cannot be
        asked so: nothing was done."""
        key = call.cache_key
        flight = self._flights.get(key) if key else None
        if key is None or flight is None or self._shared is None or (HEADER in call.request.headers and mode_of(call) == "refresh"):
            told(False)
            return True
        return self._shared.ask(key, partial(self._heard, call, flight, told), call.span)

    def _heard(self, call: Call, flight: Flight, told: Callable[[bool | None], None], answer: Answer | None, ours: bool) -> None:
        if flight.ended or self._shared is None:
            told(True)
        elif answer is None and not ours:
            told(None)
        else:
            told(self._taken(call, flight, self._shared, answer) is not None)

    def _taken(self, call: Call, flight: Flight, shared: SharedAnswers, answer: Answer | None) -> Answer | None:
        """What was found elsewhere, given to everybody; None, and the claim is held: there is nothing that is new enough."""
        if answer is None or answer.kept.made_at + self._ttl_seconds <= self._time():
            shared.hold(flight.key)
            return None
        call.served, call.kept_of = "cache", answer.kept.target
        self._hits += 1
        self._keep(flight.key, answer)
        flight.settle(answer)
        return answer

    def clear(self) -> None:
        """Let go of every answer of this process."""
        self._answers.clear()

    async def close(self) -> None:
        """End every flight and write what waits to be written."""
        for flight in tuple(self._flights.values()):
            flight.fail(Unavailable("The service is stopping"))
        if self._shared is not None:
            await self._shared.close()

    def _ended(self, flight: Flight, answer: Answer | None) -> None:
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]
        if answer is not None:
            self._keep(flight.key, answer)
        if self._shared is not None:
            if answer is not None:
                self._shared.put(flight.key, answer)
            else:
                self._shared.release(flight.key)

    def _keep(self, key: bytes, answer: Answer) -> None:
        left = answer.kept.made_at + self._ttl_seconds - self._time()
        self._answers.put(key, answer, answer.size, seconds=left if left < self._ttl_seconds else self._ttl_seconds)
