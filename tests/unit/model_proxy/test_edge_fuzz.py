"""The edge against any bytes: it never raises, answers each request once and in order, and does not care how the bytes were cut."""

from __future__ import annotations

import asyncio
import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.model_proxy.edge import Server
from seawall.model_proxy.edge_connection import Connection
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.http import Request
from seawall.model_proxy.replies import refusal

HOST = b"host: a\r\n"
WHOLE = [
    b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n",
    b"POST /b HTTP/1.1\r\n" + HOST + b"content-length: 3\r\n\r\nabc",
    b"POST /c HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\ntrailer: t\r\n\r\n",
    b"HEAD /d HTTP/1.1\r\n" + HOST + b"\r\n",
    b"POST /e HTTP/1.1\r\n" + HOST + b"expect: 100-continue\r\ncontent-length: 1\r\n\r\nz",
]
SCRAPS = [
    *(
        b"GET / HTTP/1.1\r\n",
        b"POST / HTTP/1.1\r\n",
        b"GET /x HTTP/1.0\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
    ),
    *(
        HOST,
        b"Host : a\r\n",
        b"host: b\r\n",
        b"content-length: 5\r\n",
        b"content-length: 05\r\n",
        b"Content-Length: -1\r\n",
        b"content-length:\r\n",
    ),
    *(
        b"transfer-encoding: chunked\r\n",
        b"transfer-encoding: identity\r\n",
        b"Transfer-Encoding:\tchunked\r\n",
        b"transfer-encoding: chunked, gzip\r\n",
    ),
    *(
        b"connection: close\r\n",
        b"connection: upgrade\r\nupgrade: h2c\r\n",
        b"x: a\r\n b\r\n",
        b"\x00",
        b"\xff",
        b": \r\n",
        b"expect: 100-continue\r\n",
    ),
    *(
        b"0\r\n\r\n",
        b"5\r\nabcde\r\n",
        b"ffffffffffffffffff\r\n",
        b"0x1\r\na\r\n",
        b"1\r\nab\r\n",
        b"abcde",
        b"GET /smuggled HTTP/1.1\r\nhost: evil\r\n\r\n",
    ),
]
NEAR_HTTP = st.lists(st.sampled_from(WHOLE) | st.sampled_from(SCRAPS) | st.binary(max_size=6), max_size=12).map(b"".join)


