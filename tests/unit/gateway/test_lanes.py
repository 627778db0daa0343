"""The lane table: complete, closed by default, and in agreement with what is rendered from it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.gateway.filters import PUBLIC_HEADERS, _but
from seawall.gateway.lanes import LANES, MODEL_BODY_BYTES_MAX, MODEL_SECONDS, REPLICAS, lane_of
from seawall.gateway.routes import DEFAULT_TIMEOUT_MS, JWT, TOKEN_TYPE, route_configuration

segments = st.text("abcdefghijklmnopqrstuvwxyz0123456789-._~", min_size=1, max_size=8).filter(lambda text: text not in (".", ".."))
paths = st.lists(
    st.one_of(segments, st.sampled_from(["static", "auth", "v1", "api", "panels", "ask", "healthz", "readyz", "link"])), max_size=5
).map(lambda parts: "/" + "/".join(parts))
methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
KEY = "Bearer sw_0123456789abcdef_" + "a" * 43
authorizations = st.sampled_from(["", KEY, KEY.lower(), f"{KEY}, Bearer x", f"x{KEY}", KEY[:26], "Bearer sw_", "Bearer eyJ"])
ROUTES = route_configuration("test", secure=False)["virtual_hosts"][0]["routes"][1:]


def matches(route: dict, method: str, path: str, authorization: str = "") -> bool:
    """What Envoy does with a rendered match."""
    match = route["match"]
    values = {":method": method, "authorization": authorization}
    for header in match.get("headers", ()):
        if not re.fullmatch(header["string_match"]["safe_regex"]["regex"], values[header["name"]]):
            return False
    if "path" in match:
        return path == match["path"]
    if "safe_regex" in match:
        return re.fullmatch(match["safe_regex"]["regex"], path) is not None
    return path.startswith(match["prefix"])


@given(methods, paths, authorizations)
def test_rendered_routes_agree(method: str, path: str, authorization: str) -> None:
    """The first rendered route that matches is the lane the table gives."""
    assert (
        next(route["name"] for route in ROUTES if matches(route, method, path, authorization)) == lane_of(method, path, authorization).name
    )


@given(methods, paths, authorizations)
def test_a_key_opens_the_model_proxy_alone(method: str, path: str, authorization: str) -> None:
    """What carries a whole machine key passes without a token to the model proxy, and nowhere else; anything less needs a token."""
    lane, without = lane_of(method, path, authorization), lane_of(method, path)
    if path.startswith("/v1/") and authorization in (KEY, KEY.lower()):
        assert (lane.name, lane.service, lane.token) == ("model-key", "model-proxy", False)
    else:
        assert lane == without


NAMES = st.sampled_from([*PUBLIC_HEADERS, "seawall-timeout-ms", "seawall-", "x-seawall-lane"])


@given(NAMES, st.integers(0, 20), st.text("aces-", max_size=2))
def test_only_public_headers_may_be_said_from_outside(name: str, kept: int, more: str) -> None:
    """Of the headers services speak to each other by, those are let in; what begins like them, or goes on, is not."""
    for said in (name, name[:kept] + more):
        internal = said.startswith("seawall-") and said not in PUBLIC_HEADERS
        assert bool(re.fullmatch(_but(PUBLIC_HEADERS, "seawall-"), said)) is internal


@given(methods, paths)
def test_closed_by_default(method: str, path: str) -> None:
    """Whatever is not health, a static file or sign-in needs a token; changes never go to a reader; asking is none."""
    lane = lane_of(method, path)
    first = path.split("/")[1]
    assert lane.token or first in ("healthz", "readyz", "static", "auth")
    asks = method == "POST" and re.fullmatch("/[^/]+/api/ask", path) is not None
    assert lane.service != "ui-read" or method in ("GET", "HEAD") or asks


def test_who_is_not_signed_in_gets_this_far() -> None:
    """Probes, styles and scripts, the way in, and what brings a key of its own: these need no token, or nobody could come in."""
    assert [lane.name for lane in LANES if not lane.token] == ["live", "ready", "static", "link", "auth", "model-key"]


@pytest.mark.parametrize(
    ("method", "path", "name", "service"),
    [
        ("GET", "/shop/ask", "ask", "ui-read"),
        ("POST", "/shop/api/ask", "ask-api", "ui-read"),
        ("GET", "/shop/api/ask", "read", "ui-read"),
        ("POST", "/shop/ask/verdict", "write", "ui-write"),
        ("POST", "/shop/mine", "write", "ui-write"),
        ("GET", "/shop/mine", "read", "ui-read"),
    ],
)
def test_asking_reads_and_opinions_write(method: str, path: str, name: str, service: str) -> None:
    """A question may take as long as a model does; what people think of the answer goes where things are written."""
    lane = lane_of(method, path)
    assert (lane.name, lane.service) == (name, service)
    assert not lane.idempotent or method == "GET"


@pytest.mark.parametrize("lane", LANES, ids=lambda lane: lane.name)
def test_limits(lane: object) -> None:
    """Every lane has a known service and bounds on time and bytes, beyond a page's deadline."""
    assert lane.service in REPLICAS
    assert DEFAULT_TIMEOUT_MS / 1000 < lane.timeout_seconds <= MODEL_SECONDS
    assert 0 < lane.body_bytes_max <= MODEL_BODY_BYTES_MAX


@pytest.mark.parametrize(("lane", "route"), list(zip(LANES, ROUTES, strict=True)), ids=lambda one: getattr(one, "name", ""))
def test_rendered_limits(lane: object, route: dict) -> None:
    """A route opens exactly where its lane says so, and only reads are sent twice."""
    filters = route["typed_per_filter_config"]
    assert (JWT in filters) is (TOKEN_TYPE in filters) is (not lane.token)
    retry = route["route"]["retry_policy"]["retry_on"]
    assert ("reset" in retry.split(",")) is lane.idempotent
    assert "5xx" not in retry
