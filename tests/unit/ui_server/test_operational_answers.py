"""Answers over tables that change: made anew after seconds, not kept for the day as those of a generation are."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.ui_server.asking import AskingHouse
from tests.unit.ui_server.sample import FakeEngine, House, OneGeneration, sample_bundle

from seawall.app.model import Bundle, Chart, Comparison, Filter, Layer, MetricQuery, Panel, Text
from seawall.core.clock import ManualClock
from seawall.query.ladder import Served
from seawall.query.service import QueryService
from seawall.ui.rights import RightsOf
from seawall.ui.wiring import Site

ASKED = "/shop/ask?metric=sales&by=transactions.department"


MONTH = Panel(
    "units",
    Text({"en": "Units"}),
    MetricQuery(("units",), where=(Filter("transactions.sold_at", "during", ("this_month",)),)),
    Chart((Layer("number"),)),
    compare=Comparison(),
)


def operational_house(*, is_published: bool = True) -> House:
    """The sample app, whose transactions are in Postgres, with a number of this month compared with the one before."""
    bundle = sample_bundle()
    page = bundle.app.pages["demand"]
    page = msgspec.structs.replace(page, panels={"sales": page.panels["sales"], "units": MONTH}, layout=(("sales", "units"),))
    bundle = Bundle(msgspec.structs.replace(bundle.app, pages={"demand": page}), bundle.digest)
    semantics = bundle.app.semantics
    moved = msgspec.structs.replace(semantics.datasets["transactions"], engine="operational")
    semantics = msgspec.structs.replace(semantics, datasets=semantics.datasets | {"transactions": moved})
    made = Bundle(msgspec.structs.replace(bundle.app, semantics=semantics), bundle.digest)
    generations, engine = OneGeneration(), FakeEngine()
    generations.generation = generations.generation if is_published else None
    questions = QueryService(made, {"warehouse": engine, "operational": engine}, generations, clock=ManualClock())
    ask = AskingHouse().cascade
    site = Site(made, questions, lambda: generations.current("shop"), RightsOf(made.app), ask=ask)  # type: ignore[arg-type]
    house = House(sites={"shop": site})
    house.engine = engine
    return house


@pytest.mark.parametrize(("is_operational", "seconds"), [(False, 86_400), (True, 10)])
async def test_an_answer_is_fresh_as_long_as_its_data(monkeypatch: pytest.MonkeyPatch, is_operational: bool, seconds: float) -> None:
    """A question in words: its answer would else be shown for a day as that of data which has not changed."""
    house = operational_house() if is_operational else AskingHouse()
    told: list[float] = []
    serve = house.ladder.serve

    async def noted(*asked: object, fresh_for: float, **more: object) -> Served:
        told.append(fresh_for)
        return await serve(*asked, fresh_for=fresh_for, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(house.ladder, "serve", noted)
    async with house.client() as client:
        assert "GROCERY" in (await client.get(ASKED)).text
    await house.ladder.close()
    assert told == [seconds]


async def test_a_number_of_today_is_compared_with_a_time_before_today() -> None:
    """What is read as it is now counts from now, not from the last day that was published."""
    house = operational_house()
    async with house.client() as client:
        assert "Units" in (await client.get("/shop/demand")).text
    await house.ladder.close()
    asked = {each for name, each in zip(house.engine.calls, house.engine.parameters, strict=True) if name == "units"}
    assert asked == {("2023-11-01", "2023-12-01", "S1"), ("2023-10-01", "2023-11-01", "S1")}


async def test_tables_that_change_are_shown_before_anything_is_published() -> None:
    """An app may have no generation at all."""
    house = operational_house(is_published=False)
    async with house.client() as client:
        page, answer = (await client.get("/shop/demand")).text, (await client.get(ASKED)).text
    await house.ladder.close()
    assert "GROCERY" in page
    assert "GROCERY" in answer
