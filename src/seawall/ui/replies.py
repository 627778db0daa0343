"""Answers as they go to the server: a status, headers, and a body that is bytes or arrives over time.

A Reply is an ASGI application, so a Starlette route may return one. A HEAD request gets the headers alone. Whatever becomes of a
body over time, it is closed; a client that takes nothing of it for a while is cut off.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast

from starlette.types import Receive, Scope, Send

from seawall.telemetry.events import event
from seawall.ui.headers import Headers

WRITE_SECONDS_MAX = 10.0
"""How long one piece of a body over time may take to be written. TimeoutError then, and the body ends without its last chunk."""


class Reply:
    """An answer. A body of None is for HEAD: nothing is known of it, not even its length."""

    def __init__(self, status: int, headers: Headers, body: bytes | AsyncIterator[bytes] | None = b"") -> None:
        self.status = status
        self.headers = headers
        self.body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it. A client that leaves ends a body that is still being made."""
        body = self.body
        if isinstance(body, bytes):
            if self.status not in (204, 304):
                self.headers.append((b"content-length", b"%d" % len(body)))
            await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
            return
        if body is None:
            await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
            await send({"type": "http.response.body", "body": b""})
            return
        async with aclosing(cast("AsyncGenerator[bytes, None]", body)):
            await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
            if scope["method"] != "HEAD":
                await _until_gone(_send_all(body, send), receive)
        await send({"type": "http.response.body", "body": b""})


async def _send_all(body: AsyncIterator[bytes], send: Send) -> None:
    async for piece in body:
        if piece:
            try:
                async with asyncio.timeout(WRITE_SECONDS_MAX):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            except TimeoutError:
                event("reply.cut_off", seconds=WRITE_SECONDS_MAX)
                raise


async def _until_gone(sending: object, receive: Receive) -> None:
    sender = asyncio.ensure_future(cast("asyncio.Future[None]", sending))
    gone = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait({sender, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        if not sender.done():
            sender.cancel()
            await asyncio.wait({sender})
    if not sender.cancelled():
        sender.result()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
