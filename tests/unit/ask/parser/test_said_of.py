"""What texts say over a made-up app: flips of one thing are never taken for the same, and the same said otherwise is."""

from __future__ import annotations

from datetime import date
from itertools import permutations

import pytest

from seawall.ask.language import LANGUAGES, language
from seawall.ask.lexicon import Lexicon
from seawall.ask.said_of import said_of
from seawall.ask.shape_items import sayings

AS_OF = date(2024, 1, 1)
FLIPS = (
    ("top 5 stations by trips", "bottom 5 stations by trips"),
    ("best 5 boroughs by takings", "worst 5 boroughs by takings"),
    ("boroughs by trips sorted ascending", "boroughs by trips sorted descending"),
    ("the longest trips", "the largest trips"),
    ("which borough has the highest takings", "which boroughs have the highest takings"),
    ("first 3 boroughs by trips", "last 3 boroughs by trips"),
    ("trips in 2023", "trips in 2022"),
    ("trips in March", "trips in April"),
    ("trips on 3 May 2023", "trips on 4 May 2023"),
    ("trips 2 weeks ago", "trips 3 weeks ago"),
    ("trips next 4 weeks", "trips next 8 weeks"),
    ("trips from 2023-03-06 to 2023-03-12", "trips from 2024-03-06 to 2023-03-12"),
    ("trips of the last 4 weeks vs the three weeks before", "trips of the last 4 weeks vs the four weeks before"),
    ("trips last month compared with the month before", "trips last month compared with a year ago"),
    ("takings March vs April", "takings April vs March"),
    ("trips with minutes over 1234567", "trips with minutes over 1234568"),
    ("trips with stops over 5", "trips with stops over 5+"),
    ("trips with stops over 5", "trips with stops over -5"),
    ("takings over 5 dollars", "takings over 5 cents"),
    ("trips with stops over 5", "trips with stops under 5"),
    ("trips with stops over 5", "trips with stops at least 5"),
    ("stops over 5, duration 7, trips", "stops 7, duration over 5, trips"),
    ("trips from HAR to MUS", "trips from MUS to HAR"),
    ("trips from Harbour", "trips to Harbour"),
    ("trips of blue bikes", "trips of red bikes"),
    ("electric and red without blue", "electric and blue without red"),
    ("trips without electric and blue", "trips with electric and without blue"),
    ("trips in Docks", "trips not in Docks"),
    ("takings by borough Docks", "takings in borough Docks"),
    ("takings per trip", "trips per takings"),
    ("takings divided by trips", "trips divided by takings"),
    ("takings by week", "takings by month"),
    ("takings by borough", "takings by colour"),
    ("takings by borough", "trips by borough"),
    ("how many boroughs by kind", "boroughs by kind"),
    ("trips almost doubled", "trips almost tripled"),
    ("median duration", "rolling duration"),
    ("trips of unicorns", "trips of dragons"),
    ("dogs against cats trips", "cats against dogs trips"),
    ("trips of blues", "trips of blurs"),
    ("also electric", "electric"),
    ("takings of returns", "takings of"),
    ("unicorns by month", "unicorns month"),
    ("unicorns of electric only in March", "in March unicorns of electric only"),
    ("unicorns not in March", "in March not unicorns"),
    ("unicorns in March vs April", "in April unicorns vs March"),
    ("and by borough", "by borough"),
    ("all boroughs", "boroughs"),
    ("when did trips peak", "trips peak"),
    ("trips as a table", "trips as a bar chart"),
)
SAME = (
    ("top 5 stations by trips", "Could you show me the top five stations by rides, please?"),
    ("takings by borough in March", "in March, takings by borough"),
    ("takings by borough in March", "revenue per district in mar 2023"),
    ("takings by week", "weekly takings"),
    ("takings in Docks without electric", "takings in docks, excluding Electric"),
    ("takings without electric in Docks", "in Docks takings except electric"),
    ("trips with stops over 5 by borough", "by borough: trips with stops more than 5"),
    ("trips with stops over 5 by borough", "trips with stops above five, split by borough"),
    ("takings last month compared with the month before", "takings last month vs the previous month"),
    ("the largest takings by borough", "by borough the highest takings"),
    ("trips of unicorns", "Hi, please give me the rides of unicorns. Thanks!"),
    ("what is the repair cost", "repair cost"),
    ("how did unicorns do in March?", "in March, how did unicorns do"),
)


