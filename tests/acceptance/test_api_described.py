"""`openapi.json` and the headers of every kind of route, as clients and caches rely on them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from jsonschema import Draft202012Validator
from tests.acceptance.conftest import Seawall
from tests.acceptance.data_api import DataApi
from tests.acceptance.visitors import settled
from tests.waiting import until

OPENAPI_31 = Path(__file__).parent / "standards" / "openapi-3.1.schema.json"
PRIVATE = "private, no-cache"
PAGE_VARIES = {"Accept-Encoding", "Accept-Language", "Authorization", "Cookie"}


@pytest.fixture(scope="module")
def api(seawall: Seawall):
    """Somebody who may see everything."""
    settled(seawall)
    with DataApi(seawall, "merchandising") as made:
        yield made


@pytest.fixture(scope="module")
def described(api: DataApi) -> dict:
    """The document."""
    return api.get("/merchandising/openapi.json").json()


def test_the_document_is_openapi(seawall: Seawall, described: dict) -> None:
    """It holds to the OpenAPI Initiative's own schema for 3.1, and names this instance."""
    Draft202012Validator(json.loads(OPENAPI_31.read_bytes())).validate(described)
    assert described["servers"] == [{"url": seawall.url}]


def told_of(api: DataApi, described: dict) -> Iterator[tuple[str, dict, dict]]:
    """Each path with a row's key where it wants one, its parameters in the query, and their examples."""
    for path, item in described["paths"].items():
        wanted = [one for one in item["get"]["parameters"] if one["in"] == "query"]
        if "{key}" in path:
            keys = api.get(path.removesuffix("/rows/{key}"), params={"limit": 1}).json()["keys"]
            path = path.replace("{key}", keys[0])
        yield path, item["get"], {one["name"]: one.get("example", "") for one in wanted}


def test_every_path_answers_as_described(api: DataApi, described: dict) -> None:
    """With the examples it gives: 200, and rows that fit the schema it names."""
    assert len(described["paths"]) > 10
    for path, operation, parameters in told_of(api, described):
        answer = api.get(path, params={name: example for name, example in parameters.items() if example})
        assert answer.status_code == 200, (path, answer.text)
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": described["components"]}).validate(answer.json())


def test_every_parameter_it_names_is_known(api: DataApi, described: dict) -> None:
    """None of them is refused as unknown; any other is."""
    for path, _, parameters in told_of(api, described):
        for name in parameters:
            assert "not known" not in api.get(path, params={name: ""}).text
        assert api.get(path, params={"surely_unknown": "1"}).status_code == 400


KEPT = [
    ("/merchandising/demand", PRIVATE, PAGE_VARIES),
    ("/merchandising/api/pages/demand/fragments?panels=sales", PRIVATE, PAGE_VARIES),
    ("/merchandising/api/panels/sales", PRIVATE, PAGE_VARIES | {"Accept"}),
    ("/merchandising/openapi.json", PRIVATE, PAGE_VARIES | {"Accept"}),
    ("/static/seawall.css", "public, no-cache", {"Accept-Encoding"}),
    ("immutable", "public, max-age=31536000, immutable", {"Accept-Encoding"}),
]


@pytest.mark.parametrize(("path", "cache_control", "varies"), KEPT)
def test_what_may_be_kept_says_how(api: DataApi, path: str, cache_control: str, varies: set[str]) -> None:
    """Cache-Control, Vary, and an ETag that gives a 304 without a body and with the same headers."""
    if path == "immutable":
        path = api.get("/merchandising/demand").text.partition('rel="icon" href="')[2].partition('"')[0]
        assert path.startswith("/static/build/")
    told: list[httpx.Response] = []

    def not_modified() -> bool:
        """Soon: a page has an ETag once its panels are at hand, and tells their age in minutes."""
        answer = api.get(path)
        told[:] = [answer, api.get(path, headers={"If-None-Match": answer.headers.get("etag", '"none"')})]
        return told[1].status_code == 304

    until(not_modified)
    for answer in told:
        assert answer.headers["cache-control"] == cache_control
        assert {name.strip() for name in answer.headers["vary"].split(",")} == varies
        assert answer.headers["etag"].removeprefix("W/") == told[0].headers["etag"].removeprefix("W/")
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert told[1].content == b""
    assert api.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", ["/auth/sign-in", "/auth/refresh", "/auth/link/unknown", "/healthz", "/readyz", "/merchandising", "/nix"])
def test_what_must_not_be_kept_says_so(api: DataApi, path: str) -> None:
    """Whatever is about a session, a moment or a mistake."""
    answer = api.get(path)
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
def test_pages_come_in_every_coding(api: DataApi, coding: str) -> None:
    """Compressed as asked for, under a weakened ETag that still gives a 304."""
    told: list[httpx.Headers] = []

    def whole() -> bool:
        """Once its panels are at hand, at whichever replica answers."""
        with api.stream("GET", "/merchandising/demand", headers={"Accept-Encoding": coding}) as answer:
            told[:] = [answer.headers]
        return coding != "identity" or "etag" in answer.headers

    until(whole)
    assert told[0].get("content-encoding", "identity") == coding
    assert told[0].get("etag", "W/").startswith("W/") == (coding != "identity")
