"""Golden questions put to a cascade, one after the other, and confidence fitted on what came of it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec

from seawall.app.model import App
from seawall.ask.calibration import NOBODY, Calibration, Sample, fit
from seawall.ask.cascade import Asking, Cascade, Confidence, Outcome, large_features
from seawall.ask.golden import Golden, asker_of, by_id
from seawall.ask.scoring import Attempt
from seawall.core.deadline import Deadline
from seawall.core.errors import ConfigurationError
from seawall.core.principal import Principal
from seawall.query.policy import resolve

SECONDS = 20.0
NEVER = Confidence(Calibration({}, 0.0, NOBODY))
"""Nobody is believed."""
LARGE_WRONG_SHARE_MAX = 0.02
TokenOf = Callable[[Principal], str]


class Tried(msgspec.Struct, frozen=True):
    """One golden question and all that came of it."""

    golden: Golden
    outcome: Outcome
    ms: float

    def attempt(self) -> Attempt:
        """As it is scored."""
        one = self.outcome
        return Attempt(self.golden, one.question, one.refusal, one.confidence, None, one.tier, self.ms)


async def tried(
    cascade: Cascade, app: App, goldens: Sequence[Golden], token: TokenOf, *, known: Sequence[Golden] = (), seconds: float = SECONDS
) -> AsyncIterator[Tried]:
    """Each question's outcome. A follow-up refines what its predecessor should have become, so that one mistake counts once.

    `known`: questions beside `goldens` that follow-ups may refer to.
    """
    expected = by_id([*known, *goldens])
    for one in goldens:
        principal = asker_of(one, app)
        before = expected[one.after].expect if one.after else None
        asking = Asking(text=one.question, locale=one.locale, policy=resolve(app, principal), token=token(principal), before=before)
        began = time.perf_counter()
        outcome = await cascade.understand(asking, deadline=Deadline.after(seconds))
        yield Tried(one, outcome, (time.perf_counter() - began) * 1000)


def small_samples(ran: Sequence[Tried]) -> list[Sample]:
    """How the parser alone read: what it refused is not a sample, for there is nothing to believe."""
    readings = [(one, one.outcome.reading) for one in ran if one.outcome.reading.question is not None]
    return [Sample(one.golden.id, reading.features, one.golden.accepts(reading.question)) for one, reading in readings]


def large_samples(ran: Sequence[Tried], small: Calibration) -> list[Sample]:
    """What a model answered where the parser would not have been believed."""
    made = []
    for one in ran:
        question, reading = one.outcome.question, one.outcome.reading
        sure = reading.question is not None and small.probability(reading.features) >= small.accept
        if question is not None and one.outcome.tier in ("large", "repair") and not sure:
            made.append(Sample(one.golden.id, large_features(reading, question), one.golden.accepts(question)))
    return made


def fitted(small: Sequence[Tried], large: Sequence[Tried] = ()) -> Confidence:
    """Confidence for both tiers; for the large one only where its answers allow a fit."""
    first = fit(small_samples(small), questions=len(small))
    try:
        return Confidence(first, fit(large_samples(large, first), questions=len(large), wrong_share_max=LARGE_WRONG_SHARE_MAX))
    except ConfigurationError:
        return Confidence(first)


def by_tier(attempts: Sequence[Attempt]) -> Mapping[str, int]:
    """How many questions each tier answered; "" for those nobody did."""
    counts: dict[str, int] = {}
    for one in attempts:
        counts[one.tier] = counts.get(one.tier, 0) + 1
    return counts