def signature(lexicon: Lexicon, text: str, locale: str = "en") -> str:
    return said_of(text, locale, lexicon, AS_OF).signature()


@pytest.mark.parametrize(("text", "other"), FLIPS)
def test_a_text_with_one_thing_flipped_says_something_else(lexicon: Lexicon, text: str, other: str) -> None:
    """The cache would answer one with the query of the other."""
    assert signature(lexicon, text) != signature(lexicon, other)


@pytest.mark.parametrize(("text", "other"), SAME)
def test_the_same_said_otherwise_says_the_same(lexicon: Lexicon, text: str, other: str) -> None:
    """Politeness, names of the app, numbers in words, months spelled out, parts in another order."""
    assert signature(lexicon, text) == signature(lexicon, other)


@pytest.mark.parametrize(
    ("text", "other", "same"),
    [
        ("Zeig mir bitte die Einnahmen nach Bezirk", "Umsatz je Bezirk", True),
        ("die drei besten Bezirke nach Fahrten", "die 3 besten Bezirke nach Fahrten", True),
        ("die besten Bezirke nach Fahrten", "die schlechtesten Bezirke nach Fahrten", False),
        ("Fahrten ohne Docks", "Fahrten in Docks", False),
        ("Fahrten von HAR nach MUS", "Fahrten von MUS nach HAR", False),
        ("Fahrten im März", "Fahrten im Mai", False),
    ],
)
def test_german_is_held_to_the_same(lexicon: Lexicon, text: str, other: str, *, same: bool) -> None:
    """The rules know no language, its data does."""
    assert (signature(lexicon, text, "de") == signature(lexicon, other, "de")) is same


def test_what_is_ranked_and_counted_is_told_for_a_model_to_be_held_to(lexicon: Lexicon) -> None:
    """Numbers as they stand, exclusions by any of their words, `per` as a ratio only between metrics."""
    assert {said_of(f"{word} takings by borough", "en", lexicon, AS_OF).direction for word in ("highest", "largest", "most")} == {"desc"}
    said = said_of("top 1234567 boroughs by takings without Docks", "en", lexicon, AS_OF)
    assert (said.numbers, said.direction) == (("1234567",), "desc")
    assert said.negated == ("stations.borough=Docks",)
    assert not said_of("takings per borough", "en", lexicon, AS_OF).ratio
    assert said_of("repair cost per repair", "en", lexicon, AS_OF).ratio


@pytest.mark.parametrize("parts", tuple(permutations(("by borough", "in March", "without electric"))))
def test_parts_that_stand_alone_may_stand_anywhere(lexicon: Lexicon, parts: tuple[str, ...]) -> None:
    """Commas between them make no difference."""
    assert signature(lexicon, ", ".join(("takings", *parts))) == signature(lexicon, "takings by borough in March without electric")


@pytest.mark.parametrize("name", LANGUAGES)
def test_what_says_nothing_ranks_excludes_and_compares_nothing(name: str) -> None:
    """A word is empty only if the grammar does not give it a meaning that matters."""
    matters = {
        "top",
        "bottom",
        "highest",
        "lowest",
        "best",
        "worst",
        "ascending",
        "not",
        "gt",
        "lt",
        "ge",
        "le",
        "per",
        "divided",
        "versus",
        "missing",
    }
    known = sayings(name)
    assert [phrase for phrase in known.empty if matters & set(language(name).tags.get(phrase, ()))] == []
    assert known.empty.isdisjoint(known.same)


@pytest.mark.parametrize(
    ("text", "goes_on"),
    [
        ("by borough", True),
        ("and takings", True),
        ("what about takings", True),
        ("only red", True),
        ("sorted by takings", True),
        ("takings by borough", False),
        ("takings in May", False),
    ],
)
def test_a_text_with_a_metric_of_its_own_goes_on_from_nothing(lexicon: Lexicon, text: str, goes_on: bool) -> None:
    """As the parser tells follow-ups from new questions."""
    assert said_of(text, "en", lexicon, AS_OF).goes_on is goes_on
