"""From the features of a reading to the probability that it is right, fitted on golden questions and kept in the app's bundle.

A logistic regression with an L2 penalty, by Newton's method, in plain Python: there are about ten features and some hundreds of
questions. `thresholds` chooses the least confidence at which answers may be given, from probabilities each predicted by a fit that had
not seen the question (cross-validation), so that of all questions at most a stated share is answered wrongly.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter

import msgspec

from seawall.core.errors import ConfigurationError

PENALTY = 1.0
STEPS_MAX = 50
FOLDS = 5
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


def fit(samples: Sequence[Sample], *, questions: int = 0, wrong_share_max: float = WRONG_SHARE_MAX) -> Calibration:
    """Weights on all samples, threshold by cross-validation. ConfigurationError with fewer than 20, or all right, or all wrong.

    `questions`: how many were asked, those without a reading included; the share of wrong answers is of them.
    """
    if len(samples) < 4 * FOLDS or len({sample.right for sample in samples}) < 2:
        raise ConfigurationError(
            "There are too few golden questions to fit confidence on", expected=f"{4 * FOLDS}, some read wrongly", got=str(len(samples))
        )
    names = sorted({name for sample in samples for name in sample.features})
    weights, bias = _fitted(samples, names)
    return Calibration(weights, bias, threshold(cross_validated(samples), wrong_share_max, questions or len(samples)), len(samples))


def cross_validated(samples: Sequence[Sample]) -> list[tuple[float, bool]]:
    """For each sample what a fit on the other folds predicts, and whether it was right. Folds are chosen by the id's hash."""
    names = sorted({name for sample in samples for name in sample.features})
    found: list[tuple[float, bool]] = []
    for fold in range(FOLDS):
        seen = [sample for sample in samples if _fold(sample.id) != fold]
        weights, bias = _fitted(seen, names)
        unseen = [sample for sample in samples if _fold(sample.id) == fold]
        found += [(Calibration(weights, bias, 0.0).probability(sample.features), sample.right) for sample in unseen]
    return found


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


def _fold(id_: str) -> int:
    return hashlib.sha256(b"fold:" + id_.encode()).digest()[0] % FOLDS


def _fitted(samples: Sequence[Sample], names: Sequence[str]) -> tuple[dict[str, float], float]:
    """Newton's method on the penalised likelihood; the bias is not penalised."""
    rows = [[1.0, *(sample.features.get(name, 0.0) for name in names)] for sample in samples]
    right = [float(sample.right) for sample in samples]
    size = len(names) + 1
    beta = [0.0] * size
    for _ in range(STEPS_MAX):
        p = [_sigmoid(_dot(beta, row)) for row in rows]
        gradient = [
            sum((one - guess) * row[i] for one, guess, row in zip(right, p, rows, strict=True)) - (PENALTY * beta[i] if i else 0.0)
            for i in range(size)
        ]
        weight = [max(guess * (1 - guess), 1e-6) for guess in p]
        curvature = [
            [
                sum(w * row[i] * row[j] for w, row in zip(weight, rows, strict=True)) + (PENALTY if i == j and i else 0.0)
                for j in range(size)
            ]
            for i in range(size)
        ]
        step = _solved(curvature, gradient)
        beta = [one + two for one, two in zip(beta, step, strict=True)]
        if max(map(abs, step)) < _CONVERGED:
            break
    return dict(zip(names, beta[1:], strict=True)), beta[0]


def _solved(matrix: list[list[float]], vector: list[float]) -> list[float]:
    """Gaussian elimination with pivots; the matrix is positive definite but for a bias without variance."""
    size = len(vector)
    rows = [[*row, vector[i]] for i, row in enumerate(matrix)]
    for i in range(size):
        pivot = max(range(i, size), key=lambda at: abs(rows[at][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for j in range(i + 1, size):
            factor = rows[j][i] / rows[i][i]
            rows[j] = [one - factor * two for one, two in zip(rows[j], rows[i], strict=True)]
    found = [0.0] * size
    for i in reversed(range(size)):
        found[i] = (rows[i][size] - sum(rows[i][j] * found[j] for j in range(i + 1, size))) / rows[i][i]
    return found


def _dot(one: Sequence[float], two: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, two, strict=True))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-max(-_LOGIT_MAX, min(_LOGIT_MAX, x))))
