"""The pairs that judge the semantic cache: the same every time, each flip another text, nothing of the held-out questions."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from seawall.ask.golden import Golden, by_id, read
from seawall.ask.question import Question

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "bench"))

from asking.pairs import flips, paraphrases  # noqa: E402
from asking.sharing import FILES, told  # noqa: E402

KINDS = {
    "direction",
    "year",
    "month",
    "day",
    "number",
    "value",
    "metric",
    "negation",
    "comparison",
    "grain",
    "dimension",
    "order",
    "plural",
}


def goldens() -> list[Golden]:
    return list(by_id(one for name in FILES for one in read(ROOT / "apps" / "merchandising" / "golden" / f"{name}.jsonl")).values())


def others(question: str, kind: str, locale: str = "en") -> set[str]:
    """The texts that flip one thing of a question."""
    return {pair.other for pair in flips([Golden("a", question, locale, expect=Question(("m",)))]) if pair.kind == kind}


def test_there_are_enough_of_every_kind_and_never_of_held_out_questions() -> None:
    """Three hundred flips and a hundred and fifty paraphrases at least; the same each time."""
    known = goldens()
    held_out = {one.id for one in read(ROOT / "apps" / "merchandising" / "golden" / "held-out.jsonl")}
    made, same = flips(known), paraphrases(known)
    assert (made, same) == (flips(known), paraphrases(known))
    assert held_out
    assert not held_out & {pair.golden.id for pair in (*made, *same)}
    assert len(made) >= 300
    assert len(same) >= 150
    counted = Counter(pair.kind for pair in made)
    assert set(counted) == KINDS
    assert min(counted.values()) >= 5
    assert all(pair.other != pair.golden.question for pair in (*made, *same))


@pytest.mark.parametrize(
    ("kind", "question", "other"),
    [
        ("direction", "top 5 departments", "bottom 5 departments"),
        ("year", "sales in 2017", "sales in 2016"),
        ("month", "sales in March 2017", "sales in August 2017"),
        ("month", "sales in 2017-11", "sales in 2017-12"),
        ("day", "sales on 3 April", "sales on 4 April"),
        ("number", "top five stores", "top six stores"),
        ("number", "last 12 weeks", "last 13 weeks"),
        ("value", "GROCERY by week", "PRODUCE by week"),
        ("negation", "sales without fuel", "sales with fuel"),
        ("comparison", "quantity over 5", "quantity under 5"),
        ("order", "discount divided by units", "units divided by discount"),
        ("order", "sales in March vs April", "sales in April vs March"),
    ],
)
def test_a_flip_changes_one_thing(kind: str, question: str, other: str) -> None:
    """In the letters of what it replaces."""
    assert other in others(question, kind)


def test_numbers_of_years_and_whole_words_alone_are_flipped() -> None:
    """2017 is a year and no number, `store` is not part of `stores`."""
    assert others("sales in 2017", "number") == set()
    assert others("storefront sales", "value") == set()


def test_what_shares_wrongly_is_told_one_by_one() -> None:
    """So that each can be looked at."""
    pairs = flips([Golden("a", "top 5 stores in March", expect=Question(("m",)))])
    made = told([(pair, place == 0) for place, pair in enumerate(pairs)], [], 1)
    assert (made.false_hits.count, made.false_hits.total) == (1, len(pairs))
    assert made.wrongly_shared == (str(pairs[0]),)
