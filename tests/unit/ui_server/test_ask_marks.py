"""The words of a refused text that are marked as not understood."""

from __future__ import annotations

import pytest

from seawall.ask.language import language
from seawall.ask.question import Question
from seawall.ask.reading import Reading
from seawall.ask.refusals import sentence
from seawall.ask.spans import Span
from seawall.ui.ask.marks import marks_of

SELL, FLORBS, SALES = Span(0, 4, "unknown", "sell"), Span(5, 11, "unknown", "florbs"), Span(12, 17, "metric", "sales")


@pytest.mark.parametrize("spoken", ["en", "de"])
def test_a_verb_beside_an_unknown_word_is_not_unknown(spoken: str) -> None:
    """Only what the refusal names is."""
    why = sentence(language(spoken), "unknown_words", ["florbs"], ["Sell through"], None)
    assert marks_of(Reading(refusal="unknown_words", why=why, spans=(SELL, FLORBS, SALES))) == (FLORBS, SALES)


def test_what_was_answered_has_no_unknown_word() -> None:
    """A verb that helped to find the metric is no fault."""
    assert marks_of(Reading(question=Question(("sales",)), spans=(SELL, SALES))) == (SALES,)


def test_every_word_that_is_named_is_unknown() -> None:
    """Also several; and where a refusal is about something else, words are as they were read."""
    why = sentence(language("en"), "unknown_words", ["florbs", "sell"], [], None)
    assert marks_of(Reading(refusal="unknown_words", why=why, spans=(SELL, FLORBS))) == (SELL, FLORBS)
    assert marks_of(Reading(refusal="unclear", why="No.", spans=(SELL, SALES))) == (SELL, SALES)
    assert marks_of(Reading(refusal="unknown_words", why="Not <known>.", spans=(FLORBS,))) == (FLORBS,)
