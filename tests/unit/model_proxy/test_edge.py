"""The proxy's own HTTP server: order, keep-alive, limits, draining; on a real unix socket."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from seawall.model_proxy import edge, edge_connection, edge_reading
from seawall.model_proxy.app import refusal
from seawall.model_proxy.edge import Server, answering
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.http import Request, Response


async def echo(request: Request) -> Response:
    """Answers with what came; `/slow` takes its time."""
    if request.path == "/slow":
        await asyncio.sleep(0.05)
    return Response(200, f"{request.method} {request.path}?{request.query} {len(request.body)}".encode(), "text/plain")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[Server, Path]]:
    made = Server(answering(echo), refusal)
    await made.listen(tmp_path / "s.sock")
    yield made, tmp_path / "s.sock"
    await made.drain(0.2)


async def talk(path: Path, data: bytes, *, parts: int = 1) -> bytes:
    """Everything that comes back for `data`, sent in `parts`, until the server closes or falls silent."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    answer = b""
    try:
        size = max(1, -(-len(data) // parts))
        for at in range(0, len(data), size):
            writer.write(data[at : at + size])
            await writer.drain()
            await asyncio.sleep(0)
        while chunk := await asyncio.wait_for(reader.read(65536), 0.3):
            answer += chunk
    except (TimeoutError, ConnectionError):
        pass
    writer.close()
    return answer


async def test_keep_alive_and_pipelining(server: tuple[Server, Path]) -> None:
    """Requests sent at once on one connection are answered in their order, the slow one first."""
    answer = await talk(
        server[1],
        b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n"
        + b"POST /b?q=1 HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc"
        + b"GET /c HTTP/1.1\r\nhost: a\r\n\r\n",
    )
    assert [line for line in answer.split(b"\r\n") if line.startswith((b"GET", b"POST"))]
    assert answer.index(b"GET /slow") < answer.index(b"POST /b?q=1 3") < answer.index(b"GET /c")
    assert b"connection: close" not in answer


@pytest.mark.parametrize("parts", [1, 7, 60])
async def test_request_in_parts(server: tuple[Server, Path], parts: int) -> None:
    """It does not matter how a request is cut."""
    head = b"POST /path HTTP/1.1\r\nhost: a\r\nA: b\r\nconnection: close\r\ncontent-length: 5\r\n\r\n"
    answer = await talk(server[1], head + b"hello", parts=parts)
    assert answer.endswith(b"POST /path? 5")


@pytest.mark.parametrize("last", ["authorization: Bearer {}", "x: {}"])
async def test_a_head_that_comes_again_is_read_to_its_end(tmp_path: Path, last: str) -> None:
    """The gateway sends the requests of many on one connection: they differ in a header behind the length, and not in size."""
    seen: list[str] = []

    async def whose(request: Request) -> Response:
        seen.append(request.headers[last.partition(":")[0]])
        return Response(200)

    server = Server(answering(whose), refusal)
    await server.listen(tmp_path / "s.sock")
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s.sock"))
    for who in ("mia", "mia", "ann", "mia"):
        writer.write(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n" + last.format(who).encode() + b"\r\n\r\n{}")
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    writer.close()
    await server.drain(0.2)
    assert [one[-3:] for one in seen] == ["mia", "mia", "ann", "mia"]


async def test_close_and_head(server: tuple[Server, Path]) -> None:
    """`Connection: close` is honoured, and HEAD has the headers without the body."""
    answer = await talk(server[1], b"HEAD /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    assert b"connection: close" in answer
    assert answer.endswith(b"\r\n\r\n")
    assert b"content-length: 10" in answer


CHUNKED = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
REFUSED = {
    "nonsense": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
    "two lengths": (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", b"400"),
    "length and chunks": (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
    "huge header": (b"GET / HTTP/1.1\r\nhost: a\r\na: " + b"x" * 200_000 + b"\r\n\r\n", b"431"),
    "huge address": (b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n", b"431"),
    "huge body": (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3000000\r\n\r\n" + b"x" * 3_000_000, b"413"),
    "endless header": (b"GET / HTTP/1.1\r\nhost: a\r\na: " + b"x" * 700_000, b"431"),
    "endless chunk extension": (CHUNKED + b"1;" + b"x" * 700_000, b"431"),
    "chunks of one byte": (CHUNKED + b"1;xxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\na\r\n" * 30_000, b"431"),
    "many headers": (b"GET / HTTP/1.1\r\nhost: a\r\n" + b"".join(b"a%d: b\r\n" % one for one in range(200)) + b"\r\n", b"431"),
    "huge body in chunks": (CHUNKED + b"fffff\r\n" + b"x" * 0xFFFFF + b"\r\nfffff\r\n" + b"x" * 0xFFFFF, b"413"),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", b"400"),
    "two hosts": (b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", b"400"),
    "two tokens": (b"GET / HTTP/1.1\r\nhost: a\r\nauthorization: a\r\nAuthorization: b\r\n\r\n", b"400"),
    "equal lengths": (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\na", b"400"),
    "chunks and length": (b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n", b"400"),
    "other coding": (b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", b"501"),
    "unknown coding": (b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n", b"501"),
    "bad chunk": (CHUNKED + b"zz\r\n", b"400"),
    "chunk longer than said": (CHUNKED + b"1\r\nab\r\n0\r\n\r\n", b"400"),
    "chunk with a bare line feed": (CHUNKED + b"1\na\n0\n\n", b"400"),
    "bare line feed": (b"GET / HTTP/1.1\nhost: a\n\n", b"400"),
    "folded header": (b"GET / HTTP/1.1\r\nhost: a\r\nx: a\r\n b\r\n\r\n", b"400"),
    "space before colon": (b"GET / HTTP/1.1\r\nhost : a\r\n\r\n", b"400"),
    "NUL": (b"GET / HTTP/1.1\r\nhost: a\x00b\r\n\r\n", b"400"),
    "HTTP/1.0": (b"GET / HTTP/1.0\r\nhost: a\r\n\r\n", b"426"),
    "HTTP/0.9": (b"GET /\r\n\r\n", b"426"),
    "upgrade": (b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", b"400"),
    "CONNECT": (b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n", b"400"),
    "other expectation": (b"POST / HTTP/1.1\r\nhost: a\r\nexpect: tea\r\ncontent-length: 1\r\n\r\na", b"417"),
    "huge body announced": (b"POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3000000\r\n\r\n", b"413"),
    "huge pipeline": (b"GET / HTTP/1.1\r\nhost: a\r\n\r\n" * 500, b"429"),
}


@pytest.mark.parametrize(("data", "status"), REFUSED.values(), ids=REFUSED.keys())
async def test_refused(server: tuple[Server, Path], data: bytes, status: bytes) -> None:
    """What is malformed or too large is refused in words, and the server goes on."""
    for parts in (1, 3):
        answer = await talk(server[1], data, parts=parts)
        assert b"HTTP/1.1 " + status in answer
        assert len(re.findall(rb"HTTP/1.1 \d", answer)) == 1 or status == b"429"
    assert b"200 OK" in await talk(server[1], b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")


async def test_draining(server: tuple[Server, Path]) -> None:
    """A request in flight is answered, idle connections close at once, new ones are refused."""
    made, path = server
    idle_reader, idle_writer = await asyncio.open_unix_connection(str(path))
    began, go_on = asyncio.Event(), asyncio.Event()

    async def held(request: Request) -> Response:
        began.set()
        await go_on.wait()
        return Response(200)

    made.handle = answering(held)
    flight_reader, flight_writer = await asyncio.open_unix_connection(str(path))
    flight_writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    await began.wait()
    draining = asyncio.create_task(made.drain(10.0))
    assert await asyncio.wait_for(idle_reader.read(), 5) == b""
    go_on.set()
    assert b"connection: close" in await flight_reader.read()
    await draining
    flight_writer.close()
    idle_writer.close()
    with pytest.raises(OSError):
        await asyncio.open_unix_connection(str(path))


async def test_client_that_leaves(server: tuple[Server, Path]) -> None:
    """A client that goes away mid-answer leaves nothing behind."""
    made, path = server
    _, writer = await asyncio.open_unix_connection(str(path))
    writer.write(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
    await asyncio.sleep(0.01)
    writer.transport.abort()
    await asyncio.sleep(0.08)
    assert not made.connections


async def test_refusal_waits_its_turn(server: tuple[Server, Path]) -> None:
    """Nonsense after a request is refused after that request's answer, never in its place."""
    answer = await talk(server[1], b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\nNONSENSE\r\n\r\n")
    assert 0 <= answer.index(b"200 OK") < answer.index(b"400 Bad Request")


async def test_trailers_do_not_leak(server: tuple[Server, Path]) -> None:
    """A trailer is nobody's header, least of all the next request's."""
    seen: list[dict[str, str]] = []

    async def note(request: Request) -> Response:
        seen.append(request.headers)
        return Response(200)

    server[0].handle = answering(note)
    await talk(server[1], CHUNKED + b"1\r\na\r\n0\r\nauthorization: evil\r\n\r\nGET / HTTP/1.1\r\nhost: b\r\n\r\n")
    assert seen == [{"host": "a", "transfer-encoding": "chunked"}, {"host": "b"}]


async def test_expect_continue(server: tuple[Server, Path]) -> None:
    """A client that waits for leave to send its body gets it, after the answers before."""
    head = b"POST /x HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
    reader, writer = await asyncio.open_unix_connection(str(server[1]))
    writer.write(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n" + head)
    assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
    assert b"HTTP/1.1 100 Continue\r\n\r\n" in await reader.readuntil(b"Continue\r\n\r\n")
    writer.write(b"ab")
    assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
    writer.close()


@pytest.mark.parametrize("data", [b"GET / HT", CHUNKED + b"5\r\nab"])
async def test_slow_client(server: tuple[Server, Path], monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """A request that does not end in time is told so; a connection without one is closed."""
    monkeypatch.setattr(edge, "CHECK_SECONDS", 0.01)
    monkeypatch.setattr(edge_reading, "REQUEST_SECONDS", 0.01)
    reader, writer = await asyncio.open_unix_connection(str(server[1]))
    writer.write(data)
    assert b"HTTP/1.1 408" in await asyncio.wait_for(reader.read(), 20)
    writer.close()


async def streamed(server: tuple[Server, Path], chunks: int, size: int) -> tuple[Out, asyncio.StreamReader, asyncio.StreamWriter]:
    """A client with a streamed answer of some chunks on its way; the answer has not ended."""
    outs: list[Out] = []

    def handle(request: Request, out: Out) -> None:
        outs.append(out)
        out.start(200, b"content-type: text/plain\r\n")
        for _ in range(chunks):
            out.write(b"x" * size)

    server[0].handle = handle
    reader, writer = await asyncio.open_unix_connection(str(server[1]))
    writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    assert await reader.read(10) == b"HTTP/1.1 2"
    return outs[0], reader, writer


async def test_stream(server: tuple[Server, Path]) -> None:
    """Parts arrive before the end, which is marked, and the connection goes on."""
    out, reader, writer = await streamed(server, 2, 3)
    assert (await reader.readuntil(b"xxx\r\n3\r\nxxx\r\n")).count(b"transfer-encoding: chunked") == 1
    out.end()
    assert await reader.readuntil(b"0\r\n\r\n") == b"0\r\n\r\n"
    with pytest.raises(RuntimeError):
        out.whole(200, b"", b"")
    writer.close()


async def test_cut_stream(server: tuple[Server, Path]) -> None:
    """A stream that is cut has no end mark."""
    out, reader, writer = await streamed(server, 1, 3)
    out.cut()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await reader.readuntil(b"0\r\n\r\n")
    writer.close()


async def test_gone(server: tuple[Server, Path]) -> None:
    """Who writes learns at once that the client has vanished, and may go on writing into nothing."""
    out, _, writer = await streamed(server, 1, 3)
    told = asyncio.Event()
    out.on_gone = told.set
    writer.close()
    await asyncio.wait_for(told.wait(), 20)
    assert out.gone
    out.write(b"more")
    out.end()


async def test_slow_reader(server: tuple[Server, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Who writes learns when to wait and when to go on; a client that never reads is cut."""
    monkeypatch.setattr(edge, "CHECK_SECONDS", 0.01)
    out, reader, writer = await streamed(server, 100, 10_000)
    assert out.paused
    went_on = asyncio.Event()
    out.on_resume = went_on.set
    await reader.readexactly(1_000_000)
    await asyncio.wait_for(went_on.wait(), 20)
    monkeypatch.setattr(edge_connection, "STALL_SECONDS", 0.0)
    for _ in range(400):
        out.write(b"x" * 10_000)
    told = asyncio.Event()
    out.on_gone = told.set
    await asyncio.wait_for(told.wait(), 20)
    writer.close()


def test_socket_is_private(tmp_path: Path) -> None:
    """Only the owner may connect, and a socket left by a predecessor is replaced."""
    (tmp_path / "s.sock").write_text("stale")

    async def mode() -> int:
        server = Server(answering(echo), refusal)
        await server.listen(tmp_path / "s.sock")
        found = (tmp_path / "s.sock").stat().st_mode & 0o777
        await server.drain(0)
        return found

    assert asyncio.run(mode()) == 0o600
