"""Calls and answers for the tests of screening."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.core.deadline import Deadline
from seawall.model_proxy.call import Call, Piece
from seawall.model_proxy.http import Request
from seawall.model_proxy.screen.screen import RequestScreen
from seawall.model_proxy.screen.settings import Screening
from seawall.telemetry import spans

KEY = b"k" * 32


def call(*messages: dict[str, Any], headers: dict[str, str] | None = None, **body: Any) -> Call:
    request = Request("POST", "/v1/chat/completions", "", headers or {})
    with spans.span("model.request", "model", path="") as span:
        made = Call(request, "chat", Deadline.from_header(None, default_ms=1000), span)
    made.body = {"model": "small", "messages": list(messages), **body}
    return made


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def screened(settings: Screening, *messages: dict[str, Any], **more: Any) -> Call:
    made = call(*messages, **more)
    RequestScreen(settings, KEY).request(made)
    return made


def piece(text: str) -> Piece:
    return Piece(msgspec.json.encode({"id": "c", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}), text)


def complex_piece(delta: dict[str, Any], finish: str | None = None, index: int = 0) -> Piece:
    data = {"id": "c", "choices": [{"index": index, "delta": delta, "finish_reason": finish}]}
    return Piece(msgspec.json.encode(data), delta.get("content") or "", "", finish or "", bare=False)


def content(pieces: list[Piece], index: int = 0) -> str:
    deltas = [choice["delta"] for one in pieces for choice in msgspec.json.decode(one.data)["choices"] if choice["index"] == index]
    return "".join(delta.get("content") or "" for delta in deltas)


def arguments(pieces: list[Piece]) -> str:
    deltas = [choice["delta"] for one in pieces for choice in msgspec.json.decode(one.data)["choices"]]
    return "".join(one["function"].get("arguments", "") for delta in deltas for one in delta.get("tool_calls") or ())
