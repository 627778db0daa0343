"""How a page leaves: whole when everything is at hand, else streamed.

Whole: the document in order, every fragment in its place, one body with an ETag. Streamed: the layout at once, with fragments that are at
hand in place and skeletons elsewhere; then each missing panel as it is done, in a `<template for>` that is a direct child of `<main>`. In
order (`?inorder=1`, for browsers with neither templates nor script): the document as it becomes ready from top to bottom, while
all panels run at once.

Every piece is a zstd frame of its own (`frames.py`), or plain bytes for those who do not accept zstd.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from markupsafe import escape

from seawall.core.deadline import Deadline
from seawall.query.ladder import Served
from seawall.telemetry.events import event
from seawall.ui.filters import MARKER, PROBLEMS_MARKER, FilterBars
from seawall.ui.frames import frame, join
from seawall.ui.page import PagePlan, Slot, Whole
from seawall.ui.panels import Panels, Piece
from seawall.ui.recent import Recent
from seawall.ui.row_details import RowDetails
from seawall.ui.wiring import UiServices

TEMPLATE_END = frame("</template>")
BAR_START = frame(f'<div class="bar"><?start name="{MARKER}">')
BAR_END = frame("<?end></div>")
STATUS_MARKER = "status"
OPENINGS_MAX = 2_048
BAR = -1
"""The filter bar's index among the slots."""

_Item = tuple[int, Piece | None]
"""A slot's index and a piece for it; None: no more pieces for that slot."""


class Streams:
    """Bodies of pages and of fragment requests."""

    def __init__(self, services: UiServices) -> None:
        self._panels = Panels(services)
        self._bars = FilterBars(services)
        self._details = RowDetails(services)
        self._openings: Recent[str, bytes] = Recent(OPENINGS_MAX)
        self._said: Recent[str, bytes] = Recent(OPENINGS_MAX)

    def whole_page(self, plan: PagePlan, *, zstd: bool) -> Whole | None:
        """The page as one body, when nothing of it has to be waited for. The hot path: look-ups, and now and then a join."""
        if plan.choice.row is not None:
            return None
        bar = plan.filters or self._bars.at_hand(plan)
        served = self._all_at_hand(plan.slots)
        if bar is None or served is None:
            return None
        minute = self._panels.notes.minute()
        known = plan.remembered(bar, served, minute, zstd)
        if known is not None:
            return known
        frames = [*plan.cut.head, bar, plan.cut.body]
        for slot, one, follows in zip(plan.slots, served, plan.cut.follows, strict=True):
            frames += (*self._panels.frames(plan, slot, one), follows)
        return plan.remember(bar, served, minute, zstd, join((*frames, plan.cut.close), zstd=zstd))

    def whole_fragments(self, plan: PagePlan, slots: Sequence[Slot], *, zstd: bool) -> bytes | None:
        """Templates for `slots` as one body, when all are at hand."""
        served = self._all_at_hand(slots)
        if served is None:
            return None
        return join([*self._problems(plan), *self._templates(plan, slots, served), *self._status(plan, slots)], zstd=zstd)

    async def page(self, plan: PagePlan, deadline: Deadline, *, zstd: bool, fills_templates: bool) -> AsyncIterator[bytes]:
        """The page as it becomes ready."""
        in_order = plan.choice.inorder
        head = plan.cut.head if in_order else plan.cut.head_streamed if fills_templates else plan.cut.head_refreshing
        bar = self._bars.at_hand(plan)
        late = asyncio.create_task(self._bars.full(plan, deadline)) if bar is None else None
        async with _Pumps(self._panels, plan, plan.slots, deadline, apart=not in_order) as pumps:
            if in_order:
                yield join(head, zstd=zstd)
                shown = [bar or (late and await late) or self._bars.bare(plan)]
                yield join([*shown, await self._details.frame(plan, deadline), plan.cut.body], zstd=zstd)
                rest = self._in_order(plan, pumps)
            else:
                shown = [bar] if bar else [BAR_START, self._bars.bare(plan), BAR_END]
                if plan.choice.row is not None:
                    yield join([*head, *shown], zstd=zstd)
                    head, shown = (await self._details.frame(plan, deadline),), []
                yield join([*head, *shown, *self._layout(plan, pumps)], zstd=zstd)
                pumps.expect(late)
                rest = self._landing(pumps)
            async for frames in rest:
                yield join(frames, zstd=zstd)
        yield join([plan.cut.close], zstd=zstd)

    async def fragments(self, plan: PagePlan, slots: Sequence[Slot], deadline: Deadline, *, zstd: bool) -> AsyncIterator[bytes]:
        """What is wrong with the filters, templates for `slots`, each as it becomes ready, and at the end words for who listens."""
        if problems := self._problems(plan):
            yield join(problems, zstd=zstd)
        async with _Pumps(self._panels, plan, slots, deadline, apart=True) as pumps:
            at_hand = [(slots[index], one) for index, one in pumps.at_hand.items()]
            if at_hand:
                yield join(self._templates(plan, *zip(*at_hand, strict=True)), zstd=zstd)
            async for frames in self._landing(pumps):
                yield join(frames, zstd=zstd)
        yield join(self._status(plan, slots), zstd=zstd)

    def _problems(self, plan: PagePlan) -> list[bytes]:
        drawn = self._bars.problems(plan)
        return [self._opening(PROBLEMS_MARKER), drawn, TEMPLATE_END] if drawn else []

    def _status(self, plan: PagePlan, slots: Sequence[Slot]) -> list[bytes]:
        words = plan.ctx.messages
        key = f"{words.locale} {len(slots)}"
        said = self._said.get(key) or self._said.put(key, frame(str(escape(words.count("panels.updated", len(slots))))))
        return [self._opening(STATUS_MARKER), said, TEMPLATE_END]

    def _all_at_hand(self, slots: Sequence[Slot]) -> list[Served] | None:
        served = []
        for slot in slots:
            one = self._panels.peek(slot)
            if one is None:
                return None
            served.append(one)
        return served

    async def _in_order(self, plan: PagePlan, pumps: _Pumps) -> AsyncIterator[list[bytes]]:
        waiting: dict[int, list[_Item]] = {}
        for index, (slot, follows) in enumerate(zip(plan.slots, plan.cut.follows, strict=True)):
            if index in pumps.at_hand:
                yield [*self._panels.frames(plan, slot, pumps.at_hand[index])]
            else:
                async for piece in pumps.of(index, waiting):
                    yield [*piece.frames]
            yield [follows]

    def _layout(self, plan: PagePlan, pumps: _Pumps) -> list[bytes]:
        """Every slot, with its fragment when that is at hand and its skeleton otherwise. A browser paints before the skeletons when
        the page begins with one, else after its first row."""
        cut, early = plan.cut, 0 not in pumps.at_hand
        frames = [cut.pause, cut.body] if early else [cut.body]
        for index, (slot, skeleton, follows) in enumerate(
            zip(plan.slots, cut.skeletons, cut.follows_early if early else cut.follows, strict=True)
        ):
            served = pumps.at_hand.get(index)
            frames += (*(self._panels.frames(plan, slot, served) if served else (skeleton,)), follows)
        return frames

    async def _landing(self, pumps: _Pumps) -> AsyncIterator[list[bytes]]:
        """Templates in the order panels are done; what is ready together goes together."""
        while pumps.running:
            frames: list[bytes] = []
            for _, piece in await pumps.ready():
                if piece is not None:
                    frames += (self._opening(piece.marker), *piece.frames, TEMPLATE_END)
            if frames:
                yield frames

    def _templates(self, plan: PagePlan, slots: Sequence[Slot], served: Sequence[Served]) -> list[bytes]:
        frames: list[bytes] = []
        for slot, one in zip(slots, served, strict=True):
            frames += (self._opening(slot.panel.name), *self._panels.frames(plan, slot, one), TEMPLATE_END)
        return frames

    def _opening(self, marker: str) -> bytes:
        return self._openings.get(marker) or self._openings.put(marker, frame(f'<template for="{marker}">'))


