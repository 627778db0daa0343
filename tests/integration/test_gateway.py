"""A real Envoy with the rendered configuration, before stand-in services: lanes, identity, replies, what is let through."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from tests.integration.gateway_envoy import envoy, port_of, raw, status
from tests.integration.gateway_stand_ins import HTML, Loop, Upstream
from tests.waiting import until

from seawall.core.principal import Principal
from seawall.gateway.filters import PUBLIC_HEADERS
from seawall.gateway.lanes import LANES, REPLICAS, lane_of
from seawall.gateway.plan import Plan
from seawall.gateway.service import arguments, prepare
from seawall.trust.keys import generate
from seawall.trust.tokens import Tokens

KEYS = generate()
TOKENS = Tokens(KEYS)
MIA = Principal(user="mia", roles=("buyer",))


@dataclass
class House:
    """A gateway and what stands behind it."""

    plan: Plan
    port: int
    upstreams: dict[str, Upstream]
    token: str = field(default_factory=lambda: TOKENS.mint(MIA, 86_000))

    def get(self, path: str, *, method: str = "GET", signed_in: bool = True, **kwargs: object) -> httpx.Response:
        headers = dict(kwargs.pop("headers", {}))
        if signed_in:
            headers["authorization"] = f"Bearer {self.token}"
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30) as client:
            return client.request(method, path, headers=headers, **kwargs)

    def seen(self) -> int:
        return sum(len(upstream.seen) for upstream in self.upstreams.values())


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="gw") as directory:
        run = Path(directory)
        plan = Plan(run=run, access_log=run / "access.log", jwks=KEYS.jwks(), port=0)
        loop = Loop()
        names = [(service, replica) for service, replicas in REPLICAS.items() for replica in range(replicas)]
        upstreams = {f"{s}-{r}": Upstream(s, run / f"{s}-{r}.sock") for s, r in names}
        for upstream in upstreams.values():
            loop.serve(upstream.start)
        prepare(plan)
        with envoy(arguments(plan), plan.health_socket, run / "envoy.log"):
            yield House(plan, port_of(plan.admin_socket), upstreams)
        loop.close()


REQUESTS = [
    ("GET", "/healthz"), ("HEAD", "/healthz"), ("POST", "/healthz"), ("GET", "/healthz/x"), ("GET", "/static/a.css"),
    ("GET", "/auth/sign-in"),
    ("POST", "/auth/refresh"), ("GET", "/auth/link/abc"), ("GET", "/v1/models"), ("POST", "/v1/chat/completions"), ("GET", "/v1"),
    ("GET", "/"), ("GET", "/merchandising/demand"), ("HEAD", "/merchandising/demand"), ("POST", "/merchandising/api/vitals"),
    ("PUT", "/merchandising/x"), ("DELETE", "/static/a.css"), ("OPTIONS", "/merchandising/demand"),
    ("GET", "/merchandising/api/panels/sales"), ("POST", "/merchandising/api/panels/sales"), ("GET", "/authx"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_lanes(house: House, method: str, path: str) -> None:
    """Envoy sends each request where the table says, and asks for a token where it says."""
    lane = lane_of(method, path)
    count = len(house.upstreams[f"{lane.service}-0"].seen) + (len(house.upstreams["ui-read-1"].seen) if lane.service == "ui-read" else 0)
    answer = house.get(path, method=method)
    assert answer.status_code == 200
    after = len(house.upstreams[f"{lane.service}-0"].seen) + (len(house.upstreams["ui-read-1"].seen) if lane.service == "ui-read" else 0)
    assert after == count + 1
    assert (house.get(path, method=method, signed_in=False).status_code == 401) is lane.token


def test_open_without_a_token(house: House) -> None:
    """Only health, static files and sign-in are open."""
    assert {lane.name for lane in LANES if not lane.token} == {"live", "ready", "static", "link", "auth", "model-key"}
    assert house.get("/readyz", signed_in=False).status_code == 200


def test_token_from_cookie(house: House) -> None:
    """The browser's cookie is as good as a bearer token; the service sees it to verify again."""
    answer = house.get("/merchandising/demand", signed_in=False, headers={"cookie": f"seawall_token={house.token}"})
    assert answer.json()["headers"]["cookie"].endswith(house.token)
    assert house.get("/merchandising/demand", signed_in=False, headers={"cookie": f"other={house.token}"}).status_code == 401


