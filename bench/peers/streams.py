"""Clients that hold streams: when the first piece came, the longest silence, whether each ended whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

END = b"0\r\n\r\n"


class Held(msgspec.Struct, frozen=True):
    """What many streams at once showed."""

    whole: int
    """Ended with `[DONE]`."""
    pieces: int
    longest_gap: float
    """Seconds."""
    memory: int
    """Bytes of the proxy at its highest."""


class _Stream(asyncio.Protocol):
    def __init__(self, request: bytes) -> None:
        self.request = request
        self.first = self.last = self.gap = 0.0
        self.pieces = 0
        self.tail = b""
        self.whole = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.sent = self.last = time.perf_counter()
        self.transport.write(self.request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        found = data.count(b"data: ")
        if found:
            self.first = self.first or now
            self.pieces += found
            self.gap = max(self.gap, now - self.last)
            self.last = now
        self.tail = (self.tail + data)[-40:]
        if self.tail.endswith(END):
            self.whole = b"[DONE]" in self.tail
            self.finish()

    def connection_lost(self, error: Exception | None) -> None:
        self.finish()

    def finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def _open(address: str | Path, request: bytes) -> _Stream:
    loop = asyncio.get_running_loop()
    if isinstance(address, Path):
        _, made = await loop.create_unix_connection(lambda: _Stream(request), str(address))
    else:
        host, _, port = address.rpartition(":")
        _, made = await loop.create_connection(lambda: _Stream(request), host, int(port))
    return made


async def first_chunks(address: str | Path, request: bytes, count: int) -> list[float]:
    """Seconds to the first piece of `count` streams on one connection, one after another."""
    stream = await _open(address, request)
    seen = []
    for turn in range(count):
        await asyncio.wait_for(stream.done, 10)
        if not stream.whole:
            raise RuntimeError("a stream did not end whole")
        seen.append(stream.first - stream.sent)
        if turn < count - 1:
            stream.first, stream.tail, stream.done = 0.0, b"", asyncio.get_running_loop().create_future()
            stream.send()
    stream.transport.close()
    return seen


async def hold_streams(address: str | Path, request: bytes, count: int, memory: Callable[[], int]) -> Held:
    """`count` streams at once, begun within two seconds."""
    made = []
    for index in range(count):
        made.append(await _open(address, request))
        if index % 25 == 24:
            await asyncio.sleep(2.0 / (count / 25))
    highest = 0
    waiting = asyncio.gather(*(one.done for one in made))
    while not waiting.done():
        highest = max(highest, memory())
        await asyncio.wait([waiting], timeout=0.5)
    for one in made:
        one.transport.close()
    return Held(sum(one.whole for one in made), sum(one.pieces for one in made), max(one.gap for one in made), highest)
