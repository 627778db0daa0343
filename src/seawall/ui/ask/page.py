"""`GET /{app}/ask`: a text is understood, a question in parameters is answered as it stands, and the page arrives in that order.

The banner goes out at once. When understanding takes longer than a moment, a line says so and a template brings the sentence; then
comes the answer, in place when it is at hand, else as a template for its panel's skeleton. In order (`?inorder=1`) nothing is sent
before its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import msgspec
from starlette.requests import Request

from seawall.app.model import Filter, Page, Scalar, Text
from seawall.ask.cascade import Asking, Outcome
from seawall.ask.question import Question
from seawall.ask.said_period import period_said
from seawall.ask.sentence import sentence
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded, NotFound, SeawallError
from seawall.query.ladder import Served
from seawall.telemetry.events import event
from seawall.ui.ask.answers import Answers, Slot, title_of
from seawall.ui.ask.asked import PARTS, TEXT_MAX, Asked, asked_of, is_in_parts, joined, last, query_of, question_of, with_condition
from seawall.ui.ask.marks import marks_of
from seawall.ui.ask.offers import OfferedOf, examples, offers
from seawall.ui.ask.shell import Shells
from seawall.ui.ask.vocabulary import Offered
from seawall.ui.ask.worded import Odd, Read, Worded, odd_of, worded
from seawall.ui.auth import token_of
from seawall.ui.charts.text import esc
from seawall.ui.frames import frame, join
from seawall.ui.headers import Headers
from seawall.ui.messages import FALLBACK, Messages, messages
from seawall.ui.negotiate import accepts_zstd, fills_templates, locale_of
from seawall.ui.page import watermark_of
from seawall.ui.params import Values, read, to_query
from seawall.ui.problems import HTML
from seawall.ui.reception import Reception, raw_headers
from seawall.ui.render import ask as draw
from seawall.ui.render.chips import Editor, period_suggestions, suggestions
from seawall.ui.render.context import RenderContext
from seawall.ui.render.page import PANEL_CLOSE, ROW_CLOSE, panel_open, row_open
from seawall.ui.render.states import skeleton
from seawall.ui.replies import Reply
from seawall.ui.rights import Rights
from seawall.ui.wiring import Site, UiServices

ZSTD = (b"content-encoding", b"zstd")
MOMENT_SECONDS = 0.15
"""Understanding that takes longer is announced."""
ANSWER_SECONDS_MIN = 0.9
"""What a page's answer is given at the least, however long understanding took."""
SUGGESTED_MAX = 200
SUGGESTED_SECONDS = 0.3
MARKER = "understood"
EDITED = "edited"
"""The tier of a question whose parts somebody changed."""
TEMPLATE_END = frame("</template>")


class Visit(msgspec.Struct, frozen=True):
    """One request for the page."""

    site: Site
    rights: Rights
    asked: Asked
    ctx: RenderContext
    offered: Offered
    deadline: Deadline
    token: str
    query: str
    """The query string as it came, to come back to."""
    fault: SeawallError | None = None
    """Why the parameters say nothing."""
    odd: Odd | None = None
    """What a form sent as a period that is none."""


class Known(msgspec.Struct, frozen=True):
    """What became of the question."""

    heard: draw.Heard
    question: Question | None = None
    refusal: str = ""
    links: tuple[draw.Link, ...] = ()
    judged: bool = True
    """Whether somebody could say that this is right or wrong; not so when nothing was understood because something is away."""


