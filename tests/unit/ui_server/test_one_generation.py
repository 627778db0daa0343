"""What is shown and kept under a watermark is made from that generation, also when another becomes current meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pyarrow as pa
import pytest
from tests.unit.ui_server.asking import AskingHouse
from tests.unit.ui_server.sample import FakeEngine, House, OneGeneration

from seawall.query.generations import Generation

G1 = Generation("g1", "shop", 0.0, date(2018, 1, 1), {})
G2 = Generation("g2", "shop", 9.0, date(2018, 1, 8), {})
PATHS = ("/shop/demand", "/shop/listing", "/shop/ask?metric=sales&by=transactions.department")


class Turning(OneGeneration):
    """The second generation becomes current once the first was looked at so often."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def current(self, app: str) -> Generation:
        self.looks -= 1
        return G1 if self.looks >= 0 else G2


class Dated(FakeEngine):
    """Another row for each generation, and which ones were read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[str] = set()

    async def stream(self, *asked: object, watermark: str, **more: object) -> AsyncIterator[pa.RecordBatch]:  # type: ignore[override]
        self.read.add(watermark)
        self.rows["sales"] = [{"department": f"as of {watermark}", "sales": 12.5}]
        async for batch in super().stream(*asked, watermark=watermark, **more):  # type: ignore[arg-type]
            yield batch


def house_of(kind: type[House], looks: int) -> tuple[House, Dated]:
    house, engine = kind(), Dated()
    house.engine.stream = engine.stream  # type: ignore[method-assign]
    house.generations.current = Turning(looks).current  # type: ignore[method-assign]
    return house, engine


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("looks", range(1, 7))
async def test_an_answer_is_of_the_generation_that_it_is_kept_under(path: str, looks: int) -> None:
    """Whenever the next one becomes current: between the plan and the query, between the query and its comparison."""
    house, engine = house_of(AskingHouse if "ask" in path else House, looks)
    async with house.client() as client:
        assert (await client.get(path)).status_code == 200
    await house.ladder.close()
    assert engine.read == {slot.entry.watermark for slot in house.cache.memory._slots.values()}
    assert len(engine.read) == 1


async def test_after_going_back_the_page_shows_the_old_rows() -> None:
    """A page that was asked for while the second generation came, and again when the first is current once more."""
    house, _ = house_of(House, 1)
    async with house.client() as client:
        meanwhile, after = (await client.get("/shop/demand")).text, (await client.get("/shop/demand")).text
        house.generations.current = Turning(99).current  # type: ignore[method-assign]
        back = (await client.get("/shop/demand")).text
    await house.ladder.close()
    assert ["as of g1" in each for each in (meanwhile, after, back)] == [True, False, True]
    assert ["as of g2" in each for each in (meanwhile, after, back)] == [False, True, False]
