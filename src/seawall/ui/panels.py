"""From a panel's slot to the pieces that are sent: asked of the ladder, drawn once, compressed once.

Nothing here raises because a query failed: the ladder gives a lower rung, and the last rung is a sentence. Drawing runs on the
event loop because it takes less than a millisecond; queries never do. Spans are made only where work is done: a cached
panel has none.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec

from seawall.app.model import MetricQuery, Outage, RowsQuery
from seawall.core.deadline import Deadline
from seawall.core.errors import SeawallError
from seawall.query.coalesce import Produce
from seawall.query.compile_query import engine_of
from seawall.query.first_period import answer_and_whole_from, begins_within
from seawall.query.ladder import Served
from seawall.query.periods import compared, latest_period
from seawall.query.service import Answer
from seawall.telemetry.events import event
from seawall.telemetry.spans import span
from seawall.ui.asked_days import asked_days
from seawall.ui.charts.data import PanelData
from seawall.ui.fragments import decode, encode, fragment_of
from seawall.ui.frames import frame
from seawall.ui.notes import Notes
from seawall.ui.page import PagePlan, Slot
from seawall.ui.rows import Listing, RowsMaker, Tap
from seawall.ui.similar import WORDS, WORDS_FRESH_SECONDS, part_of
from seawall.ui.wiring import UiServices

BELOW = frozenset({"summary", "explanation"})
REFUSED = frozenset({"invalid-query", "invalid-input", "invalid-cursor", "not-permitted", "not-found"})
"""Nothing failed: asking in another way would be refused as well."""
BY_WORDS = Outage(stale_max_age_seconds=None, summary=False)


@dataclass(frozen=True)
class Piece:
    """Something ready to be sent for a slot."""

    frames: tuple[bytes, ...]
    marker: str
    """What it fills when it is sent apart: the panel's own range, or one that an earlier piece of the panel brought."""


