"""A made-up app to ask: a year of rented bicycles, their stations, their repairs and the weather."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest

from seawall.app.model import App, Dataset, Field, Format, Metric, Policy, Relationship, Role, Semantics, Text
from seawall.ask.lexicon import Lexicon
from seawall.ask.lexicon_build import build
from seawall.ask.question import Question
from seawall.ask.reading import Reader, Reading
from seawall.ask.values import Held
from seawall.query.generations import Generation
from seawall.query.policy import Access, EffectivePolicy, unrestricted

AS_OF = date(2024, 1, 1)
VALUES = {
    "trips.rider": ("Casual", "Member"),
    "trips.start": ("HAR", "MUS", "OLD", "PAR"),
    "trips.finish": ("HAR", "MUS", "OLD", "PAR", "ZOO"),
    "stations.name": ("Harbour", "Museum & Gallery", "Old Town", "Park East"),
    "stations.borough": ("Centre", "Docks", "Hills"),
    "bikes.kind": ("Classic", "Electric", "Tandem/Family"),
    "bikes.colour": ("Blue", "Dark blue", "Not painted", "Red"),
    "repairs.part": ("Brakes", "Lights", "Wheel", "Old town bell"),
}


class OneGeneration:
    """A generation with trips alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def current(self, app: str) -> Generation:
        return Generation("g1", app, 0.0, AS_OF, {})

    def locate(self, id: str) -> Mapping[str, Sequence[Path]]:
        return {"trips": [self.folder / "trips.parquet"]}


def _field(dataset: str, name: str, kind: str, en: str, de: str, synonyms: tuple[str, ...] = (), **more: object) -> Field:
    return Field(dataset, name, name, kind, Text({"en": en, "de": de}), synonyms=synonyms, **more)  # type: ignore[arg-type]


def _dataset(name: str, key: str, en: str, de: str, *fields: Field, time: str = "", synonyms: tuple[str, ...] = ()) -> Dataset:
    by_name = {field.name: field for field in fields}
    return Dataset(name, name, by_name, (key,), time=time, label=Text({"en": en, "de": de}), synonyms=synonyms)


def _metric(
    name: str, sql: str, kind: str, en: str, de: str, synonyms: tuple[str, ...] = (), better: str = "up", about: str = ""
) -> Metric:
    text = Text({"en": about} if about else {})
    return Metric(name, sql, kind, Text({"en": en, "de": de}), text, synonyms, better=better)  # type: ignore[arg-type]


