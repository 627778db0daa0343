"""Answers as they go to the server: a status, headers, and a body that is bytes or arrives over time.

A Reply is an ASGI application, so a Starlette route may return one. A HEAD request gets the headers alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast

from starlette.types import Receive, Scope, Send

from seawall.ui.headers import Headers


class Reply:
    """An answer."""

    def __init__(self, status: int, headers: Headers, body: bytes | AsyncIterator[bytes] = b"") -> None:
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
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        if scope["method"] != "HEAD":
            await _until_gone(_send_all(body, send), receive)
        await send({"type": "http.response.body", "body": b""})


async def _send_all(body: AsyncIterator[bytes], send: Send) -> None:
    async with aclosing(cast("AsyncGenerator[bytes, None]", body)) as pieces:
        async for piece in pieces:
            if piece:
                await send({"type": "http.response.body", "body": piece, "more_body": True})


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
