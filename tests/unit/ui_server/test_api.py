"""The data API as programs see it."""

import io

import msgspec
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from tests.unit.ui_server.sample import House

from seawall.core.errors import DeadlineExceeded, Unavailable
from seawall.query.errors import QueryFailed

JSON = {"accept": "application/json"}


async def test_json_says_what_its_columns_mean(house: House) -> None:
    """Rows by name, the generation they come from, labels in the reader's language."""
    async with house.client(headers=JSON) as client:
        answer = (await client.get("/shop/api/panels/sales?lang=de")).json()
    assert answer["rows"][0] == {"department": "GROCERY", "sales": 12.5}
    assert (answer["watermark"], answer["as_of"]) == ("g1", "2018-01-01")
    assert answer["columns"][1]["label"] == "Umsatz"


async def test_json_is_tagged(house: House) -> None:
    """The same answer again costs no transfer."""
    async with house.client(headers=JSON) as client:
        first = await client.get("/shop/api/panels/sales")
        again = await client.get("/shop/api/panels/sales", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304


async def test_a_chart_has_a_page_with_a_table(house: House) -> None:
    """What its panel links to: for people, under the same rights, tagged. Tables have none."""
    async with house.client() as client:
        page = await client.get("/shop/api/panels/sales?format=html&lang=de")
        again = await client.get("/shop/api/panels/sales?format=html&lang=de", headers={"if-none-match": page.headers["etag"]})
        rows = await client.get("/shop/api/panels/rows?format=html")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "GROCERY" in page.text
    assert '<html lang="de">' in page.text
    assert (again.status_code, rows.status_code) == (304, 400)


async def test_rows_come_in_pages(house: House) -> None:
    """A cursor leads to the next page, and only for the question it was given out for."""
    async with house.client(headers=JSON) as client:
        first = (await client.get("/shop/api/panels/rows?limit=3")).json()
        following = await client.get("/shop/api/panels/rows", params={"after": first["next"]})
        elsewhere = await client.get("/shop/api/panels/rows", params={"after": first["next"], "department": "GROCERY"})
        altered = await client.get("/shop/api/panels/rows", params={"after": first["next"][:-4] + "AAAA"})
    assert (len(first["rows"]), first["total"], first["total_exact"]) == (3, 5, True)
    assert following.status_code == 200
    assert [answer.json()["type"].rpartition("/")[2] for answer in (elsewhere, altered)] == ["invalid-cursor"] * 2
    assert {elsewhere.status_code, altered.status_code} == {400}


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/shop/api/panels/sales?colour=red", "colour"),
        ("/shop/api/panels/sales?period=never", "period"),
        ("/shop/api/panels/rows?limit=many", "limit"),
        ("/shop/api/panels/sales?limit=5", "after"),
        ("/shop/api/panels/sales?format=pdf", "format"),
        ("/shop/api/panels/units?department=GROCERY", "department"),
    ],
)
async def test_what_does_not_fit_is_named(house: House, path: str, word: str) -> None:
    """A problem that says which parameter and what was expected."""
    async with house.client(headers=JSON) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert word in answer.text


async def test_csv_is_streamed_and_safe(house: House) -> None:
    """A download with a name, formulas defused, all rows rather than one page."""
    async with house.client() as client:
        units = await client.get("/shop/api/panels/units?format=csv")
        rows = await client.get("/shop/api/panels/rows", headers={"accept": "text/csv"})
    assert units.text.splitlines() == ['"store","units"', '"S1",4', '"\'=cmd()",5']
    assert units.headers["content-disposition"] == 'attachment; filename="shop-units.csv"'
    assert len(rows.text.splitlines()) == 5


async def test_arrow_and_parquet_hold_the_same_rows(house: House) -> None:
    """Exact for programs, defused for spreadsheets."""
    async with house.client() as client:
        arrow = await client.get("/shop/api/panels/units", headers={"accept": "application/vnd.apache.arrow.stream"})
        parquet = await client.get("/shop/api/panels/units?format=parquet")
    assert pyarrow.ipc.open_stream(arrow.content).read_all().to_pydict() == {"store": ["S1", "=cmd()"], "units": [4, 5]}
    assert pq.read_table(io.BytesIO(parquet.content)).to_pydict() == {"store": ["S1", "'=cmd()"], "units": [4, 5]}


@pytest.mark.parametrize(("fault", "status"), [(DeadlineExceeded(), 504), (Unavailable(), 503), (RuntimeError("bug"), 503)])
@pytest.mark.parametrize("format", ["json", "csv"])
async def test_failures_are_told_before_the_first_byte(house: House, fault: Exception, status: int, format: str) -> None:
    """Problem details, never a 500 and never an empty file."""
    house.engine.faults = {"sales": fault}
    async with house.client(headers=JSON) as client:
        answer = await client.get(f"/shop/api/panels/sales?format={format}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_what_may_not_be_seen_is_not_there(house: House) -> None:
    """The same words as for a name that was made up."""
    async with house.client(headers=JSON) as client:
        hidden, made_up = [(await client.get(f"/shop/api/panels/{name}")).json() for name in ("secret", "zzzzzz")]
    assert hidden["detail"].replace("secret", "zzzzzz") == made_up["detail"]
    assert {key: hidden[key] for key in ("type", "status")} == {key: made_up[key] for key in ("type", "status")}


async def test_a_format_nobody_makes_is_406(house: House) -> None:
    """What is offered is listed."""
    async with house.client(headers={"accept": "image/png"}) as client:
        answer = await client.get("/shop/api/panels/sales")
    assert answer.status_code == 406
    assert "text/csv" in answer.json()["expected"]


async def test_the_description_is_served_and_tagged(house: House) -> None:
    """OpenAPI for whoever may open the app."""
    async with house.client(headers=JSON) as client:
        first = await client.get("/shop/openapi.json")
        again = await client.get("/shop/openapi.json", headers={"if-none-match": first.headers["etag"]})
    assert first.json()["openapi"] == "3.1.0"
    assert again.status_code == 304


@pytest.mark.parametrize("query", ["?format=json", "?format=csv"])
async def test_what_a_database_says_is_not_for_users(house: House, capfdbinary: pytest.CaptureFixture[bytes], query: str) -> None:
    """They learn that it refused; its words are in an event, with the trace."""
    house.engine.faults["sales"] = QueryFailed("The database refused the query", got='relation "sessions" does not exist')
    async with house.client() as client:
        answer = await client.get(f"/shop/api/panels/sales{query}")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (503, "query-failed")
    assert "sessions" not in answer.text
    (told,) = [one for one in map(msgspec.json.decode, capfdbinary.readouterr().err.splitlines()) if one["event"] == "query.refused"]
    assert 'relation "sessions" does not exist' in told["error"]
    assert told["trace_id"]
