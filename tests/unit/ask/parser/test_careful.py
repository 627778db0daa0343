"""Words that look like a value and are none: they are read as what they are, or the question is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from seawall.app.model import Filter
from seawall.ask.asides import passed_over
from seawall.ask.language import language
from seawall.ask.lexicon import Lexicon
from seawall.ask.matching import Edge
from seawall.ask.question import Question
from seawall.ask.reading import Reader, Reading
from seawall.ask.tokens import tokens_of
from seawall.query.policy import unrestricted

from .conftest import AS_OF, VALUES, bicycles, lexicon_for

Read = Callable[..., Awaitable[Reading]]
ODD = {**VALUES, "bikes.colour": ("Blue", "IN", "LATE 12", "12  Red", ".12 RED", "12 RED", "Red", "12_red")}


async def odd(text: str, before: Question | None = None) -> Question | None:
    """What a text asks for where colours are oddly named."""
    reader = Reader(lexicon_for(unrestricted(bicycles()), ODD))
    return (await reader.read(text, locale="en", as_of=AS_OF, before=before)).question


@pytest.mark.parametrize("text", ["in", "in instead", "also in"])
async def test_a_small_word_is_no_value(text: str) -> None:
    """Not even when nothing else can be made of the text."""
    assert await odd(text, await odd("trips by borough")) is None


async def test_a_sentence_that_begins_with_a_letter_names_no_value() -> None:
    """`A` and `I` are written in capitals anyway."""
    reader = Reader(lexicon_for(unrestricted(bicycles()), {**VALUES, "bikes.colour": ("A", "I", "Red")}))
    for text in ("A list of trips by borough", "I want trips by borough", "can I see trips by borough"):
        found = (await reader.read(text, locale="en", as_of=AS_OF)).question
        assert found is None or not found.where


def test_the_name_of_a_metric_is_never_passed_over(lexicon: Lexicon) -> None:
    """A way to read a text that leaves one unread is no way."""
    edges = (Edge(0, 1, "stop", 6.0), Edge(1, 2, "stop", 6.0))
    assert passed_over(edges, tokens_of("the takings"), language("en"), lexicon) == ["takings"]


@pytest.mark.parametrize("text", ["trips of IN bikes", "trips of colour in"])
async def test_a_small_word_is_a_value_in_capitals_or_beside_its_field(text: str) -> None:
    """Both say that it is one."""
    found = await odd(text)
    assert found is not None
    assert found.where == (Filter("bikes.colour", "eq", ("IN",)),)


async def test_of_several_spellings_the_written_one_is_meant() -> None:
    """All of them only when none is written as it was asked."""
    one, several = await odd("trips of 12 red"), await odd("trips of Red 12")
    assert one is not None
    assert one.where == (Filter("bikes.colour", "eq", ("12 RED",)),)
    assert several is None


@pytest.mark.parametrize(
    ("first", "then", "whole"),
    [
        ("trips by borough", "takings instead of trips", "takings by borough"),
        ("trips by borough", "instead of trips takings", "takings by borough"),
        ("trips and takings by borough", "repairs rather than takings", None),
        ("trips and takings by borough", "duration rather than takings", "trips and duration by borough"),
        ("trips by week", "by month instead of by week", "trips by month"),
        ("trips by borough", "by colour instead of borough", "trips by colour"),
        ("trips of red bikes", "blue instead of red", "trips of blue bikes"),
        ("Fahrten nach Bezirk", "Umsatz statt Fahrten", "Umsatz nach Bezirk"),
        ("trips by borough", "colour instead of trips", None),
        ("trips by borough", "takings instead of duration", None),
        ("trips by borough", "instead of trips", None),
    ],
)
async def test_one_thing_instead_of_another(read: Read, first: str, then: str, whole: str | None) -> None:
    """Only what was there is replaced, and only by something of its kind."""
    found = (await read(then, before=(await read(first)).question)).question
    wanted = (await read(whole)).question if whole else None
    assert (found and found.canonical()) == (wanted and wanted.canonical())


async def test_instead_needs_a_question_before(read: Read) -> None:
    """Alone it does not say what to leave."""
    assert (await read("takings instead of trips by borough")).refusal == "unclear"


async def test_a_verb_that_is_nearly_a_value_is_none(read: Read) -> None:
    """`Light` is not the part `Lights` right before another value; as a noun it is."""
    before = (await read("repairs by part")).question
    assert (await read("light red ones too", before=before)).refusal == "unknown_words"
    assert (await read("repairs of the light", before=before)).question is not None


async def test_a_shortened_name_is_that_name(read: Read) -> None:
    """A name of several words may have some cut short, when no other begins like that."""
    found = (await read("repa cost by part")).question
    assert found is not None
    assert found.metrics == ("repair_cost",)


async def test_talk_before_the_question(read: Read) -> None:
    """One value in it may be meant; of several of different fields nobody knows which are."""
    assert (await read("We had red bikes for members. Trips by week?")).question is not None
    assert (await read("We had red for Docks. Trips by week?")).refusal == "unclear"


@pytest.mark.parametrize(("text", "falls"), [("trips by borough from highest to lowest", True), ("trips by borough fewest to most", False)])
async def test_orders_in_english(read: Read, text: str, falls: bool) -> None:
    """What comes first is named first."""
    found = (await read(text)).question
    assert found is not None
    assert [one.descending for one in found.order] == [falls]


@pytest.mark.parametrize(("text", "falls"), [("von hoch nach niedrig", True), ("vom kleinsten bis zum größten", False)])
async def test_orders_in_german(read: Read, text: str, falls: bool) -> None:
    """In German too."""
    found = (await read(f"Fahrten nach Bezirk {text}", locale="de")).question
    assert found is not None
    assert [one.descending for one in found.order] == [falls]


async def test_weeks_ago_are_one_week(read: Read) -> None:
    """Three weeks ago is the third whole week back."""
    assert (await read("trips three weeks ago")).question == (await read("trips from 2023-12-11 to 2023-12-17")).question


async def test_a_period_in_passing_is_not_grouped_by(read: Read) -> None:
    """ "Trips, full year" names no year."""
    assert (await read("trips, full year")).question is None
