"""How sure a reading is: features of how it came about, and a raw number made of them until one is fitted on golden questions.

Every feature is between 0 and 1, 0 when nothing speaks against the reading. Confidence is fitted on those of `TELLING`; the others were
found to tell right from wrong no better than a coin, for what they count is rare or is refused before.
"""

from __future__ import annotations

import msgspec

from seawall.ask.draft import Draft
from seawall.ask.matching import Cut, Mended
from seawall.ask.question import Question

_COSTS = {
    "stem": 0.05,
    "part": 0.2,
    "typo": 0.15,
    "compound": 0.05,
    "near": 0.4,
    "close": 0.15,
    "choices": 0.2,
    "soft": 0.3,
    "passed": 0.15,
    "assumed": 0.15,
    "follow_up": 0.03,
    "length": 0.1,
    "verb": 0.1,
    "parts": 0.1,
}
_BASE = 0.98
_MARGIN_POINTS, _CHOICES_MAX, _WORDS_MAX, _PARTS_MAX = 5.0, 3, 25, 8
TELLING = frozenset({"doubted", "thin", "second", "afresh", "undated", "unkept"})
"""What readings that are wrong have oftener than those that are right (`docs/reference/asking.md`)."""
_PENALTY_MAX, _BEHIND_MAX, _WORD_POINTS, _LOST_MAX = 3.0, 5.0, 10.5, 0.35
"""Points: of choices, behind the best cut, and of a word that is understood well; and the share of those that may be lost."""
_NEGATIVE = frozenset({"ne", "not_in", "is_null", "not_null"})


class Made(msgspec.Struct, frozen=True):
    """A question that a cut makes."""

    points: float
    """Of the cut, after what its choices cost."""
    question: Question
    cut: Cut
    draft: Draft
    """Read only from here on."""
    is_follow_up: bool


def features_of(made: Made, margin: float, mended: Mended, *, best: float = 0.0, before: bool = False) -> dict[str, float]:
    """What speaks against the reading. `margin`: points before the next best question; `best`: points of the best way to cut the text,
    whatever it made; `before`: whether there is a question that this one could follow up."""
    edges = [edge for edge in made.cut.edges if edge.kind != "stop"]
    terms = [edge for edge in edges if edge.kind == "term"]
    draft, question = made.draft, made.question
    named = set(draft.metrics) | set(draft.over)
    return {
        "stem": _share(sum(1 for edge in terms if edge.how == "stem"), len(terms)),
        "part": _share(sum(1 for edge in terms if edge.how == "part"), len(terms)),
        "near": _share(sum(1 for edge in terms if edge.how == "near"), len(terms)),
        "typo": _share(mended.typos, len(edges)),
        "compound": _share(mended.compounds, len(edges)),
        "close": max(0.0, 1 - margin / _MARGIN_POINTS),
        "choices": min(1.0, draft.choices / _CHOICES_MAX),
        "soft": _share(len(draft.unknown), len(edges)),
        "passed": _share(len(draft.unused), len(terms)),
        "assumed": float(bool(question.metrics) and not named and not made.is_follow_up),
        "verb": float(bool(draft.verbs)),
        "follow_up": float(made.is_follow_up),
        "length": min(1.0, len(mended.tokens) / _WORDS_MAX),
        "parts": min(1.0, (len(question.metrics) + len(question.by) + len(question.where)) / _PARTS_MAX),
        **_telling(made, mended, best, before=before),
    }


def _telling(made: Made, mended: Mended, best: float, *, before: bool) -> dict[str, float]:
    """Choices that could have been made otherwise; words that were passed over; another cut that was better and made nothing; a new
    question where one could be followed up; no time; a negation that nothing came of."""
    draft, question, edges = made.draft, made.question, made.cut.edges
    words = sum(token.kind != "mark" for token in mended.tokens)
    has_time = question.last is not None or any(one.op == "during" for one in question.where)
    negates = any({"not", "missing"} & set(edge.tags) for edge in edges if edge.kind == "tag")
    is_negative = any(one.op in _NEGATIVE or one.values == (False,) for one in question.where)
    return {
        "doubted": min(1.0, draft.penalty / _PENALTY_MAX),
        "thin": min(1.0, max(0.0, 1 - made.cut.points / (_WORD_POINTS * max(1, words))) / _LOST_MAX),
        "second": min(1.0, max(0.0, best - made.cut.points) / _BEHIND_MAX),
        "afresh": float(before and not made.is_follow_up),
        "undated": float(not has_time),
        "unkept": float(negates and not is_negative),
    }


def raw(features: dict[str, float]) -> float:
    """A first guess at how likely the reading is right."""
    return max(0.02, _BASE - sum(cost * features[name] for name, cost in _COSTS.items()))


def _share(count: int, among: int) -> float:
    return min(1.0, count / among) if among else 0.0
