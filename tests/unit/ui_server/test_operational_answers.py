"""Answers over tables that change: made anew after seconds, not kept for the day as those of a generation are."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from tests.unit.ui_server.asking import AskingHouse
from tests.unit.ui_server.sample import FakeEngine, House, OneGeneration, sample_bundle

from seawall.app.model import Bundle, Chart, Comparison, Filter, Layer, MetricQuery, Panel, Text
from seawall.ask.opening import open_cascade
from seawall.core.clock import ManualClock
from seawall.query.cache import Cache
from seawall.query.ladder import Ladder, Served
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


def operational_site(*, is_published: bool = True, alone: bool = False) -> tuple[Site, FakeEngine]:
    """The sample app, whose transactions are in Postgres (`alone`: all it has), with a number of this month."""
    bundle = sample_bundle()
    page = bundle.app.pages["demand"]
    page = msgspec.structs.replace(page, panels={"sales": page.panels["sales"], "units": MONTH}, layout=(("sales", "units"),))
    bundle = Bundle(msgspec.structs.replace(bundle.app, pages={"demand": page}), bundle.digest)
    semantics = bundle.app.semantics
    names = semantics.datasets if alone else ("transactions",)
    moved = {name: msgspec.structs.replace(semantics.datasets[name], engine="operational") for name in names}
    semantics = msgspec.structs.replace(semantics, datasets=semantics.datasets | moved)
    made = Bundle(msgspec.structs.replace(bundle.app, semantics=semantics), bundle.digest)
    generations, engine = OneGeneration(), FakeEngine()
    generations.generation = generations.generation if is_published else None
    questions = QueryService(made, {"warehouse": engine, "operational": engine}, generations, clock=ManualClock())
    ask = AskingHouse().cascade
    return Site(made, questions, lambda: generations.current("shop"), RightsOf(made.app), ask=ask), engine  # type: ignore[arg-type]


def operational_house(*, is_published: bool = True, **wired: object) -> House:
    """A server for it."""
    site, engine = operational_site(is_published=is_published)
    house = House(sites={"shop": site}, **wired)
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


async def test_choices_of_filters_follow_tables_that_change() -> None:
    """No generation tells when those do: after some minutes the list is read anew."""
    clock = ManualClock()
    ladder = Ladder(Cache(clock=clock), None, clock)
    house = operational_house(ladder=ladder)
    async with house.client() as client:
        assert ">DRUG GM<" in (await client.get("/shop/demand")).text
        house.engine.rows["value"].append({"value": "TOYS"})
        assert ">TOYS<" not in (await client.get("/shop/demand")).text
        clock.advance(301)
        async with asyncio.timeout(30):
            while ">TOYS<" not in (await client.get("/shop/demand")).text:
                await asyncio.sleep(0.01)
    await ladder.close()


class Planned(FakeEngine):
    """One that can tell beforehand what it would give, which is nothing."""

    async def dry_run(self, *_: object, **__: object) -> pa.Schema:
        return pa.schema([])


async def test_an_app_with_tables_that_change_alone_understands_words(tmp_path: Path) -> None:
    """It has no generation, and needs none."""
    site, _ = operational_site(is_published=False, alone=True)
    site.questions._engines = dict.fromkeys(("warehouse", "operational"), Planned())
    cascade, lexicons = open_cascade(site.bundle, tmp_path, site.questions)
    house = House(sites={"shop": replace(site, ask=cascade)})
    async with house.client() as client:
        assert "GROCERY" in (await client.get("/shop/ask?q=sales+by+department")).text
    await lexicons.close()
    await house.ladder.close()
