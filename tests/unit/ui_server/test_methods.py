"""A method an address does not take, whichever lane it arrives at."""

import pytest
from tests.unit.ui_server.sample import House

READS = "GET, HEAD"
READ_PATHS = (
    "/",
    "/shop",
    "/shop/demand",
    "/shop/openapi.json",
    "/shop/api/panels/sales",
    "/shop/api/panels/rows/rows/abc",
    "/shop/api/pages/demand/fragments",
    "/static/seawall.css",
    "/healthz",
)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", READ_PATHS)
async def test_what_can_only_be_read_says_so_in_either_lane(house: House, write_house: House, path: str, method: str) -> None:
    """405 with Allow, as problem details also to whoever would accept a page."""
    for lane in (house, write_house):
        async with lane.client() as client:
            answer = await client.request(method, path)
        assert (answer.status_code, answer.headers.get("allow"), answer.headers["content-type"]) == (405, READS, "application/problem+json")


async def test_what_can_only_be_sent_says_so_in_either_lane(house: House, write_house: House) -> None:
    """The beacon's address has nothing to read."""
    for lane in (house, write_house):
        async with lane.client() as client:
            answer = await client.get("/shop/api/vitals")
        assert (answer.status_code, answer.headers.get("allow")) == (405, "POST")


@pytest.mark.parametrize("path", ["/v1/models", "/auth/nothing", "/shop/api", "/shop/api/nothing", "/a/b/c"])
async def test_an_unknown_address_is_unknown_by_any_method(house: House, write_house: House, path: str) -> None:
    """No method would help."""
    for lane in (house, write_house):
        async with lane.client() as client:
            assert [(await client.request(method, path)).status_code for method in ("GET", "POST")] == [404, 404]


async def test_whether_a_page_exists_is_not_told_by_its_methods(write_house: House) -> None:
    """One that may not be seen, or was made up, takes the same as one that is there."""
    async with write_house.client() as client:
        answers = [await client.post(path) for path in ("/shop/demand", "/shop/nowhere", "/nix/demand")]
    assert {(answer.status_code, answer.headers["allow"]) for answer in answers} == {(405, READS)}
