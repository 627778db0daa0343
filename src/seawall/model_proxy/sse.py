"""Streamed answers: server-sent events in, pieces out, and back.

The parser follows the HTML standard (https://html.spec.whatwg.org/multipage/server-sent-events.html): any line ending, comments, data
over several lines, bytes cut anywhere. Pieces follow OpenAI's `chat.completion.chunk`. An event larger than a megabyte is refused.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from seawall.model_proxy.call import Piece, Usage
from seawall.model_proxy.errors import ProviderFailed
from seawall.model_proxy.forms import usage_of

EVENT_BYTES_MAX = 1 << 20
DONE = b"data: [DONE]\n\n"


class BadStream(ProviderFailed):
    """The provider's stream cannot be read."""


class StreamedError(ProviderFailed):
    """The provider reported an error in its stream."""


class _PlainDelta(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Text and nothing else; what many providers send empty beside it is known by name."""

    content: str
    role: None = None
    tool_calls: Annotated[list[Any], Meta(max_length=0)] | None = None
    function_call: None = None
    refusal: None = None
    reasoning_content: None = None
    reasoning: None = None
    reasoning_details: Annotated[list[Any], Meta(max_length=0)] | None = None
    annotations: Annotated[list[Any], Meta(max_length=0)] | None = None
    audio: None = None
    provider_specific_fields: None = None


class _PlainChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    delta: _PlainDelta
    index: Literal[0] = 0
    finish_reason: None = None
    logprobs: None = None
    stop_reason: None = None
    matched_stop: None = None
    token_ids: list[int] | None = None
    content_filter_results: Annotated[dict[str, Any], Meta(max_length=0)] | None = None


class _PlainChunk(msgspec.Struct, frozen=True):
    choices: Annotated[list[_PlainChoice], Meta(min_length=1, max_length=1)]
    usage: None = None
    error: None = None


class _Function(msgspec.Struct, frozen=True):
    arguments: str | None = None


class _ToolCall(msgspec.Struct, frozen=True):
    function: _Function | None = None


class _Delta(msgspec.Struct, frozen=True):
    content: str | None = None
    tool_calls: list[_ToolCall] | None = None
    function_call: _Function | None = None


class _Choice(msgspec.Struct, frozen=True):
    delta: _Delta = _Delta()
    index: int = 0
    finish_reason: str | None = None
    logprobs: dict[str, Any] | None = None


class _Chunk(msgspec.Struct, frozen=True):
    choices: list[_Choice] = []
    usage: Any = None
    """Read with care: what a provider counts wrong cuts nobody's answer."""
    error: Any = None


_plain = msgspec.json.Decoder(_PlainChunk).decode
_chunks = msgspec.json.Decoder(_Chunk)
_any = msgspec.json.Decoder(dict[str, Any])
_encode = msgspec.json.Encoder().encode


def piece_of(data: bytes) -> Piece:
    """The piece that an event's data holds. BadStream, or StreamedError where the provider says it failed."""
    try:
        if data.find(b"\\u00") >= 0 or data.count(b'"content"') > 1 or data.count(b'"delta"') > 1 or data.count(b'"choices"') > 1:
            data = _said_once(data)
        if not data.isascii():
            data.decode()  # fields we do not read are handed on, so they are checked too
        try:
            return Piece(data, _plain(data).choices[0].delta.content)
        except msgspec.ValidationError:
            data = _said_once(data)
            chunk = _chunks.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadStream("The provider's stream holds something other than chunks of a chat completion", got=str(error)[:120]) from error
    if chunk.error is not None:
        raise StreamedError("The provider reported an error in its stream")
    return _mixed(data, chunk, usage_of(chunk.usage))


def _said_once(data: bytes) -> bytes:
    """The same event, with each member once: what we read last is what every client reads. Untouched where that is so already."""
    said = _any.decode(data)
    once = _encode(said)
    return data if len(once) == len(msgspec.json.format(data, indent=-1)) else once


def _mixed(data: bytes, chunk: _Chunk, usage: Usage | None) -> Piece:
    text = "".join(choice.delta.content or "" for choice in chunk.choices)
    finish = next((choice.finish_reason for choice in chunk.choices if choice.finish_reason), "")
    arguments = "".join(
        (call.function.arguments or "") for choice in chunk.choices for call in choice.delta.tool_calls or () if call.function
    ) + "".join(choice.delta.function_call.arguments or "" for choice in chunk.choices if choice.delta.function_call)
    return Piece(data, text, arguments, finish, usage, bare=False)


def ended_choices(data: bytes) -> tuple[int, ...]:
    """The choices that end with an event."""
    return tuple(choice.index for choice in _chunks.decode(data).choices if choice.finish_reason)


def encode(piece: Piece) -> bytes:
    """A piece as an event."""
    data = piece.data
    if data.find(b"\n") >= 0 or data.find(b"\r") >= 0:  # `in` costs twice as much
        data = b"\ndata: ".join(data.splitlines())
    return b"data: %b\n\n" % data


def text_piece(like: Piece, text: str) -> Piece:
    """A bare piece that adds `text` to the message `like` belongs to."""
    chunk: dict[str, Any] = msgspec.json.decode(like.data)
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    kept = {key: value for key, value in chunk.items() if key not in ("usage", "choices")}
    return Piece(msgspec.json.encode({**kept, "choices": [choice]}), text)


class Parser:
    """Bytes of one stream in, pieces out. `done` once `[DONE]` came; what follows it is not read."""

    __slots__ = ("_bytes", "_data", "_rest", "_skip_lf", "_started", "done")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._data: list[bytes] = []
        self._bytes = 0
        self._skip_lf = False
        self._started = False
        self.done = False

    def feed(self, chunk: bytes) -> list[Piece]:
        """The pieces that end in `chunk`. BadStream, StreamedError."""
        if not self._rest and not self._data and self._started and chunk.endswith(b"\n\n") and chunk.find(b"\r") < 0 and not self._skip_lf:
            lines = chunk.split(b"\n")
        else:
            lines = self._lines(chunk)
        pieces: list[Piece] = []
        for index in range(len(lines) - 1):
            line = lines[index]
            if not line:
                if self._data:
                    self._dispatch(pieces)
            elif line.startswith(b"data:"):
                self._add(line[6:] if line.startswith(b"data: ") else line[5:])
            elif line == b"data":
                self._add(b"")
        return pieces

    def _lines(self, chunk: bytes) -> list[bytes]:
        """Whole lines and, last, what remains of none."""
        if self._skip_lf and chunk:
            self._skip_lf = False
            if chunk.startswith(b"\n"):
                chunk = chunk[1:]
        if b"\r" in chunk:
            self._skip_lf = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in chunk:
            self._rest += chunk
            lines = [b""]
        else:
            self._rest += chunk
            lines = bytes(self._rest).split(b"\n")
            self._rest = bytearray(lines[-1])
            if not self._started:
                self._started = True
                lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")
        if len(self._rest) > EVENT_BYTES_MAX:
            raise BadStream("An event of the provider's stream is too large", expected=f"at most {EVENT_BYTES_MAX} bytes")
        return lines

    def _add(self, value: bytes) -> None:
        self._bytes += len(value) + 1
        if self._bytes > EVENT_BYTES_MAX:
            raise BadStream("An event of the provider's stream is too large", expected=f"at most {EVENT_BYTES_MAX} bytes")
        self._data.append(value)

    def _dispatch(self, pieces: list[Piece]) -> None:
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        self._data = []
        self._bytes = 0
        if self.done or not data:
            return
        if data == b"[DONE]":
            self.done = True
        else:
            pieces.append(piece_of(data))
