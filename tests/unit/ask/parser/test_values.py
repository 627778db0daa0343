"""What gets into a lexicon: values and days that the asker could also query, over real Parquet and DuckDB."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from seawall.app.model import Bundle, Filter
from seawall.ask import values
from seawall.ask.reading import Reader, lexicon_of
from seawall.core.deadline import Deadline
from seawall.query.duckdb_engine import DuckDBEngine
from seawall.query.policy import Access, EffectivePolicy, unrestricted
from seawall.query.service import QueryService

from .conftest import AS_OF, OneGeneration, bicycles

TRIPS = """SELECT * FROM (VALUES
    (TIMESTAMP '2023-02-03 10:00', 1, 7, 'Member', 'HAR', 'ZOO', 12.0, 0, false),
    (TIMESTAMP '2023-11-05 18:30', 2, 8, 'Casual', 'OLD', 'HAR', 30.0, 1, true)
) AS t(started_at, trip_id, bike_id, rider, start, finish, minutes, stops, late)"""


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[QueryService]:
    """Two trips to ask."""
    duckdb.connect().execute(f"COPY ({TRIPS}) TO '{tmp_path}/trips.parquet' (FORMAT parquet)").fetchall()
    generations = OneGeneration(tmp_path)
    engine = DuckDBEngine(generations.locate, directory=tmp_path)
    yield QueryService(Bundle(bicycles(), "d" * 64), {"warehouse": engine}, generations)
    await engine.close()


def only_trips(*predicates: Filter, masked: tuple[str, ...] = ()) -> EffectivePolicy:
    """Rights over trips."""
    return EffectivePolicy({"trips": Access(predicates, masked)})


async def test_values_and_days_are_those_of_the_rows_that_are_seen(service: QueryService) -> None:
    """A row policy cuts both; a masked field has none."""
    all_ = await values.held(service, only_trips(), deadline=Deadline.after(5))
    some = await values.held(service, only_trips(Filter("trips.rider", "eq", ("Member",)), masked=("finish",)), deadline=Deadline.after(5))
    assert all_.values["trips.start"] == ("HAR", "OLD")
    assert all_.days["trips"] == (date(2023, 2, 3), date(2023, 11, 5))
    assert some.values == {"trips.rider": ("Member",), "trips.start": ("HAR",)}
    assert some.days["trips"] == (date(2023, 2, 3), date(2023, 2, 3))


async def test_a_field_of_texts_gives_no_values(service: QueryService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does one text that is longer than a line."""
    monkeypatch.setattr(values, "VALUES_MAX", 1)
    monkeypatch.setattr(values, "VALUE_CHARACTERS_MAX", 5)
    found = await values.held(service, only_trips(Filter("trips.rider", "eq", ("Member",))), deadline=Deadline.after(5))
    assert set(found.values) == {"trips.start", "trips.finish"}


async def test_tables_that_are_not_there_give_none(service: QueryService) -> None:
    """A part of the data that cannot be read is a part that cannot be asked, not a failure."""
    lexicon = await lexicon_of(service, unrestricted(bicycles()), Deadline.after(5))
    assert "stations.name" not in {ref for found in lexicon.index[""].values.values() for ref, _ in found}


async def test_what_a_row_policy_hides_cannot_be_named(service: QueryService) -> None:
    """Its value is an unknown word, as if nobody had it."""
    lexicon = await lexicon_of(service, only_trips(Filter("trips.rider", "eq", ("Member",))), Deadline.after(5))
    reader = Reader(lexicon)
    assert (await reader.read("trips by members", locale="en", as_of=AS_OF)).question is not None
    assert (await reader.read("trips of casual riders", locale="en", as_of=AS_OF)).refusal == "unknown_words"
