"""One attempt's answer, on its way from a provider to the sink: bytes become pieces or a whole answer.

Guarantees that nothing of an answer that cannot be read reaches the sink; that the usage is known at the end, counted or estimated; and
that a model swapped behind our back is noticed. What the sink raises is kept apart from what the provider does wrong.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from seawall.model_proxy.call import Call, Piece, Target, Usage, Whole
from seawall.model_proxy.config import ProviderLimits
from seawall.model_proxy.errors import AnswerTooLarge, ProviderFailed
from seawall.model_proxy.forms import pieces_of, usage_of
from seawall.model_proxy.sse import EVENT_BYTES_MAX, BadStream, Parser, ended_choices, piece_of
from seawall.model_proxy.stages import AnswerSink
from seawall.model_proxy.upstream_exchange import Control

MIB = 1 << 20
ERROR_BYTES_MAX = 64 << 10
PIECE = 128 << 10
"""Characters of a piece that a whole text is cut into: in JSON fewer bytes than an event may have."""
CHARACTERS_A_TOKEN = 4
"""Of English text, roughly; used where a provider does not count."""


class Unreadable(ProviderFailed):
    """The provider's answer cannot be read."""


class _Named(msgspec.Struct, frozen=True):
    model: str = ""


_model = msgspec.json.Decoder(_Named)
_answers = msgspec.json.Decoder(dict[str, Any])


class Answering:
    """Receives one answer (`upstream.Receiver`). Call `finish` at its end."""

    __slots__ = (
        "_body", "_call", "_complete", "_ends", "_events", "_finished", "_limits", "_looked", "_parser", "_size", "_target", "_usage",
        "asked_characters", "beside", "characters", "error", "first_ns", "headers", "sent_ns", "sink", "status", "swapped",
    )  # fmt: skip

    def __init__(self, call: Call, target: Target, sink: AnswerSink, limits: ProviderLimits = ProviderLimits()) -> None:  # noqa: B008 -- frozen
        self.sink = sink
        self.status = 0
        self.headers: dict[str, str] = {}
        self.sent_ns = 0
        """When the request went out, monotonic; 0: it did not."""
        self.first_ns = 0
        """When its body began: many providers send the head before the model has begun."""
        self.characters = 0
        """Of the answer, so far."""
        self.asked_characters = 0
        """What the provider was asked of the call; 0: all of it."""
        self.beside = False
        """It travelled with another call, which tells the breaker for both."""
        self.swapped = ""
        """The model that answered, if it is another one."""
        self.error: BaseException | None = None
        """What the sink raised."""
        self._call = call
        self._target = target
        self._limits = limits
        self._events = False
        self._parser: Parser | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._usage: Usage | None = None
        self._finished = False
        self._ends: tuple[int, ...] = ()
        """Of a stream of several choices: those that have ended."""
        self._complete = False
        self._looked = False

    # ── upstream.Receiver ──

    @property
    def control(self) -> Control | None:
        """Holds the provider back."""
        return self.sink.control

    @control.setter
    def control(self, control: Control | None) -> None:
        self.sink.control = control

    def head(self, status: int, headers: dict[str, str]) -> None:
        """The answer begins."""
        self.status = status
        self.headers = headers
        if status == 200 and headers.get("content-type", "").lstrip().lower().startswith("text/event-stream"):
            if not self._call.stream:
                raise Unreadable("The provider streams an answer that was asked for as a whole")
            self._events = True
            self._parser = Parser()

    def data(self, chunk: bytes) -> None:
        """Some of its body."""
        if not self.first_ns:
            self.first_ns = time.monotonic_ns()
        if self._parser is not None:
            self.took(len(chunk))
            self.pieces(self._parser.feed(chunk))
            return
        if self.status >= 300:
            self._size += len(chunk)
            if self._size <= ERROR_BYTES_MAX:
                self._body.append(chunk)
            return
        self.took(len(chunk))
        self._body.append(chunk)

    def took(self, size: int) -> None:
        """So many more bytes of the answer. AnswerTooLarge."""
        self._size += size
        if self._size > MIB and self._size > self._most() * MIB:
            if not self._events:
                self.characters = self._size  # nobody counts what is not read, and the provider bills it
            raise AnswerTooLarge(
                "The provider's answer is larger than may be",
                expected=f"at most {self._most()} MiB",
                fix="Ask for less, or raise the provider's `limits` in models.yaml",
            )

    def _most(self) -> int:
        limits = self._limits
        return limits.embeddings_mb if self._call.surface == "embeddings" else limits.stream_mb if self._call.stream else limits.answer_mb

    # ── what it holds ──

    def pieces(self, pieces: Sequence[Piece]) -> None:
        """The next pieces of a streamed answer."""
        call = self._call
        for piece in pieces:
            if not call.first_ns:
                call.first_ns = time.monotonic_ns()
            if not self._looked:
                self._look(piece.data)
            if piece.usage is not None:
                self._usage = piece.usage
            if piece.finish:
                self._finished = "n" not in call.body or self._all_ended(piece)
            self.characters += len(piece.text) + len(piece.arguments)
            try:
                self.sink.stream(piece)
            except BaseException as error:
                self.error = error
                raise

    def body(self, body: dict[str, Any]) -> None:
        """The whole answer. Unreadable when it is none."""
        kind = "data" if self._call.surface == "embeddings" else "choices"
        said = body.get(kind)
        if not isinstance(said, list) or not _are_said(said):
            raise Unreadable("The provider's answer is not what was asked for", expected=f"an object with a list of `{kind}`")
        if isinstance(model := body.get("model"), str):
            self._compare(model)
        self._complete = self._looked = True
        if self._call.stream:
            self.pieces(_as_streamed(body, self._most() * MIB))
            return
        self._usage = usage_of(body.get("usage"))
        if self._usage is None and kind == "choices":
            self.characters = sum(_length(choice) for choice in body["choices"])
        whole = Whole(body, self.usage(), self.status or 200, self._size)
        if not self._call.first_ns:
            self._call.first_ns = time.monotonic_ns()
        try:
            self.sink.whole(whole)
        except BaseException as error:
            self.error = error
            raise

    def ended(self) -> None:
        """A stream that has no `[DONE]` of its own is over. Unreadable when no piece said why."""
        if not self._finished:
            raise Unreadable("The provider's stream stops before its end")
        self._complete = True

    def finish(self) -> None:
        """The exchange ended well, with a status of 2xx. Unreadable when its answer did not."""
        if self._complete:
            return
        if self._events:
            if not self._finished and not (self._parser is not None and self._parser.done):
                raise Unreadable("The provider's stream stops before its end")
        else:
            try:
                body = _answers.decode(b"".join(self._body))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                coding = self.headers.get("content-encoding", "")
                raise Unreadable("The provider's answer is not JSON", got=f"content-encoding: {coding[:20]}" if coding else "") from error
            self.body(body)

    def refusal(self) -> bytes:
        """The body of an answer that is an error, cut."""
        return b"".join(self._body)

    def usage(self) -> Usage:
        """What was used until now: counted by the provider, or estimated from characters."""
        if self._usage is not None:
            return self._usage
        asked = self.asked_characters or sum(map(len, self._call.texts)) or len(self._call.request.body)
        return Usage(_tokens(asked), _tokens(self.characters), estimated=True)

    def _all_ended(self, piece: Piece) -> bool:
        """Whether with this piece every choice of the stream has ended."""
        self._ends += ended_choices(piece.data)
        return len(set(self._ends)) >= (self._call.body.get("n") or 1)

    def _look(self, data: bytes) -> None:
        self._looked = True
        try:
            self._compare(_model.decode(data).model)
        except msgspec.MsgspecError:
            return

    def _compare(self, model: str) -> None:
        """Dated names (`gpt-x-2026-01-01` for `gpt-x`), paths and tags of the same model are no swap."""
        asked = self._target.model
        if model and model != asked and not _same(asked.partition(";")[0], model):
            self.swapped = model[:100]


