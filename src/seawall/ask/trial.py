"""Golden questions put to a cascade, one after the other, and confidence fitted on what came of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec

from seawall.app.model import App
from seawall.ask.calibration import NOBODY, Calibration, Sample, cross_validated, fit
from seawall.ask.cascade import AGREES, UNREAD, Asking, Cascade, Confidence, Outcome, large_features
from seawall.ask.confidence import TELLING
from seawall.ask.golden import Golden, asker_of, first_of
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
    chain: str = ""
    """The id of the question that its chain of follow-ups began with."""

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
    expected = {one.id: one for one in (*known, *goldens)}
    for one in goldens:
        principal = asker_of(one, app)
        before = expected[one.after].expect if one.after else None
        asking = Asking(text=one.question, locale=one.locale, policy=resolve(app, principal), token=token(principal), before=before)
        began = time.perf_counter()
        outcome = await cascade.understand(asking, deadline=Deadline.after(seconds))
        yield Tried(one, outcome, (time.perf_counter() - began) * 1000, first_of(one, expected).id)


def small_samples(ran: Sequence[Tried]) -> list[Sample]:
    """How the parser alone read: what it refused is not a sample, for there is nothing to believe."""
    readings = [(one, one.outcome.reading) for one in ran if one.outcome.reading.question is not None]
    return [Sample(one.golden.id, _telling(reading.features), one.golden.accepts(reading.question), one.chain) for one, reading in readings]


def large_samples(ran: Sequence[Tried]) -> list[Sample]:
    """What a model answered of the questions it was asked."""
    made = []
    for one in ran:
        question, reading = one.outcome.question, one.outcome.reading
        if question is not None and one.outcome.tier in ("large", "repair"):
            features = _telling(large_features(reading, question))
            made.append(Sample(one.golden.id, features, one.golden.accepts(question), one.chain))
    return made


def _telling(features: Mapping[str, float]) -> dict[str, float]:
    """Those that confidence is fitted on."""
    return {name: value for name, value in features.items() if name in TELLING or name in (AGREES, UNREAD)}


def unsure(ran: Sequence[Tried], small: Calibration) -> list[Golden]:
    """The questions that the parser would not have been believed on: those that a large model is asked."""
    readings = [(one.golden, one.outcome.reading) for one in ran]
    return [golden for golden, reading in readings if reading.question is None or small.probability(reading.features) < small.accept]


def unseen(ran: Sequence[Tried], accept: float) -> list[Attempt]:
    """What the parser would have answered of each question, believed from `accept` on by a fit that had seen nothing of its chain."""
    samples = small_samples(ran)
    sure = {sample.id: p for sample, (p, _) in zip(samples, cross_validated(samples), strict=True)}
    made = []
    for one in ran:
        p = sure.get(one.golden.id, 0.0)
        believed = p >= accept
        question = one.outcome.reading.question if believed else None
        made.append(Attempt(one.golden, question, "" if believed else one.outcome.reading.refusal or "unclear", p, tier="small" * believed))
    return made


def small_fitted(ran: Sequence[Tried]) -> Calibration:
    """Confidence in the parser. ConfigurationError when the questions are too few, or all were read rightly."""
    return fit(small_samples(ran), questions=len(ran))


def large_fitted(ran: Sequence[Tried]) -> Calibration | None:
    """Confidence in a model; None where it answered too little to be fitted on."""
    try:
        return fit(large_samples(ran), questions=len(ran), wrong_share_max=LARGE_WRONG_SHARE_MAX, praise=(AGREES,))
    except ConfigurationError:
        return None


def ways(ran: Sequence[Tried]) -> Mapping[str, int]:
    """What came of the questions that reached the large tier: each way through its steps, and how often it was gone, the commonest first.

    `large contradicts, repair accepted: wrong`: the first draft contradicted the text, the second was taken for an answer and was wrong.
    """
    counts: Counter[str] = Counter()
    for one in ran:
        told = [f"{step.name} {step.outcome}" for step in one.outcome.steps if step.name in ("large", "repair")]
        if told:
            is_right = one.golden.accepts(one.outcome.question)
            ends = ("right" if is_right else "wrong") if one.outcome.question else ("rightly refused" if is_right else "refused")
            counts[f"{', '.join(told)}: {ends}"] += 1
    return dict(counts.most_common())


def by_tier(attempts: Sequence[Attempt]) -> Mapping[str, int]:
    """How many questions each tier answered; "" for those nobody did."""
    counts: dict[str, int] = {}
    for one in attempts:
        counts[one.tier] = counts.get(one.tier, 0) + 1
    return counts