class Panels:
    """Makes pieces."""

    def __init__(self, services: UiServices) -> None:
        self._draw = services.drawing
        self._ladder = services.ladder
        self._rows = RowsMaker(services)
        self.notes = Notes(services)

    def peek(self, slot: Slot) -> Served | None:
        """What this process's memory holds for a slot, at once."""
        return self._ladder.peek(slot.key)

    def frames(self, plan: PagePlan, slot: Slot, served: Served) -> tuple[bytes, ...]:
        """A served fragment with its state note, or the sentence that says why there is none."""
        if served.payload is None:
            return (self._explained(plan, slot, served.reason),)
        try:
            fragment = decode(served.payload)
        except msgspec.DecodeError:
            event("fragment.unreadable", panel=slot.panel.name)
            return (self._explained(plan, slot, "error"),)
        return fragment.before, self.notes.frame(served, plan.ctx), fragment.after

    async def pieces(self, plan: PagePlan, slot: Slot, deadline: Deadline, *, apart: bool) -> AsyncIterator[Piece]:
        """Everything to be sent for `slot`, as it becomes ready. `apart`: each piece will go into a template of its own."""
        own = _sooner(deadline, slot.panel.deadline_ms)
        if isinstance(slot.query, RowsQuery):
            async for piece in self._listed(plan, slot, slot.query, own, apart=apart):
                yield piece
            return
        query = slot.query

        async def produce(limit: Deadline) -> bytes:
            return await self._payload(plan, slot, query, limit)

        served = await self._serve(plan, slot, own, produce)
        yield Piece(self.frames(plan, slot, served), slot.panel.name)

    async def _serve(self, plan: PagePlan, slot: Slot, deadline: Deadline, produce: Produce) -> Served:
        panel = slot.panel
        served = await self._ladder.serve(slot.key, produce, outage=panel.on_outage, fresh_for=panel.fresh_for_seconds, deadline=deadline)
        self._tell(plan, slot, served)
        return served

    async def _serve_rows(self, plan: PagePlan, slot: Slot, query: RowsQuery, deadline: Deadline, listing: Listing) -> Served:
        """Rows; similar ones found by words when nothing better can be had, under a name of their own that is forgotten soon."""
        tap = Tap(listing)

        async def produce(limit: Deadline) -> bytes:
            return await self._rows.payload(plan, slot, query, limit, tap)

        async def produce_by_words(limit: Deadline) -> bytes:
            return await self._rows.payload(plan, slot, query, limit, listing, by_words=served.reason)

        if slot.alike is None:
            return await self._serve(plan, slot, deadline, produce)
        panel = slot.panel
        sooner = part_of(deadline)
        served = await self._ladder.serve(slot.key, produce, outage=panel.on_outage, fresh_for=panel.fresh_for_seconds, deadline=sooner)
        if served.payload is not None or served.reason in REFUSED or listing.begun:
            self._tell(plan, slot, served)
            return served
        tap.is_open = False
        event("panel.degraded", app=plan.site.app.name, panel=slot.panel.name, rung=WORDS, reason=served.reason)
        key = msgspec.structs.replace(slot.key, subject=f"{slot.key.subject}:{WORDS}", is_kept=False)
        found = await self._ladder.serve(key, produce_by_words, outage=BY_WORDS, fresh_for=WORDS_FRESH_SECONDS, deadline=deadline)
        self._tell(plan, slot, found)
        return found

    def _tell(self, plan: PagePlan, slot: Slot, served: Served) -> None:
        if served.rung in BELOW:
            event("panel.degraded", app=plan.site.app.name, panel=slot.panel.name, rung=served.rung, reason=served.reason)

    async def _payload(self, plan: PagePlan, slot: Slot, query: MetricQuery, limit: Deadline) -> bytes:
        (answer, whole), earlier = await asyncio.gather(
            answer_and_whole_from(plan.site.questions, query, plan.rights.policy, deadline=limit), self._earlier(plan, slot, query, limit)
        )
        with span("panel.render", "ui", panel=slot.panel.name):
            comparison = PanelData(earlier.columns, earlier.table) if earlier else None
            data = PanelData(answer.columns, answer.table)
            asked = asked_days(plan.site.app, query, answer.as_of)
            ctx = msgspec.structs.replace(slot.ctx, as_of=answer.as_of, whole_from=whole, asked=asked)
            latest = latest_period(plan.site.app, query, answer.as_of)
            return encode(fragment_of(str(self._draw.panel_fragment(slot.panel, data, ctx, comparison=comparison, latest=latest))))

    async def _earlier(self, plan: PagePlan, slot: Slot, query: MetricQuery, limit: Deadline) -> Answer | None:
        """What a big number is compared with, if that is whole. Without it the number is still shown."""
        if slot.panel.compare is None:
            return None
        try:
            as_of = plan.site.questions.now(engine_of(plan.site.app, query)).as_of
            question = compared(plan.site.app, query, slot.panel.compare, as_of)
            if question is None:
                return None
            service, policy = plan.site.questions, plan.rights.policy
            earlier, begins = await asyncio.gather(
                service.table(question, policy, deadline=limit), begins_within(service, question, policy, deadline=limit)
            )
            return earlier if begins is None else None
        except SeawallError as error:
            event("comparison.failed", panel=slot.panel.name, reason=error.slug)
            return None

    def _explained(self, plan: PagePlan, slot: Slot, reason: str) -> bytes:
        return frame(self._sentence(plan, slot, reason))

    def _sentence(self, plan: PagePlan, slot: Slot, reason: str) -> str:
        return str(self._draw.explanation(slot.panel, reason, plan.ctx, f"{plan.url}#panel-{slot.panel.name}"))

    async def _listed(self, plan: PagePlan, slot: Slot, query: RowsQuery, deadline: Deadline, *, apart: bool) -> AsyncIterator[Piece]:
        """Rows while they arrive, when this request is the one they are fetched for; else the whole fragment."""
        listing = Listing()
        serving = asyncio.create_task(self._serve_rows(plan, slot, query, deadline, listing))
        serving.add_done_callback(lambda _: listing.close())
        async for html, marker in self._rows.sent(slot, listing, apart=apart):
            yield Piece((frame(html),), marker)
        served = await serving
        if not listing.begun:
            yield Piece(self.frames(plan, slot, served), slot.panel.name)
        elif not listing.ended:
            yield Piece(
                (frame(self._rows.broken_off(slot, self._sentence(plan, slot, served.reason), apart=apart)),), f"{slot.panel.name}-end"
            )


def _sooner(deadline: Deadline, limit_ms: float | None) -> Deadline:
    """The request's deadline, or the panel's own when that comes first."""
    if limit_ms is None:
        return deadline
    return Deadline(min(deadline.at, deadline.clock.monotonic() + limit_ms / 1000), deadline.clock)
