"""The small tier: a text read as a question over one app's vocabulary, or refused with a reason. Deterministic; no model is asked.

What it guarantees: it never raises on any text; a question it gives compiles under the asker's policy; a value in a filter is one the
asker's data holds, or a number or date written in the text; a content word nobody understands refuses the text, it is not passed over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal, Protocol

import msgspec

from seawall.ask.asides import asides, passed_over
from seawall.ask.assembly import assembled
from seawall.ask.confidence import Made, features_of, raw
from seawall.ask.follow_up import follows, refined
from seawall.ask.golden import Refusal
from seawall.ask.language import Language, language_of
from seawall.ask.lexicon import Lexicon, Meaning, Term
from seawall.ask.lexicon_build import build
from seawall.ask.matching import Cut, Matcher, Mended, mended
from seawall.ask.nodes import nodes_of
from seawall.ask.offers import labelled, offers_of
from seawall.ask.question import Question
from seawall.ask.refusals import Unanswerable, sentence
from seawall.ask.scan import Scanner
from seawall.ask.spans import Span, spans_of
from seawall.ask.times import TimeReader
from seawall.ask.tokens import as_written, tokens_of
from seawall.ask.values import held
from seawall.core.deadline import Deadline
from seawall.core.errors import SeawallError
from seawall.query.compile_query import compile_query
from seawall.query.policy import EffectivePolicy
from seawall.query.service import QueryService

__all__ = ["Reader", "Reading", "Similar", "Span", "lexicon_of", "unsure"]
CHARACTERS_MAX = 500
TOKENS_MAX = 120
MARGIN = 3.8
"""Ways to cut a text that are worse than the best by more are not looked at: what the best one cannot mean, they hardly do."""
APART = 5.0
"""Points between readings from which on they do not compete."""
NEAR_MIN, NEAR_APART = 0.6, 0.04
"""How like a word of the app an unknown one must be, and how much more than any other."""
COMPILED_MAX = 3
"""Questions that are tried against the compiler, the best first."""


class Reading(msgspec.Struct, frozen=True):
    """A question, or why there is none."""

    question: Question | None = None
    refusal: Refusal | Literal[""] = ""
    why: str = ""
    """A sentence for whoever asked: what was not understood, and what could be asked instead."""
    confidence: float = 0.0
    """0 to 1; raw: how often readings of this confidence are right is fitted elsewhere."""
    features: dict[str, float] = {}
    spans: tuple[Span, ...] = ()
    offers: tuple[str, ...] = ()
    """Metrics and fields that may have been meant, by their names."""


class Similar(Protocol):
    """Words by meaning, not by letters."""

    async def nearest(self, words: Sequence[str], among: Sequence[str]) -> list[list[tuple[int, float]]]:
        """For each word the places in `among` of what is like it, the likest first, each with its likeness of 0 to 1."""


class _Asked(msgspec.Struct, frozen=True):
    """One text on its way."""

    text: str
    language: Language
    mended: Mended
    as_of: date
    before: Question | None


async def lexicon_of(service: QueryService, policy: EffectivePolicy, deadline: Deadline) -> Lexicon:
    """The lexicon of whoever has these rights: queries for what the data holds, then a third of a second of computing in a thread."""
    found = await held(service, policy, deadline=deadline)
    return await asyncio.to_thread(build, service.app, policy, found)


def unsure(reading: Reading, lexicon: Lexicon, text: str, locale: str) -> Reading:
    """A reading that is not believed: with a sentence that says so, and what it was about as what could be asked."""
    if reading.question is None:
        return reading
    spoken = language_of(tokens_of(text), locale)
    named = [*reading.question.metrics, *(one.field for one in reading.question.by if one.field)]
    offers = offers_of(lexicon, (), named)
    why = sentence(spoken, "unsure", (), labelled(lexicon, offers, spoken), None)
    return msgspec.structs.replace(reading, why=why, offers=offers)


class Reader:
    """Reads texts over one lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon

    async def read(
        self, text: str, *, locale: str, as_of: date | None, before: Question | None = None, similar: Similar | None = None
    ) -> Reading:
        """What `text` asks for, of data that is complete before `as_of`; as a follow-up of `before` when it is one."""
        tokens = tokens_of(text[: CHARACTERS_MAX + 1])
        language = language_of(tokens, locale)
        if len(text.strip()) > CHARACTERS_MAX or len(tokens) > TOKENS_MAX:
            return self._refused(language, "too_long")
        if not any(token.kind != "mark" for token in tokens):
            return self._refused(language, "empty")
        asked = _Asked(text, language, mended(tokens, language, self.lexicon), self._end() if as_of is None else as_of, before)
        reading, unknown = self._read(asked, {})
        if unknown and similar is not None and (given := await self._near(asked, unknown, similar)):
            again, _ = self._read(asked, given)
            return again if again.question is not None else reading
        return reading

    def _read(self, asked: _Asked, given: dict[int, Term]) -> tuple[Reading, list[int]]:
        """The reading, and the tokens that nobody knows when that is why it is refused."""
        times = TimeReader(asked.mended.tokens, asked.language, asked.as_of, asked.as_of - timedelta(days=1))
        cuts = Matcher(asked.text, asked.mended.tokens, asked.language, self.lexicon, times).cuts(given)
        made, why = self._made(cuts, asked)
        for place, one in enumerate(made[:COMPILED_MAX]):
            if self._compiles(one.question, asked.as_of):
                return self._answered(one, made[place:], asked, cuts[0].points), []
        why = why or Unanswerable("unclear")
        unknown = [edge.start for edge in cuts[0].edges if edge.kind == "unknown"] if why.refusal == "unknown_words" else []
        spans = spans_of(cuts[0], asked.mended, None)
        words = [as_written(word, asked.mended.tokens, asked.text) for word in why.words]
        return self._refused(asked.language, why.refusal, words, spans), unknown

    def _made(self, cuts: list[Cut], asked: _Asked) -> tuple[list[Made], Unanswerable | None]:
        """Every question that a good cut makes, the one with the most points first; and why the best cut makes none."""
        made: list[Made] = []
        why: Unanswerable | None = None
        for cut in cuts:
            if cut.points < cuts[0].points - MARGIN:
                break
            try:
                made.append(self._question(cut, asked))
            except Unanswerable as fault:
                if fault.refusal == "unsafe" or (cut is cuts[0] and (fault.is_final or fault.refusal == "out_of_range")):
                    return [], fault
                why = why or fault
        return sorted(made, key=lambda one: -one.points), why

    def _question(self, cut: Cut, asked: _Asked) -> Made:
        nodes, unclear = nodes_of(cut.edges, asked.mended.tokens, asked.language, self.lexicon)
        draft = Scanner(nodes, asked.language, self.lexicon).read()
        draft.unclear += [*unclear, *passed_over(cut.edges, asked.mended.tokens, asked.language, self.lexicon)]
        draft.unclear += asides(asked.text, asked.mended.tokens, nodes, asked.language)
        if asked.before is not None and follows(draft, nodes):
            question = refined(asked.before, draft, nodes, self.lexicon, asked.as_of)
            return Made(cut.points - draft.penalty, question, cut, draft, True)
        question = assembled(draft, self.lexicon, asked.as_of)
        return Made(cut.points - draft.penalty, question, cut, draft, False)

    def _answered(self, made: Made, rest: Sequence[Made], asked: _Asked, best: float) -> Reading:
        canonical = made.question.canonical()
        others = [one.points for one in rest if one.question.canonical() != canonical]
        margin = made.points - others[0] if others else APART
        features = features_of(made, margin, asked.mended, best=best, before=asked.before is not None)
        spans = spans_of(made.cut, asked.mended, made.question)
        return Reading(question=made.question, confidence=raw(features), features=features, spans=spans)

    async def _near(self, asked: _Asked, unknown: list[int], similar: Similar) -> dict[int, Term]:
        """For unknown words the metric or field most like each; none unless all have one."""
        names = [*self.lexicon.metrics, *(ref for ref, field in self.lexicon.fields.items() if field.datatype == "String")]
        labels = [labelled(self.lexicon, [name], asked.language)[0] for name in names]
        words = [asked.mended.tokens[place].norm for place in unknown]
        try:
            found = await similar.nearest(words, labels)
        except SeawallError:
            return {}
        given = {}
        for place, near in zip(unknown, found, strict=True):
            if not near or near[0][1] < NEAR_MIN or (len(near) > 1 and near[0][1] - near[1][1] < NEAR_APART):
                return {}
            name = names[near[0][0]]
            given[place] = Term((Meaning("metric" if name in self.lexicon.metrics else "field", name),), how="near")
        return given

    def _compiles(self, question: Question, as_of: date) -> bool:
        try:
            compile_query(self.lexicon.app, question.query(), self.lexicon.policy, dialect="duckdb", as_of=as_of)
        except SeawallError:
            return False
        return True

    def _end(self) -> date:
        """The day after the last one of the data."""
        return max((last for _, last in self.lexicon.days.values()), default=date(2000, 1, 1)) + timedelta(days=1)

    def _days(self, named: Sequence[str]) -> tuple[date, date] | None:
        """The days that the data of the metrics named holds; of the first one, which is meant where none is."""
        metrics = [name for name in named if name in self.lexicon.metrics] or list(self.lexicon.metrics)[:1]
        return self.lexicon.span_of(self.lexicon.facts_of(metrics)) or self.lexicon.span_of(list(self.lexicon.days))

    def _refused(self, language: Language, refusal: Refusal, words: Sequence[str] = (), spans: tuple[Span, ...] = ()) -> Reading:
        known = refusal not in ("empty", "too_long", "unsafe")
        named = [span.name for span in spans if span.kind in ("metric", "dimension")]
        offers = offers_of(self.lexicon, words, named) if known else ()
        shown = labelled(self.lexicon, offers, language)
        why = sentence(language, refusal, words, shown, self._days(named))
        return Reading(refusal=refusal, why=why, spans=spans, offers=offers)
