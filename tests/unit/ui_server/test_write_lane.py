"""The write lane: beacons, and nothing to read."""

from collections.abc import Mapping, Sequence

import msgspec
import pytest
from tests.unit.ui_server.sample import House, sample_app

from seawall.app.model import Bundle
from seawall.query.service import QueryService
from seawall.ui.rights import RightsOf
from seawall.ui.vitals import Vitals
from seawall.ui.wiring import Site

BODY = {"page": "demand", "release": "abababababab", "metrics": [{"name": "LCP", "value": 10, "rating": "good"}]}
OURS = {"origin": "http://localhost:8420", "sec-fetch-site": "same-origin"}


class Table:
    def __init__(self) -> None:
        self.rows: list[Mapping[str, object]] = []

    async def execute_many(self, query: str, rows: Sequence[Mapping[str, object]]) -> None:
        self.rows.extend(rows)


def by_cookie(house: House) -> dict[str, str]:
    return {"authorization": "", "cookie": f"seawall_token={house.token()}"}


async def test_a_beacon_is_taken(tmp_path: object) -> None:
    """204 at once, written a little later."""
    vitals = Vitals(table := Table())  # type: ignore[arg-type]
    house = House("write", vitals=vitals)
    async with house.client(headers=by_cookie(house) | OURS) as client:
        answer = await client.post("/shop/api/vitals", json=BODY)
    await vitals.flush()
    assert (answer.status_code, answer.content) == (204, b"")
    assert [row["metric"] for row in table.rows] == ["LCP"]


@pytest.mark.parametrize("page", ["ask", "mine"])
async def test_pages_that_every_app_has_are_measured_too(write_house: House, page: str) -> None:
    """Their beacons are no strangers."""
    async with write_house.client(headers=OURS) as client:
        assert (await client.post("/shop/api/vitals", json=BODY | {"page": page})).status_code == 204


@pytest.mark.parametrize("headers", [{}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
async def test_another_site_cannot_post(write_house: House, headers: dict[str, str]) -> None:
    """A cookie alone is not enough: the browser must say that the request is ours."""
    async with write_house.client(headers=by_cookie(write_house) | headers) as client:
        assert (await client.post("/shop/api/vitals", json=BODY)).status_code == 403


async def test_a_large_body_is_cut_off(write_house: House) -> None:
    """Not read to its end."""
    async with write_house.client(headers=OURS) as client:
        assert (await client.post("/shop/api/vitals", content=b"x" * 100_000)).status_code == 413


async def test_a_malformed_beacon_is_refused(write_house: House) -> None:
    """With problem details."""
    async with write_house.client(headers=OURS) as client:
        answer = await client.post("/shop/api/vitals", content=msgspec.json.encode(BODY | {"page": "nowhere"}))
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


async def test_the_lanes_share_no_route(house: House, write_house: House) -> None:
    """Reading does not write, and the write lane shows no page."""
    async with house.client() as read, write_house.client() as write:
        assert (await read.post("/shop/api/vitals", json=BODY)).status_code == 404
        assert (await write.get("/shop/demand")).status_code == 404
        assert (await write.get("/healthz")).status_code == 200


async def test_a_page_one_may_not_see_is_unknown_to_beacons() -> None:
    """Whether it exists cannot be asked: the same words for a hidden page and for none."""
    app = sample_app()
    demand = app.pages["demand"]
    board = msgspec.structs.replace(demand, name="board", panels={"secret": demand.panels["secret"]}, layout=(("secret",),))
    app = msgspec.structs.replace(app, pages=app.pages | {"board": board})
    bundle, plain = Bundle(app, "ab" * 32), House("write")
    questions = QueryService(bundle, {"warehouse": plain.engine}, plain.generations)
    house = House("write", sites={"shop": Site(bundle, questions, lambda: plain.generations.current("shop"), RightsOf(app))})
    async with house.client(headers=OURS) as client, house.client("boss", headers=OURS) as boss:
        hidden, nowhere = [await client.post("/shop/api/vitals", json=BODY | {"page": page}) for page in ("board", "nowhere")]
        assert hidden.text.replace("board", "nowhere") == nowhere.text
        assert (hidden.status_code, (await boss.post("/shop/api/vitals", json=BODY | {"page": "board"})).status_code) == (400, 204)