class AskPage:
    """Makes the page."""

    def __init__(self, services: UiServices, reception: Reception) -> None:
        self._services = services
        self._reception = reception
        self._answers = Answers(services)
        self._offered = OfferedOf()
        self._shells = Shells(services)
        self._plain: Headers = services.headers.of("page", HTML)

    async def page(self, request: Request) -> Reply:
        """The page, or for a chip's form the way to the address that says the same."""
        site, rights = self._reception.site(request)
        if site.ask is None:
            raise NotFound("Nothing can be asked here")
        values = read(request.scope["query_string"])
        short = worded(values, self._reader(request, site, values))
        if is_in_parts(values):
            return self._reception.redirect(await self._joined(site, rights, short or Worded(values), self._deadline(request)))
        if short is not None:
            return self._reception.redirect(f"/{site.app.name}/ask{to_query(short.values, **short.told)}")
        visit = self._visit(request, site, rights, values)
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
        visit = self._visit(request, site, rights, {name: given for name, given in values.items() if name != "panels"})
        zstd = accepts_zstd(request.headers.get("accept-encoding", ""))
        known = await self._known(visit)
        frames: list[bytes] = []
        if known.question is not None:
            slot = self._slot(visit, known.question)
            if isinstance(slot, Slot):
                frames = self._template(slot, await self._answers.served(slot, visit.deadline))
        said = esc(visit.ctx.messages.count("panels.updated", len(frames) and 1))
        frames.append(frame(f'<template for="status">{said}</template>'))
        return Reply(200, list(self._plain) + ([ZSTD] if zstd else []), join(frames, zstd=zstd))

    # ── what was asked ──

    def _deadline(self, request: Request) -> Deadline:
        return self._reception.deadline(raw_headers(request.scope))

    def _visit(self, request: Request, site: Site, rights: Rights, values: Values) -> Visit:
        fault: SeawallError | None = None
        try:
            asked = asked_of(site.app, rights.policy, values)
        except SeawallError as error:
            fault, asked = error, Asked(lang=(values.get("lang") or [""])[-1][:35], inorder="inorder" in values)
        locale = locale_of(asked.lang, request.headers.get("accept-language", ""), site.app.locales)
        sticky = {"lang": [asked.lang]} if asked.lang else {}
        kept = {name: given for name, given in values.items() if name not in ("lang", "inorder", "said")}
        _, as_of = watermark_of(site)
        ctx = RenderContext(site.app.name, "ask", locale, as_of, {**kept, **sticky}, self._services.clock.time())
        return Visit(
            site=site, rights=rights, asked=asked, ctx=ctx, offered=self._offered(site, rights), deadline=self._deadline(request),
            token=token_of(request, secure=self._services.secure), query=to_query({**kept, **sticky}).removeprefix("?"), fault=fault,
            odd=odd_of(values),
        )  # fmt: skip

    def _reader(self, request: Request, site: Site, values: Values) -> Read:
        """What reads a period, counting back from the data's date."""
        _, as_of = watermark_of(site)
        locale = locale_of(last(values, "lang"), request.headers.get("accept-language", ""), site.app.locales)
        return lambda text: period_said(text, locale, as_of)

    async def _joined(self, site: Site, rights: Rights, sent: Worded, deadline: Deadline) -> str:
        """The address that says what a chip's form said. A value written in other letters is the one that the data has."""
        values = sent.values
        try:
            rest, made = joined(site.app, rights.policy, values)
            if made is not None:
                made = await self._spelled(site, rights, made, deadline)
            question = question_of(site.app, rights.policy, rest)
        except SeawallError:
            return f"/{site.app.name}/ask{to_query({name: given for name, given in values.items() if name not in PARTS})}"
        if made is not None:
            question = with_condition(question, made, values)
        return f"/{site.app.name}/ask?{query_of(question, of=last(values, 'of')[:TEXT_MAX], lang=last(values, 'lang')[:35], **sent.told)}"

    async def _spelled(self, site: Site, rights: Rights, made: Filter, deadline: Deadline) -> Filter:
        if made.op not in ("eq", "ne", "in", "not_in") or site.app.semantics.field(made.field).datatype != "String":
            return made
        known = {str(one).casefold(): one for one in await self._values(site, rights, made.field, deadline)}
        return msgspec.structs.replace(made, values=tuple(known.get(str(one).casefold(), one) for one in made.values))

    async def _values(self, site: Site, rights: Rights, ref: str, deadline: Deadline) -> Sequence[Scalar]:
        """What a field holds, as far as the asker may see it; nothing when that cannot be had soon."""
        limit = Deadline.after(min(SUGGESTED_SECONDS, max(deadline.remaining(), 0.05)), deadline.clock)
        try:
            return await site.questions.options(ref, rights.policy, deadline=limit, limit=SUGGESTED_MAX)
        except SeawallError:
            return ()

    # ── what became of it ──

    async def _known(self, visit: Visit) -> Known:
        """The question, or why there is none."""
        asked, words = visit.asked, visit.ctx.messages
        if visit.fault is not None:
            heard = draw.Heard(words["ask.title"], why=_particular(visit.fault, words))
            return Known(heard, refusal=visit.fault.slug, links=self._examples(visit))
        if asked.text:
            try:
                outcome = await self._understood(visit)
            except SeawallError as error:
                event("ask.failed", app=visit.site.app.name, reason=error.slug)
                return Known(
                    draw.Heard(asked.text, why=words[_fault(error)]), refusal=error.slug, links=(self._again(visit),), judged=False
                )
            return self._of(visit, outcome)
        if asked.question is None:
            return Known(draw.Heard(words["ask.title"]), links=self._examples(visit))
        title = title_of(asked.question, visit.site.app, visit.ctx.locale)
        return Known(draw.Heard(title, said=asked.said), asked.question)

    async def _understood(self, visit: Visit) -> Outcome:
        asked, cascade = visit.asked, visit.site.ask
        if cascade is None:
            raise NotFound("Nothing can be asked here")
        asking = Asking(text=asked.text, locale=visit.ctx.locale, policy=visit.rights.policy, token=visit.token, before=asked.before)
        return await cascade.understand(asking, deadline=visit.deadline)

    def _of(self, visit: Visit, outcome: Outcome) -> Known:
        asked, app, locale = visit.asked, visit.site.app, visit.ctx.locale
        before = asked.before
        heard = draw.Heard(
            title=asked.text,
            spans=marks_of(outcome.reading) if outcome.question is None or outcome.tier == "small" else (),
            after=sentence(before, app, locale) if before else "",
            after_href=f"/{app.name}/ask?{query_of(before, lang=asked.lang)}" if before else "",
            tier=outcome.tier,
            model=outcome.model,
            confidence=outcome.confidence,
            said=asked.said,
        )
        if outcome.question is not None:
            return Known(heard, outcome.question)
        why = outcome.reading.why or visit.ctx.messages["ask.unsure"]
        links = offers(visit.offered, outcome.reading, locale, lang=asked.lang)
        return Known(msgspec.structs.replace(heard, why=why), refusal=outcome.refusal, links=links)

    def _examples(self, visit: Visit) -> tuple[draw.Link, ...]:
        return examples(visit.offered, visit.ctx.locale, lang=visit.asked.lang)

    def _again(self, visit: Visit) -> draw.Link:
        return draw.Link(f"/{visit.ctx.app}/ask?{visit.query}", visit.ctx.messages["retry"])

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
        knowing = asyncio.ensure_future(self._known(visit))
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
            refusal = known if slot is None or isinstance(slot, Slot) else self._unaskable(visit, known, slot)
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

    def _unaskable(self, visit: Visit, known: Known, error: SeawallError) -> Known:
        why = visit.ctx.messages[_fault(error)] if error.status >= 500 else _particular(error, visit.ctx.messages)
        links = [draw.Link(f"/{visit.ctx.app}/ask?{visit.query}", visit.ctx.messages["retry"])] if error.status >= 500 else []
        heard = msgspec.structs.replace(known.heard, why=why, tier="")
        return Known(heard, refusal=error.slug, links=(*links, *self._examples(visit)), judged=error.status < 500)

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
        found = await asyncio.gather(*(self._values(visit.site, visit.rights, ref, self._answering(visit)) for ref in texts))
        lists = [suggestions(ref, values) for ref, values in zip(texts, found, strict=True)]
        return [frame("".join([*lists, period_suggestions(visit.ctx)]))]


def _particular(error: SeawallError, words: Messages) -> str:
    """What is wrong with the address: in English what exactly, in other languages what kind of thing."""
    key = f"problem.{error.slug}"
    return error.sentence() if words.locale == FALLBACK or key not in words else words[key]


def _fault(error: SeawallError) -> str:
    """The words for why nothing could be understood."""
    return "ask.late" if isinstance(error, DeadlineExceeded) else "failed.unavailable"
