"""`GET /{app}/ask`: a text is understood, a question in parameters is answered as it stands, and the page arrives in that order.

The banner goes out at once. When understanding takes longer than a moment, a line says so and a template brings the sentence; then
comes the answer, in place when it is at hand, else as a template for its panel's skeleton. In order (`?inorder=1`) nothing is sent
before its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request

from seawall.app.model import Page, Text
from seawall.ask.question import Question
from seawall.core.deadline import Deadline
from seawall.core.errors import NotFound, SeawallError
from seawall.query.ladder import Served
from seawall.ui.ask.answers import Answers, Slot
from seawall.ui.ask.asked import query_of
from seawall.ui.ask.edits import address_of, values_of
from seawall.ui.ask.known import Known, known_of, unaskable
from seawall.ui.ask.shell import Shells
from seawall.ui.ask.visit import Visit, Visits
from seawall.ui.charts.text import esc
from seawall.ui.frames import frame, join
from seawall.ui.headers import Headers
from seawall.ui.messages import messages
from seawall.ui.negotiate import accepts_zstd, fills_templates
from seawall.ui.params import read
from seawall.ui.problems import HTML
from seawall.ui.reception import Reception
from seawall.ui.render import ask as draw
from seawall.ui.render.chip_editor import Editor
from seawall.ui.render.chip_lists import period_suggestions, suggestions
from seawall.ui.render.page import PANEL_CLOSE, ROW_CLOSE, panel_open, row_open
from seawall.ui.render.states import skeleton
from seawall.ui.replies import Reply
from seawall.ui.wiring import UiServices

ZSTD = (b"content-encoding", b"zstd")
MOMENT_SECONDS = 0.15
"""Understanding that takes longer is announced."""
ANSWER_SECONDS_MIN = 0.9
"""What a page's answer is given at the least, however long understanding took."""
MARKER = "understood"
EDITED = "edited"
"""The tier of a question whose parts somebody changed."""
TEMPLATE_END = frame("</template>")


