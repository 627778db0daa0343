"""Confidence means what it says: of readings with 80 % of it, four in five are right."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.ask.calibration import Sample, cross_validated, expected_error, fit, quality, reliability, threshold
from seawall.core.errors import ConfigurationError


def drawn(count: int, seed: int = 7) -> list[Sample]:
    """Readings that are right with a probability that depends on how many words were understood."""
    dice = random.Random(seed)
    made = []
    for number in range(count):
        covered, unknown = dice.random(), float(dice.randrange(3))
        logit = 5 * covered - 2 * unknown - 1
        made.append(Sample(str(number), {"covered": covered, "unknown": unknown}, dice.random() < 1 / (1 + 2.718281828**-logit)))
    return made


def test_the_fit_finds_what_matters_and_in_which_direction() -> None:
    """More words understood, more confidence; unknown ones take it away."""
    made = fit(drawn(600), praise=("covered",))
    assert made.weights["covered"] > 3
    assert made.weights["unknown"] < -1
    assert made.probability({"covered": 1.0, "unknown": 0.0}) > 0.9 > made.probability({"covered": 0.1, "unknown": 2.0})


def test_predicted_probabilities_come_true() -> None:
    """On readings no fit has seen."""
    bins = reliability(cross_validated(drawn(700), ("covered",)))
    assert expected_error(bins) < 0.08
    assert sum(one.count for one in bins) == 700


def test_a_doubt_makes_no_reading_surer() -> None:
    """Features that came out in favour of a reading are left out, unless they are said to praise it."""
    made = fit(drawn(600))
    assert made.weights["covered"] == 0
    assert made.weights["unknown"] < 0


def test_a_question_is_judged_by_a_fit_that_saw_nothing_of_its_chain() -> None:
    """A feature that gives one chain away tells nothing of that chain."""
    alone = drawn(80)
    chain = [Sample(f"c-{n}", {**alone[n].features, "chain": 1.0}, right=False, chain="c-0") for n in range(10)]
    predicted = cross_validated([*alone, *chain], ("covered",))[80:]
    apart = cross_validated([*alone, *(Sample(one.id, one.features, one.right) for one in chain)], ("covered",))[80:]
    assert sum(p for p, _ in predicted) > sum(p for p, _ in apart) + 1


def test_quality_tells_a_good_order_from_a_coin() -> None:
    """Every right reading above every wrong one; all alike; the other way round."""
    assert quality([(0.9, True), (0.8, True), (0.3, False)]).auc == 1
    assert quality([(0.5, True), (0.5, False)]).auc == 0.5
    assert quality([(0.1, True), (0.9, False)]).auc == 0
    assert quality([(1.0, True), (0.0, False)]).brier == 0


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60), st.floats(0, 0.3))
def test_the_threshold_keeps_wrong_answers_under_their_share(predicted: list[tuple[float, bool]], share: float) -> None:
    """And would let none more through, were it lower."""
    least = threshold(predicted, share)
    wrong = sum(not right for probability, right in predicted if probability >= least)
    assert wrong <= share * len(predicted)
    lower = max((probability for probability, _ in predicted if probability < least), default=None)
    if lower is not None:
        assert sum(not right for probability, right in predicted if probability >= lower) > share * len(predicted)


def test_too_few_questions_are_refused() -> None:
    """Nothing is fitted on a handful."""
    with pytest.raises(ConfigurationError):
        fit(drawn(5))


def test_features_that_never_vary_do_no_harm() -> None:
    """A column of ones beside the bias."""
    samples = [Sample(one.id, {**one.features, "always": 1.0, "never": 0.0}, one.right) for one in drawn(200)]
    assert fit(samples, praise=("covered",)).probability({"covered": 1.0, "always": 1.0}) > 0.8
