"""The ladder: fresh → cached → stale → summary → explanation.

A panel never fails as a page does. `serve` gives the highest rung that may be given now and never raises because
making the answer, Valkey, Postgres or the disk failed. What a rung promises:

fresh        made for this request, or for one that asked at the same moment
cached       made before from the same watermark, within `fresh_for`
stale        made before for the same rights, parameters and locale, at most `stale_max_age_seconds` old, where that is
             allowed; from the same watermark it is renewed behind the reader's back, from an earlier one it is served
             only when making failed or took too long
summary      the last good answer for the same rights, parameters and locale, however old, where that is allowed
explanation  no payload; `reason` says why

A new watermark, role or policy makes another key, so an old entry is never served as fresh or cached. Where the question
itself was refused (invalid, not permitted, not found) nothing older is served: identity and policy fail closed.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal, Protocol

import msgspec

from seawall.app.model import Outage
from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded
from seawall.query.cache import Cache, CacheKey
from seawall.query.cache_shared import Entry
from seawall.query.coalesce import FLIGHTS_MAX, LIMIT_SECONDS, Failure, Flights, Produce, Seat, Terms

Rung = Literal["fresh", "cached", "stale", "summary", "explanation"]
REFRESHING = "refreshing"
"""The reason of a stale answer that is being renewed; nothing failed."""
KEEP_SECONDS_DEFAULT = 86_400.0


class Served(msgspec.Struct, frozen=True, gc=False):
    """What to show."""

    rung: Rung
    payload: bytes | None
    """None only for an explanation."""
    made_at: float
    """Seconds since 1970 when making it began; for an explanation, now."""
    reason: str = ""
    """Why it is not fresh or cached: `refreshing`, or the slug of an error (`deadline-exceeded`, `overloaded`, …)."""


class LastGood(Protocol):
    """Where last-good answers are kept. Neither call raises because Postgres or the disk failed."""

    def note(self, key: CacheKey, entry: Entry) -> None:
        """Remember an answer, in the background."""

    async def find(self, key: CacheKey) -> Entry | None:
        """The last good answer."""


class Ladder:
    """Serves answers from the rungs above."""

    def __init__(
        self,
        cache: Cache,
        summaries: LastGood | None,
        clock: Clock = SYSTEM_CLOCK,
        *,
        limit_seconds: float = LIMIT_SECONDS,
        flights_max: int = FLIGHTS_MAX,
    ) -> None:
        self._cache = cache
        self._summaries = summaries
        self._clock = clock
        self._flights = Flights(cache, clock, limit_seconds=limit_seconds, flights_max=flights_max, on_made=self._note)
        self.served: Counter[Rung] = Counter()
        """How often each rung was served by `serve`."""

    def peek(self, key: CacheKey) -> Served | None:
        """A cached answer from this process's memory, at once; None when `serve` must be asked."""
        entry = self._cache.fresh(key)
        if entry is None:
            return None
        return Served("cached", entry.payload, entry.made_at)

    async def serve(self, key: CacheKey, produce: Produce, *, outage: Outage, fresh_for: float, deadline: Deadline) -> Served:
        """The highest rung that may be given before `deadline`, or soon after.

        `produce` makes the payload; the deadline it gets is the flight's own limit, for the answer is made for everyone
        and kept even when this request's deadline has passed. `fresh_for` is seconds and belongs to the subject: calls
        with one key give one value.
        """
        served = await self._climb(key, produce, outage, fresh_for, deadline)
        self.served[served.rung] += 1
        return served

    async def close(self) -> None:
        """End every flight. The cache and the summaries are their owner's to close."""
        await self._flights.close()

    async def _climb(self, key: CacheKey, produce: Produce, outage: Outage, fresh_for: float, deadline: Deadline) -> Served:
        at_hand = self._grade(self._cache.local(key), outage, fresh_for)
        if at_hand is not None and at_hand.rung == "cached":
            return at_hand
        seat = self._flights.join(key, produce, Terms(fresh_for, max(fresh_for, outage.stale_max_age_seconds or KEEP_SECONDS_DEFAULT)))
        if at_hand is not None:
            return at_hand
        if isinstance(seat, Failure):
            return await self._degrade(key, outage, seat)
        return await self._landed(seat, key, outage, fresh_for, deadline)

    async def _landed(self, seat: Seat, key: CacheKey, outage: Outage, fresh_for: float, deadline: Deadline) -> Served:
        if not await seat.found(deadline):
            return await self._degrade(key, outage, _late())
        if served := self._grade(seat.flight.found.result(), outage, fresh_for):
            return served
        if not await seat.made(deadline):
            return await self._degrade(key, outage, _late())
        outcome = seat.flight.made.result()
        if isinstance(outcome, Failure):
            return await self._degrade(key, outage, outcome)
        return Served("fresh" if outcome.here else "cached", outcome.entry.payload, outcome.entry.made_at)

    def _grade(self, entry: Entry | None, outage: Outage, fresh_for: float) -> Served | None:
        """The rung of an entry of the key's own watermark; None when it may not be shown while a better one can be made."""
        if entry is None:
            return None
        age = self._clock.time() - entry.made_at
        if age < fresh_for:
            return Served("cached", entry.payload, entry.made_at)
        if _may_be_stale(age, outage):
            return Served("stale", entry.payload, entry.made_at, REFRESHING)
        return None

    def _note(self, key: CacheKey, entry: Entry) -> None:
        if key.is_kept and self._summaries is not None:
            self._summaries.note(key, entry)

    async def _degrade(self, key: CacheKey, outage: Outage, failure: Failure) -> Served:
        """The next rung down, after making the answer failed or took too long."""
        if failure.error.status >= 500:
            if outage.stale_max_age_seconds is not None and (entry := await self._latest(key, outage)):
                return Served("stale", entry.payload, entry.made_at, failure.reason)
            if outage.summary and key.is_kept and self._summaries is not None and (entry := await self._summaries.find(key)):
                return Served("summary", entry.payload, entry.made_at, failure.reason)
        return Served("explanation", None, self._clock.time(), failure.reason)

    async def _latest(self, key: CacheKey, outage: Outage) -> Entry | None:
        entry = self._cache.memory.latest(key.lasting)
        if entry is None or not _may_be_stale(self._clock.time() - entry.made_at, outage):
            entry = await self._cache.shared.latest(key)
        if entry is None or not _may_be_stale(self._clock.time() - entry.made_at, outage):
            return None
        return entry


def _may_be_stale(age_seconds: float, outage: Outage) -> bool:
    return outage.stale_max_age_seconds is not None and age_seconds <= outage.stale_max_age_seconds


def _late() -> Failure:
    error = DeadlineExceeded()
    return Failure(error.slug, error)
