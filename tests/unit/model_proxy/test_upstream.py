"""The connection pool, against a server that speaks whatever a test tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from seawall.core.errors import DeadlineExceeded
from seawall.model_proxy.upstream import Origin, Pool, Started
from seawall.model_proxy.upstream_errors import BadAnswer, ConnectFailed, ConnectionLost, TimedOut
from seawall.model_proxy.upstream_exchange import Control, Exchange, Lost

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length: 2\r\n\r\nok"


class Taken:
    """An answer as it came."""

    def __init__(self) -> None:
        self.control: Control | None = None
        self.status, self.headers, self.chunks = 0, {}, []
        self.began = asyncio.Event()

    def head(self, status: int, headers: dict[str, str]) -> None:
        self.status, self.headers = status, headers
        self.began.set()

    def data(self, chunk: bytes) -> None:
        self.chunks.append(chunk)

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Provider:
    """A unix socket that runs `talk` on each connection, and counts them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connections = 0
        self.requests: list[bytes] = []
        self.talk: Talk = self.answers(OK)
        self.gone = asyncio.Event()

    def answers(self, *answers: bytes) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for answer in answers * (50 if len(answers) == 1 else 1):
                await self.read(reader)
                writer.write(answer)
                await writer.drain()

        return talk

    async def read(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        self.requests.append(head + await reader.readexactly(length))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self.talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.gone.set()
        finally:
            writer.close()


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    made = Provider(tmp_path / "p.sock")
    server = await asyncio.start_unix_server(made.serve, str(made.path))
    yield made
    server.close()
    await asyncio.sleep(0.01)


@pytest.fixture
async def pool(provider: Provider) -> AsyncIterator[Pool]:
    made = Pool(Origin("unix", path=str(provider.path), base="/v1"), connections_max=2, keep_seconds=0.2)
    yield made
    made.close()


async def ask(pool: Pool, receiver: Taken | None = None, **seconds: float) -> Taken:
    receiver = receiver or Taken()
    limits = {"first_byte_seconds": 20.0, "idle_seconds": 20.0, "total_seconds": 20.0, **seconds}
    await pool.send("POST", "/chat", [(b"authorization", b"Bearer k")], b"{}", receiver, **limits)
    return receiver


async def test_kept_alive(provider: Provider, pool: Pool) -> None:
    """Calls one after another share a connection, and the request is what it should be."""
    for _ in range(3):
        taken = await ask(pool)
    assert (taken.status, taken.headers["content-type"], taken.body, provider.connections) == (200, "text/plain", b"ok", 1)
    assert provider.requests[0] == b"POST /v1/chat HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer k\r\ncontent-length: 2\r\n\r\n{}"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\nx-trailer: 1\r\n\r\n",
    ],
)
async def test_framings(provider: Provider, pool: Pool, answer: bytes) -> None:
    """Interim answers and trailers are passed over."""
    provider.talk = provider.answers(answer)
    assert [(await ask(pool)).body for _ in range(2)] == [b"ok", b"ok"]
    assert (provider.connections, "link" in (await ask(pool)).headers) == (1, False)


async def test_ends_with_the_connection(provider: Provider, pool: Pool) -> None:
    """An answer without a length ends where the connection does."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await provider.read(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nok")

    provider.talk = talk
    assert (await ask(pool)).body == b"ok"


@pytest.mark.parametrize(("sent", "after"), [(b"", False), (OK[:-1], True), (b"HTTP/1.1 200", True)])
async def test_lost(provider: Provider, pool: Pool, sent: bytes, after: bool) -> None:
    """A new connection that ends early is an error, which says whether anything came."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await provider.read(reader)
        writer.write(sent)

    provider.talk = talk
    with pytest.raises(ConnectionLost) as caught:
        await ask(pool)
    assert (caught.value.after_first_byte, provider.connections, pool.open_connections) == (after, 1, 0)


