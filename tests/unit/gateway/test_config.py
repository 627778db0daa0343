"""Rendering Envoy's configuration: pure, complete, and careful with what an instance's settings say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from seawall.core.errors import ConfigurationError
from seawall.core.settings import Settings
from seawall.gateway.admin import LOG_BYTES_MAX
from seawall.gateway.clusters import clusters, collector_url
from seawall.gateway.config import BOOTSTRAP, CLUSTERS, LISTENERS, render
from seawall.gateway.envoy import Json
from seawall.gateway.filters import PUBLIC_HEADERS, internal_filters, public_filters
from seawall.gateway.plan import Plan, plan_of
from seawall.gateway.replies import REPLIES, local_replies
from seawall.gateway.routes import JWT, TOKEN_TYPE
from seawall.gateway.service import arguments, prepare
from seawall.trust.keys import generate
from seawall.trust.tokens import AUDIENCE, ISSUER, TYPE

JWKS = generate().jwks()


def plan(**changes: object) -> Plan:
    return Plan(**{"run": Path("/r"), "access_log": Path("/r/a.log"), "jwks": JWKS, **changes})


def settings(**changes: object) -> Settings:
    return Settings(**{"data": Path("/d"), "run": Path("/r"), "apps": (), "database_url": "", "valkey_url": "", **changes})


def test_pure() -> None:
    """The same plan gives the same bytes, so that a rewrite without a change changes nothing."""
    assert render(plan()) == render(plan())
    assert set(render(plan())) == {BOOTSTRAP, CLUSTERS, LISTENERS}


def test_no_private_key() -> None:
    """Nothing that could sign is written into the files."""
    text = b"".join(render(plan()).values()).decode()
    assert '\\"d\\"' not in text
    assert "PRIVATE" not in text


def test_only_the_public_listener_has_a_port() -> None:
    """Everything else listens on sockets that only their owner can open."""
    found = json.loads(render(plan())[LISTENERS])["resources"]
    addresses = {one["name"]: one["address"] for one in found}
    assert list(addresses["public"]) == ["socket_address"]
    assert {addresses[name]["pipe"]["mode"] for name in ("internal", "health")} == {0o600}
    assert json.loads(render(plan())[BOOTSTRAP])["admin"]["address"]["pipe"]["mode"] == 0o600


def test_what_outsiders_may_not_say_is_stripped_first() -> None:
    """Before anything reads a header; services among themselves are believed. Nothing internal goes out."""
    first, *rest = public_filters(plan())
    mutations = first["typed_config"]["mutations"]
    prefixes = [one["remove_on_match"]["key_matcher"]["prefix"] for one in mutations["response_mutations"]]
    assert prefixes == ["x-seawall-", "seawall-", "x-envoy-"]
    inbound = [one["remove_on_match"]["key_matcher"]["safe_regex"]["regex"] for one in mutations["request_mutations"][:3]]
    said = ["x-seawall-user", "seawall-timeout-ms", "x-envoy-internal", "accept", *PUBLIC_HEADERS]
    stripped = [name for name in said if any(re.fullmatch(one, name) for one in inbound)]
    assert stripped == ["x-seawall-user", "seawall-timeout-ms", "x-envoy-internal"]
    assert {"remove": "x-forwarded-host"} in mutations["request_mutations"]
    assert first["name"] not in {one["name"] for one in [*rest, *internal_filters(plan())]}


@pytest.mark.parametrize("filters", [public_filters, internal_filters])
def test_tokens_must_expire_and_be_access_tokens(filters: Callable[[Plan], list[Json]]) -> None:
    """Verified on both ways in: signature, issuer, audience, expiry; then the type in the token's header."""
    made = {one["name"]: one["typed_config"] for one in filters(plan())}
    providers = made[JWT]["providers"].values()
    for provider in providers:
        assert provider["require_expiration"] is True
        assert (provider["issuer"], provider["audiences"]) == (ISSUER, [AUDIENCE])
    assert sum(bool(provider.get("from_headers")) + bool(provider.get("from_cookies")) for provider in providers) == len(providers) == 2
    assert made[JWT]["rules"][-1]["match"] == {"prefix": "/"}
    assert made[TOKEN_TYPE]["rules"]["action"] == "ALLOW"
    (policy,) = made[TOKEN_TYPE]["rules"]["policies"].values()
    wanted = policy["principals"][0]["sourced_metadata"]["metadata_matcher"]
    assert (wanted["filter"], wanted["value"]) == (JWT, {"string_match": {"exact": TYPE}})
    assert {provider["header_in_metadata"] for provider in providers} == {wanted["path"][0]["key"]}
    assert list(made).index(JWT) < list(made).index(TOKEN_TYPE)


