"""Bytes that two readers could take differently: our edge beside llhttp's strict mode and beside Envoy, with the same cases.

Whatever one of the two refuses we refuse; and behind Envoy no bytes become a request that nobody sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httptools
import pytest
from tests.integration.gateway_envoy import envoy, port_of, raw
from tests.integration.gateway_stand_ins import Loop, Upstream

from seawall.core.principal import Principal
from seawall.gateway.plan import Plan
from seawall.gateway.service import arguments, prepare
from seawall.model_proxy.edge import Server
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.http import Request
from seawall.model_proxy.replies import refusal
from seawall.trust.keys import generate
from seawall.trust.tokens import Tokens

KEYS = generate()
TOKEN = Tokens(KEYS).mint(Principal(user="mia"), 600)
MARK = "/v1/smuggled"


def post(*headers: str, body: str = "", line: str = "POST /v1/x HTTP/1.1", end: str = "\r\n") -> bytes:
    lines = [line, "host: localhost", f"authorization: Bearer {TOKEN}", *headers, "", body]
    return end.join(lines).encode("latin-1")


INNER = f"GET {MARK} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n\r\n"
CHUNKED = "transfer-encoding: chunked"
CASES = {
    "CL.TE": post(f"content-length: {len(INNER) + 5}", CHUNKED, body="0\r\n\r\n" + INNER),
    "TE.CL": post(CHUNKED, "content-length: 4", body="5c\r\n" + INNER + "0\r\n\r\n"),
    "CL.CL": post("content-length: 0", f"content-length: {len(INNER)}", body=INNER),
    "CL.CL equal": post("content-length: 3", "content-length: 3", body="abc"),
    "CL list": post("content-length: 3, 3", body="abc"),
    "CL plus": post("content-length: +3", body="abc"),
    "CL minus": post("content-length: -1", body="abc"),
    "CL hex": post("content-length: 0x3", body="abc"),
    "CL too large": post("content-length: 99999999999999999999", body="abc"),
    "TE.TE": post(CHUNKED, CHUNKED, body="0\r\n\r\n" + INNER),
    "TE unknown": post("transfer-encoding: xchunked", body="0\r\n\r\n" + INNER),
    "TE identity": post("transfer-encoding: identity", body="0\r\n\r\n" + INNER),
    "TE not last": post("transfer-encoding: chunked, identity", body="0\r\n\r\n" + INNER),
    "TE twice in one": post("transfer-encoding: chunked, chunked", body="0\r\n\r\n" + INNER),
    "TE vertical tab": post("transfer-encoding: \x0bchunked", body="0\r\n\r\n" + INNER),
    "TE space before colon": post("transfer-encoding : chunked", body="0\r\n\r\n" + INNER),
    "TE folded": post("transfer-encoding:\r\n chunked", body="0\r\n\r\n" + INNER),
    "TE behind a line feed": post("x: y\ntransfer-encoding: chunked", body="0\r\n\r\n" + INNER),
    "chunk size with sign": post(CHUNKED, body="+1\r\na\r\n0\r\n\r\n"),
    "chunk size with 0x": post(CHUNKED, body="0x1\r\na\r\n0\r\n\r\n"),
    "chunk size too large": post(CHUNKED, body="fffffffffffffffff1\r\na\r\n0\r\n\r\n"),
    "chunk size empty": post(CHUNKED, body="\r\na\r\n0\r\n\r\n"),
    "chunk longer than said": post(CHUNKED, body="1\r\nab\r\n0\r\n\r\n"),
    "chunk lines end in LF": post(CHUNKED, body="1\na\n0\n\n"),
    "chunk extension with LF": post(CHUNKED, body="1;a\nb\r\na\r\n0\r\n\r\n"),
    "bare LF": post(end="\n"),
    "bare CR": post("x: a\rtransfer-encoding: chunked", body="0\r\n\r\n" + INNER),
    "NUL": post("x: a\0b"),
    "folded": post("x: a\r\n b"),
    "header without name": post(": a"),
    "header without colon": post("x"),
    "space before colon": post("x : a"),
    "control in address": post(line="GET /v1/\x01 HTTP/1.1"),
    "space in address": post(line="GET /v1/a b HTTP/1.1"),
    "no version": post(line="GET /v1/x"),
    "HTTP/1.0": post(line="GET /v1/x HTTP/1.0"),
    "HTTP/1.9": post(line="GET /v1/x HTTP/1.9"),
    "HTTP/2.0": post(line="GET /v1/x HTTP/2.0"),
    "lower case method": post(line="get /v1/x HTTP/1.1"),
    "two hosts": post("host: evil"),
    "upgrade": post("connection: upgrade", "upgrade: h2c"),
}
SOUND = {
    "length": (post("content-length: 3", body="abc"), 1),
    "chunks": (post(CHUNKED, body="3\r\nabc\r\n0\r\n\r\n"), 1),
    "chunk extension": (post(CHUNKED, body="3;a=b\r\nabc\r\n0\r\n\r\n"), 1),
    "trailer": (post(CHUNKED, body="3\r\nabc\r\n0\r\nauthorization: Bearer evil\r\n\r\n"), 1),
    "pipeline": (post("content-length: 0") + post("content-length: 1", body="a"), 2),
    "a body that looks like a request": (post(f"content-length: {len(INNER)}", body=INNER), 1),
    "upper case chunked": (post("transfer-encoding: CHUNKED", body="3\r\nabc\r\n0\r\n\r\n"), 1),
}
TOLERANT_ENVOY = {"CL.CL equal", "TE behind a line feed", "TE folded"}
"""Envoy joins equal lengths (RFC 9110, 8.6), ends lines at a bare line feed and unfolds (RFC 9112, 2.2 and 5.2), as it may: to it what
follows is the client's next request. What it sends on has none of these."""


