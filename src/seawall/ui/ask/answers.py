"""Answers as panels: drawn by the ordinary renderer, kept by the ladder, so that whoever asks the same under equal rights shares one.

An answer is named by the question's canonical form, how it is to be shown, its title, the rights, the locale and the watermark. Nothing
here raises because a query failed: the ladder gives a lower rung, and the last rung is a sentence.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec
import pyarrow as pa

from seawall.app.model import FRESH_SECONDS, App, Chart, Layer, MetricQuery, Outage, Panel, Text
from seawall.ask.answer import GROUPS_MAX, Answered, answered, compared_query, in_words, shown
from seawall.ask.answer_chart import panel_of
from seawall.ask.params import to_params
from seawall.ask.question import Question
from seawall.ask.rows import Rows
from seawall.ask.sentence import chips, subject
from seawall.core.deadline import Deadline
from seawall.core.digest import digest
from seawall.query.cache import CacheKey
from seawall.query.compile_query import engine_of
from seawall.query.errors import InvalidQuery
from seawall.query.first_period import whole_from
from seawall.query.ladder import Served
from seawall.query.periods import latest_period
from seawall.query.port import Column
from seawall.telemetry.events import event
from seawall.telemetry.spans import span
from seawall.ui.asked_days import asked_days
from seawall.ui.charts.data import PanelData
from seawall.ui.fragments import decode, encode, fragment_of
from seawall.ui.frames import frame
from seawall.ui.notes import Notes
from seawall.ui.render.ask import unanswerable
from seawall.ui.render.context import RenderContext
from seawall.ui.render.states import skeleton
from seawall.ui.rights import Rights
from seawall.ui.wiring import Site, UiServices, generation_of, mark_of

FORM = "answer-3"
BAR_PX = 40
"""Room of a bar that lies on its side."""
OUTAGE = Outage(summary=False)
BELOW = frozenset({"summary", "explanation"})


class AnswerContext(RenderContext, frozen=True):
    """Where an answer stands: its data is at `/{app}/api/ask` under its parameters."""

    def panel_url(self, panel: str, format: str) -> str:
        """The data of the question that the parameters say."""
        return f"/{self.app}/api/ask?{self.query}&format={format}"


class Slot(msgspec.Struct, frozen=True):
    """A question's place on a page."""

    site: Site
    rights: Rights
    question: Question
    panel: Panel
    """As far as it can be told before there are rows: for its skeleton, and for what is said when there are none."""
    key: CacheKey
    ctx: AnswerContext
    here: str
    """The address of the page, for trying again."""
    is_named: bool = False
    """Whether somebody gave it a title of their own."""


class Answers:
    """Makes slots and fills them."""

    def __init__(self, services: UiServices) -> None:
        self._services = services
        self._draw = services.drawing
        self._ladder = services.ladder
        self._notes = Notes(services)

    def slot(self, site: Site, rights: Rights, question: Question, locale: str, *, title: str = "", lang: str = "", here: str = "") -> Slot:
        """The place of an answer. InvalidQuery, NotFound or InvalidInput for what cannot be asked; NoGeneration before there is data."""
        generation = generation_of(site)
        watermark, as_of = mark_of(generation)
        site = site.reading(generation)
        named: dict[str, list[str]] = {"lang": [lang]} if lang else {}
        for name, value in to_params(question):
            named.setdefault(name, []).append(value)
        ctx = AnswerContext(site.app.name, "ask", locale, as_of, named, self._services.clock.time(), "some")
        words = Text({locale: title or title_of(question, site.app, locale)})
        subject_ = digest((FORM, site.bundle.digest, question.canonical(), question.show, words, lang, self._services.version))
        panel = _expected(site, rights, question, words)
        is_named = words != Text({locale: title_of(question, site.app, locale)})
        name = "a" + subject_[:12]
        key = CacheKey(f"answer:{subject_}", (), rights.fingerprint, locale, watermark, is_kept=False)
        panel = dressed(msgspec.structs.replace(panel, name=name), question, site.app, is_named=is_named)
        return Slot(site, rights, question, panel, key, ctx, here, is_named)

    def peek(self, slot: Slot) -> Served | None:
        """The answer, when this process's memory holds it."""
        return self._ladder.peek(slot.key)

    async def served(self, slot: Slot, deadline: Deadline) -> Served:
        """The answer, or why there is none."""

        async def produce(limit: Deadline) -> bytes:
            return await self._payload(slot, limit)

        fresh_for = FRESH_SECONDS[engine_of(slot.site.app, shown(slot.question))]
        served = await self._ladder.serve(slot.key, produce, outage=OUTAGE, fresh_for=fresh_for, deadline=deadline)
        if served.rung in BELOW:
            event("panel.degraded", app=slot.site.app.name, panel="ask", rung=served.rung, reason=served.reason)
        return served

    def skeleton(self, slot: Slot) -> str:
        """What stands there until the answer comes."""
        return str(skeleton(slot.panel, slot.ctx))

    def frames(self, slot: Slot, served: Served) -> tuple[bytes, ...]:
        """A served fragment with its state note, or the sentence that says why there is none."""
        if served.payload is not None:
            try:
                fragment = decode(served.payload)
            except msgspec.DecodeError:
                event("fragment.unreadable", panel="ask")
            else:
                return fragment.before, self._notes.frame(served, slot.ctx), fragment.after
        return (frame(str(self._draw.explanation(slot.panel, served.reason or "error", slot.ctx, slot.here))),)

    async def _payload(self, slot: Slot, limit: Deadline) -> bytes:
        try:
            made = await answered(slot.site.questions, slot.rights.policy, slot.question, slot.panel.title, deadline=limit)
        except InvalidQuery as error:
            return encode(fragment_of(str(unanswerable(slot.panel, _reason(error), slot.ctx))))
        whole = await whole_from(slot.site.questions, shown(slot.question), slot.rights.policy, made.rows.table, deadline=limit)
        with span("panel.render", "ui", panel="ask"):
            return encode(fragment_of(self._drawn(slot, made, whole)))

    def _drawn(self, slot: Slot, made: Answered, whole: date | None) -> str:
        panel = msgspec.structs.replace(made.panel, name=slot.panel.name, chart=_fitted(made))
        panel = dressed(panel, slot.question, slot.site.app, is_named=slot.is_named)
        if made.compared_from is not None:
            key = "note.compared_begun_partly" if made.compared_partly else "note.compared_begun"
            told = slot.ctx.messages.text(key, date=slot.ctx.formatter.date(made.compared_from, "yMMMd"))
            description = Text({slot.ctx.locale: f"{panel.description.in_locale(slot.ctx.locale)} {told}".strip()})
            panel = msgspec.structs.replace(panel, description=description)
        asked = asked_days(slot.site.app, shown(slot.question), made.as_of)
        ctx = msgspec.structs.replace(slot.ctx, as_of=made.as_of, whole_from=whole, asked=asked)
        comparison = PanelData(made.comparison.columns, made.comparison.table) if made.comparison else None
        latest = latest_period(slot.site.app, shown(slot.question), made.as_of)
        rows = in_words(made.rows, slot.question, ctx.locale)
        data = PanelData(rows.columns, rows.table)
        return str(self._draw.panel_fragment(panel, data, ctx, comparison=comparison, latest=latest))