def test_401_for_an_api(house: House) -> None:
    """A program gets problem details."""
    answer = house.get("/merchandising/api/panels/sales", signed_in=False)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.json()["type"].endswith("/not-signed-in")
    assert answer.json()["status"] == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


NAVIGATIONS = [{"sec-fetch-mode": "navigate", "accept": "*/*"}, {"accept": "text/html,application/xhtml+xml;q=0.9"}]


@pytest.mark.parametrize("headers", NAVIGATIONS)
def test_401_for_a_navigation(house: House, headers: dict) -> None:
    """A page is sent to refresh, and told where it wanted to go."""
    answer = house.get("/merchandising/demand?department=A&period=last_4_weeks", signed_in=False, headers=headers)
    assert answer.status_code == 302
    assert answer.headers["location"] == "/auth/refresh?to=/merchandising/demand?department=A&period=last_4_weeks"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"].startswith("text/html")


def test_401_for_a_fetch_of_html(house: House) -> None:
    """A script that asks for HTML is no navigation: it must see the 401."""
    answer = house.get("/m/api/pages/d/fragments", signed_in=False, headers={"sec-fetch-mode": "cors", "accept": "text/html"})
    assert answer.status_code == 401


def test_401_for_a_form(house: House) -> None:
    """A posted form is not silently repeated as a GET: the person reads why."""
    answer = house.get("/m/x", method="POST", signed_in=False, headers={"sec-fetch-mode": "navigate"})
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert "Not signed in" in answer.text


def test_401_for_a_model_call(house: House) -> None:
    """OpenAI's SDKs read their own error object."""
    answer = house.get("/v1/models", signed_in=False)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"


KEY = "sw_0123456789abcdef_" + "k" * 43


def test_a_machine_key_reaches_the_model_proxy_alone(house: House) -> None:
    """A key is no token: it passes to the model proxy, which checks it, and opens no page."""
    headers = {"authorization": f"Bearer {KEY}"}
    seen = house.get("/v1/chat/completions", method="POST", signed_in=False, headers=headers)
    assert (seen.status_code, seen.json()["service"], seen.json()["headers"]["authorization"]) == (200, "model-proxy", f"Bearer {KEY}")
    for path in ("/merchandising/demand", "/v1", "/auth/../v1x/models"):
        assert house.get(path, signed_in=False, headers=headers).status_code == 401


@pytest.mark.parametrize("value", [f"Bearer {KEY}=", f"Bearer {KEY[:20]}", f"Basic {KEY}", "Bearer sw_", f"Bearer {KEY}, Bearer x", KEY])
def test_what_is_not_quite_a_key_needs_a_token(house: House, value: str) -> None:
    """Only the exact form of a key passes without a token."""
    assert house.get("/v1/models", signed_in=False, headers={"authorization": value}).status_code == 401


def test_two_authorizations_are_none(house: House) -> None:
    """A key beside another header of the same name does not pass."""
    answer = raw(
        house.port, f"GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\nauthorization: Bearer x\r\n\r\n".encode()
    )
    assert answer.split(b" ")[1] == b"401"


