"""A page's plan: everything about a request that is the same for all who ask the same under equal rights, worked out once.

A plan is named by (bundle, page, parameters, rights, locale, watermark). It holds the document cut at its panels, each piece a
zstd frame, and each panel's cache key. When every panel is at hand the answer is a join of bytes, kept with its ETag until a
fragment or the minute of its state notes changes. Plans and what they hold are bounded; the ones not used for longest go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

import msgspec
import xxhash

from seawall.app.model import App, Filter, Page, Panel, Query, RowsQuery, Scalar
from seawall.ask.vectors.similar import Alike, alike_of
from seawall.core.errors import InvalidInput, Unavailable
from seawall.query.cache import CacheKey, Parameters, parameters_of
from seawall.query.filters import apply
from seawall.query.generations import Generation
from seawall.query.ladder import Served
from seawall.ui.charts.text import esc
from seawall.ui.drawing import FILTERS_MARK
from seawall.ui.frames import frame
from seawall.ui.negotiate import locale_of, speaks
from seawall.ui.params import AFTER_SUFFIX, Choice, Values, of_panel, page_choice, read, to_query
from seawall.ui.recent import Recent
from seawall.ui.render.context import RenderContext
from seawall.ui.render.page import FIRST_ROW_MARK, STYLE_MARK, Assets, NavLink, Shell
from seawall.ui.rights import Rights, subject_of
from seawall.ui.wiring import Site, UiServices

STYLE_SHEET = "seawall.css"
"""Stands in every page, so that a first visit paints without asking for anything else."""
PAUSE = "first.js"
"""The script that the parser waits for after the first row, or before it; it loads the others."""
PLANS_MAX = 256
CHOICES_MAX = 4_096
REMEMBERED_QUERY_BYTES_MAX = 1_024
"""Longer query strings are read each time."""
KEPT_VALUES_MAX = 3
"""Answers under more filter values are not kept for outages."""
NOTES_MAX = 4_096
NO_WATERMARK = "none"
NOTE_SECONDS = 60
"""State notes tell age in minutes, so a page is the same within one."""
_RANGE = re.compile(r'<\?start name="([\w-]+)">(.*?)<\?end>', re.DOTALL)


class Slot(msgspec.Struct, frozen=True):
    """A panel's place in a plan."""

    panel: Panel
    query: Query
    """With the page's filters applied."""
    key: CacheKey
    parameters: Parameters
    """The filters that touch this panel, as usage is counted by them."""
    ctx: RenderContext
    """What its fragment may know: nothing that is not in the key."""
    after: tuple[Scalar, ...] | None = None
    """Where a row panel goes on."""
    alike: Alike | None = None
    """What its rows shall be similar to."""


class Cut(msgspec.Struct, frozen=True):
    """A document cut at its panels. The pieces joined, with a skeleton or a fragment in each slot, are the document."""

    head: tuple[bytes, ...]
    """Up to the filters, whose choices may still have to be looked up."""
    head_streamed: tuple[bytes, ...]
    """The same with the script that puts late panels in place where browsers do not."""
    head_refreshing: tuple[bytes, ...]
    """And for a browser that may have neither script nor `<template for>`: without script it goes on to the in-order page."""
    body: bytes
    """From the filters to the first slot."""
    names: tuple[str, ...]
    skeletons: tuple[bytes, ...]
    follows: tuple[bytes, ...]
    """What stands after each slot; after the first row the parser waits for a script, and what is there is painted meanwhile."""
    follows_early: tuple[bytes, ...]
    """The same without that pause, for a page whose first row is not there yet."""
    pause: bytes
    """Where such a page waits instead: between its filters and its skeletons. Empty on a page of one row."""
    close: bytes


class Whole(msgspec.Struct, frozen=True):
    """An answer that is all there."""

    body: bytes
    etag: bytes


class PagePlan:
    """See the module."""

    def __init__(
        self,
        *,
        site: Site,
        page: Page,
        rights: Rights,
        choice: Choice,
        ctx: RenderContext,
        slots: tuple[Slot, ...],
        cut: Cut,
        watermark: str,
    ) -> None:
        self.site = site
        self.page = page
        self.rights = rights
        self.choice = choice
        self.ctx = ctx
        self.slots = slots
        self.cut = cut
        self.watermark = watermark
        self.filters: bytes | None = None
        """The filter bar with its choices, once they are known."""
        self.counted_at = float("-inf")
        self._wholes: dict[bool, tuple[list[bytes | None], int, Whole]] = {}

    @property
    def url(self) -> str:
        """This page with these parameters."""
        return f"/{self.site.app.name}/{self.page.name}{to_query(self.choice.parameters, lang=self.choice.lang)}"

    def remembered(self, served: Sequence[Served], minute: int, zstd: bool) -> Whole | None:
        """The answer made before, if it was made of exactly these payloads within this minute."""
        known = self._wholes.get(zstd)
        if known is None or known[1] != minute or any(one.payload is not payload for one, payload in zip(served, known[0], strict=True)):
            return None
        return known[2]

    def remember(self, served: Sequence[Served], minute: int, zstd: bool, body: bytes) -> Whole:
        """Keep an answer for as long as its parts stay the same."""
        whole = Whole(body, f'"{xxhash.xxh3_128_hexdigest(body)}"'.encode())
        self._wholes[zstd] = ([one.payload for one in served], minute, whole)
        return whole


