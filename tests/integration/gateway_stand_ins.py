"""Stand-ins behind a real gateway: small HTTP/1.1 servers on unix sockets.

Run as a program (`python gateway_stand_ins.py NAME SOCKET`) it is one upstream in a process of its own, to be killed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

HTML = "<p>A paragraph that compresses well.</p>" * 100


class Request:
    """What an upstream saw."""

    def __init__(self, name: str, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> None:
        self.name, self.method, self.target, self.headers, self.body = name, method, target, headers, body

    def echo(self) -> dict:
        return {
            "service": self.name,
            "method": self.method,
            "target": self.target,
            "headers": dict(self.headers),
            "bytes": len(self.body),
        }


class Upstream:
    """One server: it records what it saw and answers by the last part of the path."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path
        self.seen: list[Request] = []
        self.ready = True
        self.go_on = threading.Event()
        """A stream waits for it after its first part."""

    async def start(self) -> asyncio.Server:
        self.path.unlink(missing_ok=True)
        return await asyncio.start_unix_server(self._serve, str(self.path), limit=1 << 20)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await self._read(reader)
                if not request.target.startswith("/readyz"):
                    self.seen.append(request)
                await self._answer(request, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    async def _read(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        headers = [(line.partition(":")[0].lower(), line.partition(":")[2].strip()) for line in head[1:] if line]
        named = dict(headers)
        body = b""
        if named.get("transfer-encoding") == "chunked":
            while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readexactly(2)
        elif length := int(named.get("content-length", 0)):
            body = await reader.readexactly(length)
        return Request(self.name, method, target, headers, body)

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        path = urlsplit(request.target).path
        if path == "/readyz":
            send(writer, b"{}", "application/json", status=200 if self.ready else 503)
        elif path.endswith("/stream"):
            await self._stream(writer)
        elif path.endswith("/encoded"):
            send(writer, b"\x28\xb5\x2f\xfd" + b"z" * 2000, "text/html", ("content-encoding", "zstd"), ("etag", '"strong"'))
        elif path.endswith("/page"):
            send(writer, HTML.encode(), "text/html; charset=utf-8", ("cache-control", "private, no-cache"), ("etag", '"strong"'))
        elif path.endswith("/large"):
            send(writer, b"z" * 400_000, "application/octet-stream")
        elif path.endswith("/slow"):
            await asyncio.sleep(0.05)
            send(writer, b"{}", "application/json")
        else:
            send(writer, json.dumps(request.echo()).encode(), "application/json", ("x-envoy-secret", "1"))

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        """Three parts, of which the first must arrive before the others are sent."""
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ntransfer-encoding: chunked\r\n\r\n")
        for number in range(3):
            chunk = f"<p>part {number}</p>".encode()
            writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            await writer.drain()
            for _ in range(3_000):
                if self.go_on.is_set():
                    break
                await asyncio.sleep(0.01)
        writer.write(b"0\r\n\r\n")


def send(writer: asyncio.StreamWriter, body: bytes, media_type: str, *headers: tuple[str, str], status: int = 200) -> None:
    lines = [f"HTTP/1.1 {status} X", f"content-type: {media_type}", f"content-length: {len(body)}", *(f"{k}: {v}" for k, v in headers)]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)


class Loop:
    """An event loop in a thread, so that upstreams answer whatever the test is doing."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def serve(self, start: Callable[[], Awaitable[asyncio.Server]]) -> asyncio.Server:
        async def started() -> asyncio.Server:
            return await start()

        server = asyncio.run_coroutine_threadsafe(started(), self._loop).result(30)
        self._servers.append(server)
        return server

    def close(self) -> None:
        async def finish() -> None:
            for server in self._servers:
                server.close()
            while rest := [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]:
                for task in rest:
                    task.cancel()
                await asyncio.gather(*rest, return_exceptions=True)
            await asyncio.sleep(0.01)

        asyncio.run_coroutine_threadsafe(finish(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()


if __name__ == "__main__":

    async def main() -> None:
        server = await Upstream(sys.argv[1], Path(sys.argv[2])).start()
        await server.serve_forever()

    asyncio.run(main())
