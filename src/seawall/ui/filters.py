"""The filter bar and its choices, which come from the data under the principal's own policy.

Choices are kept by the ladder, a list a field. When they are at hand the bar is part of the plan. The first page after a start
shows the bar with what the URL says, and sends it again with its choices once they are known, in a template like a panel.
Choices from operational tables are asked for again after minutes, for no watermark tells when those change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from seawall.app.model import App, Outage, Page, PageFilter, Scalar
from seawall.core.deadline import Deadline
from seawall.core.errors import InvalidInput
from seawall.query.cache import CacheKey
from seawall.query.filters import from_url
from seawall.query.ladder import Served
from seawall.ui.frames import frame
from seawall.ui.page import PagePlan
from seawall.ui.rights import reach
from seawall.ui.wiring import UiServices

MARKER = "filter-bar"
PROBLEMS_MARKER = "filter-problems"
FRESH_SECONDS = {"warehouse": 86_400.0, "operational": 300.0}
OUTAGE = Outage(stale_max_age_seconds=30 * 86_400.0, summary=True)
SHOWN_MAX = 60
"""So much of a value that does not fit is repeated in the sentence that says so."""
WITH_CHOICES = frozenset({"select", "multiselect"})
_decoder = msgspec.json.Decoder(list[Scalar])


class FilterBars:
    """Draws the bar of a plan."""

    def __init__(self, services: UiServices) -> None:
        self._ladder = services.ladder
        self._draw = services.drawing

    def at_hand(self, plan: PagePlan) -> bytes | None:
        """The bar as a frame, when every list of choices is in memory; kept in the plan when all lists are of its generation."""
        if plan.filters is not None:
            return plan.filters
        filters, lists = _with_choices(plan), []
        for filter_ in filters:
            served = self._ladder.peek(_key(plan, filter_))
            if served is None or served.payload is None:
                return None
            lists.append(served.payload)
        if plan.drawn_bar[0] != lists or not plan.drawn_bar[1]:
            found = {filter_.name: _decoder.decode(one) for filter_, one in zip(filters, lists, strict=True)}
            plan.drawn_bar = (lists, self._bar(plan, found))
        if all(_engine(plan, filter_) == "warehouse" for filter_ in filters):
            plan.filters = plan.drawn_bar[1]
        return plan.drawn_bar[1]

    def bare(self, plan: PagePlan) -> bytes:
        """The bar with only the choices made in the URL."""
        return self._bar(plan, {})

    def problems(self, plan: PagePlan) -> bytes | None:
        """What is wrong with the filters, for a page that has its bar already; None when nothing is."""
        if not plan.choice.dropped:
            return None
        return frame(str(self._draw.filter_problems(plan.page, _problems(plan), plan.ctx)))

    async def full(self, plan: PagePlan, deadline: Deadline) -> bytes | None:
        """The bar with its choices; None when not all of them could be had in time."""
        filters = _with_choices(plan)
        served = await asyncio.gather(*(self._served(plan, filter_, deadline) for filter_ in filters))
        found = {each.name: _decoder.decode(one.payload) for each, one in zip(filters, served, strict=True) if one.payload is not None}
        return self._bar(plan, found) if len(found) == len(filters) else None

    async def _served(self, plan: PagePlan, filter_: PageFilter, deadline: Deadline) -> Served:
        async def produce(limit: Deadline) -> bytes:
            ask = plan.site.questions.options
            return msgspec.json.encode(await ask(filter_.field, plan.rights.policy, deadline=limit, limit=filter_.options_limit))

        fresh_for = FRESH_SECONDS[_engine(plan, filter_)]
        return await self._ladder.serve(_key(plan, filter_), produce, outage=OUTAGE, fresh_for=fresh_for, deadline=deadline)

    def _bar(self, plan: PagePlan, options: Mapping[str, list[Scalar]]) -> bytes:
        given = {**plan.ctx.parameters, **plan.choice.dropped}
        ctx = msgspec.structs.replace(plan.ctx, parameters=given)
        partial = partial_filters(plan.site.app, plan.page)
        return frame(str(self._draw.filter_bar(plan.page, options, ctx, _problems(plan), partial=partial)))


def _problems(plan: PagePlan) -> dict[str, str]:
    """What is wrong with the filters that are set aside, in words."""
    tell = plan.ctx.messages.text
    return {name: tell("filter.wrong", value=", ".join(given)[:SHOWN_MAX]) for name, given in plan.choice.dropped.items()}


def partial_filters(app: App, page: Page) -> frozenset[str]:
    """The text filters that a part of a value is enough for, told by the condition they make."""
    return frozenset(name for name, control in page.filters.items() if control.control == "text" and _finds_part(app, page, name))


def _finds_part(app: App, page: Page, name: str) -> bool:
    try:
        return any(condition.op == "contains" for condition in from_url(app, page, {name: ["1"]})[name])
    except InvalidInput:
        return False


def _with_choices(plan: PagePlan) -> list[PageFilter]:
    return [filter_ for filter_ in plan.page.filters.values() if filter_.control in WITH_CHOICES and filter_.field]


def _engine(plan: PagePlan, filter_: PageFilter) -> str:
    return plan.site.app.semantics.datasets[filter_.field.partition(".")[0]].engine


def _key(plan: PagePlan, filter_: PageFilter) -> CacheKey:
    dataset = filter_.field.partition(".")[0]
    rights = plan.rights.policy.fingerprint(reach(plan.site.app, frozenset({dataset})))
    subject = f"options:{plan.site.bundle.digest}:{filter_.field}:{filter_.options_limit}"
    return CacheKey(subject, (), rights, "", plan.watermark)