class _Pumps:
    """Runs the pieces of all slots that are not at hand into one queue. Leaving it ends what nobody listens to any more."""

    def __init__(self, panels: Panels, plan: PagePlan, slots: Sequence[Slot], deadline: Deadline, *, apart: bool) -> None:
        self._panels = panels
        self._plan = plan
        self._slots = slots
        self._deadline = deadline
        self._apart = apart
        self._queue: asyncio.Queue[_Item] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self.at_hand: dict[int, Served] = {}
        self.running: set[int] = set()

    async def __aenter__(self) -> _Pumps:
        for index, slot in enumerate(self._slots):
            served = self._panels.peek(slot)
            if served is not None:
                self.at_hand[index] = served
            else:
                self.running.add(index)
                self._tasks.append(asyncio.create_task(self._run(index, slot)))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()

    def expect(self, bar: asyncio.Task[bytes | None] | None) -> None:
        """The filter bar will come, too."""
        if bar is not None:
            self.running.add(BAR)
            self._tasks.append(asyncio.create_task(self._await_bar(bar)))

    async def ready(self) -> list[_Item]:
        """Wait for an item, then take all there are."""
        items = [await self._queue.get()]
        while not self._queue.empty():
            items.append(self._queue.get_nowait())
        self.running -= {index for index, piece in items if piece is None}
        return items

    async def of(self, index: int, waiting: dict[int, list[_Item]]) -> AsyncIterator[Piece]:
        """The pieces of one slot; those of others wait in `waiting`."""
        while True:
            for _, piece in waiting.pop(index, ()):
                if piece is None:
                    return
                yield piece
            for item in await self.ready():
                waiting.setdefault(item[0], []).append(item)

    async def _await_bar(self, bar: asyncio.Task[bytes | None]) -> None:
        try:
            drawn = await bar
            if drawn is not None:
                self._queue.put_nowait((BAR, Piece((drawn,), MARKER)))
        finally:
            self._queue.put_nowait((BAR, None))

    async def _run(self, index: int, slot: Slot) -> None:
        try:
            async for piece in self._panels.pieces(self._plan, slot, self._deadline, apart=self._apart):
                self._queue.put_nowait((index, piece))
        except Exception as error:  # noqa: BLE001 -- the edge of a panel: whatever breaks costs this panel, never the page
            event("panel.broke", panel=slot.panel.name, error=repr(error))
            self._queue.put_nowait((index, Piece((_last_resort(self._plan, slot),), slot.panel.name)))
        finally:
            self._queue.put_nowait((index, None))


def _last_resort(plan: PagePlan, slot: Slot) -> bytes:
    """When even drawing the explanation failed: which panel, and a sentence."""
    title, words = slot.panel.title.in_locale(plan.ctx.locale), plan.ctx.messages["failed.other"]
    return frame(f'<h2 id="h-{slot.panel.name}">{escape(title)}</h2><p class="failed">{escape(words)}</p>')
