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
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from seawall.app.model import Bundle
from seawall.ask.attempt import Asking, Attempt, Outcome, Step, Tier
from seawall.ask.calibration import Calibration
from seawall.ask.contract import planned
from seawall.ask.large import Example, LargeTier, Written
from seawall.ask.large_prompt import Prompts
from seawall.ask.lexicon import Lexicon
from seawall.ask.question import Question
from seawall.ask.reading import Reader, Reading, Similar
from seawall.ask.said import contradiction
from seawall.ask.said_of import value_of
from seawall.ask.semantic_cache import Remembered, Scope, SemanticCache
from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded, SeawallError
from seawall.query.policy import EffectivePolicy
from seawall.query.service import QueryService
from seawall.telemetry.spans import span

__all__ = ["Asking", "Cascade", "Confidence", "Outcome", "Step", "Tier", "large_features"]
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
        self._prompts = Prompts(bundle.app, examples)
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
        asked = await self._prompts.of(attempt)
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
        asking = attempt.asking
        return contradiction(attempt.said, made.question, asking.text, asking.before) or await self._fault(attempt, made.question)

    async def _fault(self, attempt: Attempt, question: Question) -> str:
        """How a question breaks the contract; "" when it keeps it."""
        try:
            await planned(self._service, attempt.asking.policy, question)
        except SeawallError as error:
            if error.status >= 500 and error.slug != "query-failed":
                raise
            return f"{error.detail}" + (f" Expected {error.expected}." if error.expected else "")
        return ""


def large_features(reading: Reading, question: Question) -> dict[str, float]:
    """What a model's answer is judged by: how the parser read the text, and whether both agree."""
    agrees = reading.question is not None and reading.question.canonical() == question.canonical()
    return {**reading.features, AGREES: float(agrees), UNREAD: float(reading.question is None)}
