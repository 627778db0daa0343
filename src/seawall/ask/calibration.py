"""From the features of a reading to the probability that it is right, fitted on golden questions and kept in the app's bundle.

A logistic regression with an L2 penalty on features brought to one scale, by Newton's method. A feature is a doubt: none may make a reading
surer, so a weight that came out above zero is left out, but for features that say that something agrees. `threshold` chooses the least
confidence at which answers may be given, from probabilities each predicted by a fit that had seen no question of the same chain, so that of
all questions at most a stated share is answered wrongly: of all such thresholds that is the one with the most right answers.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import msgspec

from seawall.core.errors import ConfigurationError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PENALTY = 2.0
STEPS_MAX = 50
SAMPLES_MIN = 20
WRONG_SHARE_MAX = 0.05
"""Of all questions, on those the fit did not see: what Seawall promises."""
NOBODY = 1.1
"""A threshold that no confidence reaches."""
BINS = 10
_LOGIT_MAX = 30.0
_CONVERGED = 1e-8


class Sample(msgspec.Struct, frozen=True):
    """One reading and whether it was right."""

    id: str
    features: Mapping[str, float]
    right: bool
    chain: str = ""
    """The first question of its chain of follow-ups; what is fitted for one of them has seen none. Empty: it stands alone."""


class Calibration(msgspec.Struct, frozen=True):
    """A fitted regression and the confidence from which on an answer is given without asking a larger model."""

    weights: Mapping[str, float]
    bias: float
    accept: float
    samples: int = 0
    """How many questions it was fitted on."""

    def probability(self, features: Mapping[str, float]) -> float:
        """That a reading with these features is right. Features it has not been fitted on count nothing."""
        return _sigmoid(self.bias + sum(weight * features.get(name, 0.0) for name, weight in self.weights.items()))


class Bin(msgspec.Struct, frozen=True):
    """One bar of a reliability diagram: readings whose predicted probability lies from `low` to `high`."""

    low: float
    high: float
    count: int
    predicted: float
    """Their mean predicted probability."""
    right: float
    """The share of them that were right."""


class Quality(msgspec.Struct, frozen=True):
    """How well probabilities that were predicted for unseen questions tell right from wrong, and whether they come true."""

    auc: float
    """The chance that a right reading is given a higher one than a wrong one; 0.5 is no better than a coin. NaN where all are alike."""
    brier: float
    """The mean squared distance from what came true, 0 the best."""
    error: float
    """Expected calibration error, over the bins."""
    bins: tuple[Bin, ...]


def fit(
    samples: Sequence[Sample], *, questions: int = 0, wrong_share_max: float = WRONG_SHARE_MAX, praise: Collection[str] = ()
) -> Calibration:
    """Weights on all samples, threshold by cross-validation. ConfigurationError with fewer than 20, or all right, or all wrong.

    `questions`: how many were asked, those without a reading included; the share of wrong answers is of them. `praise`: features that may
    make a reading surer.
    """
    if len(samples) < SAMPLES_MIN or len({sample.right for sample in samples}) < 2:
        raise ConfigurationError(
            "There are too few golden questions to fit confidence on", expected=f"{SAMPLES_MIN}, some read wrongly", got=str(len(samples))
        )
    weights, bias = _fitted(samples, praise)
    accept = threshold(cross_validated(samples, praise), wrong_share_max, questions or len(samples))
    return Calibration(weights, bias, accept, len(samples))


def cross_validated(samples: Sequence[Sample], praise: Collection[str] = ()) -> list[tuple[float, bool]]:
    """For each sample, in their order, what a fit on all chains but its own predicts, and whether it was right."""
    chains: dict[str, list[int]] = {}
    for place, sample in enumerate(samples):
        chains.setdefault(sample.chain or sample.id, []).append(place)
    found: dict[int, float] = {}
    for places in chains.values():
        unseen = set(places)
        weights, bias = _fitted([sample for place, sample in enumerate(samples) if place not in unseen], praise)
        found |= {place: Calibration(weights, bias, 0.0).probability(samples[place].features) for place in places}
    return [(found[place], sample.right) for place, sample in enumerate(samples)]


def threshold(predicted: Sequence[tuple[float, bool]], wrong_share_max: float, questions: int = 0) -> float:
    """The least confidence from which on the wrong answers given are at most that share of all questions; `NOBODY` when none is."""
    wrong, least = 0, NOBODY
    allowed = wrong_share_max * (questions or len(predicted))
    for probability, tied in groupby(sorted(predicted, reverse=True), key=itemgetter(0)):
        wrong += sum(not right for _, right in tied)
        if wrong > allowed:
            break
        least = probability
    return least


def reliability(predicted: Sequence[tuple[float, bool]], bins: int = BINS) -> tuple[Bin, ...]:
    """A reliability diagram's bars; those without a reading are left out."""
    made = []
    for place in range(bins):
        low, high = place / bins, (place + 1) / bins
        held = [(p, right) for p, right in predicted if low <= p < high or (place == bins - 1 and p == 1.0)]
        if held:
            count = len(held)
            made.append(Bin(low, high, count, sum(p for p, _ in held) / count, sum(right for _, right in held) / count))
    return tuple(made)


