"""Requests → plans, within bounds: whatever somebody makes up in an address is one plan with the plain page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import msgspec

from seawall.app.model import App, Filter, Page, Panel, RowsQuery, Scalar
from seawall.ask.vectors.similar import alike_of
from seawall.core.errors import InvalidInput
from seawall.query.cache import CacheKey, Parameters, parameters_of
from seawall.query.filters import apply
from seawall.ui.assets import STYLE_SHEET
from seawall.ui.banner import nav_of
from seawall.ui.charts.text import esc
from seawall.ui.cut import Cut, cut_at_panels
from seawall.ui.frames import frame
from seawall.ui.negotiate import locale_of, speaks
from seawall.ui.page import PagePlan, Slot, cursor_subject, whole_choice
from seawall.ui.params import Choice, Values, of_panel, page_choice, read, to_query
from seawall.ui.recent import Recent
from seawall.ui.render.context import RenderContext
from seawall.ui.render.page import Assets, Shell
from seawall.ui.rights import Rights, subject_of
from seawall.ui.wiring import Site, UiServices, generation_of, mark_of

PAUSE = "first.js"
"""The script that the parser waits for after the first row, or before it; it loads the others."""
PLANS_MAX = 256
CHOICES_MAX = 4_096
REMEMBERED_QUERY_BYTES_MAX = 1_024
"""Longer query strings are read each time."""
KEPT_VALUES_MAX = 3
"""Answers under more filter values are not kept for outages."""


class Planner:
    """Requests → plans, remembered within bounds."""

    def __init__(self, services: UiServices) -> None:
        self._services = services
        self._choices: Recent[tuple[str, str, str, bytes], tuple[Choice, str]] = Recent(CHOICES_MAX)
        self._plans: Recent[tuple[str, ...], PagePlan] = Recent(PLANS_MAX)
        self._style = frame(f"<style>{services.assets.inline(STYLE_SHEET).text}</style>")
        self._subjects = {
            (site.bundle.digest, panel.name): subject_of(site.app, page, panel, services.version)
            for site in services.sites.values()
            for page in site.app.pages.values()
            for panel in page.panels.values()
        }

    def plan(self, site: Site, page: Page, rights: Rights, query: bytes, accept_language: str, *, mine: bool = False) -> PagePlan:
        """The plan of a request. InvalidInput when its query string is beyond the bounds. `mine`: the asker has a page of their own."""
        choice, name = self._choice(site, page, rights, query)
        locale = locale_of(choice.lang, accept_language, site.app.locales)
        generation = generation_of(site)
        watermark, as_of = mark_of(generation)
        ident = (site.bundle.digest, page.name, rights.fingerprint, locale, watermark, name, "mine" * mine)
        known = self._plans.get(ident)
        if known is None:
            made = self._made(site.reading(generation), page, rights, choice, locale, watermark, as_of, mine=mine)
            known = self._plans.put(ident, made)
        return known

    def subject(self, site: Site, panel: Panel) -> str:
        """What names a panel's fragments in the cache."""
        return self._subjects[site.bundle.digest, panel.name]

    def _choice(self, site: Site, page: Page, rights: Rights, query: bytes) -> tuple[Choice, str]:
        key = (site.bundle.digest, page.name, rights.fingerprint, query)
        known = self._choices.get(key)
        if known is None:
            choice = self._honoured(site.app, page, rights, page_choice(site.app, page, read(query)))
            named = [choice.parameters, choice.lang, choice.inorder, choice.panels, choice.after, choice.row, choice.dropped]
            known = choice, msgspec.json.encode(named).decode()
            if len(query) <= REMEMBERED_QUERY_BYTES_MAX:
                self._choices.put(key, known)
        return known

    def _honoured(self, app: App, page: Page, rights: Rights, choice: Choice) -> Choice:
        """The choice without what means nothing here: locales we do not have, cursors that we did not give out for just this question.

        Whatever somebody makes up is one question, one entry and one query with the plain one.
        """
        lang = locale_of(choice.lang, "", app.locales) if speaks(choice.lang, app.locales) else ""
        positions = {name: self._position(app, page.panels[name], rights, choice) for name in choice.after}
        after = {name: cursor for name, cursor in choice.after.items() if positions[name] is not None}
        return msgspec.structs.replace(choice, lang=lang, after=after)

    def _made(
        self, site: Site, page: Page, rights: Rights, choice: Choice, locale: str, watermark: str, as_of: date | None, *, mine: bool
    ) -> PagePlan:
        sticky: Values = {"lang": [choice.lang]} if choice.lang else {}
        ctx = RenderContext(
            app=site.app.name,
            page=page.name,
            locale=locale,
            as_of=as_of,
            parameters=choice.parameters | sticky,
            now=self._services.clock.time(),
        )
        cut = self._cut(site, page, rights, choice, ctx, watermark, mine=mine)
        slots = tuple(self._slot(site, page.panels[name], rights, choice, ctx, watermark) for name in cut.names)
        return PagePlan(site=site, page=page, rights=rights, choice=choice, ctx=ctx, slots=slots, cut=cut, watermark=watermark)

    def _cut(self, site: Site, page: Page, rights: Rights, choice: Choice, ctx: RenderContext, watermark: str, *, mine: bool) -> Cut:
        draw, assets = self._services.drawing, self._services.assets
        nav = nav_of(rights, ctx, page.name, choice.lang, mine=mine)
        files = Assets(
            css="",
            icon=assets.url("icon.svg"),
            deferred=(assets.url("seawall.js"),),
            after_first_row=len(page.layout) > 1,
        )
        inorder = f"/{ctx.app}/{page.name}{to_query({**ctx.parameters, 'inorder': ['1']})}"
        shell = Shell(watermark=watermark, release=site.bundle.digest[:12], asks=site.ask is not None)
        refreshing = msgspec.structs.replace(shell, in_order_url=inorder)
        more = msgspec.structs.replace(files, scripts=(assets.url("stream.js"),))
        kinds = ((files, shell), (more, shell), (more, refreshing))
        plain, streamed, other = (str(draw.document(site.app, page, ctx, nav, *each)) for each in kinds)
        pause = f'<script src="{esc(assets.url(PAUSE))}"></script>'
        return cut_at_panels(plain, (streamed, other), str(draw.document_end()), self._style, pause)

    def _slot(self, site: Site, panel: Panel, rights: Rights, choice: Choice, ctx: RenderContext, watermark: str) -> Slot:
        touching = of_panel(panel, choice)
        is_rows = isinstance(panel.query, RowsQuery)
        named = whole_choice(choice) if is_rows else touching
        key = CacheKey(
            self.subject(site, panel), named, rights.fingerprints[panel.name], ctx.locale, watermark, is_kept=_is_kept(named, choice)
        )
        filters: Mapping[str, tuple[Filter, ...]] = {name: choice.filters[name] for name in panel.filters if name in choice.filters}
        known = {name: list(values) for name, values in named}
        return Slot(
            panel=panel,
            query=apply(panel, filters, site.app),
            key=key,
            parameters=parameters_of({name: values for name, values in known.items() if name in filters}),
            ctx=msgspec.structs.replace(ctx, parameters=known, sight=rights.sights[panel.name]),
            after=self._position(site.app, panel, rights, choice) if is_rows else None,
            alike=alike_of(panel, filters),
        )

    def _position(self, app: App, panel: Panel, rights: Rights, choice: Choice) -> tuple[Scalar, ...] | None:
        """Where the cursor in the URL points; a cursor that was altered, or made for other filters, means the first page."""
        cursor = choice.after.get(panel.name)
        if not cursor or not isinstance(panel.query, RowsQuery):
            return None
        try:
            return self._services.cursors.decode(cursor, subject=cursor_subject(app, panel, choice, rights))
        except InvalidInput:
            return None


def _is_kept(named: Parameters, choice: Choice) -> bool:
    """Whether the last good answer is worth keeping: for first pages under few filters. The rest could be any number."""
    return not choice.after and sum(len(values) for name, values in named if name in choice.parameters) <= KEPT_VALUES_MAX
