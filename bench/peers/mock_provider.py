"""A provider as fast as one core of Python allows, in a process of its own: fixed answers, nothing else.

python bench/peers/mock_provider.py SOCKET_OR_PORT [--gap-ms 20] [--pieces 20]

`POST …/chat/completions` answers a completion of a usual size at once; with `"stream":true` it answers that many pieces, a gap between
them (0: all at once). Listens on a unix socket, or on a port of 127.0.0.1.
"""

from __future__ import annotations

import argparse
import asyncio
import json

import uvloop

TEXT = "The tide rises against a quiet wall of stone, and each wave that comes in breaks there while behind it boats lie still."
USAGE = {"prompt_tokens": 42, "completion_tokens": 25, "total_tokens": 67}
COMPLETION = json.dumps(
    {
        "id": "chatcmpl-0123456789",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": "mock",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "logprobs": None, "finish_reason": "stop"}],
        "usage": USAGE,
    },
    separators=(",", ":"),
).encode()
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(COMPLETION), COMPLETION)
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def event(delta: dict, finish: str | None = None) -> bytes:
    chunk = {"id": "chatcmpl-0", "object": "chat.completion.chunk", "created": 1_760_000_000, "model": "mock"}
    data = b"data: " + json.dumps({**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode() + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


FIRST = event({"role": "assistant", "content": ""})
PIECE = event({"content": "wave after "})
LAST = event({}, "stop") + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"


class Mock(asyncio.Protocol):
    gap, pieces = 0.0, 20

    def __init__(self) -> None:
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None

    def data_received(self, data: bytes) -> None:
        self.rest += data
        while (head := self.rest.find(b"\r\n\r\n")) >= 0:
            top = self.rest[:head].lower()
            at = top.find(b"content-length:")
            length = int(top[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.rest) < head + 4 + length:
                return
            body, self.rest = self.rest[head + 4 : head + 4 + length], self.rest[head + 4 + length :]
            if b'"stream":true' in body or b'"stream": true' in body:
                self.transport.write(STREAM + FIRST)
                self.go_on(self.pieces)
            else:
                self.transport.write(WHOLE)

    def go_on(self, left: int) -> None:
        if self.transport is None:
            return
        if self.gap <= 0:
            self.transport.write(PIECE * left + LAST)
        elif left:
            self.transport.write(PIECE)
            asyncio.get_running_loop().call_later(self.gap, self.go_on, left - 1)
        else:
            self.transport.write(LAST)


async def serve(where: str) -> None:
    loop = asyncio.get_running_loop()
    if where.isdecimal():
        server = await loop.create_server(Mock, "127.0.0.1", int(where), backlog=4096)
    else:
        server = await loop.create_unix_server(Mock, where, backlog=4096)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("where")
    parser.add_argument("--gap-ms", type=float, default=0.0)
    parser.add_argument("--pieces", type=int, default=20)
    options = parser.parse_args()
    Mock.gap, Mock.pieces = options.gap_ms / 1000, options.pieces
    uvloop.run(serve(options.where))
