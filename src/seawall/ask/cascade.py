"""From a text to a question, as cheaply as can be answered for: the parser, what was understood before, a large model, one repair, or an
honest refusal. The order stands in `Cascade.understand`.

A tier's *output* is judged, never the prompt: it must keep the contract (names exist for the asker, it compiles under their policy, the
database plans it), must not contradict what the text says beyond doubt, and must be confident enough by a threshold fitted on golden
questions. What no tier can answer for is refused with what was not understood and what could be asked instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from copy import copy
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Literal, Protocol

import msgspec

from seawall.app.model import Bundle
from seawall.ask.calibration import Calibration
from seawall.ask.contract import planned
from seawall.ask.large import EXAMPLES, Asked, Example, LargeTier, Written, nearest_words, texts_of, words_of
from seawall.ask.large_draft import Words
from seawall.ask.lexicon import Lexicon
from seawall.ask.question import Question
from seawall.ask.reading import Reader, Reading, Similar
from seawall.ask.said import Said, contradiction
from seawall.ask.said_of import said_of, value_of
from seawall.ask.semantic_cache import Remembered, Scope, SemanticCache
from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded, SeawallError
from seawall.query.policy import EffectivePolicy
from seawall.query.service import QueryService
from seawall.telemetry.spans import span

Tier = Literal["", "small", "cache", "large", "repair"]
FINAL = frozenset({"empty", "too_long", "unsafe"})
"""Refusals of the parser that no model is asked about."""
AGREES = "agrees"
"""Feature of a model's answer: the parser, unsure, had read the same."""
UNREAD = "unread"
"""Feature of a model's answer: the parser had read nothing at all."""
LARGE_SECONDS_MIN = 0.3
"""With less left of the deadline the large tier is not begun."""
LARGE_SECONDS_MAX = 1.3
"""How long after the question came the large tier is given up, its prompt and its repair included: people would rather be told at once
what was not understood."""


class Confidence(msgspec.Struct, frozen=True):
    """What an app's bundle keeps (`golden/confidence.json`): a fit for each tier."""

    small: Calibration
    large: Calibration | None = None
    """None: a model's answer counts only when the parser, unsure, had read the same."""


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


class Lexicons(Protocol):
    """Gives a principal's words."""

    async def of(self, policy: EffectivePolicy, deadline: Deadline) -> Lexicon:
        """Built once for equal rights and one generation."""


