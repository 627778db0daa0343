"""What refines the question before it, and what is a new one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from seawall.app.model import Order
from seawall.ask.lexicon import Lexicon
from seawall.ask.question import Question
from seawall.ask.reading import Reader, Reading

from .conftest import AS_OF

Read = Callable[..., Awaitable[Reading]]

CASES = [
    ("trips by week", "only electric", "trips of electric bikes by week"),
    ("trips by week", "and by borough?", "trips by week and borough"),
    ("trips by borough", "by colour instead", "trips by colour"),
    ("trips by borough", "by month instead", "trips by month"),
    ("trips by week", "by month", "trips by month"),
    ("trips in May", "what about June", "trips in June"),
    ("trips in Docks in May", "and for Hills", "trips in Hills in May"),
    ("trips in Docks in May", "what about takings?", "takings in Docks in May"),
    ("trips by colour", "without red", "trips by colour without red"),
    ("trips by colour", "top 3", "top 3 colours by trips"),
    ("top 3 colours by trips", "bottom 5 instead", "bottom 5 colours by trips"),
    ("top 3 colours by trips", "make it ten", "top 10 colours by trips"),
    ("trips by borough in Docks", "for all boroughs", "trips by borough"),
    ("trips of red bikes in May", "for everything", "trips in May"),
    ("trips by week for the last 8 weeks", "last 4 weeks", "trips by week for the last 4 weeks"),
    ("trips by week for the last 8 weeks", "by month instead", "trips by month in the last 8 weeks"),
    ("trips last week", "compared with the week before", "trips last week compared with the week before"),
    ("trips in May", "versus June", "trips in May versus June"),
    ("trips by borough and colour", "drop the colour", "trips by borough"),
    ("trips of members in the docks", "remove the borough", "trips of members"),
    ("trips by colour", "ascending", "trips by colour, smallest first"),
    ("trips of red bikes", "also blue", "trips of red and blue bikes"),
    ("trips by borough", "also takings", "trips and takings by borough"),
    ("trips by borough", "sort by takings", "trips and takings by borough sorted by takings"),
    ("trips by borough in May versus June", "without the comparison", "trips by borough in May"),
    ("trips by week last month compared with the month before", "no comparison, please", "trips by week last month"),
    ("trips in May versus June", "only red, without comparison", "trips of red bikes in May"),
    ("top 3 boroughs by change in trips in May versus June", "don't compare", "top 3 boroughs by trips in May"),
    ("trips in May versus June", "what about July, without the comparison", "trips in July"),
    ("trips in May versus June", "what about July without the comparison", "trips in July"),
    ("trips by borough in May versus June", "only July without comparison", "trips by borough in July"),
    ("trips in May versus June", "sort by change by borough", "trips by borough in May versus June sorted by change"),
    ("trips by week last month compared with the month before", "no comparison with the month before", "trips by week last month"),
    ("trips by borough in May compared with the year before", "without comparison to last year", "trips by borough in May"),
]
COMPARED = "trips and takings by borough in May versus June"
GERMAN = "Fahrten und Umsatz nach Bezirk im Mai im Vergleich zum Juni"


@pytest.mark.parametrize(("first", "then", "whole"), CASES, ids=lambda one: one)
async def test_follow_ups_say_only_what_changes(read: Read, first: str, then: str, whole: str) -> None:
    """The two together mean what one longer question means."""
    before = (await read(first)).question
    refined, wanted = await read(then, before=before), await read(whole)
    assert refined.question is not None, refined.why
    assert wanted.question is not None, wanted.why
    assert refined.question.canonical() == wanted.question.canonical()


async def test_a_question_with_a_metric_of_its_own_is_new(read: Read) -> None:
    """Nothing of the question before is left."""
    before = (await read("trips of red bikes in May by week")).question
    assert (await read("takings by borough", before=before)).question == (await read("takings by borough")).question


async def test_another_picture_is_the_same_question(read: Read) -> None:
    """Only how it is shown changes."""
    before = (await read("trips by week")).question
    after = (await read("as a bar chart", before=before)).question
    assert before is not None
    assert after is not None
    assert (after.show, after.canonical()) == ("bar", before.canonical())


@pytest.mark.parametrize(
    ("first", "then"),
    [("Fahrten nach Bezirk", "nur Red"), ("Fahrten nach Bezirk", "und nach Farbe"), ("Fahrten je Monat", "lieber nach Woche")],
)
async def test_german_follow_ups(read: Read, first: str, then: str) -> None:
    """They refine as well, and name no metric."""
    before = (await read(first, "de")).question
    after = (await read(then, "de", before=before)).question
    assert after is not None
    assert after.metrics == ("trip_count",)
    assert after != before


@pytest.mark.parametrize(
    ("then", "order", "limit"),
    [
        ("sort by change", Order("change", descending=True), None),
        ("sorted by the change, ascending", Order("change"), None),
        ("smallest change first", Order("change"), None),
        ("top 2 by change", Order("change", descending=True), 2),
        ("sort by change in trips", Order("change", descending=True), None),
        ("sort by the change in takings", Order("change_takings", descending=True), None),
        ("sort by difference", Order("change", descending=True), None),
        ("sort by takings", Order("takings", descending=True), None),
    ],
)
async def test_what_is_compared_is_sorted_by_its_change(read: Read, then: str, order: Order, limit: int | None) -> None:
    """By the first metric's where none is named; what else was asked stays."""
    before = (await read(COMPARED)).question
    after = (await read(then, before=before)).question
    assert before is not None
    assert after == msgspec.structs.replace(before, order=(order,), limit=limit)
    assert (await read(f"{COMPARED}, {then}")).question == after


