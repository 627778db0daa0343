"""A probe hears the answer as soon as it is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from seawall.cli.supervisor_health import Health, HttpProbe, check

BODY = b'{"checks": {"valkey": {"ok": false, "detail": "does not answer"}}}'


@asynccontextmanager
async def answering(path: Path, *parts: bytes, closes: bool) -> AsyncIterator[HttpProbe]:
    """A server that says `parts` and then closes, or keeps the connection as Envoy does after `Connection: close`."""
    over, serving = asyncio.Event(), set[asyncio.Task[None]]()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(serve(reader, writer)))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0.01)
        if not closes:
            await over.wait()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_unix_server(accept, path)
    try:
        yield HttpProbe(path)
    finally:
        over.set()
        server.close()
        await asyncio.gather(*serving)


@pytest.mark.parametrize("name", [b"Content-Length", b"content-length"])
async def test_a_server_need_not_close(tmp_path: Path, name: bytes) -> None:
    """Envoy waits for a second before it does; the answer is whole when its length has come."""
    head = b"HTTP/1.1 503 Unavailable\r\n" + name + b": %d\r\n\r\n" % len(BODY)
    async with answering(tmp_path / "s", head, BODY[:9], BODY[9:], closes=False) as probe:
        assert await check(probe, 20.0) == Health(ready=False, detail="valkey: does not answer")
    async with answering(tmp_path / "s", b"HTTP/1.1 200 OK\r\n" + name + b":0\r\n\r\n", closes=False) as probe:
        assert await check(probe, 20.0) == Health(ready=True)


async def test_without_a_length_the_end_is_awaited(tmp_path: Path) -> None:
    """A chunked answer ends with its connection."""
    async with answering(tmp_path / "s", b"HTTP/1.1 503 No\r\n\r\n", BODY, closes=True) as probe:
        assert (await check(probe, 20.0)).detail == "valkey: does not answer"
    async with answering(tmp_path / "s", b"HTTP/1.1 503 No\r\n\r\n", BODY, closes=False) as probe:
        assert await check(probe, 0.1) == Health(ready=False, detail="no answer within 0.1 s", answered=False)