class Cascade:
    """The tiers of one app. Those that are None are not asked."""

    def __init__(
        self,
        bundle: Bundle,
        service: QueryService,
        lexicons: Lexicons,
        confidence: Confidence,
        *,
        cache: SemanticCache | None = None,
        large: LargeTier | None = None,
        examples: Sequence[Example] = (),
        similar: Callable[[str, Deadline], Similar] | None = None,
        large_seconds: float = LARGE_SECONDS_MAX,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._bundle = bundle
        self._service = service
        self._lexicons = lexicons
        self._confidence = confidence
        self._cache = cache
        self._large = large
        self._examples = tuple(examples)
        self._similar = similar
        self._large_seconds = large_seconds
        self._clock = clock

    def believing(self, confidence: Confidence, *, large_seconds: float = LARGE_SECONDS_MAX) -> Cascade:
        """The same tiers, believed or waited for otherwise: for fitting and measuring."""
        other = copy(self)
        other._confidence, other._large_seconds = confidence, large_seconds
        return other

    def without_large(self) -> Cascade:
        """The same without the large tier: for measuring."""
        other = copy(self)
        other._large = None
        return other

    async def understand(self, asking: Asking, *, deadline: Deadline) -> Outcome:
        """What the text asks. Never raises because a model is away; InvalidInput and worse only when the app's own data is."""
        with span("ask.understand", "ui", app=self._bundle.app.name):
            attempt = await self._begin(asking, deadline)
            for tier in (self._small, self._remembered, self._asked):
                outcome = await tier(attempt)
                if outcome is not None:
                    return outcome
        return attempt.refused()

    async def _begin(self, asking: Asking, deadline: Deadline) -> Attempt:
        began = self._clock.monotonic()
        lexicon = await self._lexicons.of(asking.policy, deadline)
        moment = self._service.now()
        as_of = moment.as_of or datetime.fromtimestamp(self._clock.time(), UTC).date()
        near = self._similar(asking.token, deadline) if self._similar else None
        reading = await Reader(lexicon).read(asking.text, locale=asking.locale, as_of=as_of, before=asking.before, similar=near)
        scope = Scope(self._bundle.digest, asking.policy.fingerprint(self._bundle.app.semantics.datasets), moment.watermark)
        return Attempt(asking, deadline, lexicon, as_of, scope, reading, near, self._clock, began)

    async def _small(self, attempt: Attempt) -> Outcome | None:
        reading = attempt.reading
        if reading.refusal in FINAL:
            attempt.tried("small", "refused", reading.refusal)
            return attempt.refused()
        if reading.question is None:
            attempt.tried("small", "refused", reading.refusal)
            return None
        attempt.confidence = self._confidence.small.probability(reading.features)
        if fault := await self._fault(attempt, reading.question):
            attempt.tried("small", "contract", fault)
            return None
        if attempt.confidence < self._confidence.small.accept:
            attempt.tried("small", "unsure", f"{attempt.confidence:.2f} of {self._confidence.small.accept:.2f}")
            return None
        attempt.tried("small", "accepted")
        return attempt.accepted(reading.question, "small")

    async def _remembered(self, attempt: Attempt) -> Outcome | None:
        if self._cache is None:
            return None
        found = await self._cache.find(attempt.scope, attempt.said, attempt.asking.before)
        if found is None or await self._fault(attempt, found.question):
            attempt.tried("cache", "miss")
            return None
        attempt.confidence = found.confidence
        attempt.tried("cache", "accepted", found.tier)
        return attempt.accepted(found.question, "cache")

    async def _asked(self, attempt: Attempt) -> Outcome | None:
        seconds = min(attempt.deadline.remaining(), self._large_seconds - attempt.elapsed)
        if self._large is None or seconds < LARGE_SECONDS_MIN:
            return None
        attempt.deadline = Deadline.after(seconds, attempt.deadline.clock)
        try:
            async with asyncio.timeout(seconds):
                return await self._drafted(self._large, attempt)
        except TimeoutError:
            attempt.tried("large", "unavailable", DeadlineExceeded.slug)
        except SeawallError as error:
            attempt.tried("large", "unavailable", error.slug)
        return None

    async def _drafted(self, large: LargeTier, attempt: Attempt) -> Outcome | None:
        asked = await self._prompt(attempt)
        find = value_of(attempt.lexicon)
        made = await large.write(asked, find, attempt.deadline)
        fault = await self._verdict(attempt, made)
        tier: Tier = "large"
        if fault and attempt.deadline.remaining() >= LARGE_SECONDS_MIN:
            attempt.tried("large", "contract" if made.fault else "contradicts", fault)
            made = await large.repair(asked, made, fault, find, attempt.deadline)
            fault, tier = await self._verdict(attempt, made), "repair"
        attempt.used(made)
        if fault or made.question is None:
            attempt.tried(tier, "contradicts" if fault else "refused", fault)
            return None
        attempt.confidence = self._believed(attempt, made.question)
        if attempt.confidence < (self._confidence.large.accept if self._confidence.large else 1.0):
            attempt.tried(tier, "unsure", f"{attempt.confidence:.2f}")
            return None
        attempt.tried(tier, "accepted")
        if self._cache is not None:
            await self._cache.keep(attempt.scope, attempt.said, attempt.asking.before, Remembered(made.question, tier, attempt.confidence))
        return attempt.accepted(made.question, tier)

    def _believed(self, attempt: Attempt, question: Question) -> float:
        """The probability that a model's answer is right."""
        features = large_features(attempt.reading, question)
        if self._confidence.large is None:
            return features[AGREES]
        return self._confidence.large.probability(features)

    async def _verdict(self, attempt: Attempt, made: Written) -> str:
        """What is wrong with what a model wrote; "" when nothing is."""
        if made.fault or made.question is None:
            return made.fault
        return contradiction(attempt.said, made.question, attempt.asking.text) or await self._fault(attempt, made.question)

    async def _fault(self, attempt: Attempt, question: Question) -> str:
        """How a question breaks the contract; "" when it keeps it."""
        try:
            await planned(self._service, attempt.asking.policy, question)
        except SeawallError as error:
            if error.status >= 500 and error.slug != "query-failed":
                raise
            return f"{error.detail}" + (f" Expected {error.expected}." if error.expected else "")
        return ""

    async def _prompt(self, attempt: Attempt) -> Asked:
        asking = attempt.asking
        return Asked(
            text=asking.text,
            app=self._bundle.app,
            policy=asking.policy,
            as_of=attempt.as_of,
            examples=await self._nearest(attempt),
            words=await self._words(attempt),
            before=asking.before,
            token=asking.token,
        )

    async def _words(self, attempt: Attempt) -> Words:
        """The names of examples and of what the text says, then those whose words are nearest in meaning."""
        known = words_of(self._bundle.app, attempt.asking.policy)
        said = attempt.said
        wanted = [name for one in said.metrics for name in sorted(one)] + [ref for ref in said.dimensions if ref in known.fields]
        wanted += sorted({value.partition("=")[0] for one in said.values for value in one})
        texts = texts_of(self._bundle.app, known)
        if attempt.near is not None:
            try:
                found = await attempt.near.nearest([*said.unknown, attempt.asking.text], [text for _, text in texts])
            except SeawallError:
                found = []
            wanted += [texts[place][0] for line in found for place, _ in line]
        return nearest_words(known, wanted)

    async def _nearest(self, attempt: Attempt) -> tuple[Example, ...]:
        """Golden examples nearest in meaning; the first ones when nothing can be embedded now."""
        if attempt.near is None or not self._examples:
            return self._examples[:EXAMPLES]
        try:
            found = await attempt.near.nearest([attempt.asking.text], [one.question for one in self._examples])
        except SeawallError:
            return self._examples[:EXAMPLES]
        return tuple(self._examples[place] for place, _ in found[0][:EXAMPLES])


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


def large_features(reading: Reading, question: Question) -> dict[str, float]:
    """What a model's answer is judged by: how the parser read the text, and whether both agree."""
    agrees = reading.question is not None and reading.question.canonical() == question.canonical()
    return {**reading.features, AGREES: float(agrees), UNREAD: float(reading.question is None)}
