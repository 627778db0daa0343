"""Answers on their way to a client that may leave."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from seawall.ui.replies import Reply


class Wire:
    """What an ASGI server is to an application."""

    def __init__(self, method: str = "GET") -> None:
        self.scope = {"type": "http", "method": method}
        self.sent: list[dict[str, object]] = []
        self.left = asyncio.Event()

    async def receive(self) -> dict[str, object]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, object]) -> None:
        self.sent.append(message)

    async def take(self, reply: Reply) -> bytes:
        await reply(self.scope, self.receive, self.send)  # type: ignore[arg-type]
        return b"".join(message.get("body", b"") for message in self.sent)  # type: ignore[misc]


async def pieces(closed: list[str], wire: Wire) -> AsyncIterator[bytes]:
    try:
        yield b"a"
        wire.left.set()
        await asyncio.sleep(60)
        yield b"b"
    finally:
        closed.append("closed")


async def test_a_client_that_leaves_ends_the_body() -> None:
    """Nothing is made for nobody, and what was open is closed."""
    wire, closed = Wire(), list[str]()
    body = await wire.take(Reply(200, [], pieces(closed, wire)))
    assert (body, closed) == (b"a", ["closed"])


async def test_a_body_that_breaks_off_is_not_ended() -> None:
    """The last chunk is missing, so that nobody takes a part for the whole."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise OSError("disk")

    wire = Wire()
    with pytest.raises(OSError, match="disk"):
        await wire.take(Reply(200, [], broken()))
    assert wire.sent[-1].get("more_body") is True


async def test_head_makes_no_body() -> None:
    """Not even its first piece."""
    wire, closed = Wire("HEAD"), list[str]()
    assert await wire.take(Reply(200, [], pieces(closed, wire))) == b""
    assert not closed


async def test_a_body_that_nobody_wants_is_closed() -> None:
    """A HEAD request reads nothing, and what was opened for the body is let go of."""

    class Held:
        closed = False

        def __aiter__(self) -> "Held":
            return self

        async def __anext__(self) -> bytes:
            raise AssertionError("nobody asked")

        async def aclose(self) -> None:
            self.closed = True

    body = Held()
    await Wire("HEAD").take(Reply(200, [], body))
    assert body.closed
