"""One text on its way through the tiers: whose it is, what was tried, and what came of it."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Literal

import msgspec

from seawall.ask.large import Written
from seawall.ask.lexicon import Lexicon
from seawall.ask.question import Question
from seawall.ask.reading import Reading, Similar, unsure
from seawall.ask.said import Said
from seawall.ask.said_of import said_of
from seawall.ask.semantic_cache import Scope
from seawall.core.clock import Clock
from seawall.core.deadline import Deadline
from seawall.query.policy import EffectivePolicy

Tier = Literal["", "small", "cache", "large", "repair"]


class Step(msgspec.Struct, frozen=True):
    """One thing that was tried, for `--explain` and for spans."""

    name: str
    outcome: str
    """`accepted`, `unsure`, `contract`, `contradicts`, `miss`, `unavailable`, `refused`."""
    detail: str = ""
    ms: float = 0.0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a text."""

    question: Question | None
    tier: Tier
    confidence: float
    reading: Reading
    steps: tuple[Step, ...]
    refusal: str = ""
    """Why there is no question, as a word; `reading.why` says it as a sentence."""
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """A text and whose it is."""

    text: str
    locale: str
    policy: EffectivePolicy
    token: str
    before: Question | None = None


class Attempt:
    """One text on its way through the tiers."""

    def __init__(
        self,
        asking: Asking,
        deadline: Deadline,
        lexicon: Lexicon,
        as_of: date,
        scope: Scope,
        reading: Reading,
        near: Similar | None,
        clock: Clock,
        began: float,
    ) -> None:
        self.asking = asking
        self.deadline = deadline
        self.lexicon = lexicon
        self.as_of = as_of
        self.scope = scope
        self.reading = reading
        self.near = near
        self.confidence = 0.0
        self._clock = clock
        self._began = self._since = began
        self._steps: list[Step] = []
        self._written: Written | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the question came."""
        return self._clock.monotonic() - self._began

    @cached_property
    def said(self) -> Said:
        """What the text says beyond doubt; worked out only when the parser alone does not do."""
        return said_of(self.asking.text, self.asking.locale, self.lexicon, self.as_of)

    def tried(self, name: str, outcome: str, detail: str = "") -> None:
        """Note a step and how long it took."""
        now = self._clock.monotonic()
        self._steps.append(Step(name, outcome, detail, round((now - self._since) * 1000, 2)))
        self._since = now

    def used(self, written: Written) -> None:
        """Note what a model's answer took."""
        self._written = written

    def accepted(self, question: Question, tier: Tier) -> Outcome:
        """The end, with a question."""
        return self._outcome(question, tier, "")

    def refused(self) -> Outcome:
        """The end, without one."""
        self.reading = unsure(self.reading, self.lexicon, self.asking.text, self.asking.locale)
        return self._outcome(None, "", self.reading.refusal or "unclear")

    def _outcome(self, question: Question | None, tier: Tier, refusal: str) -> Outcome:
        used = self._written or Written(None)
        return Outcome(
            question=question,
            tier=tier,
            confidence=self.confidence,
            reading=self.reading,
            steps=tuple(self._steps),
            refusal=refusal,
            model=used.model,
            tokens_in=used.tokens_in,
            tokens_out=used.tokens_out,
        )