def title_of(question: Question, app: App, locale: str) -> str:
    """What is measured, and by what."""
    by = [one.text for one in chips(question, app, locale) if one.name == "by"]
    return " ".join([subject(question, app, locale), *by])


def dressed(panel: Panel, question: Question, app: App, *, is_named: bool) -> Panel:
    """The panel with the definition of what it measures and the finding that its form carries; one that somebody named keeps its name.

    Groups that are compared with another time stand in a table, where both numbers and the change are read side by side.
    """
    metric = app.semantics.metrics.get(question.metrics[0]) if len(question.metrics) == 1 else None
    if question.compare and question.show == "auto" and panel.chart.layers[0].mark == "bar" and question.by:
        panel = msgspec.structs.replace(panel, chart=Chart((Layer("table"),)))
    return msgspec.structs.replace(
        panel, description=metric.description if metric else Text({}), finding="" if is_named else _finding(panel, question)
    )


def _finding(panel: Panel, question: Question) -> Literal["", "latest_change", "peak"]:
    marks = {layer.mark for layer in panel.chart.layers}
    if len(question.metrics) != 1 or question.compare or len(question.by) != 1 or not marks & {"line", "bar"}:
        return ""
    if question.by[0].grain:
        return "latest_change"
    return "" if any(not one.descending for one in question.order) else "peak"


def _fitted(made: Answered) -> Chart:
    """The chart, no higher than its few bars need."""
    chart, rows = made.panel.chart, made.rows.table.num_rows
    sideways = isinstance(made.panel.query, MetricQuery) and made.panel.query.by and made.panel.query.by[0].grain is None
    if not sideways or chart.layers[0].mark != "bar" or "color" in chart.layers[0].encoding or rows * BAR_PX >= chart.height_px:
        return chart
    return msgspec.structs.replace(chart, height_px=max(BAR_PX * 2, BAR_PX * rows))


def _expected(site: Site, rights: Rights, question: Question, title: Text) -> Panel:
    """The panel as it will most likely be. Raises what asking it would raise at once."""
    query = shown(question)
    moment, compiled = site.questions.compile(query, rights.policy)
    if question.compare:
        site.questions.compile(compared_query(site.app, question, query, moment.as_of), rights.policy)
    fields: list[pa.Field] = [pa.field(column.name, pa.null()) for column in compiled.columns]  # type: ignore[type-arg]
    columns: tuple[Column, ...] = compiled.columns
    return panel_of(question, query, Rows(columns, pa.schema(fields).empty_table()), title)


def _reason(error: InvalidQuery) -> str:
    return "too_many" if str(GROUPS_MAX) in error.expected else "query"
