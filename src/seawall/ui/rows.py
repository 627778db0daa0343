"""Row panels: one page of a table, drawn while its Arrow batches arrive.

A cold row panel is sent in parts: the table with its first rows, more rows into the marker at the end of its body, and last the
line under it. Every part but the last brings the marker for the next (see `fragments.py`). The same parts joined, without
markers, are the fragment that is cached.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Literal
from urllib.parse import quote

import msgspec
import pyarrow as pa
from markupsafe import Markup

from seawall.app.model import RowsQuery
from seawall.ask.vectors.similar import Alike
from seawall.core.deadline import Deadline
from seawall.core.errors import SeawallError
from seawall.query.open_query import OpenQuery
from seawall.query.policy import EffectivePolicy
from seawall.telemetry.spans import span
from seawall.ui.fragments import STATE_MARK, encode, fragment_of
from seawall.ui.page import PagePlan, Slot, cursor_subject
from seawall.ui.params import AFTER_SUFFIX, ROW_SUFFIX, to_query
from seawall.ui.row_keys import Keyed, RowKeys
from seawall.ui.similar import RowsAsked, is_by_words, open_rows
from seawall.ui.wiring import Site, UiServices

FIRST_ROWS = 25
"""The first part sent has at most this many, so that something is on the screen early."""
COUNT_SECONDS_MAX = 0.2
"""How long the first rows may wait for the total; then it is left out."""

CONTINUED = "continued"
"""The reason why a page of similar rows goes on by words: the one before it was."""

Kind = Literal["open", "rows", "close"]
Total = tuple[int | None, bool]


class Listing:
    """Parts of a table on their way from whoever makes them to the one request that watches."""

    def __init__(self) -> None:
        self._parts: asyncio.Queue[tuple[Kind, str] | None] = asyncio.Queue()
        self.begun = False
        self.ended = False

    def put(self, kind: Kind, html: str) -> str:
        """A part is ready; gives it back."""
        self._parts.put_nowait((kind, html))
        return html

    def close(self) -> None:
        """No more will come, or nobody waits any longer."""
        self._parts.put_nowait(None)

    async def parts(self) -> AsyncIterator[tuple[Kind, str]]:
        """The parts in order, until closed."""
        while (part := await self._parts.get()) is not None:
            self.begun = True
            self.ended = part[0] == "close"
            yield part


class Tap:
    """Passes parts on to a listing until it is shut: whoever is too late must not speak into somebody else's answer."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self.is_open = True

    def put(self, kind: Kind, html: str) -> str:
        """See `Listing`."""
        return self._listing.put(kind, html) if self.is_open else html