async def test_stale(provider: Provider, pool: Pool) -> None:
    """A kept connection that its other side closes as we write costs one silent second try."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await provider.read(reader)
        writer.write(OK)
        await provider.read(reader)

    provider.talk = talk
    assert [(await ask(pool)).body for _ in range(2)] == [b"ok", b"ok"]
    assert provider.connections == 2


@pytest.mark.parametrize(
    "answer",
    [b"SSH-2.0-x\r\n", b"HTTP/1.1 101 X\r\n\r\n", OK + OK, b"HTTP/1.1 200 OK\r\na: b\n\n", b"HTTP/1.1 200 OK\r\na: " + b"x" * 200_000],
)
async def test_not_http(provider: Provider, pool: Pool, answer: bytes) -> None:
    """What is not one HTTP answer is refused, and its connection closed."""
    provider.talk = provider.answers(answer)
    with pytest.raises(BadAnswer):
        await ask(pool)
    await asyncio.sleep(0)
    assert pool.open_connections == 0


@pytest.mark.parametrize(
    ("sent", "limit", "phase"),
    [(b"", "first_byte_seconds", "first_byte"), (OK[:-1], "idle_seconds", "idle"), (OK[:-1], "total_seconds", "total")],
)
async def test_time_out(provider: Provider, pool: Pool, sent: bytes, limit: str, phase: str) -> None:
    """Each limit is held and named."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await provider.read(reader)
        writer.write(sent)
        await provider.read(reader)

    provider.talk = talk
    with pytest.raises(TimedOut) as caught:
        await ask(pool, **{limit: 0.05})
    assert caught.value.phase == phase
    await asyncio.wait_for(provider.gone.wait(), 20)


async def test_nobody_there(tmp_path: Path) -> None:
    """Nothing was sent where nobody listens."""
    with pytest.raises(ConnectFailed):
        await ask(Pool(Origin("unix", path=str(tmp_path / "none"))))


async def test_cancelled(provider: Provider, pool: Pool) -> None:
    """Who stops waiting closes the connection, so that the provider stops too."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await provider.read(reader)
        writer.write(OK[:-1])
        await provider.read(reader)

    provider.talk = talk
    receiver = Taken()
    task = asyncio.create_task(ask(pool, receiver))
    await receiver.began.wait()
    task.cancel()
    await asyncio.wait_for(provider.gone.wait(), 20)
    assert pool.open_connections == 0


async def test_who_leaves_as_the_answer_ends_takes_no_connection_from_another(provider: Provider, pool: Pool) -> None:
    """The connection serves the next request already when the first one's task hears that it is cancelled."""
    ends: list[Exception | None] = []

    class Leaves(Taken):
        def data(self, chunk: bytes) -> None:
            super().data(chunk)
            asyncio.get_running_loop().call_soon(self.leave)

        def leave(self) -> None:
            assert begun(pool, Taken(), ends)
            task.cancel()

    task = asyncio.create_task(ask(pool, Leaves()))
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: ends)
    assert (ends, provider.connections, len(provider.requests)) == ([None], 1, 2)


async def test_receiver_raises(provider: Provider, pool: Pool) -> None:
    """What the receiver raises comes out, and the connection is not used again."""

    class Refusing(Taken):
        def data(self, chunk: bytes) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await ask(pool, Refusing())
    await ask(pool)
    assert provider.connections == 2


async def test_bounded(provider: Provider, pool: Pool) -> None:
    """There are never more connections than allowed; the others wait for their turn."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await provider.read(reader)
            await asyncio.sleep(0.005)
            writer.write(OK)

    provider.talk = talk
    answers = await asyncio.gather(*(ask(pool) for _ in range(9)))
    assert ([one.body for one in answers], provider.connections) == ([b"ok"] * 9, 2)


async def test_no_turn_in_time(provider: Provider) -> None:
    """Waiting for a connection ends with the time to connect."""
    pool = Pool(Origin("unix", path=str(provider.path)), connections_max=1, connect_seconds=0.02)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)

    provider.talk = talk
    first = asyncio.create_task(ask(pool))
    await asyncio.sleep(0.005)
    with pytest.raises(ConnectFailed):
        await ask(pool)
    first.cancel()
    pool.close()


async def test_idle_dropped(provider: Provider, pool: Pool) -> None:
    """A connection that serves nobody is closed after a while."""
    await ask(pool)
    assert pool.open_connections == 1
    await asyncio.wait_for(provider.gone.wait(), 20)
    await asyncio.sleep(0.01)
    assert pool.open_connections == 0


async def test_backpressure(provider: Provider, pool: Pool) -> None:
    """A receiver that pauses holds the provider back without a time-out, and gets the rest when it goes on."""
    sent = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await provider.read(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4000000\r\n\r\n")
        for _ in range(400):
            writer.write(b"x" * 10_000)
            await writer.drain()
            sent += 10_000

    class Slow(Taken):
        def data(self, chunk: bytes) -> None:
            super().data(chunk)
            if len(self.chunks) == 1 and self.control:
                self.control.pause()

    provider.talk = talk
    receiver = Slow()
    task = asyncio.create_task(ask(pool, receiver, idle_seconds=0.05))
    await asyncio.sleep(0.15)
    assert sent < 2_000_000
    assert isinstance(receiver.control, Exchange)
    receiver.control.idle_seconds = 20.0  # from here on nobody is to be late
    receiver.control.resume()
    await task
    assert len(receiver.body) == 4_000_000


async def test_tcp_and_resolver() -> None:
    """A host is resolved at each connect by who was told to, and its addresses are tried in order."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> tuple[str, ...]:
        asked.append(host)
        return ("127.0.0.2", "127.0.0.1")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert b"host: models.example:" in await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    pool = Pool(Origin("http", host="models.example", port=port), resolve=resolve)
    assert ((await ask(pool)).body, asked) == (b"ok", ["models.example"])
    pool.close()
    server.close()


