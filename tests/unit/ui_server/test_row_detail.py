"""One row in full: as JSON, as the inside of a dialog, as a section of the page."""

import re

import pyarrow as pa
import pytest
from tests.unit.ui_server.sample import House, sample_bundle

from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded
from seawall.query.cache import CacheKey
from seawall.query.results import MakeTable
from seawall.query.service import QueryService
from seawall.ui.rights import RightsOf
from seawall.ui.wiring import Site

JSON = {"accept": "application/json"}


async def key_of_first(client) -> str:
    return (await client.get("/shop/api/panels/rows?limit=3&format=json")).json()["keys"][0]


async def test_a_row_tells_every_field(house: House) -> None:
    """What the panel lists comes first, then the dataset's other fields, each with its label and definition."""
    async with house.client(headers=JSON) as client:
        answer = (await client.get(f"/shop/api/panels/rows/rows/{await key_of_first(client)}?lang=de")).json()
    assert list(answer["row"]) == ["id", "department", "amount", "sold_at", "store"]
    assert answer["row"]["sold_at"] == "2017-01-01"
    assert answer["fields"][-1] | {"name": "store", "definition": "Wo es verkauft wurde.", "masked": False} == answer["fields"][-1]


async def test_a_row_is_asked_for_under_the_policy(house: House) -> None:
    """The key's value and the principal's stores are both bound: nothing is granted by holding a key."""
    async with house.client(headers=JSON) as client:
        key = (await client.get("/shop/api/panels/rows?limit=3")).json()["keys"][2]
    async with house.client("viewer", headers=JSON, stores=("S9",)) as other:
        await other.get(f"/shop/api/panels/rows/rows/{key}")
    assert {"S9", 2, 1} <= set(house.engine.parameters[-1])


async def test_what_is_not_there_is_absent(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that the policy hides, a key that was altered, one of another panel, a panel without rows: worded alike, status 404."""
    async with house.client(headers=JSON) as client:
        key = await key_of_first(client)
        cursor = (await client.get("/shop/api/panels/rows?limit=3")).json()["next"]
        asked = len(house.engine.calls)
        paths = [f"rows/rows/{key[:-4]}AAAA", "rows/rows/x", f"rows/rows/{cursor}", f"sales/rows/{key}"]
        answers = [await client.get(f"/shop/api/panels/{path}") for path in paths]
        assert len(house.engine.calls) == asked
        monkeypatch.setattr(house.engine, "batches", 0)
        answers.append(await client.get(f"/shop/api/panels/rows/rows/{key}"))
    assert [answer.status_code for answer in answers] == [404] * 5
    assert answers[0].json()["detail"] == answers[-1].json()["detail"]


async def test_the_inside_of_a_dialog(house: House) -> None:
    """The same row as markup, escaped, with the way out; an absent one says so in words, with the same status as JSON."""
    async with house.client() as client:
        key = await key_of_first(client)
        html = (await client.get(f"/shop/api/panels/rows/rows/{key}?format=html")).text
        absent = await client.get("/shop/api/panels/rows/rows/x?format=html&lang=de")
    assert '<dd dir="auto">D&lt;0&gt;</dd>' in html
    assert '<form method="dialog">' in html
    assert "No value was recorded" in html
    assert absent.status_code == 404
    assert "Diese Zeile gibt es hier nicht" in absent.text


async def test_every_row_links_to_itself_within_the_state_of_the_page(house: House) -> None:
    """The first cell is the link; it keeps the filters."""
    async with house.client() as client:
        html = (await client.get("/shop/listing?department=GROCERY&lang=de")).text
    links = re.findall(r'<tr><td class="n"><a class="rl" href="\?([^"]+)">', html)
    assert len(links) == 3
    assert all(link.startswith("department=GROCERY&amp;lang=de&amp;rows.row=") for link in links)


@pytest.mark.parametrize("more", ["", "&inorder=1"])
async def test_without_script_the_row_stands_above_the_table(house: House, more: str) -> None:
    """A page load with the row's key shows it before the panels, and the way back to the same state."""
    async with house.client() as client:
        page = (await client.get("/shop/listing?department=GROCERY")).text
        link = re.search(r'class="rl" href="\?([^"]+)"', page)
        assert link
        html = (await client.get(f"/shop/listing?{link[1].replace('&amp;', '&')}{more}")).text
    assert html.index('id="filters"') < html.index('id="row-detail"') < html.index('id="panel-rows"')
    assert '<a class="button" href="?department=GROCERY" data-page-link>' in html
    assert html.count("<tr><td") == 3


async def test_a_row_that_cannot_be_shown_costs_only_itself(house: House) -> None:
    """The page comes with the sentence that says why, whether the key is made up or the data slow."""
    async with house.client() as client:
        key = await key_of_first(client)
        absent = (await client.get("/shop/listing?rows.row=made-up")).text
        house.engine.faults = {"id": DeadlineExceeded()}
        slow = (await client.get(f"/shop/listing?rows.row={key}")).text
    assert "none that you may see" in absent
    assert "This took longer" in slow.partition('id="row-detail"')[2].partition("</section>")[0]


async def test_a_rows_answer_is_kept_for_a_minute_only() -> None:
    """There may be millions of rows; each opened once would push out what everybody asks for."""
    kept: list[float] = []

    class Results:
        async def table(self, key: CacheKey, make: MakeTable, *, deadline: Deadline, fresh_for: float) -> pa.Table:
            kept.append(fresh_for)
            return await make(deadline)

    plain = House()
    bundle = sample_bundle()
    questions = QueryService(bundle, {"warehouse": plain.engine}, plain.generations, Results())  # type: ignore[arg-type]
    house = House(sites={"shop": Site(bundle, questions, lambda: plain.generations.current("shop"), RightsOf(bundle.app))})
    async with house.client(headers=JSON) as client:
        await client.get(f"/shop/api/panels/rows/rows/{await key_of_first(client)}")
    assert kept
    assert max(kept) <= 60