class RowsMaker:
    """Makes the parts, and dresses them for sending."""

    def __init__(self, services: UiServices) -> None:
        self._cursors = services.cursors
        self._keys = RowKeys(services.cursors)
        self._draw = services.drawing

    async def payload(
        self, plan: PagePlan, slot: Slot, query: RowsQuery, limit: Deadline, listing: Listing | Tap, *, by_words: str = ""
    ) -> bytes:
        """One page of rows as a fragment; its parts go to `listing` as they are drawn. `by_words`: why similar rows are found by words."""
        counting = asyncio.create_task(total_of(plan.site, query, plan.rights.policy, limit, slot.alike))
        try:
            keyed = self._keys.keyed(plan.site.app, slot.panel, query, plan.rights.policy)
            asked = RowsAsked(slot.panel, keyed.query, plan.rights.policy, slot.alike, slot.after)
            page = await open_rows(plan.site, asked, limit, by_words=bool(by_words))
            if slot.alike is not None:
                keyed = msgspec.structs.replace(keyed, shown=keyed.shown + 1)
            why = by_words or (CONTINUED if is_by_words(asked) else "")
            try:
                html = "".join([part async for part in self._parts(plan, slot, page, keyed, counting, listing, why)])
            finally:
                await page.close()
        finally:
            counting.cancel()
        return encode(fragment_of(html))

    async def sent(self, slot: Slot, listing: Listing, *, apart: bool) -> AsyncIterator[tuple[str, str]]:
        """The parts as they go out, each with the marker it fills. Sent in place they are just joined."""
        name = slot.panel.name
        async for kind, html in listing.parts():
            if kind == "open":
                yield (self._framed(slot, html) if apart else html), name
            elif kind == "rows":
                yield (f'{html}<?marker name="{name}-more">' if apart else html), f"{name}-more"
            else:
                yield (html if apart else str(self._draw.rows_close(slot.panel, slot.ctx, Markup(html)))), f"{name}-end"  # noqa: S704

    def broken_off(self, slot: Slot, sentence: str, *, apart: bool) -> str:
        """What ends a table whose last rows did not come."""
        return sentence if apart else str(self._draw.rows_close(slot.panel, slot.ctx, Markup(sentence)))  # noqa: S704

    def _framed(self, slot: Slot, opened: str) -> str:
        """The open table closed around two markers: for more rows, and for the line under it."""
        name = slot.panel.name
        end = self._draw.rows_close(slot.panel, slot.ctx, Markup(f'<?marker name="{name}-end">'))  # noqa: S704
        return f'{opened.replace(STATE_MARK, "")}<?marker name="{name}-more">{end}'

    async def _parts(
        self,
        plan: PagePlan,
        slot: Slot,
        page: OpenQuery,
        keyed: Keyed,
        counting: asyncio.Task[Total],
        listing: Listing | Tap,
        by_words: str,
    ) -> AsyncIterator[str]:
        shown, columns = 0, page.columns[: keyed.shown]
        note = f"{self._draw.degraded_note(by_words, slot.ctx)}{STATE_MARK}" if by_words else STATE_MARK
        total: Total = (None, True)
        async for batch in page.batches:
            for rows in _sliced(batch, first=shown == 0):
                if not shown:
                    total = await counting
                    opened = self._draw.rows_open(slot.panel, columns, slot.ctx, total=total[0], exact=total[1])
                    yield listing.put("open", str(opened).replace(STATE_MARK, note))
                with span("panel.render", "ui", panel=slot.panel.name, rows=rows.num_rows):
                    links = self._links(slot, keyed, rows)
                    yield listing.put("rows", str(self._draw.rows_batch(columns, rows, slot.ctx, links)))
                shown += rows.num_rows
        if not shown:
            yield str(self._draw.rows_empty(slot.panel, slot.ctx)).replace(STATE_MARK, note)
            return
        foot = self._draw.rows_foot(slot.panel, slot.ctx, self._next_url(plan, slot, page), shown, total=total[0], exact=total[1])
        listing.put("close", str(foot))
        yield str(self._draw.rows_close(slot.panel, slot.ctx, foot))

    def _links(self, slot: Slot, keyed: Keyed, rows: pa.RecordBatch) -> list[str]:
        """Where each row leads: to those that are similar, or to the row in full: this state of the page, and the row's key."""
        if (similar := slot.panel.similar) is not None:
            choosing = (*similar.filters, slot.panel.name + AFTER_SUFFIX)
            kept = {name: values for name, values in slot.ctx.parameters.items() if name not in choosing}
            start = to_query({**kept, similar.row: [""]})
            return [start + quote(str(key), safe="") for key in rows.column(keyed.names[-1]).to_pylist()]
        here = to_query({**slot.ctx.parameters, slot.panel.name + ROW_SUFFIX: [""]})
        return [here + key for key in self._keys.of_batch(keyed, rows)]

    def _next_url(self, plan: PagePlan, slot: Slot, page: OpenQuery) -> str | None:
        if page.next_after is None:
            return None
        subject = cursor_subject(plan.site.app, slot.panel, plan.choice, plan.rights)
        kept = {**slot.ctx.parameters, slot.panel.name + AFTER_SUFFIX: [self._cursors.encode(page.next_after, subject=subject)]}
        return to_query(kept)


async def total_of(site: Site, query: RowsQuery, policy: EffectivePolicy, limit: Deadline, alike: Alike | None = None) -> Total:
    """The total of a row query and whether it is exact, when it is wanted and can be had soon. Similar rows are not counted."""
    if query.count == "none" or alike is not None:
        return None, True
    try:
        soon = Deadline.after(min(limit.remaining(), COUNT_SECONDS_MAX), limit.clock)
        return await site.questions.count(query, policy, deadline=soon)
    except SeawallError:
        return None, True


def _sliced(batch: pa.RecordBatch, *, first: bool) -> Iterator[pa.RecordBatch]:
    if first and batch.num_rows > FIRST_ROWS:
        yield batch.slice(0, FIRST_ROWS)
        yield batch.slice(FIRST_ROWS)
    elif batch.num_rows:
        yield batch
