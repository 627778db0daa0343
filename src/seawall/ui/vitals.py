"""What browsers measured (web-vitals), beaconed to us: validated, bounded, batched into the table `web_vitals`.

The answer is 204 whatever happens to the rows: a lost measurement is no reason to bother a user. Postgres away means lost.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection
from typing import Annotated, Literal

import msgspec

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import InvalidInput, Unavailable
from seawall.core.principal import Principal
from seawall.store.database import Queries
from seawall.telemetry.events import event
from seawall.ui.recent import Recent

BODY_BYTES_MAX = 16_384
OF_LOADING = frozenset({"FCP", "LCP", "TTFB"})
"""What is measured once, of the page load, whatever the user does then."""
WAITING_MAX = 2_000
"""Measurements waiting for the database; when it is full the oldest go."""
FLUSH_SECONDS = 1.0
BEACONS_PER_MINUTE_MAX = 30
"""Of one sign-in. A browser sends one when a page is left; more are dropped."""
SENDERS_MAX = 4_096

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.,:-]{1,200}$")]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=3_600_000)]
TraceId = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{32})?$")]


class Measurement(msgspec.Struct, frozen=True):
    """One of web-vitals' metrics: milliseconds, or a score for CLS."""

    name: Literal["CLS", "FCP", "INP", "LCP", "TTFB"]
    value: Milliseconds
    rating: Literal["good", "needs-improvement", "poor"]


class Action(msgspec.Struct, frozen=True):
    """What the user did, and how long its effect took to be on the screen; 0 when it had none to wait for."""

    name: Name
    ms: Milliseconds = 0.0


class Beacon(msgspec.Struct, frozen=True):
    """The body of `POST /{app}/api/vitals`. Members we do not know are ignored: a browser may be newer than we are."""

    page: Name
    release: Name
    """The bundle's digest as the document gave it."""
    metrics: Annotated[tuple[Measurement, ...], msgspec.Meta(max_length=20)] = ()
    actions: Annotated[tuple[Action, ...], msgspec.Meta(max_length=50)] = ()
    trace_id: TraceId = ""
    """Of the request that made the page, as its `Server-Timing` header told it."""


_decoder = msgspec.json.Decoder(Beacon)


def beacon_of(pages: Collection[str], release: str, body: bytes) -> Beacon:
    """The beacon in a request's body, about one of `pages` (those its sender may see). InvalidInput says what is wrong with it."""
    if len(body) > BODY_BYTES_MAX:
        raise InvalidInput("The beacon is too large", expected=f"at most {BODY_BYTES_MAX} bytes", got=f"{len(body)} bytes")
    try:
        beacon = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput("The beacon is not as described", expected="page, release, metrics, actions", got=str(error)[:200]) from error
    if beacon.page not in pages:
        raise InvalidInput("The beacon names an unknown page", expected="a page of this app", got=beacon.page)
    if beacon.release != release:
        raise InvalidInput("The beacon is not about what is served now", expected=f"release {release}", got=beacon.release)
    return beacon


def rows_of(app: str, beacon: Beacon) -> list[dict[str, object]]:
    """The rows of `web_vitals` a beacon makes: one a metric, with the last action where that may matter, and one a timed action."""
    about: dict[str, object] = {"app": app, "page": beacon.page, "release": beacon.release, "trace_id": beacon.trace_id}
    last = beacon.actions[-1].name if beacon.actions else "navigate"
    measured: list[dict[str, object]] = [
        about | {"metric": m.name, "value": m.value, "rating": m.rating, "action": "navigate" if m.name in OF_LOADING else last}
        for m in beacon.metrics
    ]
    timed: list[dict[str, object]] = [
        about | {"metric": "action", "value": a.ms, "rating": "", "action": a.name} for a in beacon.actions if a.ms
    ]
    return measured + timed


class Vitals:
    """Takes beacons at once, writes them a little later."""

    def __init__(self, database: Queries, clock: Clock = SYSTEM_CLOCK) -> None:
        self._database = database
        self._clock = clock
        self._sent: Recent[tuple[str, str, str], tuple[int, int]] = Recent(SENDERS_MAX)
        self._waiting: deque[dict[str, object]] = deque(maxlen=WAITING_MAX)

    def record(self, app: str, beacon: Beacon, sender: Principal) -> None:
        """Remember the measurements of a beacon, unless its sender has sent enough for now."""
        if self._within_bounds(sender):
            self._waiting.extend(rows_of(app, beacon))

    def _within_bounds(self, sender: Principal) -> bool:
        """A sign-in's beacons are counted by the minute; a machine's by its user."""
        who = (sender.tenant, sender.user, sender.session)
        minute = int(self._clock.monotonic() // 60)
        counted = self._sent.get(who)
        count = counted[1] + 1 if counted and counted[0] == minute else 1
        self._sent.put(who, (minute, count))
        return count <= BEACONS_PER_MINUTE_MAX

    async def flush(self) -> None:
        """Write what waits. What cannot be written is dropped."""
        rows = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not rows:
            return
        try:
            await self._database.execute_many("record_web_vital", rows)
        except Unavailable:
            event("vitals.dropped", count=len(rows))

    async def run(self) -> None:
        """Write every second, until cancelled; what waits then is written first."""
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                await self.flush()
        finally:
            await self.flush()