@pytest.mark.parametrize(
    ("then", "compare", "order"),
    [
        ("ohne Vergleich", "", ()),
        ("bitte ohne den Vergleich", "", ()),
        ("nach Veränderung sortiert", "2023-06", (Order("change", descending=True),)),
        ("sortiere nach der Änderung", "2023-06", (Order("change", descending=True),)),
        ("aufsteigend nach Veränderung", "2023-06", (Order("change"),)),
        ("nach Veränderung des Umsatzes sortiert", "2023-06", (Order("change_takings", descending=True),)),
    ],
)
async def test_what_is_compared_in_german(read: Read, then: str, compare: str, order: tuple[Order, ...]) -> None:
    """Compared no more, or sorted by its change."""
    before = (await read(GERMAN, "de")).question
    after = (await read(then, "de", before=before)).question
    assert before is not None
    assert after == msgspec.structs.replace(before, compare=compare, order=order)


@pytest.mark.parametrize("text", ["without the comparison", "sort by change", "top 3 by change", "without the comparison, versus July"])
async def test_what_is_not_compared_is_not_sorted_by_change(read: Read, text: str) -> None:
    """Nor is a comparison taken from it; nor from a question that stands alone."""
    before = (await read("trips by borough in May")).question
    assert (await read(text, before=before)).question is None
    assert (await read(f"trips by borough in May {text}")).question is None


async def test_one_comparison_in_place_of_another_is_said_in_one_way(read: Read) -> None:
    """Without it and against another time at once: nobody can say which is meant."""
    before = (await read(COMPARED)).question
    assert (await read("without the comparison, versus April", before=before)).question is None
    assert (await read("versus April", before=before)).question is not None


@pytest.mark.parametrize(
    "then",
    [
        "drop the comparison with June",
        "remove the comparison with June",
        "do not compare with June",
        "don't compare it to June",
        "without comparing to June",
        "not compared to June",
    ],
)
async def test_what_is_compared_no_more_is_not_the_period(read: Read, then: str) -> None:
    """The time that is named is the one of the comparison: what is asked about stays."""
    before = (await read(COMPARED)).question
    assert before is not None
    assert (await read(then, before=before)).question == msgspec.structs.replace(before, compare="")


@pytest.mark.parametrize("then", ["ohne Vergleich zum Juni", "nicht vergleichen mit Juni", "keinen Vergleich mit dem Juni"])
async def test_what_is_compared_no_more_in_german(read: Read, then: str) -> None:
    """As in English."""
    before = (await read(GERMAN, "de")).question
    assert before is not None
    assert (await read(then, "de", before=before)).question == msgspec.structs.replace(before, compare="")


