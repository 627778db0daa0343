"""A kept answer: the bytes of the form it came in, and of the other form once somebody has asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from seawall.model_proxy.call import Piece, Usage, Whole
from seawall.model_proxy.forms import body_of, finishes_of, is_usage_alone, pieces_of, whole_bytes
from seawall.model_proxy.sse import DONE, encode

KEPT_FINISHES = frozenset({"stop", "tool_calls", "function_call"})
"""An answer that ended in another way (cut at its length, by a filter, for no known reason) is not kept."""
_decoder = msgspec.json.Decoder()


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """An answer as it is kept outside this process."""

    whole: bytes
    """The JSON object; empty when the answer was streamed."""
    frames: bytes
    """The stream's events but the usage, as on the wire; empty when the answer was whole."""
    usage_frame: bytes
    usage: Usage
    target: str
    """The model that answered (`Target.id`)."""
    made_at: float
    """Seconds since 1970."""


class Answer:
    """A hit. `whole` and `stream` give what goes on the wire; what an asker cost was paid by the first."""

    __slots__ = ("_frames", "_usage_frame", "_whole", "kept", "size")

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self._whole = kept.whole
        self._frames = kept.frames
        self._usage_frame = kept.usage_frame
        self.size = 2 * (len(kept.whole) + len(kept.frames) + len(kept.usage_frame))
        """Bytes, both forms counted, for each may be asked for."""

    def whole(self) -> bytes:
        """The body of an answer that is not streamed."""
        if not self._whole:
            self._whole = msgspec.json.encode(self.body())
        return self._whole

    def stream(self, *, usage: bool) -> bytes:
        """The events of a streamed answer to its end, in one piece; `usage`: with the event that tells the usage."""
        if not self._frames:
            self._frames, self._usage_frame = _framed(pieces_of(_decoder.decode(self._whole)))
        return self._frames + self._usage_frame + DONE if usage else self._frames + DONE

    def body(self) -> dict[str, Any]:
        """The decoded whole answer. Nobody else has it: it may be changed."""
        if self._whole:
            body: dict[str, Any] = _decoder.decode(self._whole)
            return body
        return body_of(events_of(self._frames + self._usage_frame))

    def as_whole(self) -> Whole:
        """For those who work on answers rather than bytes."""
        return Whole(self.body(), self.kept.usage)

    def pieces(self) -> list[Piece]:
        """The answer as the fewest pieces of a stream."""
        return pieces_of(self.body())


def from_whole(answer: Whole, target: str, made_at: float, *, chat: bool) -> Answer | None:
    """A whole answer to keep; None when it must not be kept."""
    if answer.status != 200 or "error" in answer.body:
        return None
    if chat and not _complete(finishes_of(answer.body)):
        return None
    return Answer(Kept(whole_bytes(answer), b"", b"", answer.usage, target, made_at))


def from_pieces(pieces: Sequence[Piece], usage: Usage, target: str, made_at: float) -> Answer | None:
    """A streamed answer to keep; None when it must not be kept."""
    if not _complete([piece.finish for piece in pieces if piece.finish]):
        return None
    frames, usage_frame = _framed(pieces)
    return Answer(Kept(b"", frames, usage_frame, usage, target, made_at))


def events_of(frames: bytes) -> list[bytes]:
    """The JSON of each event that `frames` holds."""
    return [one.removeprefix(b"data: ").replace(b"\ndata: ", b"\n") for one in frames.split(b"\n\n") if one and one != b"data: [DONE]"]


def _framed(pieces: Sequence[Piece]) -> tuple[bytes, bytes]:
    frames = b"".join([encode(piece) for piece in pieces if not is_usage_alone(piece)])
    usage = [piece for piece in pieces if is_usage_alone(piece)]
    return frames, encode(usage[-1]) if usage else b""


def _complete(finishes: Sequence[str]) -> bool:
    return bool(finishes) and KEPT_FINISHES.issuperset(finishes)