class Notes:
    """State notes as frames: few distinct ones, shown often."""

    def __init__(self, services: UiServices) -> None:
        self._draw = services.drawing.state_note
        self._clock = services.clock
        self._frames: Recent[tuple[str, int, int, str], bytes] = Recent(NOTES_MAX)

    def minute(self) -> int:
        """The minute at which notes drawn now tell the age."""
        return int(self._clock.time() // NOTE_SECONDS)

    def frame(self, served: Served, ctx: RenderContext) -> bytes:
        """The note that tells how old `served` is."""
        minute = self.minute()
        key = (served.rung, int(served.made_at), minute, ctx.locale)
        now = max(served.made_at, float(minute * NOTE_SECONDS))
        return self._frames.get(key) or self._frames.put(
            key, frame(str(self._draw(served.rung, served.made_at, msgspec.structs.replace(ctx, now=now))))
        )


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


def nav_of(rights: Rights, ctx: RenderContext, current: str, lang: str, *, mine: bool) -> list[NavLink]:
    """The pages in the banner; `mine`: the asker's own among them."""
    links = to_query({"lang": [lang]} if lang else {})
    nav = [NavLink(f"/{ctx.app}/{name}{links}", page.title.in_locale(ctx.locale), name == current) for name, page in rights.pages.items()]
    return [*nav, NavLink(f"/{ctx.app}/mine{links}", ctx.messages["mine"], current == "mine")] if mine else nav


def kept_cookie(app: str) -> str:
    """The cookie of those who have a page of their own. It changes what the banner offers, never what may be seen."""
    return f"seawall_mine_{app}"


def generation_of(site: Site) -> Generation | None:
    """The current generation; without one, panels explain that there is no data yet."""
    try:
        return site.generation()
    except Unavailable:
        return None


def mark_of(generation: Generation | None) -> tuple[str, date | None]:
    """A generation's name and date."""
    return (generation.id, generation.as_of) if generation is not None else (NO_WATERMARK, None)


def watermark_of(site: Site) -> tuple[str, date | None]:
    """The current generation's name and date. What is kept under that name is made by `site.reading(generation)`."""
    return mark_of(generation_of(site))


def _is_kept(named: Parameters, choice: Choice) -> bool:
    """Whether the last good answer is worth keeping: for first pages under few filters. The rest could be any number."""
    return not choice.after and sum(len(values) for name, values in named if name in choice.parameters) <= KEPT_VALUES_MAX


def whole_choice(choice: Choice) -> Parameters:
    """Everything a link to the next rows must keep."""
    after = {name + AFTER_SUFFIX: [cursor] for name, cursor in choice.after.items()}
    lang = {"lang": [choice.lang]} if choice.lang else {}
    return parameters_of(choice.parameters | after | lang)


def cursor_subject(app: App, panel: Panel, choice: Choice, rights: Rights) -> str:
    """What a cursor is good for: this panel, these filters, these rights."""
    touching = [(name, values) for name, values in choice.parameters.items() if name in panel.filters]
    return msgspec.json.encode([app.name, panel.digest, touching, rights.fingerprints[panel.name]]).decode()


def cut_at_panels(opened: str, others: tuple[str, str], closed: str, style: bytes, pause: str) -> Cut:
    """Cut a drawn document at its style sheet (the frame `style`), its filters and each `<?start name="panel">skeleton<?end>`.

    Of the `others`, streamed and refreshing, only the heads are different.
    """
    head, _, rest = opened.partition(FILTERS_MARK)
    pieces = _RANGE.split(rest)  # text, name, skeleton, text, name, skeleton, …, text
    names = tuple(pieces[1::3])
    return Cut(
        head=_styled(head, style),
        head_streamed=_styled(others[0].partition(FILTERS_MARK)[0], style),
        head_refreshing=_styled(others[1].partition(FILTERS_MARK)[0], style),
        body=frame(pieces[0]),
        names=names,
        skeletons=tuple(frame(f'<?start name="{name}">{skeleton}<?end>') for name, skeleton in zip(names, pieces[2::3], strict=True)),
        follows=tuple(frame(text.replace(FIRST_ROW_MARK, pause)) for text in pieces[3::3]),
        follows_early=tuple(frame(text.replace(FIRST_ROW_MARK, "")) for text in pieces[3::3]),
        pause=frame(pause if FIRST_ROW_MARK in rest else ""),
        close=frame(closed),
    )


def _styled(head: str, style: bytes) -> tuple[bytes, ...]:
    """The head in frames; all plans share the one of the style sheet."""
    before, _, after = head.partition(STYLE_MARK)
    return frame(before), style, frame(after)
