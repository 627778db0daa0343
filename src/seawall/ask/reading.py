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

from seawall.ask.assembly import assembled
from seawall.ask.draft import Draft
from seawall.ask.follow_up import follows, refined
from seawall.ask.golden import Refusal
from seawall.ask.language import Language, language_of
from seawall.ask.lexicon import Lexicon
from seawall.ask.lexicon_build import build
from seawall.ask.matching import Cut, Matcher, mended
from seawall.ask.nodes import Node, nodes_of
from seawall.ask.question import Question
from seawall.ask.refusals import Unanswerable, sentence
from seawall.ask.scan import Scanner
from seawall.ask.times import TimeReader
from seawall.ask.tokens import Token, tokens_of
from seawall.ask.values import held
from seawall.core.deadline import Deadline
from seawall.core.errors import SeawallError
from seawall.query.compile_query import compile_query
from seawall.query.policy import EffectivePolicy
from seawall.query.service import QueryService

CHARACTERS_MAX = 500
TOKENS_MAX = 90
MARGIN = 5.0
"""Ways to cut a text that are worse than the best by more are not looked at: what the best one cannot mean, they hardly do."""


class Span(msgspec.Struct, frozen=True):
    """Words and what became of them."""

    start: int
    end: int
    """Characters of the text; `end` is the first one after."""
    kind: str
    name: str
    how: str = "exact"
    """`exact`, `stem`, `typo`, `compound` or `near`."""


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


async def lexicon_of(service: QueryService, policy: EffectivePolicy, deadline: Deadline) -> Lexicon:
    """The lexicon of whoever has these rights: queries for what the data holds, then a third of a second of computing in a thread."""
    found = await held(service, policy, deadline=deadline)
    return await asyncio.to_thread(build, service.app, policy, found)


class Reader:
    """Reads texts over one lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon

    async def read(
        self, text: str, *, locale: str, as_of: date | None, before: Question | None = None, similar: Similar | None = None
    ) -> Reading:
        """What `text` asks for, of data that is complete before `as_of`; as a follow-up of `before` when it is one."""
        as_of = self._end() if as_of is None else as_of
        tokens = tokens_of(text[: CHARACTERS_MAX + 1])
        language = language_of(tokens, locale)
        if not any(token.kind != "mark" for token in tokens):
            return self._refused(language, "empty")
        if len(text) > CHARACTERS_MAX or len(tokens) > TOKENS_MAX:
            return self._refused(language, "too_long")
        right = mended(tokens, language, self.lexicon)
        matcher = Matcher(text, right.tokens, language, self.lexicon, TimeReader(right.tokens, language, as_of, as_of - timedelta(days=1)))
        cuts = matcher.cuts()
        return self._best(cuts, right.tokens, language, as_of, before)

    def _best(self, cuts: list[Cut], tokens: tuple[Token, ...], language: Language, as_of: date, before: Question | None) -> Reading:
        """The question of the cut with the most points after what its choices cost; else the refusal of the best cut."""
        made: list[tuple[float, Question]] = []
        why: Unanswerable | None = None
        for cut in cuts:
            if cut.points < cuts[0].points - MARGIN:
                break
            try:
                draft, nodes = self._draft(cut, tokens, language)
                if before is not None and follows(draft, nodes):
                    question = refined(before, draft, nodes, self.lexicon, as_of)
                else:
                    question = assembled(draft, self.lexicon, as_of)
                made.append((cut.points - draft.penalty, question))
            except Unanswerable as fault:
                why = why or fault
        made.sort(key=lambda one: -one[0])
        for points, question in made[:3]:
            if self._compiles(question, as_of):
                return Reading(question=question, confidence=0.9, features={"points": points})
        why = why or Unanswerable("unclear")
        return self._refused(language, why.refusal, why.words)

    def _draft(self, cut: Cut, tokens: tuple[Token, ...], language: Language) -> tuple[Draft, list[Node]]:
        nodes, unclear = nodes_of(cut.edges, tokens, language, self.lexicon)
        draft = Scanner(nodes, language, self.lexicon).read()
        draft.unclear += unclear
        return draft, nodes

    def _compiles(self, question: Question, as_of: date) -> bool:
        try:
            compile_query(self.lexicon.app, question.query(), self.lexicon.policy, dialect="duckdb", as_of=as_of)
        except SeawallError:
            return False
        return True

    def _end(self) -> date:
        """The day after the last one of the data."""
        return max((last for _, last in self.lexicon.days.values()), default=date(2000, 1, 1)) + timedelta(days=1)

    def _refused(self, language: Language, refusal: Refusal, words: Sequence[str] = ()) -> Reading:
        why = sentence(language, refusal, words, (), self.lexicon.span_of(list(self.lexicon.days)))
        return Reading(refusal=refusal, why=why)
