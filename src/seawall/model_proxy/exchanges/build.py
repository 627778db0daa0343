"""An exchange, made from a call that is over. Runs behind the callers' backs: nothing here is on a request's way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from seawall.model_proxy.call import Call, Piece, Whole
from seawall.model_proxy.exchanges.format import Exchange
from seawall.model_proxy.exchanges.redact import redact
from seawall.model_proxy.forms import body_of, finishes_of

CHUNKS_MAX = 512
"""Pieces whose timing is kept; of a longer stream the first."""
_NAMES = frozenset({"id", "object", "model", "system_fingerprint", "service_tier"})
Redact = Callable[[Any], Any]


class Told(NamedTuple):
    """A call that is over, and what was answered: whole, or as pieces, or at least its text."""

    call: Call
    answer: Whole | None
    text: str
    pieces: Sequence[Piece]
    at: float
    """Seconds since 1970, when it was over."""
    took_ns: int


def build(told: Told, pseudonym: str, *, clean: Redact = redact, vectors: bool = False) -> Exchange:
    """The exchange, redacted by `clean`; `vectors`: with those of embeddings, for cassettes."""
    call, target, caller = told.call, told.call.target, told.call.caller
    response = _response(told)
    if response is not None and call.surface == "embeddings" and not vectors:
        response = without_vectors(response)
    return Exchange(
        v=1,
        id=call.id,
        at=told.at - told.took_ns / 1e9,
        tenant=caller.tenant if caller else "",
        surface=call.surface,
        user=pseudonym,
        key=caller.key_id if caller else "",
        app=call.app,
        prompt=call.prompt,
        version=call.version,
        variant=call.variant,
        action=str(clean(call.action)) if call.action else "",
        trace=call.span.trace_id,
        lane=call.lane,
        data_class=call.data_class,
        request=call.body if clean is redact and _needs_nothing(call) else clean(call.body),
        model=call.model if target is not None and clean is redact else str(clean(call.model)),
        target=target.id if target else "",
        provider=target.provider if target else "",
        provider_model=target.model if target else "",
        answered_by=call.answered_by or str((response or {}).get("model") or ""),
        tier=target.tier if target else "",
        response=None if response is None else _cleaned(response, clean),
        stream=call.stream,
        finish=finishes_of(response) if response else (),
        took_ms=_milliseconds(told.took_ns),
        first_ms=_milliseconds(call.first_ns - call.sent_ns) if call.first_ns and call.sent_ns else 0.0,
        chunks=tuple(call.chunks[:CHUNKS_MAX]) if call.chunks else (),
        usage=call.usage,
        cost=call.cost,
        cache=call.served,
        question=call.cache_key.hex()[:32] if call.cache_key else "",
        snapshot=call.snapshot,
        attempts=tuple(call.attempts),
        rounds=call.contract_rounds,
        findings=call.findings,
        error=call.error,
    )


def _milliseconds(ns: int) -> float:
    """With three decimals."""
    return (ns + 500) // 1000 / 1000


def _needs_nothing(call: Call) -> bool:
    """Whether the screen has looked at all there is to redact in a request: at its texts, where no file can be among them."""
    asked = call.request.body
    return call.clean and call.surface != "prompt" and b"data:" not in asked and b'data"' not in asked and b"\\u00" not in asked


def without_vectors(body: dict[str, Any]) -> dict[str, Any]:
    """A list of embeddings with the length of each vector in its place."""
    data = body.get("data")
    if not isinstance(data, list):
        return body
    short = [{**one, "embedding": _length(one.get("embedding"))} if isinstance(one, dict) else one for one in data]
    return {**body, "data": short}


def _response(told: Told) -> dict[str, Any] | None:
    if told.answer is not None:
        return told.answer.body
    if told.pieces:
        try:
            return body_of([piece.data for piece in told.pieces])
        except (msgspec.DecodeError, AttributeError, TypeError):
            pass  # a provider's nonsense: its text is what is left of it
    if not told.text:
        return None
    return _spelled(told)


def _spelled(told: Told) -> dict[str, Any]:
    """The chat completion a stream of nothing but text was."""
    call = told.call
    got, put = call.usage.input, call.usage.output
    return {
        "id": f"chatcmpl-{call.id}",
        "object": "chat.completion",
        "created": int(told.at),
        "model": call.answered_by or (call.target.model if call.target else call.model),
        "choices": [{"index": 0, "message": {"role": "assistant", "content": told.text}, "finish_reason": call.finish or None}],
        "usage": {"prompt_tokens": got, "completion_tokens": put, "total_tokens": got + put},
    }


def _cleaned(response: dict[str, Any], clean: Redact) -> dict[str, Any]:
    """The answer, redacted but for the names the provider gives itself and it, which are nobody's."""
    said = {name: value for name, value in response.items() if name not in _NAMES}
    redacted = clean(said)
    return response if redacted is said else {**response, **redacted}


def _length(vector: object) -> int:
    return len(vector) if isinstance(vector, list | str) else 0