def test_plan_of_settings() -> None:
    """An instance listens where its public address points, unless told otherwise."""
    assert (plan_of(settings(), JWKS).host, plan_of(settings(), JWKS).port) == ("127.0.0.1", 8420)
    told = plan_of(settings(listen="0.0.0.0:9443", public_url="https://seawall.example"), JWKS)
    assert (told.host, told.port, told.secure, told.cookie) == ("0.0.0.0", 9443, True, "__Host-seawall_token")
    assert plan_of(settings(listen="[::1]:80"), JWKS).host == "::1"
    assert plan_of(settings(public_url="https://seawall.example"), JWKS).port == 443


CONTRADICTIONS = [
    {"tls_certificate": "/c"},
    {"tls_key": "/k"},
    {"tls_certificate": "/c", "tls_key": "/k", "public_url": "http://localhost:8420"},
    {"listen": "8420"},
    {"listen": "localhost:"},
    {"listen": "localhost:99999"},
    {"listen": "localhost:x"},
]


@pytest.mark.parametrize("changes", CONTRADICTIONS)
def test_contradictions(changes: dict) -> None:
    """Settings that cannot be meant stop the start with a sentence."""
    with pytest.raises(ConfigurationError):
        plan_of(settings(**changes), JWKS)


def test_collector() -> None:
    """Spans go to a socket or an address; without one there is neither cluster nor tracing."""
    assert "collector" not in [one["name"] for one in clusters(plan())]
    assert '"provider": {' not in render(plan())[LISTENERS].decode()
    for endpoint, url in {"unix:///r/w.sock": "http://collector/v1/traces", "http://c:4318/": "http://c:4318/v1/traces"}.items():
        assert "collector" in [one["name"] for one in clusters(plan(otlp_endpoint=endpoint))]
        assert collector_url(endpoint) == url
    with pytest.raises(ConfigurationError):
        clusters(plan(otlp_endpoint="ftp://x"))


def test_hsts_only_under_tls() -> None:
    """A plain local instance does not tell browsers to use TLS for two years."""
    assert b"strict-transport" not in render(plan())[LISTENERS]
    assert b"strict-transport" in render(plan(secure=True))[LISTENERS]


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: str(reply.status))
def test_each_refusal_in_three_forms(reply: object) -> None:
    """Every status the gateway makes has words for a person, a program and an SDK, and is kept by no cache."""
    mappers = [one for one in local_replies(secure=True)["mappers"] if f"status_{reply.status}" in json.dumps(one["filter"])]
    types = {one["body_format_override"]["content_type"].partition(";")[0] for one in mappers if "status_code" not in one}
    assert types == {"application/json", "text/html", "application/problem+json"}
    for one in mappers:
        headers = {item["header"]["key"]: item["header"]["value"] for item in one["headers_to_add"]}
        assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


def test_prepare(tmp_path: Path) -> None:
    """Starting removes what a killed predecessor left and keeps logs bounded; private files are private."""
    made = plan(run=tmp_path, access_log=tmp_path / "logs" / "a.log")
    made.internal_socket.write_text("stale")
    made.access_log.parent.mkdir()
    with made.access_log.open("wb") as file:
        file.truncate(LOG_BYTES_MAX + 1)
    prepare(made)
    assert not made.internal_socket.exists()
    assert not made.access_log.exists()
    assert (tmp_path / "logs" / "a.log.1").exists()
    assert sorted(path.name for path in made.directory.iterdir()) == [BOOTSTRAP, CLUSTERS, LISTENERS]
    assert Path(arguments(made)[0]).exists()
