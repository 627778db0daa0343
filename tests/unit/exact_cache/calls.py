"""Calls and sinks for the tests of the exact cache and of the records."""

from __future__ import annotations

from typing import Any

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.deadline import Deadline
from seawall.core.principal import Principal
from seawall.model_proxy.call import Call, Caller, Piece, Surface, Target, Whole
from seawall.model_proxy.http import Request
from seawall.telemetry.spans import Span

BODY = {"model": "small", "messages": [{"role": "user", "content": "How many weeks has a year?"}], "temperature": 0}
TARGET = Target("gemma-270m", "embedded", "gemma3-270m", input_price=100, output_price=400)
COMPLETION: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gemma3-270m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Fifty-two."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
}


def a_call(
    body: dict[str, Any] | None = None,
    *,
    user: str = "ann",
    tenant: str = "acme",
    fingerprint: str = "",
    headers: dict[str, str] | None = None,
    surface: Surface = "chat",
    clock: Clock = SYSTEM_CLOCK,
    scopes: tuple[str, ...] = (),
) -> Call:
    """A call as the stages before the cache leave it."""
    body = dict(BODY) if body is None else body
    request = Request("POST", "/v1/chat/completions", "", headers or {}, b"")
    call = Call(request, surface, Deadline.after(30, clock), Span("model.call", "model", "server", "0" * 32, "", {}))
    call.caller = Caller(Principal(user, tenant, scopes=scopes), fingerprint or f"{tenant}-viewer")
    call.body = body
    call.model = str(body.get("model", ""))
    call.stream = bool(body.get("stream"))
    call.target = TARGET
    return call


class Heard:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.answer: Whole | None = None

    def stream(self, piece: Piece) -> None:
        self.pieces.append(piece)

    def whole(self, answer: Whole) -> None:
        self.answer = answer

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)
