"""Answers over tables that change: made anew after seconds, not kept for the day as those of a generation are."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.ui_server.asking import AskingHouse
from tests.unit.ui_server.sample import FakeEngine, House, OneGeneration, sample_bundle

from seawall.app.model import Bundle
from seawall.query.ladder import Served
from seawall.query.service import QueryService
from seawall.ui.rights import RightsOf
from seawall.ui.wiring import Site

ASKED = "/shop/ask?metric=sales&by=transactions.department"


def operational_house() -> House:
    """The sample app, whose transactions are in Postgres."""
    bundle = sample_bundle()
    semantics = bundle.app.semantics
    moved = msgspec.structs.replace(semantics.datasets["transactions"], engine="operational")
    semantics = msgspec.structs.replace(semantics, datasets=semantics.datasets | {"transactions": moved})
    made = Bundle(msgspec.structs.replace(bundle.app, semantics=semantics), bundle.digest)
    generations, engine = OneGeneration(), FakeEngine()
    questions = QueryService(made, {"warehouse": engine, "operational": engine}, generations)
    ask = AskingHouse().cascade
    site = Site(made, questions, lambda: generations.current("shop"), RightsOf(made.app), ask=ask)  # type: ignore[arg-type]
    return House(sites={"shop": site})


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