@pytest.mark.parametrize(
    "then",
    [
        "not compared to last year",
        "without comparison to last year",
        "no comparison with the year before",
        "not compared with May",
        "without the comparison in July",
        "no comparison in July",
        "no comparison, versus April",
        "without the comparison with June and July",
        "without the comparison of May with June",
        "don't compare trips with June",
    ],
)
async def test_another_time_than_the_one_compared_with_is_no_guess(read: Read, then: str) -> None:
    """It is neither the new period nor a new comparison, however the words are cut."""
    reading = await read(then, before=(await read(COMPARED)).question)
    assert (reading.question, reading.refusal) == (None, "unclear")
    assert (await read(then, before=(await read("trips by borough in May")).question)).question is None


@pytest.mark.parametrize("then", ["keinen Vergleich zum letzten Jahr", "ohne Vergleich zum Vorjahr", "mit Juni nicht vergleichen"])
async def test_another_time_in_german_is_no_guess_either(read: Read, then: str) -> None:
    """Nor one that stands where it may be either."""
    reading = await read(then, "de", before=(await read(GERMAN, "de")).question)
    assert (reading.question, reading.refusal) == (None, "unclear")


@pytest.mark.parametrize(
    "then",
    [
        "sort by change then by trips",
        "sort by change, sort by takings",
        "sort by change, highest takings",
        "sort by difference then by trips",
        "sorted by takings, by change",
        "sort by takings and by change",
        "top 3 by takings and by change",
    ],
)
async def test_nothing_is_ranked_by_two_things(read: Read, then: str) -> None:
    """By the change and by something else: neither may be passed over."""
    reading = await read(then, before=(await read(COMPARED)).question)
    assert (reading.question, reading.refusal) == (None, "unclear")
    assert (await read(f"{COMPARED}, {then}")).question is None


@pytest.mark.parametrize(
    "text",
    [
        "top 3 boroughs by trips in May versus June, sorted by change",
        "top 3 boroughs by trips in May versus June, largest change first",
        "boroughs with the largest change in trips, May versus June",
        "which colour had the lowest change in trips in May versus June",
        "borough with the highest difference in trips between May and June",
    ],
)
async def test_a_ranking_does_not_pass_over_the_change(read: Read, text: str) -> None:
    """Nor the change over what was to be ranked by."""
    reading = await read(text)
    assert (reading.question, reading.refusal) == (None, "unclear")


@pytest.mark.parametrize("then", ["order by change in May", "by change in May", "order by change in trips in May"])
async def test_a_period_anew_is_not_ranked_by_its_change(read: Read, then: str) -> None:
    """It would be compared with nothing."""
    before = (await read(COMPARED)).question
    assert (await read(then, before=before)).question is None


@pytest.mark.parametrize("text", ["what about unicorns", "only Atlantis", "why?", "and the weather"])
async def test_follow_ups_refuse_what_nobody_knows(read: Read, text: str) -> None:
    """The question before is no reason to guess."""
    before = (await read("trips by week")).question
    assert (await read(text, before=before)).question is None


async def test_an_order_by_change_stays_as_long_as_there_is_one(read: Read) -> None:
    """Of what is compared; compared no more, the largest come first."""
    before = (await read("trips by borough in May versus June")).question
    assert before is not None
    before = msgspec.structs.replace(before, order=(Order("change", descending=True),))
    kept, gone = [(await read(text, before=before)).question for text in ("only red", "for all time")]
    assert kept is not None
    assert kept.order == before.order
    assert gone is None or gone.order == (Order("trip_count", descending=True),)


async def test_what_may_not_be_seen_is_not_refined(blind: Lexicon) -> None:
    """An address may name a metric that the asker has no word for."""
    before = Question(("repair_cost",))
    reading = await Reader(blind).read("by month", locale="en", as_of=AS_OF, before=before)
    assert (reading.question, reading.refusal) == (None, "not_permitted")
