"""A panel of similar rows: streamed, kept, found by words when it must be, and as usual again at once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import date

import msgspec
import pyarrow as pa
import pytest
from tests.unit.ui_server.sample import House, sample_bundle, text

from seawall.app.model import Bundle, PageFilter, Scalar, Similar
from seawall.ask.vectors.similar import _COLUMN, Wanted
from seawall.core.deadline import Deadline
from seawall.core.errors import NotFound, SeawallError, Unavailable
from seawall.query import coalesce
from seawall.query.open_query import Moment, OpenQuery
from seawall.query.service import QueryService
from seawall.ui.rights import RightsOf
from seawall.ui.wiring import Site


class FakeSimilar:
    """Gives rows, or fails as told."""

    def __init__(self, questions: QueryService) -> None:
        self.questions = questions
        self.fault: SeawallError | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[Wanted] = []
        self.asked_by_words = asyncio.Event()

    def reading(self, questions: QueryService) -> FakeSimilar:
        return self

    async def open(self, wanted: Wanted, *, deadline: Deadline, after: tuple[Scalar, ...] | None = None) -> OpenQuery:
        self.asked.append(wanted)
        await self.gate.wait()
        if self.fault:
            raise self.fault
        return self._page(wanted, [7, 8], ("v", 0.25, "i8"))

    async def open_by_words(self, wanted: Wanted, *, deadline: Deadline, after: tuple[Scalar, ...] | None = None) -> OpenQuery:
        self.asked_by_words.set()
        return self._page(wanted, [9], None)

    def _page(self, wanted: Wanted, ids: list[int], following: tuple[Scalar, ...] | None) -> OpenQuery:
        compiled = self.questions.compile(wanted.query, wanted.policy)[1]
        rows = pa.RecordBatch.from_pylist([{"id": n, "similarity": 0.75, "department": f"D{n}", "amount": 1.0} for n in ids])

        async def given() -> AsyncIterator[pa.RecordBatch]:
            yield rows

        columns = (compiled.columns[0], _COLUMN, *compiled.columns[1:])
        return OpenQuery(columns, Moment("g1", date(2018, 1, 1)), None, given(), following)  # type: ignore[arg-type]


class Hall(House):
    """A house whose listing finds similar rows."""

    def __init__(self) -> None:
        bundle = _bundle()
        super().__init__(sites={})
        questions = QueryService(bundle, {"warehouse": self.engine}, self.generations)
        self.similar = FakeSimilar(questions)
        site = Site(bundle, questions, lambda: self.generations.current("shop"), RightsOf(bundle.app), self.similar)  # type: ignore[arg-type]
        super().__init__(sites={"shop": site})


def _bundle() -> Bundle:
    bundle = sample_bundle()
    page = bundle.app.pages["listing"]
    similar = Similar(("department",), "like", "words")
    panel = msgspec.structs.replace(page.panels["rows"], similar=similar, filters=("department", "like", "words"))
    more = {
        "like": PageFilter("like", "transactions.id", text("Like"), "text"),
        "words": PageFilter("words", "transactions.department", text("Words"), "text"),
    }
    page = msgspec.structs.replace(page, panels={"rows": panel}, filters={**page.filters, **more})
    return Bundle(msgspec.structs.replace(bundle.app, pages={**bundle.app.pages, "listing": page}), bundle.digest)


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    made = Hall()
    yield made
    await made.ladder.close()


async def page(hall: Hall, query: str) -> str:
    async with hall.client() as client:
        answer = await client.get(f"/shop/listing?{query}")
    assert answer.status_code == 200
    return answer.text


def ids(html: str) -> list[str]:
    return re.findall(r'<a class="rl" href="[^"]*">(\d+)</a>', html)


async def test_without_a_choice_rows_are_listed_as_ever(hall: Hall) -> None:
    """Each leads to those like it, and keeps the other filters."""
    html = await page(hall, "department=A")
    assert hall.similar.asked == []
    assert ids(html)[0] == "0"
    assert re.findall(r'class="rl" href="([^"]*)"', html)[0] == "?department=A&amp;like=0"


async def test_similar_rows_come_with_their_likeness(hall: Hall) -> None:
    """Other filters are conditions, the choice is none; a second visitor gets the kept fragment."""
    html = await page(hall, "like=5&department=A")
    assert ids(html) == ["7", "8"]
    assert html.count("75%") == 2
    assert "data-degraded" not in html
    assert "rows.after=" in html
    (wanted,) = hall.similar.asked
    assert [condition.field for condition in wanted.query.where] == ["transactions.department"]
    assert ids(await page(hall, "like=5&department=A")) == ["7", "8"]
    assert len(hall.similar.asked) == 1


@pytest.mark.parametrize("inorder", ["", "&inorder=1"])
async def test_without_the_store_words_find_rows_and_the_panel_says_so(hall: Hall, monkeypatch: pytest.MonkeyPatch, inorder: str) -> None:
    """Such an answer is not taken for the real one: the next visitor gets that as soon as it can be had."""
    monkeypatch.setattr(coalesce, "RETRY_AFTER_SECONDS", 0.05)
    hall.similar.fault = Unavailable("The vector store does not answer")
    html = await page(hall, f"like=5{inorder}")
    assert ids(html) == ["9"]
    assert html.count('data-degraded="words"') == 1
    assert "cannot be worked out right now" in html
    assert ids(await page(hall, f"like=5{inorder}")) == ["9"]
    hall.similar.fault = None
    await asyncio.sleep(0.06)
    html = await page(hall, f"like=5{inorder}")
    assert ids(html) == ["7", "8"]
    assert "data-degraded" not in html


async def test_an_earlier_answer_comes_before_words(hall: Hall) -> None:
    """Made from the same data it is as good as ever; its age is told."""
    await page(hall, "like=5")
    hall.similar.fault = Unavailable("The vector store does not answer")
    html = await page(hall, "like=5")
    assert ids(html) == ["7", "8"]
    assert '<time class="age cached"' in html


async def test_a_store_that_hangs_is_not_waited_for(hall: Hall) -> None:
    """Words are found in the time that is left; what comes too late speaks into nobody's answer."""
    hall.similar.gate.clear()
    async with hall.client(headers={"seawall-timeout-ms": "400"}) as client:
        asking = asyncio.create_task(client.get("/shop/listing?like=5"))
        await asyncio.wait_for(hall.similar.asked_by_words.wait(), 10)
        hall.similar.gate.set()
        html = (await asking).text
    assert ids(html) == ["9"]
    assert 'data-degraded="words"' in html


