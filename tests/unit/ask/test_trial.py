"""Trials: golden questions put to the tiers, and what is fitted and counted of what came of them."""

from __future__ import annotations

import random
from pathlib import Path

from seawall.ask.calibration import Calibration
from seawall.ask.cascade import Outcome, Step, Tier
from seawall.ask.golden import Golden
from seawall.ask.opening import CONFIDENCE_FILE, DEFAULT
from seawall.ask.question import Question
from seawall.ask.reading import Reading
from seawall.ask.scoring import tally
from seawall.ask.trial import Tried, large_fitted, small_fitted, small_samples, unseen, unsure, ways

SALES, UNITS = Question(("sales",)), Question(("units",))


def ran(number: int, reading: Reading, question: Question | None = None, tier: Tier = "", *steps: tuple[str, str]) -> Tried:
    """One question whose right answer is sales."""
    told = tuple(Step(name, outcome) for name, outcome in steps)
    outcome = Outcome(question=question, tier=tier, confidence=0.0, reading=reading, steps=told)
    return Tried(Golden(f"q-{number}", "?", expect=SALES), outcome, 1.0, f"q-{number - number % 2}")


def read(doubt: float, question: Question = SALES) -> Reading:
    """A reading with one feature."""
    return Reading(question=question, features={"thin": doubt})


def many() -> list[Tried]:
    """Two hundred readings, wrong as often as they are doubtful."""
    dice = random.Random(3)
    doubts = [dice.random() for _ in range(200)]
    return [ran(number, read(doubt, UNITS if dice.random() < doubt else SALES)) for number, doubt in enumerate(doubts)]


def test_what_the_parser_refused_is_no_sample() -> None:
    """There is nothing to believe."""
    assert [one.id for one in small_samples([ran(0, read(0.1)), ran(1, Reading(refusal="unclear"))])] == ["q-0"]


def test_answers_to_unseen_questions_are_wrong_at_most_as_often_as_was_promised() -> None:
    """One in twenty of all questions; what is doubtful is refused."""
    tried = many()
    told = tally(unseen(tried, small_fitted(tried).accept))
    assert told.wrong.share <= 0.05
    assert told.right.count > 30
    assert told.refused.count > 50


def test_a_large_model_is_asked_what_the_parser_would_not_be_believed_on() -> None:
    """Doubtful readings and refusals."""
    tried = [ran(0, read(0.0)), ran(1, read(1.0)), ran(2, Reading(refusal="unclear"))]
    assert [one.id for one in unsure(tried, Calibration({"thin": -5.0}, 2.0, 0.5))] == ["q-1", "q-2"]


def test_the_ways_through_the_large_tier_are_counted_to_their_ends() -> None:
    """What was tried, and whether what came of it is right."""
    none = Reading(refusal="unclear")
    tried = [
        ran(0, none, SALES, "large", ("small", "refused"), ("large", "accepted")),
        ran(1, none, UNITS, "repair", ("small", "refused"), ("large", "contradicts"), ("repair", "accepted")),
        ran(2, none, None, "", ("small", "refused"), ("large", "refused")),
        ran(3, read(0.0), SALES, "small", ("small", "accepted")),
    ]
    assert ways(tried) == {"large accepted: right": 1, "large contradicts, repair accepted: wrong": 1, "large refused: refused": 1}


def test_confidence_in_a_model_that_answered_too_little_is_not_fitted() -> None:
    """Then its answers count where the parser agrees."""
    assert large_fitted([ran(0, read(0.0), SALES, "large")]) is None


def test_what_ships_is_what_was_fitted_on_the_reference_app() -> None:
    """Apps without golden questions of their own are believed as it is."""
    assert DEFAULT.read_bytes() == (Path(__file__).parents[3] / "apps" / "merchandising" / CONFIDENCE_FILE).read_bytes()