class Socket(asyncio.Transport):
    """A socket whose other side reads everything at once."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.reading = True
        self.closed = self.half_closed = False

    def write(self, data: bytes) -> None:
        assert not self.half_closed
        self.sent += b"" if self.closed else data

    def close(self) -> None:
        self.closed = True

    abort = close

    def write_eof(self) -> None:
        self.half_closed = True

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True


class Peer:
    """A connection, what its handler was asked, and answers given at once or later."""

    def __init__(self, *, later: bool) -> None:
        self.asked: list[Request] = []
        self.open: list[tuple[Request, Out]] = []
        self.later = later
        self.socket = Socket()
        self.connection = Connection(Server(self.handle, refusal))
        self.connection.connection_made(self.socket)

    def handle(self, request: Request, out: Out) -> None:
        self.asked.append(request)
        self.open.append((request, out))
        assert len(self.open) == 1, "one request of a connection at a time"
        if not self.later:
            self.answer()

    def answer(self) -> None:
        request, out = self.open.pop()
        said = repr((request.method, request.path, sorted(request.headers.items()), request.body)).encode().replace(b"HTTP/1.1 ", b"")
        if request.path == "/a":
            out.start(200, b"")
            out.write(said)
            out.end()
        else:
            out.whole(200, b"", said)

    def feed(self, parts: list[bytes]) -> bytes:
        for part in parts:
            while not self.socket.reading and self.open:
                self.answer()
            if self.socket.closed or self.socket.half_closed:
                break
            self.connection.data_received(part)
        while self.open:
            self.answer()
        sent = self.socket.sent
        self.connection.connection_lost(None)
        return sent.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")


def talk(parts: list[bytes], *, later: bool) -> tuple[bytes, int]:
    async def run() -> tuple[bytes, int]:
        peer = Peer(later=later)
        return peer.feed(parts), len(peer.asked)

    return asyncio.run(run())


def cut(data: bytes, places: set[int]) -> list[bytes]:
    at = [0, *sorted(place for place in places if 0 < place < len(data)), len(data)]
    return [data[start:end] for start, end in pairwise(at)]


@settings(max_examples=200)
@given(NEAR_HTTP, st.sets(st.integers(1, 400), max_size=60), st.booleans())
def test_any_cut(data: bytes, places: set[int], later: bool) -> None:
    """However bytes arrive and whenever they are answered, the same requests are seen and the same bytes go back."""
    whole = talk([data], later=False)
    assert talk(cut(data, places), later=later) == whole
    assert talk([bytes([byte]) for byte in data], later=False) == whole


@settings(max_examples=200)
@given(NEAR_HTTP | st.binary(max_size=300))
def test_one_answer_each(data: bytes) -> None:
    """Each request is answered once; beyond that there is at most one refusal, the last."""
    sent, asked = talk([data], later=False)
    statuses = re.findall(rb"HTTP/1\.1 (\d{3}) ", sent)
    assert statuses[:asked] == [b"200"] * asked
    assert len(statuses) - asked <= 1
    assert all(status >= b"400" for status in statuses[asked:])


@settings(max_examples=60)
@given(st.lists(st.sampled_from(WHOLE), max_size=14), st.sets(st.integers(1, 600), max_size=30))
def test_whole_requests(requests: list[bytes], places: set[int]) -> None:
    """Sound requests are all answered, in order, with nothing of one in another."""
    sent, asked = talk(cut(b"".join(requests), places), later=True)
    paths = [path for path, one in zip("abcde", WHOLE, strict=True) for _ in range(requests.count(one))]
    assert asked == len(requests)
    seen = re.findall(rb"'/(.)', \[([^]]*)\]", sent)
    assert sorted(found.decode() for found, _ in seen) == sorted(path for path in paths if path != "d")
    assert b"trailer" not in sent


HEADS = [
    *(b"POST /b HTTP/1.1\r\n" + HOST + b"content-length: 3\r\nx: 1\r\n\r\n", b"POST /b HTTP/1.1\r\n" + HOST + b"content-length: 0\r\n\r\n"),
    b"POST /b HTTP/1.1\r\nContent-Length: 11\r\n" + HOST + b"x: content-length: 3\r\n\r\n",
    b"POST /b HTTP/1.1\r\n" + HOST + b"content-length: 3\r\nconnection: close\r\n\r\n",
    b"POST /c HTTP/1.1\r\n" + HOST + b"content-length: 3\r\nexpect: 100-continue\r\n\r\n",
]
BODIES = [b"", b"abc", b"abc" + WHOLE[1], b"GET / HTTP/1", b"x" * 11, b"ab", b"\r\n\r\n"]


@settings(max_examples=250)
@given(
    st.lists(st.sampled_from(HEADS), min_size=1, max_size=2),
    st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from([b"3", b"11", b"03", b"3 ", b"+3", b"", b"999999999"]), st.sampled_from(BODIES)),
        max_size=6,
    ),
)
def test_heads_that_come_again(heads: list[bytes], turns: list[tuple[int, bytes, bytes]]) -> None:
    """A head that was read before says the same when it comes again, whatever follows it and whatever length it names."""
    requests = [re.sub(rb"(?<=tent-length: )\d+", length, heads[which % len(heads)], count=1) + body for which, length, body in turns]
    assert talk(requests, later=False) == talk([bytes([byte]) for byte in b"".join(requests)], later=False)


def test_a_length_of_its_own() -> None:
    """Requests whose heads differ in the body's length alone are each read with their own."""
    sent, asked = talk([HEADS[0] + b"abc", HEADS[0].replace(b": 3", b": 12") + b"abcdefghijkl", HEADS[0] + b"xyz"], later=False)
    assert asked == 3
    assert re.findall(rb"'content-length', '(\d+)'.*?b'(\w+)'", sent) == [(b"3", b"abc"), (b"12", b"abcdefghijkl"), (b"3", b"xyz")]
