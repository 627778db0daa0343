"""An answer on its way to one client: from the provider through the filters, then to the socket.

`Source` is what a caller fills; filters may hold back, change or cut what passes. `Delivery` is one client's end of it; a flight puts
itself between the two when several clients wait for the same answer.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Protocol

from seawall.core.errors import SeawallError
from seawall.model_proxy.call import Call, Piece, Whole
from seawall.model_proxy.contract.filter import ContractFilter
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.forms import is_usage_alone, whole_bytes
from seawall.model_proxy.replies import error_event, failure
from seawall.model_proxy.screen.aside import answer_aside
from seawall.model_proxy.sse import DONE, encode, text_piece
from seawall.model_proxy.stages import Filter
from seawall.model_proxy.upstream_exchange import Control

TEXT_CHARACTERS_MAX = 1 << 20
"""Of a streamed answer, how much is kept for the record."""
TEXTS_MAX = 64
"""Then they are joined: a stream's words, each a string of its own, take ten times what they say."""
CHUNKS_MAX = 4096
AT_ONCE_BYTES_MAX = 64 << 10
"""A longer answer, as it came, is looked at in a thread, as long requests are: others go on meanwhile."""
_JSON = b"content-type: application/json\r\ncache-control: no-store\r\nx-request-id: "
_EVENTS = b"content-type: text/event-stream; charset=utf-8\r\ncache-control: no-store\r\nx-request-id: "


class Sink(Protocol):
    """What a source passes its answer to: a delivery, or a flight."""

    def piece(self, piece: Piece) -> None:
        """The next piece."""

    def whole(self, answer: Whole) -> None:
        """The whole answer."""

    def finish(self) -> None:
        """The stream's end."""


class Delivery:
    """One client's answer. Keeps what it was told, for the record."""

    __slots__ = ("_kept", "_mixed", "_out", "_texts", "answer", "call")

    def __init__(self, call: Call, out: Out) -> None:
        self.call = call
        self._out = out
        self._texts: list[str] = []
        self._mixed: list[Piece] = []
        self._kept = 0
        self.answer: Whole | None = None

    @property
    def text(self) -> str:
        """What a streamed answer said."""
        return "".join(self._texts) if self._texts else ""

    @property
    def pieces(self) -> Sequence[Piece]:
        """What a streamed answer called, in few pieces; nothing when its text says all."""
        if not self._mixed or not any(piece.arguments for piece in self._mixed):
            return ()
        text = self.text
        return ([text_piece(self._mixed[0], text)] if text else []) + [piece for piece in self._mixed if not piece.text]

    @property
    def started(self) -> bool:
        """Whether the client has heard anything."""
        return self._out.started

    @property
    def ended(self) -> bool:
        """Whether the client has its answer."""
        return self._out.ended

    def piece(self, piece: Piece) -> None:
        """Send a piece; one that only tells the usage goes to those who asked for it."""
        call = self.call
        if piece.usage is not None and not call.usage_asked and is_usage_alone(piece):
            return
        if not piece.bare:
            if piece.finish:
                call.finish = piece.finish
            if len(self._mixed) < CHUNKS_MAX:
                self._mixed.append(piece)
        if piece.text and self._kept < TEXT_CHARACTERS_MAX:
            self._texts.append(piece.text)
            self._kept += len(piece.text)
            if len(self._texts) == TEXTS_MAX:
                self._texts = ["".join(self._texts)]
        if not self._out.started:
            self._out.start(200, b"%b%b\r\n" % (_EVENTS, call.id.encode()))
        self._out.write(encode(piece))

    stream = piece

    def whole(self, answer: Whole) -> None:
        """Send a whole answer."""
        self.answer = answer
        self._out.whole(answer.status, b"%b%b\r\n" % (_JSON, self.call.id.encode()), whole_bytes(answer))

    def ready(self, body: bytes) -> None:
        """Send a whole answer that is bytes already."""
        self._out.whole(200, b"%b%b\r\n" % (_JSON, self.call.id.encode()), body)

    def ready_stream(self, events: bytes) -> None:
        """Send a streamed answer that is bytes already, to its end."""
        self._out.start(200, b"%b%b\r\n" % (_EVENTS, self.call.id.encode()))
        self._out.write(events)
        self._out.end()

    def finish(self) -> None:
        """End the stream."""
        if self.call.stream and not self._out.ended:
            if not self._out.started:
                self._out.start(200, b"%b%b\r\n" % (_EVENTS, self.call.id.encode()))
            self._out.write(DONE)
            self._out.end()

    def fail(self, error: SeawallError) -> None:
        """Tell what went wrong: as a status while there is none, else as the stream's last event."""
        if self._out.ended:
            return
        if not self._out.started:
            self._out.send(failure(error, self.call.id))
        else:
            self._out.write(error_event(error))
            self._out.end()


