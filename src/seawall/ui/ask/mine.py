"""`GET /{app}/mine`: the answers somebody keeps, as panels on one page, each made anew from the current data under their rights of today.

What is kept are questions, so nothing on the page is older than its state note says, and nobody sees more than they may see now. The
banner names the page for those whose browser remembers that there is one; looking at it sets that right.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request

from seawall.app.model import Page, Text
from seawall.core.deadline import Deadline
from seawall.core.errors import NotFound, SeawallError, Unavailable
from seawall.query.ladder import Served
from seawall.telemetry.events import event
from seawall.ui.ask.answers import Answers, Slot
from seawall.ui.ask.asked import last, question_of
from seawall.ui.ask.forms import cookie_of
from seawall.ui.ask.shell import Shells
from seawall.ui.ask.stores import Kept, KeptAnswers
from seawall.ui.carriers import raw_headers
from seawall.ui.charts.text import esc
from seawall.ui.frames import frame, join
from seawall.ui.negotiate import accepts_zstd, fills_templates, locale_of
from seawall.ui.params import Values, read, to_query
from seawall.ui.problems import HTML
from seawall.ui.reception import Reception
from seawall.ui.render import mine as draw
from seawall.ui.render.context import RenderContext
from seawall.ui.render.page import PANEL_CLOSE, ROW_CLOSE, panel_open, row_open
from seawall.ui.render.states import skeleton
from seawall.ui.replies import Reply
from seawall.ui.rights import Rights
from seawall.ui.wiring import Site, UiServices, watermark_of

ZSTD = (b"content-encoding", b"zstd")
IN_A_ROW = 2


class Place(msgspec.Struct, frozen=True):
    """A kept answer and where it stands; no slot: it cannot be asked any more."""

    kept: Kept
    slot: Slot | None


class MinePage:
    """Makes the page."""

    def __init__(self, services: UiServices, reception: Reception) -> None:
        self._services = services
        self._reception = reception
        self._answers = Answers(services)
        self._shells = Shells(services)

    async def page(self, request: Request) -> Reply:
        """The page, streamed panel by panel. Unavailable when Postgres is away: there is nothing to show then."""
        site, rights, kept = self._site(request)
        values = read(request.scope["query_string"])
        found = await kept.of(site.app.name, self._reception.principal(request))
        zstd = accepts_zstd(request.headers.get("accept-encoding", ""))
        headers = self._services.headers.of("page", HTML, *([ZSTD] if zstd else []))
        if bool(found) != self._shells.has_kept(request):
            headers.append((b"set-cookie", cookie_of(site.app.name, secure=self._services.secure, gone=not found)))
        if request.method == "HEAD":
            return Reply(200, headers, None)
        lang = last(values, "lang")[:35]
        ctx = self._ctx(request, site, lang)
        places = [self._place(site, rights, one, ctx.locale, lang) for one in found]
        in_order = last(values, "inorder") == "1"
        native = in_order or fills_templates(request.headers.get("user-agent", ""))
        refresh = "" if native else f"/{site.app.name}/mine{to_query({'lang': [lang]} if lang else {}, inorder='1')}"
        page = Page("mine", Text({ctx.locale: ctx.messages["mine"]}), {}, (), description=Text({ctx.locale: ctx.messages["mine.lead"]}))
        head = self._shells.head(
            site, rights, page, ctx, lang=lang, mine=bool(found), in_order_url=refresh, fills=native or in_order, bare=False
        )
        deadline = self._reception.deadline(raw_headers(request.scope))
        opened = [*head, frame(draw.said(last(values, "said"), ctx) + ("" if found else draw.none_kept(ctx)))]
        return Reply(200, headers, self._body(opened, places, ctx, lang, deadline, zstd=zstd, in_order=in_order))

    async def fragments(self, request: Request) -> Reply:
        """Some of the panels alone, when they are tried again."""
        site, rights, kept = self._site(request)
        values = read(request.scope["query_string"])
        lang, wanted = last(values, "lang")[:35], set(last(values, "panels").split(","))
        ctx = self._ctx(request, site, lang)
        found = await kept.of(site.app.name, self._reception.principal(request))
        places = [self._place(site, rights, one, ctx.locale, lang) for one in found]
        slots = [one.slot for one in places if one.slot is not None and one.slot.panel.name in wanted]
        deadline = self._reception.deadline(raw_headers(request.scope))
        frames: list[bytes] = []
        for slot, served in zip(slots, await asyncio.gather(*(self._answers.served(slot, deadline) for slot in slots)), strict=True):
            frames += self._template(slot, served)
        frames.append(frame(f'<template for="status">{esc(ctx.messages.count("panels.updated", len(slots)))}</template>'))
        zstd = accepts_zstd(request.headers.get("accept-encoding", ""))
        return Reply(200, self._services.headers.of("page", HTML, *([ZSTD] if zstd else [])), join(frames, zstd=zstd))

    def _site(self, request: Request) -> tuple[Site, Rights, KeptAnswers]:
        site, rights = self._reception.site(request)
        if self._services.kept is None or site.ask is None:
            raise NotFound("No answers are kept here")
        return site, rights, self._services.kept

    def _ctx(self, request: Request, site: Site, lang: str) -> RenderContext:
        locale = locale_of(lang, request.headers.get("accept-language", ""), site.app.locales)
        named: Values = {"lang": [lang]} if lang else {}
        return RenderContext(site.app.name, "mine", locale, watermark_of(site)[1], named, self._services.clock.time())

    def _place(self, site: Site, rights: Rights, kept: Kept, locale: str, lang: str) -> Place:
        try:
            question = question_of(site.app, rights.policy, draw.values_of(kept.params))
            here = f"/{site.app.name}/mine"
            return Place(kept, self._answers.slot(site, rights, question, locale, title=kept.title, lang=lang, here=here))
        except Unavailable:
            raise
        except SeawallError as error:
            event("kept.unanswerable", app=site.app.name, reason=error.slug)
            return Place(kept, None)

    async def _body(
        self, opened: list[bytes], places: list[Place], ctx: RenderContext, lang: str, deadline: Deadline, *, zstd: bool, in_order: bool
    ) -> AsyncIterator[bytes]:
        tasks = {place.kept.id: self._start(place.slot, deadline) for place in places if place.slot is not None}
        frames, late = opened, []
        try:
            for at, place in enumerate(places):
                frames.append(frame(_before(place, at)))
                task = tasks.get(place.kept.id)
                if place.slot is None or task is None:
                    frames.append(frame(draw.missing(place.kept, ctx)))
                elif in_order or task.done():
                    yield join(frames, zstd=zstd)
                    frames = [*self._answers.frames(place.slot, await task)]
                else:
                    frames.append(frame(f'<?start name="{place.slot.panel.name}">{skeleton(place.slot.panel, place.slot.ctx)}<?end>'))
                    late.append((place.slot, task))
                change = draw.changing(place.kept, ctx, first=at == 0, last=at == len(places) - 1, lang=lang)
                frames.append(frame(change + PANEL_CLOSE + _after(at, len(places))))
            yield join(frames, zstd=zstd)
            for waiting in asyncio.as_completed([self._landed(slot, task) for slot, task in late]):
                yield join(await waiting, zstd=zstd)
        finally:
            for task in tasks.values():
                task.cancel()
        yield join([self._shells.close], zstd=zstd)

    def _start(self, slot: Slot, deadline: Deadline) -> asyncio.Future[Served]:
        """The answer, at once when it is at hand."""
        served = self._answers.peek(slot)
        if served is None:
            return asyncio.ensure_future(self._answers.served(slot, deadline))
        done: asyncio.Future[Served] = asyncio.get_running_loop().create_future()
        done.set_result(served)
        return done

    async def _landed(self, slot: Slot, task: asyncio.Future[Served]) -> list[bytes]:
        return self._template(slot, await task)

    def _template(self, slot: Slot, served: Served) -> list[bytes]:
        return [frame(f'<template for="{slot.panel.name}">'), *self._answers.frames(slot, served), frame("</template>")]


def _before(place: Place, at: int) -> str:
    row = row_open(IN_A_ROW) if at % IN_A_ROW == 0 else ""
    if place.slot is not None:
        return row + panel_open(place.slot.panel)
    return f'{row}<section class="panel" aria-labelledby="h-kept-{place.kept.id}">'


def _after(at: int, count: int) -> str:
    return ROW_CLOSE if at % IN_A_ROW == IN_A_ROW - 1 or at == count - 1 else ""