async def test_a_row_that_may_not_be_seen_is_absent(hall: Hall) -> None:
    """Words do not find what was refused."""
    hall.similar.fault = NotFound("There is no such row here, or none that you may see")
    html = await page(hall, "like=5")
    assert ids(html) == []
    assert "There is nothing here that you may see" in html


async def test_the_data_api_is_described(hall: Hall) -> None:
    """Likeness and how rows were found, for this panel only."""
    async with hall.client() as client:
        described = (await client.get("/shop/openapi.json")).json()
    schemas = described["components"]["schemas"]
    assert [name for name, schema in schemas.items() if "similarity" in schema.get("properties", {})] == ["rows.row"]
    assert "similarity" not in schemas["rows.row"]["required"]


async def test_the_data_api_tells_it_too(hall: Hall) -> None:
    """In `degraded`; files and JSON hold the likeness."""
    async with hall.client(headers={"accept": "application/json"}) as client:
        answer = (await client.get("/shop/api/panels/rows?like=5")).json()
        assert [row["similarity"] for row in answer["rows"]] == [0.75, 0.75]
        assert (answer["degraded"], answer["total"], bool(answer["next"])) == (None, None, True)
        csv = (await client.get("/shop/api/panels/rows?like=5&format=csv")).text
        assert csv.splitlines()[0] == '"id","similarity","department","amount"'
        hall.similar.fault = Unavailable("The vector store does not answer")
        answer = (await client.get("/shop/api/panels/rows?like=5")).json()
    assert (answer["degraded"], [row["id"] for row in answer["rows"]]) == ("words", [9])
