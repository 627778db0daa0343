"""Answers that are one text and nothing else, told apart quickly: most are, and then that text is all there is to redact."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from seawall.model_proxy.exchanges.redact import INLINE_BYTES_MAX, find

_Nothing = Annotated[list[Any], Meta(max_length=0)] | None
_Counts = dict[str, int | None] | None


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    content: str
    role: Literal["assistant"] = "assistant"
    refusal: None = None
    annotations: _Nothing = None
    tool_calls: _Nothing = None
    function_call: None = None
    audio: None = None
    reasoning: None = None
    reasoning_content: None = None


class _Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    message: _Message
    index: int = 0
    finish_reason: Literal["stop", "length", "content_filter"] | None = None
    logprobs: None = None


class _Usage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _Counts = None
    completion_tokens_details: _Counts = None


class _Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    choices: Annotated[list[_Choice], Meta(min_length=1, max_length=1)]
    id: Any = None
    object: Any = None
    created: float | None = None
    model: Any = None
    system_fingerprint: Any = None
    service_tier: Any = None
    usage: _Usage | None = None


def is_plain(response: dict[str, Any], quiet: str = "") -> bool:
    """Whether an answer is a chat completion of one text, in which there is surely nothing to redact. False: look closely.

    What the provider calls itself and the answer (`build._NAMES`) is not redacted, so it is not looked at here either.
    `quiet`: a text known to hold nothing.
    """
    try:
        text = msgspec.convert(response, _Answer).choices[0].message.content
    except msgspec.ValidationError:
        return False
    may_be_file = len(text) > INLINE_BYTES_MAX and (text.startswith("data:") or " " not in text[:256])
    return not may_be_file and (text == quiet or not find(text))
