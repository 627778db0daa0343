"""Bodies as the contract changes them: chunks of a stream with another text, an answer with the tokens of every round."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.model_proxy.call import Piece, Usage


def around_text(like: Piece | None) -> tuple[bytes, bytes]:
    """What stands before and after the text in a chunk of this stream."""
    chunk: dict[str, Any] = msgspec.json.decode(like.data) if like is not None else {"object": "chat.completion.chunk"}
    kept = {key: value for key, value in chunk.items() if key not in ("usage", "choices")}
    head = msgspec.json.encode(kept)[:-1] + (b"," if kept else b"")
    return head + b'"choices":[{"index":0,"delta":{"content":', b'},"finish_reason":null}]}'


def without_text(piece: Piece) -> Piece:
    """The chunk with all but its text."""
    chunk: dict[str, Any] = msgspec.json.decode(piece.data)
    for choice in chunk.get("choices") or ():
        choice.get("delta", {}).pop("content", None)
    return msgspec.structs.replace(piece, data=msgspec.json.encode(chunk), text="")


def billed(body: dict[str, Any], usage: Usage) -> dict[str, Any]:
    """The answer with the tokens of every round."""
    told = {"prompt_tokens": usage.input, "completion_tokens": usage.output, "total_tokens": usage.input + usage.output}
    return {**body, "usage": told}
