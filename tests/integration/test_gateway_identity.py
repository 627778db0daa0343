"""What Envoy itself lets through: forged tokens, spellings of a path, requests that two parsers would read differently."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from tests.integration.gateway_envoy import envoy, port_of, raw
from tests.integration.gateway_stand_ins import Loop, Upstream

from seawall.core.clock import ManualClock
from seawall.core.principal import Principal
from seawall.gateway.lanes import lane_of
from seawall.gateway.plan import Plan
from seawall.gateway.service import arguments, prepare
from seawall.trust.keys import generate
from seawall.trust.tokens import Tokens

KEYS = generate()
MIA = Principal(user="mia")
GOOD = Tokens(KEYS).mint(MIA, 86_000)


@pytest.fixture(scope="module")
def gate() -> Iterator[tuple[int, dict[str, Upstream]]]:
    with tempfile.TemporaryDirectory(prefix="gw") as directory:
        run = Path(directory)
        plan = Plan(run=run, access_log=run / "access.log", jwks=KEYS.jwks(), port=0)
        loop = Loop()
        upstreams = {name: Upstream(name, run / f"{name}.sock") for name in ("ui-read-0", "ui-read-1", "ui-write-0", "model-proxy-0")}
        for upstream in upstreams.values():
            loop.serve(upstream.start)
        prepare(plan)
        with envoy(arguments(plan), plan.health_socket, run / "envoy.log"):
            yield port_of(plan.admin_socket), upstreams
        loop.close()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forge(header: dict | None = None, claims: dict | None = None, sign: Callable[[bytes], bytes] = KEYS.sign, drop: str = "") -> str:
    now = int(time.time())
    head = {"alg": "ES256", "kid": KEYS.kid, "typ": "at+jwt", **(header or {})}
    body = {"iss": "seawall", "aud": "seawall", "sub": "mia", "iat": now, "exp": now + 300, "jti": "1", **(claims or {})}
    body.pop(drop, None)
    signed = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(body).encode())}"
    return f"{signed}.{b64(sign(signed.encode()))}"


def with_public_key(message: bytes) -> bytes:
    pem = KEYS._signing.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hmac.new(pem, message, hashlib.sha256).digest()


FORGED = {
    "alg none": lambda: forge({"alg": "none"}, sign=lambda _: b""),
    "HS256 with the public key": lambda: forge({"alg": "HS256"}, sign=with_public_key),
    "another key": lambda: forge(sign=generate().sign),
    "expired": lambda: Tokens(KEYS, ManualClock(time.time() - 400)).mint(MIA, 300),
    "expired by 7 s": lambda: forge(claims={"exp": int(time.time()) - 7}),
    "no exp": lambda: forge(drop="exp"),
    "wrong aud": lambda: forge(claims={"aud": "elsewhere"}),
    "no aud": lambda: forge(drop="aud"),
    "wrong iss": lambda: forge(claims={"iss": "elsewhere"}),
    "not yet valid": lambda: forge(claims={"nbf": int(time.time()) + 60}),
    "wrong typ": lambda: forge({"typ": "JWT"}),
    "no typ": lambda: forge({"typ": ""}),
    "tampered": lambda: GOOD[:80] + ("A" if GOOD[80] != "A" else "B") + GOOD[81:],
    "not a token": lambda: "hello",
}


@pytest.mark.parametrize("make", FORGED.values(), ids=FORGED.keys())
@pytest.mark.parametrize("cookie", [False, True])
def test_forged_tokens(gate: tuple[int, dict[str, Upstream]], make: Callable[[], str], cookie: bool) -> None:
    """No forged token reaches a service, by header or by cookie."""
    port, upstreams = gate
    before = sum(len(upstream.seen) for upstream in upstreams.values())
    headers = {"cookie": f"seawall_token={make()}"} if cookie else {"authorization": f"Bearer {make()}"}
    assert httpx.get(f"http://127.0.0.1:{port}/m/demand", headers=headers).status_code in (401, 403)
    assert sum(len(upstream.seen) for upstream in upstreams.values()) == before


def test_good_token(gate: tuple[int, dict[str, Upstream]]) -> None:
    """The same request with a good token passes: the tests above refuse for the right reason."""
    schemes = [{"authorization": f"{scheme} {token}"} for scheme in ("Bearer", "bearer") for token in (GOOD, forge())]
    for headers in ({"cookie": f"seawall_token={forge()}"}, *schemes):
        assert httpx.get(f"http://127.0.0.1:{gate[0]}/m/demand", headers=headers).status_code == 200


SPELLINGS = [
    "/static/../m/demand", "/static/%2e%2e/m/demand", "/static/%2E%2E/m/demand", "/static/.%2e/m/demand", "/static%2f..%2fm/demand",
    "/static/..%2fm/demand", "/static/..%5cm/demand", "/static\\..\\m/demand", "//static/../m", "/auth/../m/demand", "/auth//../m/demand",
    "/auth/./../m/demand", "/healthz/../m/demand", "/healthz%2f..%2fm", "/./m/demand", "/m/../v1/models", "/merchandising/%2e%2e/v1/models",
    "/static/..;/m/demand", "/static/%00/../m", "/static/%252e%252e/m/demand",
    "/healthz;/m", "/healthz?/../../m", "/STATIC/a", "/%73tatic/a.css",
    "/auth%2fsign-in", "/v1%2fmodels", "/%76%31/models", "/static/..", "/auth/..", "/static/../../../../m/demand",
]  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings_of_a_path(gate: tuple[int, dict[str, Upstream]], spelling: str) -> None:
    """However a path is written, the service sees one that belongs to its own lane, and only open lanes see it without a token."""
    port, upstreams = gate
    for token in (None, GOOD):
        counts = {name: len(upstream.seen) for name, upstream in upstreams.items()}
        bearer = f"authorization: Bearer {token}\r\n" if token else ""
        answer = raw(port, f"GET {spelling} HTTP/1.1\r\nhost: x\r\n{bearer}\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 "), answer[:100]
        for name, upstream in upstreams.items():
            for seen in upstream.seen[counts[name] :]:
                path = seen.target.partition("?")[0]
                lane = lane_of("GET", path)
                assert lane.service == name.rpartition("-")[0]
                assert token or not lane.token
                assert "/../" not in path
                assert not path.endswith("/..")
                assert "%2e" not in path.lower()


SMUGGLED = {
    "two lengths": b"POST /m HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhelloG",
    "a list of lengths": b"POST /m HTTP/1.1\r\nhost: x\r\ncontent-length: 5, 6\r\n\r\nhello",
    "length and chunks": b"POST /m HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /x H",
    "a signed length": b"POST /m HTTP/1.1\r\nhost: x\r\ncontent-length: +5\r\n\r\nhello",
    "a negative length": b"POST /m HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\nhello",
    "an unknown coding": b"POST /m HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked twice": b"POST /m HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "space before colon": b"POST /m HTTP/1.1\r\nhost: x\r\ncontent-length : 5\r\n\r\nhello",
    "two hosts": b"GET /m HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
    "no host": b"GET /m HTTP/1.1\r\n\r\n",
    "NUL in a header": b"GET /m HTTP/1.1\r\nhost: x\r\na: \x00\r\n\r\n",
    "CONNECT": b"CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n",
}


@pytest.mark.parametrize("data", SMUGGLED.values(), ids=SMUGGLED.keys())
def test_ambiguous_requests(gate: tuple[int, dict[str, Upstream]], data: bytes) -> None:
    """A request whose end or target two parsers could see differently is refused and reaches nobody."""
    port, upstreams = gate
    before = sum(len(upstream.seen) for upstream in upstreams.values())
    signed = data.replace(b"host: x\r\n", f"host: x\r\nauthorization: Bearer {GOOD}\r\n".encode(), 1)
    answer = raw(port, signed, 1.0)
    assert answer == b"" or int(answer.split(b" ")[1]) in (400, 403, 404, 501), answer[:200]
    assert sum(len(upstream.seen) for upstream in upstreams.values()) == before


@pytest.mark.parametrize("data", [b"a: b\r\n c: d", b"a: b\rc: d", b"a: b\r\n\tx-seawall-user: root"])
def test_headers_within_headers(gate: tuple[int, dict[str, Upstream]], data: bytes) -> None:
    """A folded line or a lone CR stays part of the value it stands in, and never becomes a header of its own."""
    port, upstreams = gate
    raw(port, b"GET /m/folded HTTP/1.1\r\nhost: x\r\nauthorization: Bearer " + GOOD.encode() + b"\r\n" + data + b"\r\n\r\n", 1.0)
    for seen in (one for upstream in upstreams.values() for one in upstream.seen if one.target == "/m/folded"):
        assert not {"c", "x-seawall-user"} & {name for name, _ in seen.headers}
