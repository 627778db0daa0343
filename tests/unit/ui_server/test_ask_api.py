"""`/{app}/api/ask` for programs."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import msgspec
import pyarrow as pa
import pytest
from tests.unit.ui_server.asking import SALES, AskingHouse
from tests.unit.ui_server.sample import House

from seawall.ask.params import to_params

ADDRESS = "/shop/api/ask"
OURS = {"accept": "application/json"}


@pytest.fixture
async def asking() -> AsyncIterator[AskingHouse]:
    made = AskingHouse()
    yield made
    await made.ladder.close()


async def test_a_text_is_answered_with_what_it_was_understood_as(asking: AskingHouse) -> None:
    """The question, its sentence, where it is shown, and the rows."""
    async with asking.client(headers=OURS) as client:
        answer = (await client.post(ADDRESS, json={"question": "sales by department"})).json()
    assert (answer["tier"], answer["sentence"], answer["confidence"]) == ("small", "Sales, by department", 0.93)
    assert answer["url"] == "/shop/ask?metric=sales&by=transactions.department"
    assert answer["rows"][0] == {"department": "GROCERY", "sales": 12.5}


async def test_what_it_was_understood_as_may_be_refined(asking: AskingHouse) -> None:
    """`before` is the `question` of an answer, checked against what the sender may see."""
    async with asking.client(headers=OURS) as client:
        first = (await client.post(ADDRESS, json={"question": "sales by department"})).json()
        await client.post(ADDRESS, json={"question": "more", "before": first["question"]})
        hidden = await client.post(ADDRESS, json={"question": "more", "before": {"metrics": ["hidden"]}})
    assert asking.cascade.asked[1].before == SALES
    assert (hidden.status_code, hidden.headers["content-type"]) == (404, "application/problem+json")


async def test_a_refusal_is_told_in_json_and_an_error_for_files(asking: AskingHouse) -> None:
    """JSON can say why; a file cannot."""
    async with asking.client(headers=OURS) as client:
        told = await client.post(ADDRESS, json={"question": "florbs"})
        file = await client.post(ADDRESS, json={"question": "florbs"}, headers={"accept": "text/csv"})
    assert (told.status_code, told.json()["refusal"], told.json()["why"]) == (200, "unknown_words", "Not <known>.")
    assert (file.status_code, file.json()["type"].rpartition("/")[2]) == (422, "not-understood")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_rows_come_in_the_format_accepted(asking: AskingHouse, method: str) -> None:
    """CSV with formulas defused, Arrow exact."""
    asked = {"params": dict(to_params(SALES))} if method == "GET" else {"json": {"question": "sales by department"}}
    async with asking.client() as client:
        csv = await client.request(method, ADDRESS, headers={"accept": "text/csv"}, **asked)
        arrow = await client.request(method, ADDRESS, headers={"accept": "application/vnd.apache.arrow.stream"}, **asked)
        none = await client.request(method, ADDRESS, headers={"accept": "image/png"}, **asked)
    assert csv.text.splitlines()[:2] == ['"department","sales"', '"GROCERY",12.5']
    assert pa.ipc.open_stream(io.BytesIO(arrow.content)).read_all().num_rows == 2
    assert none.status_code == 406


async def test_parameters_give_rows_a_file_or_a_table(asking: AskingHouse) -> None:
    """What the answer's links lead to."""
    async with asking.client(headers=OURS) as client:
        rows = await client.get(f"{ADDRESS}?metric=sales&by=transactions.department")
        same = await client.get(f"{ADDRESS}?metric=sales&by=transactions.department", headers={"if-none-match": rows.headers["etag"]})
        file = await client.get(f"{ADDRESS}?metric=sales&by=transactions.department&format=parquet")
        table = await client.get(f"{ADDRESS}?metric=sales&by=transactions.department&format=html&lang=de")
    assert rows.json()["rows"][0] == {"department": "GROCERY", "sales": 12.5}
    assert (same.status_code, file.content[:4]) == (304, b"PAR1")
    assert "Umsatz" in table.text


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 400), ("metric=hidden", 404), ("metric=sales&florb=1", 400), ("metric=sales&limit=x", 400), ("metric=sales&format=xls", 400)],
)
async def test_parameters_that_say_nothing_are_problems(asking: AskingHouse, query: str, status: int) -> None:
    """RFC 9457, as everywhere in the data API."""
    async with asking.client(headers=OURS) as client:
        answer = await client.get(f"{ADDRESS}?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"question": 1}', b'{"question": "x", "more": 1}', b'{"question": "x", "locale": "xx"}', b"\xff"]
)
async def test_a_malformed_body_is_a_problem(asking: AskingHouse, body: bytes) -> None:
    """Nothing is asked of anybody."""
    async with asking.client(headers=OURS) as client:
        answer = await client.post(ADDRESS, content=body)
    assert (answer.status_code, asking.cascade.asked) == (400, [])


async def test_another_site_cannot_ask(asking: AskingHouse) -> None:
    """A cookie alone is not enough, although asking only reads: it may cost money. Nor is a large body read."""
    by_cookie = {"authorization": "", "cookie": f"seawall_token={asking.token()}", "sec-fetch-site": "cross-site"}
    async with asking.client(headers=OURS | by_cookie) as client:
        assert (await client.post(ADDRESS, json={"question": "x"})).status_code == 403
    async with asking.client(headers=OURS) as client:
        assert (await client.post(ADDRESS, content=b'"' + b"x" * 70_000)).status_code == 413


async def test_it_is_described(asking: AskingHouse, house: House) -> None:
    """In openapi.json where questions can be asked; names of the vocabulary are not in it."""
    async with asking.client(headers=OURS) as client, house.client(headers=OURS) as plain:
        described = (await client.get("/shop/openapi.json")).json()
        assert ADDRESS not in (await plain.get("/shop/openapi.json")).json()["paths"]
    item = described["paths"][ADDRESS]
    assert item["post"]["operationId"] == "ask"
    assert {one["name"] for one in item["get"]["parameters"]} >= {"metric", "by", "format"}
    assert b"hidden" not in msgspec.json.encode(item)
