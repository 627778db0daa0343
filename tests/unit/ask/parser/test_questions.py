"""Questions about rented bicycles, construct by construct, in English and German."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from seawall.app.model import Dimension, Filter, Grain, Order, Scalar
from seawall.ask.question import Question, by_field, by_time, during
from seawall.ask.reading import Reading

Read = Callable[..., Awaitable[Reading]]


def q(*metrics: str, by: tuple[str, ...] = (), where: tuple[Filter, ...] = (), order: str = "", **more: object) -> Question:
    """A question in a few words: a dimension without a dot is a grain, a leading `-` means the largest first."""
    dimensions: list[Dimension] = [by_field(one) if "." in one else by_time(_grain(one)) for one in by]
    orders = (Order(order.removeprefix("-"), order.startswith("-")),) if order else ()
    return Question(metrics, tuple(dimensions), where, orders, **more)  # type: ignore[arg-type]


def _grain(text: str) -> Grain:
    return text  # type: ignore[return-value]


def eq(field: str, value: Scalar) -> Filter:
    """`field` is `value`."""
    return Filter(field, "eq", (value,))


BOROUGH, STATION, KIND, COLOUR = "stations.borough", "stations.name", "bikes.kind", "bikes.colour"
MAY = during("2023-05")

METRICS = [
    ("trips", q("trip_count")),
    ("how many rides were there in May?", q("trip_count", where=(MAY,))),
    ("trips and takings by borough", q("trip_count", "takings", by=(BOROUGH,))),
    ("revenue by month", q("takings", by=("month",))),
    ("how many bikes were used in May", q("bikes_used", where=(MAY,))),
    ("total trips", q("trip_count")),
    ("average duration by station", q("duration", by=(STATION,))),
]
GROUPS = [
    ("weekly trips", q("trip_count", by=("week",))),
    ("trips per borough and month", q("trip_count", by=(BOROUGH, "month"))),
    ("trips by bike colour", q("trip_count", by=(COLOUR,))),
    ("trips by kind of bicycle", q("trip_count", by=(KIND,))),
    ("bike colours by trips", q("trip_count", by=(COLOUR,))),
    ("trips by start station", q("trip_count", by=("trips.start",))),
    ("trips split by borough", q("trip_count", by=(BOROUGH,))),
    ("what was the trip duration by borough", q("duration", by=(BOROUGH,))),
    ("boroughs by trips", q("trip_count", by=(BOROUGH,))),
    ("trips over time", q("trip_count", by=("week",))),
    ("trips by week for the last 8 weeks", q("trip_count", by=("week",), last=8)),
    ("trips by week in the last 3 months", q("trip_count", by=("week",), where=(during("last_3_months"),))),
    ("which boroughs are there?", q(by=(BOROUGH,))),
]
VALUES = [
    ("trips in Docks", q("trip_count", where=(eq(BOROUGH, "Docks"),))),
    ("trips in docks and hills", q("trip_count", where=(Filter(BOROUGH, "in", ("Docks", "Hills")),))),
    ("trips of red bikes by members", q("trip_count", where=(eq(COLOUR, "Red"), eq("trips.rider", "Member")))),
    ("trips of dark blue bikes", q("trip_count", where=(eq(COLOUR, "Dark blue"),))),
    ("tandem trips", q("trip_count", where=(eq(KIND, "Tandem/Family"),))),
    ("trips at the museum and gallery", q("trip_count", where=(eq(STATION, "Museum & Gallery"),))),
    ("trips from HAR to ZOO", q("trip_count", where=(eq("trips.start", "HAR"), eq("trips.finish", "ZOO")))),
    ("trips from start station HAR", q("trip_count", where=(eq("trips.start", "HAR"),))),
    ("members, their trips by month", q("trip_count", by=("month",), where=(eq("trips.rider", "Member"),))),
    ("trips of bike 12", q("trip_count", where=(eq("trips.bike_id", 12),))),
    ("late trips", q("trip_count", where=(eq("trips.late", True),))),
    ("trips at the museum", q("trip_count", where=(eq(STATION, "Museum & Gallery"),))),
    ("trips in district Docks", q("trip_count", where=(eq(BOROUGH, "Docks"),))),
    ("trips where the colour is red", q("trip_count", where=(eq(COLOUR, "Red"),))),
    ("trips of dark blue or not painted bikes", q("trip_count", where=(Filter(COLOUR, "in", ("Dark blue", "Not painted")),))),
    ("Harbour in May", q("trip_count", where=(eq(STATION, "Harbour"), MAY))),
]
NEGATION = [
    ("trips excluding red bikes", q("trip_count", where=(Filter(COLOUR, "ne", ("Red",)),))),
    ("trips by colour except red and blue", q("trip_count", by=(COLOUR,), where=(Filter(COLOUR, "not_in", ("Red", "Blue")),))),
    ("without tandems: trips in Docks", q("trip_count", where=(Filter(KIND, "ne", ("Tandem/Family",)), eq(BOROUGH, "Docks")))),
    ("trips w/o red bikes", q("trip_count", where=(Filter(COLOUR, "ne", ("Red",)),))),
    ("trips for members, not casual", q("trip_count", where=(eq("trips.rider", "Member"),))),
    ("trips that were not late", q("trip_count", where=(eq("trips.late", False),))),
    ("trips where the rider is unknown", q("trip_count", where=(Filter("trips.rider", "is_null"),))),
    ("trips without a rider", q("trip_count", where=(Filter("trips.rider", "is_null"),))),
    ("trips by borough where colour is known", q("trip_count", by=(BOROUGH,), where=(Filter(COLOUR, "not_null"),))),
]
NUMBERS = [
    ("trips with a duration over 30 minutes", q("trip_count", where=(Filter("trips.minutes", "gt", (30,)),))),
    ("trips with at least two stops", q("trip_count", where=(Filter("trips.stops", "ge", (2,)),))),
    ("trips with 3 or more stops", q("trip_count", where=(Filter("trips.stops", "ge", (3,)),))),
    ("repairs with a price below 1,000", q("repair_count", where=(Filter("repairs.price", "lt", (1000,)),))),
    (
        "trips with between 2 and 4 stops",
        q("trip_count", where=(Filter("trips.stops", "ge", (2,)), Filter("trips.stops", "le", (4,)))),
    ),
]
RANKS = [
    ("top 5 stations by trips", q("trip_count", by=(STATION,), order="-trip_count", limit=5)),
    ("bottom three boroughs by takings", q("takings", by=(BOROUGH,), order="takings", limit=3)),
    ("which station has the highest takings?", q("takings", by=(STATION,), order="-takings", limit=1)),
    ("which stations have the highest takings?", q("takings", by=(STATION,), order="-takings", limit=10)),
    ("stations with the fewest trips", q("trip_count", by=(STATION,), order="trip_count", limit=10)),
    ("best boroughs by late share", q("late_share", by=(BOROUGH,), order="late_share", limit=10)),
    ("highest late share by borough", q("late_share", by=(BOROUGH,), order="-late_share", limit=10)),
    ("the ten stations with the most trips", q("trip_count", by=(STATION,), order="-trip_count", limit=10)),
    ("trips by borough, from smallest to largest", q("trip_count", by=(BOROUGH,), order="trip_count")),
    ("boroughs sorted by takings", q("takings", by=(BOROUGH,), order="-takings")),
    ("start stations with the most trips", q("trip_count", by=("trips.start",), order="-trip_count", limit=10)),
    ("which month had the most trips", q("trip_count", by=("month",), order="-trip_count", limit=1)),
    ("top 3 colours", q("trip_count", by=(COLOUR,), order="-trip_count", limit=3)),
]
QUOTIENTS = [
    ("takings per trip by borough", q("takings_per_trip", by=(BOROUGH,))),
    ("ratio of takings to trips", q("takings_per_trip")),
    ("takings to repairs ratio", q("takings", "repair_count", ratio=True)),
    ("repair cost divided by repairs by part", q("repair_cost", "repair_count", by=("repairs.part",), ratio=True)),
]
COMPARISONS = [
    ("trips last week compared with the week before", q("trip_count", where=(during("last_1_week"),), compare="previous")),
    ("trips in May than a year ago", q("trip_count", where=(MAY,), compare="year_ago")),
    ("trips last 4 weeks vs the 4 weeks before", q("trip_count", where=(during("last_4_weeks"),), compare="previous")),
    ("trips in May vs June 2023", q("trip_count", where=(MAY,), compare="2023-06")),
    ("difference in trips between May and June", q("trip_count", where=(MAY,), compare="2023-06")),
    ("compare trips in docks and hills", q("trip_count", by=(BOROUGH,), where=(Filter(BOROUGH, "in", ("Docks", "Hills")),))),
]
WRITING = [
    ("tripps by boroughs", q("trip_count", by=(BOROUGH,))),
    ("TRIPS BY BOROUGH!!!", q("trip_count", by=(BOROUGH,))),
    ("please show me the trips by borough as a table", q("trip_count", by=(BOROUGH,), show="table")),
    ("trips by week as a line chart", q("trip_count", by=("week",), show="line")),
]
GERMAN = [
    ("Wie viele Fahrten gab es im Mai?", q("trip_count", where=(MAY,))),
    ("Einnahmen nach Bezirk", q("takings", by=(BOROUGH,))),
    ("Fahrten je Woche", q("trip_count", by=("week",))),
    ("Top 5 Stationen nach Einnahmen", q("takings", by=(STATION,), order="-takings", limit=5)),
    ("Welche Station hat die meisten Fahrten?", q("trip_count", by=(STATION,), order="-trip_count", limit=1)),
    ("Welche Bezirke haben die niedrigsten Einnahmen?", q("takings", by=(BOROUGH,), order="takings", limit=10)),
    ("Fahrten ohne Red", q("trip_count", where=(Filter(COLOUR, "ne", ("Red",)),))),
    ("Wochenfahrten im Mai", q("trip_count", by=("week",), where=(MAY,))),
    ("Fahrten im Vormonat", q("trip_count", where=(during("last_1_month"),))),
    ("Bezirksfahrten im Mai", q("trip_count", by=(BOROUGH,), where=(MAY,))),
    ("Fahrten nach ZOO im Mai", q("trip_count", where=(eq("trips.finish", "ZOO"), MAY))),
    ("verspätete Fahrten nach Station", q("trip_count", by=(STATION,), where=(eq("trips.late", True),))),
    ("Einnahmen geteilt durch Reparaturen", q("takings", "repair_count", ratio=True)),
    ("Fahrten der letzten 4 Wochen verglichen mit dem Vorjahr", q("trip_count", where=(during("last_4_weeks"),), compare="year_ago")),
    ("Reparaturen mit Preis über 1.000", q("repair_count", where=(Filter("repairs.price", "gt", (1000,)),))),
]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [*METRICS, *GROUPS, *VALUES, *NEGATION, *NUMBERS, *RANKS, *QUOTIENTS, *COMPARISONS, *WRITING],
    ids=lambda one: one if isinstance(one, str) else "",
)
async def test_english_questions_become_queries(read: Read, text: str, wanted: Question) -> None:
    """What an analyst would have written down."""
    reading = await read(text)
    assert reading.question is not None, reading.why
    assert (reading.question.canonical(), reading.question.show) == (wanted.canonical(), wanted.show)


@pytest.mark.parametrize(("text", "wanted"), GERMAN, ids=lambda one: one if isinstance(one, str) else "")
@pytest.mark.parametrize("locale", ["de", "en"])
async def test_german_questions_become_queries_whatever_the_locale(read: Read, text: str, wanted: Question, locale: str) -> None:
    """The words say which language they are in."""
    reading = await read(text, locale)
    assert reading.question is not None, reading.why
    assert reading.question.canonical() == wanted.canonical()


async def test_spans_say_which_words_became_what(read: Read) -> None:
    """For chips and highlighting."""
    text = "trips in Docks by month since May"
    reading = await read(text)
    told = [(text[span.start : span.end], span.kind, span.name) for span in reading.spans if span.kind != "by"]
    assert told == [
        ("trips", "metric", "trip_count"),
        ("Docks", "value", "stations.borough=Docks"),
        ("month", "grain", "month"),
        ("since May", "period", "2023-05-01.."),
    ]


async def test_plain_questions_are_surer_than_doubtful_ones(read: Read) -> None:
    """A misspelt word and an assumed metric cost confidence."""
    sure, unsure = await read("trips by borough"), await read("top borroughs")
    assert 0 < unsure.confidence < sure.confidence <= 1
    assert unsure.features["typo"] > 0 == sure.features["typo"]
