"""A stream of several choices (`n`): its pieces come interleaved, each tells by its index which choice it belongs to.

Each choice is screened in windows of its own (`screen/output.py`), and the stream is complete when every choice has ended
(`answering.py`). What each says is kept apart here, for the record. A stream that is held to a schema has one choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seawall.model_proxy.answer import Delivery
from seawall.model_proxy.call import Call, Piece
from seawall.model_proxy.contract.contract import wanted
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.errors import BadCall
from seawall.model_proxy.forms import Spelled, pieces_of

KEPT_BYTES_MAX = 4 << 20
"""Of a stream's events, how much is kept for the record."""


def check_choices(body: dict[str, Any]) -> None:
    """BadCall for a stream of several choices that is to be held to a schema: an answer that breaks it would be asked for again alone."""
    if wanted(body):
        raise BadCall(
            "A stream of several choices is not held to a schema",
            param="n",
            expected="1 with `stream` and a `response_format` or tools that are to be kept",
            got=str(body.get("n")),
            fix="Leave out `stream`, or ask once for each choice",
        )


class Choices(Delivery):
    """A delivery whose pieces belong to several choices, as they come."""

    __slots__ = ("_bytes", "_spelled")

    def __init__(self, call: Call, out: Out) -> None:
        super().__init__(call, out)
        self._spelled = Spelled()
        self._bytes = 0

    @property
    def pieces(self) -> Sequence[Piece]:
        """What every choice said, in few pieces."""
        return pieces_of(self._spelled.body()) if self._bytes else ()

    def piece(self, piece: Piece) -> None:
        """Send a piece. The call ended as its first choice did."""
        super().piece(piece)
        self._mixed.clear()
        self._bytes += len(piece.data)
        if self._bytes <= KEPT_BYTES_MAX:
            self._spelled.add(piece.data)
        if piece.finish:
            self.call.finish = self._spelled.finish

    stream = piece
