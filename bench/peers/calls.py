"""Chat completions sent to a port of 127.0.0.1, every one different, every answer looked at."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
import urllib.request
from collections.abc import Iterator, Mapping

import httptools
import msgspec

from peers.mock_provider import TEXT

LAST_SECONDS = 10.0
"""For the answers that are under way when a run ends."""
MARK = b'"' + TEXT.encode() + b'"'
SYSTEM = "You are a helpful assistant for people who plan promotions in a chain of grocery stores. Answer in one sentence."
PATH = "/v1/chat/completions"


_LETTERS = bytes.maketrans(b"0123456789", b"bdfhklmprt")


class Load(msgspec.Struct, frozen=True):
    """What a run saw."""

    answers: int
    """Within `seconds`."""
    seconds: float
    latencies: list[float]
    """In seconds, from sending to the answer's end; those that were under way at the end are among them."""
    failed: int
    """Answers that were not 200 with the provider's text, and connections that were lost."""


def word(number: int) -> bytes:
    """Nine letters for a number: what is new in a request, and no telephone number to whoever looks for one."""
    return (b"%09d" % number).translate(_LETTERS)


def chat_body(number: int, temperature: float) -> bytes:
    """A request nobody has sent before. At temperature 0 a cache that is on has to look it up."""
    messages = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": f"Why did the promotion named {word(number).decode()} sell more than the weeks around it?"},
    ]
    return msgspec.json.encode({"model": "mock", "messages": messages, "temperature": temperature, "max_tokens": 100})


def chat_request(number: int, headers: Mapping[str, str], temperature: float = 0.0) -> bytes:
    """The bytes of one call as an SDK sends them."""
    body = chat_body(number, temperature)
    lines = {
        "host": "127.0.0.1",
        "accept": "application/json",
        "content-type": "application/json",
        "user-agent": "OpenAI/Python 2.0.0",
        **headers,
        "content-length": str(len(body)),
    }
    head = "\r\n".join([f"POST {PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items())])
    return head.encode() + b"\r\n\r\n" + body


class Requests:
    """Different requests of equal length without the cost of encoding each."""

    def __init__(self, headers: Mapping[str, str], numbers: Iterator[int], temperature: float) -> None:
        self._before, self._after = chat_request(0, headers, temperature).split(word(0))
        self._numbers = numbers

    def next(self) -> bytes:
        return b"%b%b%b" % (self._before, word(next(self._numbers)), self._after)


NUMBERS = itertools.count(time.time_ns() // 1_000_000 % 500_000_000)
"""Of requests; another run's answers may still be in a cache."""


def first_answer(port: int, request: bytes) -> bool:
    """Whether a proxy answers the provider's completion already."""
    head, _, body = request.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if not line.startswith(("host", "content-length")))
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{PATH}", body, headers)
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return answer.status == 200 and json.loads(answer.read())["choices"][0]["message"]["content"] == TEXT


class _Caller(asyncio.Protocol):
    """One connection: the next request goes out when an answer is complete."""

    def __init__(self, requests: Requests, run: _Run) -> None:
        self._requests, self._run = requests, run
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""
        self._sent = 0.0
        self.rest = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def send(self) -> None:
        self._sent = time.perf_counter()
        self.transport.write(self._requests.next())

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        ok = self._parser.get_status_code() == 200 and MARK in self._body
        self._body = b""
        self._run.answered(now - self._sent, ok)
        if now < self._run.end:
            self.send()
        else:
            self.rest.set()

    def connection_lost(self, error: Exception | None) -> None:
        self._run.failed += not self.rest.is_set()
        self.rest.set()


class _Run:
    def __init__(self, end: float) -> None:
        self.end = end
        self.latencies: list[float] = []
        self.failed = 0

    def answered(self, seconds: float, ok: bool) -> None:
        self.latencies.append(seconds)
        self.failed += not ok


async def closed(port: int, headers: Mapping[str, str], *, connections: int, seconds: float, temperature: float = 0.0) -> Load:
    """Each connection asks again as soon as it has its answer."""
    loop = asyncio.get_running_loop()
    requests = Requests(headers, NUMBERS, temperature)
    run = _Run(float("inf"))
    callers = [(await loop.create_connection(lambda: _Caller(requests, run), "127.0.0.1", port))[1] for _ in range(connections)]
    started = time.perf_counter()
    run.end = started + seconds
    for caller in callers:
        caller.send()
    await asyncio.sleep(seconds)
    took, seen = time.perf_counter() - started, len(run.latencies)
    await asyncio.wait([asyncio.ensure_future(caller.rest.wait()) for caller in callers], timeout=LAST_SECONDS)
    for caller in callers:
        run.failed += not caller.rest.is_set()
        caller.transport.abort()
    return Load(seen, took, run.latencies, run.failed)