def bicycles() -> App:
    """The app."""
    trips = _dataset(
        "trips",
        "trip_id",
        "Trips",
        "Fahrten",
        _field("trips", "started_at", "DateTime", "Started at", "Beginn", is_time=True),
        _field("trips", "trip_id", "Integer", "Trip no.", "Fahrtnr."),
        _field("trips", "bike_id", "Integer", "Bicycle", "Fahrrad", ("bike",)),
        _field("trips", "rider", "String", "Rider", "Fahrer", ("customer type",)),
        _field("trips", "start", "String", "Start", "Start", ("from", "von", "departure station")),
        _field("trips", "finish", "String", "Finish", "Ziel", ("to", "nach", "destination")),
        _field("trips", "minutes", "Float", "Duration", "Dauer", ("trip duration", "Fahrtdauer")),
        _field("trips", "stops", "Integer", "Stops", "Halte"),
        _field("trips", "late", "Boolean", "Late", "Verspätet"),
        time="started_at",
        synonyms=("rides", "journeys"),
    )
    stations = _dataset(
        "stations",
        "code",
        "Stations",
        "Stationen",
        _field("stations", "code", "String", "Station code", "Stationskürzel"),
        _field("stations", "name", "String", "Station", "Station"),
        _field("stations", "borough", "String", "Borough", "Bezirk", ("district", "area")),
    )
    bikes = _dataset(
        "bikes",
        "bike_id",
        "Bicycles",
        "Fahrräder",
        _field("bikes", "bike_id", "Integer", "Bicycle no.", "Fahrradnr."),
        _field("bikes", "kind", "String", "Kind of bicycle", "Fahrradart", ("model",)),
        _field("bikes", "colour", "String", "Colour", "Farbe", ("color",)),
        synonyms=("bikes", "Räder"),
    )
    repairs = _dataset(
        "repairs",
        "repair_id",
        "Repairs",
        "Reparaturen",
        _field("repairs", "day", "Date", "Day", "Tag", is_time=True),
        _field("repairs", "repair_id", "Integer", "Repair no.", "Reparaturnr."),
        _field("repairs", "bike_id", "Integer", "Bicycle", "Fahrrad"),
        _field("repairs", "part", "String", "Part", "Teil"),
        _field("repairs", "price", "Decimal", "Price", "Preis", format=Format(style="currency", currency="EUR")),
        time="day",
    )
    metrics = (
        _metric("trip_count", "COUNT(trips.trip_id)", "Integer", "Trips", "Fahrten", ("rides", "journeys")),
        _metric("duration", "AVG(trips.minutes)", "Float", "Average duration", "Mittlere Dauer", ("length of trips", "Fahrtdauer")),
        _metric("takings", "SUM(trips.minutes)", "Float", "Takings", "Einnahmen", ("revenue", "income", "Umsatz")),
        _metric("late_share", "AVG(trips.stops)", "Float", "Late share", "Verspätungsquote", ("share of late trips",), "down"),
        _metric(
            "takings_per_trip",
            "SUM(trips.minutes) / NULLIF(COUNT(trips.trip_id), 0)",
            "Float",
            "Yield",
            "Ertrag",
            about="Takings per trip.",
        ),
        _metric("bikes_used", "COUNT(DISTINCT trips.bike_id)", "Integer", "Bicycles in use", "Benutzte Räder", ("active bikes",)),
        _metric("repair_cost", "SUM(repairs.price)", "Decimal", "Repair cost", "Reparaturkosten", ("cost of repairs",), "down"),
        _metric("repair_count", "COUNT(repairs.repair_id)", "Integer", "Repairs", "Reparaturen", (), "down"),
    )
    relationships = (
        Relationship("trip_start", "trips", "stations", ("start",), ("code",), preferred=True),
        Relationship("trip_finish", "trips", "stations", ("finish",), ("code",)),
        Relationship("trip_bike", "trips", "bikes", ("bike_id",), ("bike_id",)),
        Relationship("repair_bike", "repairs", "bikes", ("bike_id",), ("bike_id",)),
    )
    datasets = {one.name: one for one in (trips, stations, bikes, repairs)}
    semantics = Semantics(datasets, relationships, {one.name: one for one in metrics})
    policies = {name: Policy(name) for name in datasets}
    return App("bicycles", Text({"en": "Bicycles"}), semantics, {"clerk": Role("clerk")}, policies, {}, ("en", "de"))


def lexicon_for(policy: EffectivePolicy, values: dict[str, tuple[str, ...]] | None = None) -> Lexicon:
    """What somebody with these rights can say."""
    shown = VALUES if values is None else values
    kept = {ref: found for ref, found in shown.items() if ref.partition(".")[0] in policy.datasets}
    days = {name: (date(2023, 1, 1), date(2023, 12, 31)) for name in ("trips", "repairs") if name in policy.datasets}
    return build(bicycles(), policy, Held(kept, days))


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    """The lexicon of somebody who may see everything."""
    return lexicon_for(unrestricted(bicycles()))


@pytest.fixture(scope="session")
def blind() -> Lexicon:
    """The lexicon of somebody who may not see repairs, nor who rode."""
    return lexicon_for(
        EffectivePolicy({"trips": Access(masked=("rider",)), "stations": Access(), "bikes": Access()}),
        {ref: found for ref, found in VALUES.items() if ref != "trips.rider"},
    )


Read = Callable[..., Reading]


@pytest.fixture
def read(lexicon: Lexicon) -> Callable[..., object]:
    """`await read(text)`: the reading, in English unless `locale` says otherwise."""

    async def reading(text: str, locale: str = "en", before: Question | None = None) -> Reading:
        return await Reader(lexicon).read(text, locale=locale, as_of=AS_OF, before=before)

    return reading
