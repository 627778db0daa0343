"""An exchange, made from a call that is over. Runs behind the callers' backs: nothing here is on a request's way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec

from seawall.model_proxy.call import Call, Piece, Whole
from seawall.model_proxy.exchanges.format import Exchange
from seawall.model_proxy.exchanges.plain import is_plain
from seawall.model_proxy.exchanges.redact import INLINE_BYTES_MAX, redact
from seawall.model_proxy.forms import body_of, finishes_of

CHUNKS_MAX = 512
"""Pieces whose timing is kept; of a longer stream the first."""
_NAMES = frozenset({"id", "object", "model", "system_fingerprint", "service_tier"})
Redact = Callable[[Any], Any]
_encode = msgspec.json.Encoder().encode


class Told(msgspec.Struct, frozen=True):
    """A call that is over, and what was answered: whole, or as pieces, or at least its text."""

    call: Call
    answer: Whole | None
    text: str
    pieces: Sequence[Piece]
    at: float
    """Seconds since 1970, when it was over."""
    took_ns: int
    data: bytes = b""
    """The whole answer as it was sent, where that is known."""


def build(told: Told, pseudonym: str, *, clean: Redact = redact, vectors: bool = False) -> Exchange:
    """The exchange, redacted by `clean`; `vectors`: with those of embeddings, for cassettes."""
    call, target, caller = told.call, told.call.target, told.call.caller
    response = _response(told)
    if response is not None and call.surface == "embeddings" and not vectors:
        response = without_vectors(response)
    return Exchange(  # positions, in the order of the fields: names would cost as much as all the rest
        1,  # v
        call.id,  # id
        told.at - told.took_ns / 1e9,  # at
        caller.principal.tenant if caller else "",  # tenant
        call.surface,  # surface
        pseudonym,  # user
        caller.key_id if caller else "",  # key
        call.app,  # app
        call.prompt,  # prompt
        call.version,  # version
        call.variant,  # variant
        str(clean(call.action)) if call.action else "",  # action
        call.span.trace_id,  # trace
        call.lane,  # lane
        call.data_class,  # data_class
        _said_again(call) if clean is redact and _needs_nothing(call) else clean(call.body),  # request
        call.model if target is not None and clean is redact else str(clean(call.model)),  # model
        target.id if target else "",  # target
        target.provider if target else "",  # provider
        target.model if target else "",  # provider_model
        call.answered_by or str((response or {}).get("model") or ""),  # answered_by
        target.tier if target else "",  # tier
        None if response is None else _written(told, response, clean),  # response
        call.stream,  # stream
        finishes_of(response) if response else (),  # finish
        (told.took_ns + 500) // 1000 / 1000,  # took_ms
        (call.first_ns - call.sent_ns + 500) // 1000 / 1000 if call.first_ns and call.sent_ns else 0.0,  # first_ms
        tuple(zip(call.chunks[: 2 * CHUNKS_MAX : 2], call.chunks[1 : 2 * CHUNKS_MAX : 2], strict=True)) if call.chunks else (),  # chunks
        call.usage,  # usage
        call.cost,  # cost
        call.served,  # cache
        call.cache_key[:16].hex() if call.cache_key else "",  # question
        call.snapshot,  # snapshot
        tuple(call.attempts),  # attempts
        call.contract_rounds,  # rounds
        call.findings,  # findings
        call.error,  # error
    )


def _needs_nothing(call: Call) -> bool:
    """Whether the screen has looked at all there is to redact in a request: at its texts, where no file can be among them."""
    asked = call.request.body
    if not call.clean or call.surface == "prompt":
        return False
    if len(asked) <= INLINE_BYTES_MAX:
        return True
    if asked.find(b"\\u00") >= 0:
        return False
    return asked.find(b"data") < 0 or (b"data:" not in asked and b'data"' not in asked)


def _said_again(call: Call) -> dict[str, Any]:
    """The request, as the bytes it was sent on in where they say the same."""
    sent, target = call.sent, call.target
    if not sent or target is None or len(call.attempts) != 1:
        return call.body
    if target.model != call.body.get("model"):
        theirs = b'"model":%b' % _encode(target.model)
        if sent.count(theirs) != 1:  # a quote within a text has a backslash before it, so this is a member and not what somebody wrote
            return call.body
        sent = sent.replace(theirs, b'"model":%b' % _encode(call.body.get("model")))
    return cast("dict[str, Any]", msgspec.Raw(sent))


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


def _cleaned(response: dict[str, Any], clean: Redact, quiet: str) -> dict[str, Any]:
    """The answer, redacted but for the names the provider gives itself and it, which are nobody's."""
    if clean is redact and is_plain(response, quiet):
        return response
    said = {name: value for name, value in response.items() if name not in _NAMES}
    redacted = clean(said)
    return response if redacted is said else {**response, **redacted}


def _written(told: Told, response: dict[str, Any], clean: Redact) -> dict[str, Any]:
    """The answer, redacted; as the bytes it was sent in, where nothing had to be taken out."""
    cleaned = _cleaned(response, clean, told.call.quiet)
    return cast("dict[str, Any]", msgspec.Raw(told.data)) if told.data and cleaned is response else cleaned


def _length(vector: object) -> int:
    return len(vector) if isinstance(vector, list | str) else 0