def expected_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: the mean distance between predicted and right, weighted by readings."""
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.predicted - one.right) for one in bins) / total if total else 0.0


def quality(predicted: Sequence[tuple[float, bool]]) -> Quality:
    """What `cross_validated` is worth."""
    bins = reliability(predicted)
    right, wrong = ([p for p, was_right in predicted if was_right == wanted] for wanted in (True, False))
    higher = sum((one > other) + (one == other) / 2 for one in right for other in wrong)
    auc = higher / (len(right) * len(wrong)) if right and wrong else math.nan
    brier = sum((p - was_right) ** 2 for p, was_right in predicted) / len(predicted) if predicted else math.nan
    return Quality(auc, brier, expected_error(bins), bins)


def _fitted(samples: Sequence[Sample], praise: Collection[str]) -> tuple[dict[str, float], float]:
    """Weights and bias; features are dropped one by one, the most positive first, until only those of `praise` speak for a reading."""
    import numpy as np

    names = sorted({name for sample in samples for name in sample.features})
    rows = np.array([[sample.features.get(name, 0.0) for name in names] for sample in samples], dtype=float)
    right = np.array([sample.right for sample in samples], dtype=float)
    middle, spread = rows.mean(axis=0), rows.std(axis=0)
    kept = [place for place in range(len(names)) if spread[place] > 0]
    while True:
        beta = _newton((rows[:, kept] - middle[kept]) / spread[kept], right)
        upwards = [
            (float(weight), place) for weight, place in zip(beta[1:], kept, strict=True) if weight > 0 and names[place] not in praise
        ]
        if not upwards:
            break
        kept.remove(max(upwards)[1])
    weights = dict.fromkeys(names, 0.0)
    weights |= {names[place]: float(weight / spread[place]) for weight, place in zip(beta[1:], kept, strict=True)}
    return weights, float(beta[0] - sum(weights[names[place]] * middle[place] for place in kept))


def _newton(rows: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """The penalised likelihood's maximum: the bias, which is not penalised, then a weight for each column."""
    import numpy as np

    columns = np.hstack([np.ones((len(rows), 1)), rows])
    beta = np.zeros(columns.shape[1])
    penalty = np.diag([0.0, *[PENALTY] * rows.shape[1]])
    for _ in range(STEPS_MAX):
        p = 1 / (1 + np.exp(-np.clip(columns @ beta, -_LOGIT_MAX, _LOGIT_MAX)))
        curvature = (columns * np.maximum(p * (1 - p), 1e-6)[:, None]).T @ columns + penalty
        step = np.linalg.solve(curvature, columns.T @ (right - p) - penalty @ beta)
        beta += step
        if float(np.abs(step).max()) < _CONVERGED:
            break
    return beta


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-max(-_LOGIT_MAX, min(_LOGIT_MAX, x))))