class Source:
    """Where a caller puts the answer: through every filter, in order, then on."""

    __slots__ = ("_call", "_filters", "_paused", "_sink", "_upstream", "late", "released")

    def __init__(self, call: Call, filters: Sequence[Filter], sink: Sink) -> None:
        self._call = call
        self._filters = filters
        self._sink = sink
        self.released = False
        """Something has gone on, or is held by a filter, which would put it before what comes next: too late to begin anew."""
        self._upstream: Control | None = None
        self._paused = False
        self.late: Whole | None = None
        """A long answer that is to be looked at (`look`) before it ends."""

    @property
    def control(self) -> Control | None:
        """What holds the provider back; set anew for each try."""
        return self._upstream

    @control.setter
    def control(self, control: Control | None) -> None:
        self._upstream = control
        if control is not None and self._paused:
            control.pause()

    def pause(self) -> None:
        """Nobody takes more for now."""
        self._paused = True
        if self._upstream is not None:
            self._upstream.pause()

    def resume(self) -> None:
        """Go on."""
        self._paused = False
        if self._upstream is not None:
            self._upstream.resume()

    def stream(self, piece: Piece) -> None:
        """The next piece from the provider."""
        call = self._call
        now = time.monotonic_ns()
        if not call.first_ns:
            call.first_ns = now
        if call.chunks is None:
            call.chunks = array("Q")
        if len(call.chunks) < 2 * CHUNKS_MAX:
            call.chunks.extend(((now - (call.sent_ns or call.started_ns)) // 1000, len(piece.text)))
        self.released = True
        if self._filters:
            for released in through(self._filters, (piece,)):
                self._sink.piece(released)
        else:
            self._sink.piece(piece)

    def whole(self, answer: Whole) -> None:
        """The whole answer from the provider."""
        self._call.first_ns = self._call.first_ns or time.monotonic_ns()
        if answer.size > AT_ONCE_BYTES_MAX and self._filters:
            self.late, self.released = answer, True
            return
        for one in self._filters:
            answer = one.whole(answer)
        self.released = True
        self._sink.whole(answer)

    async def look(self) -> None:
        """Take a long answer through the filters, beside the event loop."""
        answer, self.late = self.late, None
        if answer is not None:
            self._sink.whole(await answer_aside(partial(self._filtered, answer)))

    def _filtered(self, answer: Whole) -> Whole:
        for one in self._filters:
            answer = one.whole(answer)
        return answer

    def finish(self) -> None:
        """The answer has ended well: of a stream, what filters held back goes out, then the end."""
        if not self._call.stream:
            return
        for index, one in enumerate(self._filters):
            self._release(through(self._filters[index + 1 :], one.end()))
        self._sink.finish()

    def mended(self, rest: Whole | Sequence[Piece]) -> None:
        """What the contract, the first filter, made of an answer that broke it: a whole answer, or what is left of a stream."""
        if isinstance(rest, Whole):
            for one in self._filters[1:]:
                rest = one.whole(rest)
            self.released = True
            self._sink.whole(rest)
            return
        for piece in rest:
            self._release(through(self._filters[1:], (piece,)))
        for index, one in enumerate(self._filters[1:], 1):
            self._release(through(self._filters[index + 1 :], one.end()))
        self._sink.finish()

    @property
    def contract(self) -> ContractFilter | None:
        """What holds the answer to its schema; None: nothing does."""
        first = self._filters[0] if self._filters else None
        return first if isinstance(first, ContractFilter) else None

    def _release(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            self.released = True
            self._sink.piece(piece)


def through(filters: Sequence[Filter], pieces: Sequence[Piece]) -> Sequence[Piece]:
    """What comes out of the last filter when `pieces` go into the first."""
    for one in filters:
        pieces = one.piece(pieces[0]) if len(pieces) == 1 else [out for piece in pieces for out in one.piece(piece)]
        if not pieces:
            break
    return pieces