@pytest.mark.parametrize("header", [(b"a", b"b\r\nx: y"), (b"a\n", b"b"), (b"a", b"b\0")])
async def test_no_injection(pool: Pool, header: tuple[bytes, bytes]) -> None:
    """No value can add a header or a request."""
    with pytest.raises(ValueError):
        await pool.send("POST", "/", [header], b"", Taken(), first_byte_seconds=1, idle_seconds=1, total_seconds=1)


def begun(pool: Pool, receiver: Taken, ends: list[Exception | None]) -> Started | None:
    limits = {"first_byte_seconds": 20.0, "idle_seconds": 20.0, "total_seconds": 20.0}
    return pool.start("POST", "/chat", [], b"{}", receiver, ends.append, **limits)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


async def test_begun_without_a_task(provider: Provider, pool: Pool) -> None:
    """A call begins at once on a connection that is free, its end is told once, and the connection is free again by then."""
    taken, ends = Taken(), list[Exception | None]()
    assert begun(pool, taken, ends) is None
    await ask(pool)
    assert begun(pool, taken, ends) is not None
    await until(lambda: ends)
    assert (ends, taken.body, taken.control, provider.connections) == ([None], b"ok", None, 1)
    assert begun(pool, taken, ends) is not None


async def test_begun_on_a_connection_that_had_been_closed(provider: Provider, pool: Pool) -> None:
    """It is asked once more on a fresh connection, and the answer comes from there."""
    provider.talk = provider.answers(OK, b"")
    await ask(pool)
    taken, ends = Taken(), list[Exception | None]()
    started = begun(pool, taken, ends)
    assert started is not None
    provider.talk = provider.answers(OK)
    await until(lambda: ends)
    assert (ends, taken.body, provider.connections) == ([None], b"ok", 2)


class Closing:
    """A pool that is closed while a connection is waited for."""

    async def exchanged(self, *_: object) -> None:
        turn = asyncio.get_running_loop().create_future()
        turn.cancel()
        await turn


async def test_what_waits_for_a_fresh_connection_hears_that_the_pool_is_closed() -> None:
    """Whoever waits for its end is told, and does not try again."""
    ends = list[Exception | None]()
    Started(Closing(), b"", Taken(), ends.append, 20.0, 20.0, 20.0).settle(Lost(any_byte=False))
    await until(lambda: ends)
    assert isinstance(ends[0], DeadlineExceeded)


async def test_what_was_begun_is_cancelled(provider: Provider, pool: Pool) -> None:
    """The connection is closed, and nothing is told."""
    await ask(pool)
    ends = list[Exception | None]()
    started = begun(pool, Taken(), ends)
    assert started is not None
    started.cancel()
    await until(lambda: pool.open_connections == 0)
    assert ends == []


async def test_an_answer_that_breaks_off_is_told(provider: Provider, pool: Pool) -> None:
    """As `send` would raise it."""
    provider.talk = provider.answers(OK, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")
    await ask(pool)
    ends = list[Exception | None]()
    assert begun(pool, Taken(), ends) is not None
    await until(lambda: ends)
    assert isinstance(ends[0], ConnectionLost)
    assert ends[0].after_first_byte