class AskPage:
    """Makes the page."""

    def __init__(self, services: UiServices, reception: Reception) -> None:
        self._services = services
        self._reception = reception
        self._answers = Answers(services)
        self._visits = Visits(services, reception)
        self._shells = Shells(services)
        self._plain: Headers = services.headers.of("page", HTML)

    async def page(self, request: Request) -> Reply:
        """The page, or for a chip's form the way to the address that says the same."""
        site, rights = self._reception.site(request)
        if site.ask is None:
            raise NotFound("Nothing can be asked here")
        values = read(request.scope["query_string"])
        visit = self._visits.of(request, site, rights, values)
        if other := await address_of(site, rights, values, visit.ctx.locale, visit.ctx.as_of, visit.deadline):
            return self._reception.redirect(other)
        zstd = accepts_zstd(request.headers.get("accept-encoding", ""))
        headers = list(self._plain) + ([ZSTD] if zstd else [])
        if request.method == "HEAD":
            return Reply(200, headers, None)
        native = fills_templates(request.headers.get("user-agent", ""))
        return Reply(200, headers, self._body(visit, zstd=zstd, native=native, mine=self._shells.has_kept(request)))

    async def fragments(self, request: Request) -> Reply:
        """The answer alone, for a panel that is tried again."""
        site, rights = self._reception.site(request)
        if site.ask is None:
            raise NotFound("Nothing can be asked here")
        values = read(request.scope["query_string"])
        visit = self._visits.of(request, site, rights, {name: given for name, given in values.items() if name != "panels"})
        zstd = accepts_zstd(request.headers.get("accept-encoding", ""))
        known = await known_of(visit)
        frames: list[bytes] = []
        if known.question is not None:
            slot = self._slot(visit, known.question)
            if isinstance(slot, Slot):
                frames = self._template(slot, await self._answers.served(slot, visit.deadline))
        said = esc(visit.ctx.messages.count("panels.updated", len(frames) and 1))
        frames.append(frame(f'<template for="status">{said}</template>'))
        return Reply(200, list(self._plain) + ([ZSTD] if zstd else []), join(frames, zstd=zstd))

    # ── how it is sent ──

    async def _body(self, visit: Visit, *, zstd: bool, native: bool, mine: bool) -> AsyncIterator[bytes]:
        in_order = visit.asked.inorder
        title = visit.asked.text or messages(visit.ctx.locale)["ask.title"]
        page = Page("ask", Text({visit.ctx.locale: title}), {}, ())
        refresh = "" if native or in_order else f"/{visit.ctx.app}/ask?{visit.query}&inorder=1"
        head = self._shells.head(
            visit.site,
            visit.rights,
            page,
            visit.ctx,
            lang=visit.asked.lang,
            asked=visit.asked.text,
            mine=mine,
            in_order_url=refresh,
            fills=native or in_order,
        )
        knowing = asyncio.ensure_future(known_of(visit))
        try:
            await asyncio.wait({knowing}, timeout=None if in_order else MOMENT_SECONDS)
            apart = not knowing.done()
            if apart:
                yield join([*head, frame(f'<?start name="{MARKER}">{draw.working(title, visit.ctx)}<?end>')], zstd=zstd)
                head = []
            known = await knowing
        finally:
            knowing.cancel()
        async for frames in self._told(visit, known, list(head), apart=apart, in_order=in_order):
            yield join(frames, zstd=zstd)
        yield join([*await self._suggestions(visit, known), self._shells.close], zstd=zstd)

    async def _told(self, visit: Visit, known: Known, frames: list[bytes], *, apart: bool, in_order: bool) -> AsyncIterator[list[bytes]]:
        """The sentence and the answer, or the refusal."""
        opening = [frame(f'<template for="{MARKER}">')] if apart else []
        ending = [TEMPLATE_END] if apart else []
        slot = self._slot(visit, known.question) if known.question is not None else None
        if known.question is None or slot is None or isinstance(slot, SeawallError):
            refusal = known if slot is None or isinstance(slot, Slot) else unaskable(visit, known, slot)
            yield [*frames, *opening, frame(self._refusal(visit, refusal)), *ending]
            return
        of = "" if visit.asked.before else visit.asked.text or visit.asked.of
        editor = Editor(known.question, visit.offered, visit.ctx, visit.asked.lang, of, visit.odd)
        opened = draw.understood(known.heard, editor) + row_open(1) + panel_open(slot.panel)
        title = slot.panel.title.in_locale(visit.ctx.locale)
        opinions_html = draw.opinions(
            self._opinion(visit, known), known.question, title, visit.ctx, keeps=self._services.kept is not None, said=visit.asked.said
        )
        closed, opinions = frame(PANEL_CLOSE + ROW_CLOSE), frame(opinions_html)
        served = self._answers.peek(slot)
        if served is None and in_order:
            served = await self._answers.served(slot, self._answering(visit))
        if served is not None:
            yield [*frames, *opening, frame(opened), *self._answers.frames(slot, served), closed, *ending, opinions]
            return
        waiting = f'<?start name="{slot.panel.name}">{skeleton(slot.panel, slot.ctx)}<?end>'
        yield [*frames, *opening, frame(opened + waiting), closed, *ending]
        yield [*self._template(slot, await self._answers.served(slot, self._answering(visit))), opinions]

    def _template(self, slot: Slot, served: Served) -> list[bytes]:
        return [frame(f'<template for="{slot.panel.name}">'), *self._answers.frames(slot, served), TEMPLATE_END]

    def _answering(self, visit: Visit) -> Deadline:
        return Deadline.after(max(visit.deadline.remaining(), ANSWER_SECONDS_MIN), visit.deadline.clock)

    def _slot(self, visit: Visit, question: Question) -> Slot | SeawallError:
        """The answer's place; or why this cannot be asked, as compiling it tells at once."""
        here = f"/{visit.ctx.app}/ask?{visit.query}"
        try:
            return self._answers.slot(visit.site, visit.rights, question, visit.ctx.locale, lang=visit.asked.lang, here=here)
        except SeawallError as error:
            return error

    def _refusal(self, visit: Visit, known: Known) -> str:
        if not known.heard.why:
            return draw.welcome(visit.offered, known.links, visit.ctx, visit.asked.lang)
        refused = draw.refused(known.heard, known.links, visit.ctx)
        judged = known.judged and bool(visit.asked.text)
        return refused + (
            draw.opinions(self._opinion(visit, known), None, "", visit.ctx, keeps=False, said=visit.asked.said) if judged else ""
        )

    def _opinion(self, visit: Visit, known: Known) -> draw.Opinion:
        before = visit.asked.before
        return draw.Opinion(
            here=visit.query,
            text=visit.asked.text or visit.asked.of,
            before=query_of(before) if before else "",
            params=query_of(known.question) if known.question else "",
            refusal=known.refusal,
            tier=known.heard.tier or (EDITED if visit.asked.of else ""),
        )

    async def _suggestions(self, visit: Visit, known: Known) -> list[bytes]:
        """Lists for the fields of the chips' forms, after everything that people wait for."""
        question = known.question
        if question is None:
            return []
        fields = visit.site.app.semantics
        refs = list(dict.fromkeys(one.field for one in question.where if one.field and one.op != "during"))
        texts = [ref for ref in refs if fields.field(ref).datatype == "String"]
        found = await asyncio.gather(*(values_of(visit.site, visit.rights, ref, self._answering(visit)) for ref in texts))
        lists = [suggestions(ref, values) for ref, values in zip(texts, found, strict=True)]
        return [frame("".join([*lists, period_suggestions(visit.ctx)]))]
