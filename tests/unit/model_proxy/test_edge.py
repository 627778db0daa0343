"""The proxy's own HTTP server: order, keep-alive, limits, draining; on a real unix socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.model_proxy.app import refusal
from seawall.model_proxy.http import Request, Response, Server


async def echo(request: Request) -> Response:
    """Answers with what came; `/slow` takes its time."""
    if request.path == "/slow":
        await asyncio.sleep(0.05)
    return Response(200, f"{request.method} {request.path}?{request.query} {len(request.body)}".encode(), "text/plain")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[Server, Path]]:
    made = Server(echo, refusal)
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
        server[1], b"GET /slow HTTP/1.1\r\n\r\n" + b"POST /b?q=1 HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc" + b"GET /c HTTP/1.1\r\n\r\n"
    )
    assert [line for line in answer.split(b"\r\n") if line.startswith((b"GET", b"POST"))]
    assert answer.index(b"GET /slow") < answer.index(b"POST /b?q=1 3") < answer.index(b"GET /c")
    assert b"connection: close" not in answer


@pytest.mark.parametrize("parts", [1, 7, 60])
async def test_request_in_parts(server: tuple[Server, Path], parts: int) -> None:
    """It does not matter how a request is cut."""
    answer = await talk(server[1], b"POST /path HTTP/1.1\r\nA: b\r\ncontent-length: 5\r\n\r\nhello", parts=parts)
    assert answer.endswith(b"POST /path? 5")


async def test_close_and_head(server: tuple[Server, Path]) -> None:
    """`Connection: close` is honoured, and HEAD has the headers without the body."""
    answer = await talk(server[1], b"HEAD /x HTTP/1.1\r\nconnection: close\r\n\r\n")
    assert b"connection: close" in answer
    assert answer.endswith(b"\r\n\r\n")
    assert b"content-length: 10" in answer


REFUSED = {
    "nonsense": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
    "two lengths": (b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", b"400"),
    "length and chunks": (b"POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
    "huge header": (b"GET / HTTP/1.1\r\na: " + b"x" * 200_000 + b"\r\n\r\n", b"431"),
    "huge address": (b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\n\r\n", b"431"),
    "huge body": (b"POST / HTTP/1.1\r\ncontent-length: 3000000\r\n\r\n" + b"x" * 3_000_000, b"413"),
    "huge pipeline": (b"GET / HTTP/1.1\r\n\r\n" * 500, b"429"),
}


@pytest.mark.parametrize(("data", "status"), REFUSED.values(), ids=REFUSED.keys())
async def test_refused(server: tuple[Server, Path], data: bytes, status: bytes) -> None:
    """What is malformed or too large is refused in words, and the server goes on."""
    answer = await talk(server[1], data, parts=3)
    assert b"HTTP/1.1 " + status in answer or answer == b""
    assert b"200 OK" in await talk(server[1], b"GET / HTTP/1.1\r\n\r\n")


async def test_draining(server: tuple[Server, Path]) -> None:
    """A request in flight is answered, idle connections close at once, new ones are refused."""
    made, path = server
    idle_reader, idle_writer = await asyncio.open_unix_connection(str(path))
    flight = asyncio.create_task(talk(path, b"GET /slow HTTP/1.1\r\n\r\n"))
    await asyncio.sleep(0.02)
    await made.drain(1.0)
    assert b"connection: close" in await flight
    assert await idle_reader.read() == b""
    idle_writer.close()
    with pytest.raises(OSError):
        await asyncio.open_unix_connection(str(path))


async def test_client_that_leaves(server: tuple[Server, Path]) -> None:
    """A client that goes away mid-answer leaves nothing behind."""
    made, path = server
    _, writer = await asyncio.open_unix_connection(str(path))
    writer.write(b"GET /slow HTTP/1.1\r\n\r\n")
    await asyncio.sleep(0.01)
    writer.transport.abort()
    await asyncio.sleep(0.08)
    assert not made.connections


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    """No bytes make the protocol raise."""

    async def feed() -> None:
        from seawall.model_proxy.http import Connection

        connection = Connection(Server(echo, refusal))
        connection.data_received(data)
        connection.connection_lost(None)
        await asyncio.sleep(0)

    asyncio.run(feed())


def test_socket_is_private(tmp_path: Path) -> None:
    """Only the owner may connect, and a socket left by a predecessor is replaced."""
    (tmp_path / "s.sock").write_text("stale")

    async def mode() -> int:
        server = Server(echo, refusal)
        await server.listen(tmp_path / "s.sock")
        found = (tmp_path / "s.sock").stat().st_mode & 0o777
        await server.drain(0)
        return found

    assert asyncio.run(mode()) == 0o600