def _as_streamed(body: dict[str, Any], most: int) -> list[Piece]:
    """A whole answer of at most so many characters in pieces that are held to what a stream's are held to. BadStream."""
    pieces = pieces_of(body, (PIECE,) * (most // PIECE))
    if any(len(piece.data) > EVENT_BYTES_MAX for piece in pieces):
        raise BadStream("A part of the provider's answer is too large for a stream", expected=f"at most {EVENT_BYTES_MAX} bytes")
    return [piece_of(piece.data) for piece in pieces]


def _are_said(choices: list[Any]) -> bool:
    for one in choices:  # noqa: SIM110 -- a generator costs more than all else here
        if not isinstance(one, dict) or not _is_said(one):
            return False
    return True


def _is_said(choice: dict[str, Any]) -> bool:
    """Whether a choice holds a message as stages read it; an embedding has none."""
    message = choice.get("message")
    if not isinstance(message, dict):
        return message is None
    called = message.get("tool_calls")
    return called is None or (isinstance(called, list) and all(isinstance(one, dict) for one in called))


def _same(asked: str, answered: str) -> bool:
    left, right = asked.rpartition("/")[2].lower(), answered.rpartition("/")[2].lower()
    if left == right:
        return True
    rest = right.removeprefix(left)
    return rest != right and (rest[:1] in ("@", ":") or rest.lstrip("-").replace("-", "").isdigit())


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_A_TOKEN)


def _length(choice: object) -> int:
    message = choice.get("message") if isinstance(choice, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    return len(content) if isinstance(content, str) else 0