class House:
    """Our edge on a socket of its own and behind Envoy, and what its handler saw."""

    def __init__(self, run: Path) -> None:
        self.socket = run / "model-proxy-0.sock"
        self.seen: list[Request] = []
        self.server = Server(self.handle, refusal)
        self.port = 0

    def handle(self, request: Request, out: Out) -> None:
        if request.path != "/readyz":
            self.seen.append(request)
        out.whole(200, b"content-type: text/plain\r\n", b"ok")

    async def start(self) -> asyncio.Server:
        await self.server.listen(self.socket)
        assert self.server._listener
        return self.server._listener

    def direct(self, data: bytes, answers: int = 1) -> list[int]:
        """The statuses our edge answers with: however long it takes for as many as are due, and a moment more for others."""
        statuses: list[bytes] = []
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.socket))
            connection.sendall(data)
            answer = b""
            with contextlib.suppress(TimeoutError):
                connection.settimeout(20)
                while part := connection.recv(65536):
                    answer += part
                    statuses = re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)
                    connection.settimeout(0.3 if len(statuses) >= answers else 20)
        return [int(status) for status in statuses]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="sm") as directory:
        run = Path(directory)
        made, loop = House(run), Loop()
        for name in ("ui-read-0", "ui-read-1", "ui-write-0", "workers-0"):
            loop.serve(Upstream(name, run / f"{name}.sock").start)
        loop.serve(made.start)
        plan = Plan(run=run, access_log=run / "access.log", jwks=KEYS.jwks(), port=0)
        prepare(plan)
        with envoy(arguments(plan), plan.health_socket, run / "envoy.log"):
            made.port = port_of(plan.admin_socket)
            yield made
        loop.close()


def strict(data: bytes) -> bool:
    """Whether llhttp's strict mode, asked alone, lets the bytes pass."""
    try:
        httptools.HttpRequestParser(object()).feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return False
    return True


@pytest.mark.parametrize("data", CASES.values(), ids=CASES.keys())
def test_refused_here(house: House, data: bytes) -> None:
    """Each is refused with one answer in the 400s (501 for a coding), and nothing hidden in it is a request."""
    house.seen.clear()
    statuses = house.direct(data)
    assert len(statuses) == 1
    assert statuses[0] in (400, 426, 501)
    assert not house.seen


@pytest.mark.parametrize(("data", "requests"), SOUND.values(), ids=SOUND.keys())
def test_sound(house: House, data: bytes, requests: int) -> None:
    """What is sound passes our edge, llhttp and Envoy alike, and is as many requests to each."""
    house.seen.clear()
    assert house.direct(data, requests) == [200] * requests
    assert strict(data)
    assert raw(house.port, data).startswith(b"HTTP/1.1 200")
    assert len(house.seen) >= requests + 1
    assert all(request.path == "/v1/x" and request.headers["authorization"] != "Bearer evil" for request in house.seen)


def test_as_strict_as_llhttp(house: House) -> None:
    """llhttp's strict mode refuses nothing that we let pass."""
    assert [name for name, data in CASES.items() if not strict(data) and house.direct(data)[0] == 200] == []


@pytest.mark.parametrize("name", [name for name in CASES if name not in TOLERANT_ENVOY])
def test_behind_envoy(house: House, name: str) -> None:
    """Envoy refuses it too, or makes it sound before it sends it on; a hidden request never arrives."""
    house.seen.clear()
    answer = raw(house.port, CASES[name], 1.0)
    assert all(request.path != MARK for request in house.seen)
    assert len(house.seen) <= 1
    if not house.seen:
        assert answer == b"" or answer[9:12] in (b"400", b"403", b"404", b"426", b"501", b"505")