def test_model_calls_have_room_and_time(house: House) -> None:
    """Up to 8 MiB come through to the model proxy, with ten minutes as their deadline; more is refused in OpenAI's words."""
    answer = house.get("/v1/chat/completions", method="POST", content=b"x" * (8 << 20))
    assert (answer.json()["bytes"], answer.json()["headers"]["seawall-timeout-ms"]) == (8 << 20, "600000")
    answer = house.get("/v1/chat/completions", method="POST", content=b"x" * ((8 << 20) + 1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


def test_what_callers_of_models_may_say_comes_through(house: House) -> None:
    """A lane and its cassette, a data class, the cache, an action; every other header of ours is still a lie."""
    said = dict.fromkeys(PUBLIC_HEADERS, "x")
    lies = dict.fromkeys(("seawall-lanes", "seawall-lan", "seawall-data", "seawall-snapshots", "seawall-user"), "x")
    seen = house.get("/v1/models", headers={**said, **lies, "seawall-timeout-ms": "1"}).json()["headers"]
    assert {name: value for name, value in seen.items() if name.startswith("seawall")} == {**said, "seawall-timeout-ms": "600000"}


def test_huge_address(house: House) -> None:
    """A 10 MB URL is refused in words, and nothing falls over."""
    answer = raw(house.port, b"GET /" + b"a" * 10_000_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answer.split(b" ")[1] in (b"414", b"431")
    assert b"application/problem+json" in answer
    assert house.get("/healthz").status_code == 200


def test_huge_header(house: House) -> None:
    """A 10 MB header is refused in words, and nothing falls over."""
    answer = raw(house.port, b"GET / HTTP/1.1\r\nhost: x\r\nx-a: " + b"a" * 10_000_000 + b"\r\n\r\n")
    assert answer.split(b" ")[1] == b"431"
    assert b"application/problem+json" in answer
    assert house.get("/healthz").status_code == 200


def test_many_headers(house: House) -> None:
    """So are a thousand small ones."""
    answer = raw(house.port, b"GET / HTTP/1.1\r\nhost: x\r\n" + b"".join(b"x-%d: 1\r\n" % i for i in range(1000)) + b"\r\n")
    assert answer.split(b" ")[1] == b"431"


@pytest.mark.parametrize("size", [(1 << 20) + 1, 5 << 20])
def test_huge_body(house: House, size: int) -> None:
    """A body beyond a mebibyte never reaches a service."""
    before = house.seen()
    answer = house.get("/m/x", method="POST", content=b"x" * size)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (413, "body-too-large")
    assert house.seen() == before
    assert house.get("/m/x", method="POST", content=b"x" * (1 << 20)).json()["bytes"] == 1 << 20


@pytest.mark.parametrize(("accept", "encoding"), [("br, gzip", "br"), ("gzip", "gzip"), ("identity", None)])
def test_compression(house: House, accept: str, encoding: str | None) -> None:
    """A plain body is compressed as the browser likes, its strong tag becoming a weak one."""
    answer = house.get("/m/page", headers={"accept-encoding": accept})
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["etag"] == ('W/"strong"' if encoding else '"strong"')
    assert answer.text == HTML


def test_encoded_bodies_pass_untouched(house: House) -> None:
    """Fragments joined from zstd frames keep their bytes and their tag."""
    with httpx.Client(base_url=f"http://127.0.0.1:{house.port}") as client:
        request = client.build_request(
            "GET", "/m/encoded", headers={"authorization": f"Bearer {house.token}", "accept-encoding": "zstd, br"}
        )
        answer = client.send(request, stream=True)
        body = b"".join(answer.iter_raw())
    assert (answer.headers["content-encoding"], answer.headers["etag"]) == ("zstd", '"strong"')
    assert body == b"\x28\xb5\x2f\xfd" + b"z" * 2000


def test_inbound_headers_are_stripped(house: House) -> None:
    """Nobody outside can pretend to be inside, or choose a deadline."""
    lies = {
        "x-seawall-user": "root", "seawall-timeout-ms": "60000", "x-envoy-internal": "true", "x-envoy-upstream-rq-timeout-ms": "1",
        "x-envoy-retry-on": "5xx", "x-forwarded-host": "evil", "x-original-url": "/x", "forwarded": "host=evil", "X-Seawall-Role": "a",
    }  # fmt: skip
    seen = house.get("/m/demand", headers=lies).json()["headers"]
    assert seen["seawall-timeout-ms"] == "900"
    names = {name for name in seen if name.startswith(("x-seawall", "x-envoy", "seawall-")) or "forwarded-host" in name}
    assert names == {"seawall-timeout-ms"}
    assert "x-original-url" not in seen
    assert "forwarded" not in seen


def test_underscored_headers_are_refused(house: House) -> None:
    """`seawall_timeout_ms` cannot pass for its twin with dashes."""
    assert house.get("/m/demand", headers={"seawall_timeout_ms": "1"}).status_code == 400


def test_internal_listener(house: House) -> None:
    """Services call each other by a socket where their own headers are believed and a token is still needed."""
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(house.plan.internal_socket)), base_url="http://gateway") as client:
        assert client.get("/v1/models").status_code == 401
        headers = {"authorization": f"Bearer {house.token}", "seawall-timeout-ms": "450"}
        seen = client.get("/v1/models", headers=headers).json()
    assert (seen["service"], seen["headers"]["seawall-timeout-ms"]) == ("model-proxy", "450")
    assert house.plan.internal_socket.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("encoding", ["identity", "gzip", "br"])
def test_streams_are_not_buffered(house: House, encoding: str) -> None:
    """The first part of a page arrives before the second is made, compressed or not."""
    readers = [house.upstreams["ui-read-0"], house.upstreams["ui-read-1"]]
    for reader in readers:
        reader.go_on.clear()
    headers = {"authorization": f"Bearer {house.token}", "accept-encoding": encoding}
    with (
        httpx.Client(base_url=f"http://127.0.0.1:{house.port}", timeout=20) as client,
        client.stream("GET", "/m/stream", headers=headers) as answer,
    ):
        parts = answer.iter_text()
        assert "part 0" in next(part for part in parts if part)
        for reader in readers:
            reader.go_on.set()
        assert "part 2" in "".join(parts)


def test_private_answers_are_not_cached(house: House) -> None:
    """Every request reaches a service, and what it said of caching reaches the browser."""
    before = house.seen()
    answers = [house.get("/m/page") for _ in range(3)]
    assert house.seen() == before + 3
    assert {answer.headers["cache-control"] for answer in answers} == {"private, no-cache"}
    assert "age" not in answers[-1].headers


def test_answers_tell_nothing_internal(house: House) -> None:
    """No header of Envoy's or of a service's inside reaches the browser."""
    headers = house.get("/m/demand").headers
    assert headers["server"] == "seawall"
    assert headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" not in headers
    assert not [name for name in headers if name.startswith(("x-envoy", "x-seawall"))]


def test_health_socket(house: House) -> None:
    """The supervisor hears what the gateway knows of its upstreams."""
    assert status(house.plan.health_socket, "/healthz") == 200
    assert status(house.plan.health_socket, "/readyz") == 200
    assert status(house.plan.health_socket, "/merchandising/demand") == 404


def test_access_log(house: House) -> None:
    """Each request leaves a line with its durations, its lane and no secret."""
    house.get("/merchandising/logged?department=SECRET")
    house.get("/auth/link/SECRET", signed_in=False)
    until(lambda: all(word in house.plan.access_log.read_text() for word in ('/merchandising/logged"', '"withheld"')))
    lines = [json.loads(line) for line in house.plan.access_log.read_text().splitlines()]
    (line,) = [line for line in lines if line["path"] == "/merchandising/logged"]
    assert (line["method"], line["status"], line["lane"]) == ("GET", 200, "read")
    assert isinstance(line["duration_ms"], int)
    assert {line["path"] for line in lines if line["lane"] == "link"} == {"withheld"}
    assert "SECRET" not in house.plan.access_log.read_text()
