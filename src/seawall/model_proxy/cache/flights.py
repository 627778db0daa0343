"""One call to a model for everybody who asks the same at once.

A *flight* is an answer in the making. Everybody who waits for it, its first asker included, has a *seat* (`seats.py`). Guarantees: a
seat gets the whole answer from its beginning, in the form it asked for, whenever it joined; a seat that reads slowly falls behind alone,
at its own place in what the flight has kept; a seat may leave at any time; the flight goes on until its end while anybody is left, and
tells its owner when nobody is. What a flight keeps is bounded: beyond the bound nobody new may join, what all have read is let go of, and
the provider is held back for the slowest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from seawall.core.errors import DeadlineExceeded, SeawallError
from seawall.model_proxy.cache.answers import Answer, from_pieces, from_whole
from seawall.model_proxy.cache.seats import Seat, Sink
from seawall.model_proxy.call import Call, Piece, Usage, Whole
from seawall.model_proxy.forms import body_of, pieces_of

KEPT_BYTES_MAX = 1 << 20
SEATS_MAX = 1024

_LEADERS_OWN = (DeadlineExceeded, asyncio.CancelledError)
"""What ended the first asker's call but need not end anybody else's."""


class Holds(Protocol):
    """Holds the provider back."""

    def pause(self) -> None:
        """Read no more for now."""

    def resume(self) -> None:
        """Read on."""


class Flight:
    """An answer in the making. Its owner calls `piece` and `finish`, or `whole`, or `fail`; once."""

    __slots__ = (
        "_bytes", "_dropped", "_held", "_now", "_on_end", "_pieces", "_seats", "call", "control", "ended", "error", "key", "on_deserted",
    )  # fmt: skip

    def __init__(self, call: Call, on_end: Callable[[Flight, Answer | None], None], now: Callable[[], float]) -> None:
        self.call = call
        self.key = call.cache_key or b""
        self.ended = False
        self.error: BaseException | None = None
        self.on_deserted: Callable[[], None] | None = None
        """Called when the last seat is left before the end: the work may stop."""
        self.control: Holds | None = None
        self._on_end = on_end
        self._now = now
        self._seats: list[Seat] = []
        self._pieces: list[Piece] = []
        self._dropped = 0
        self._bytes = 0
        self._held = False

    @property
    def seats(self) -> int:
        """How many wait."""
        return len(self._seats)

    @property
    def joinable(self) -> bool:
        """Whether somebody new would get the answer from its beginning."""
        return not self.ended and self._bytes <= KEPT_BYTES_MAX and not self._dropped and len(self._seats) < SEATS_MAX

    @property
    def length(self) -> int:
        """Pieces so far."""
        return self._dropped + len(self._pieces)

    def join(self, sink: Sink, *, streamed: bool, usage_told: bool = False) -> Seat:
        """A seat. It gets at once what there is already. `usage_told`: the piece that tells the usage, too."""
        seat = Seat(self, sink, streamed=streamed, usage_told=usage_told)
        self._seats.append(seat)
        if self.ended or self._pieces:
            seat.catch_up()
        return seat

    def left(self, seat: Seat) -> None:
        """A seat is free; the last one's leaving ends the flight."""
        if seat in self._seats:
            self._seats.remove(seat)
        if not self._seats and not self.ended:
            self.ended, self.error = True, asyncio.CancelledError()
            self._on_end(self, None)
            if self.on_deserted is not None:
                self.on_deserted()
        elif not self.ended:
            self.weigh()

    # ── for the owner ──

    def piece(self, piece: Piece) -> None:
        """The next piece, for everybody."""
        self._pieces.append(piece)
        self._bytes += len(piece.data) + 200
        for seat in tuple(self._seats):
            self._serve(seat)
        if self._held or self._bytes > KEPT_BYTES_MAX or any(seat.paused for seat in self._seats):
            self.weigh()

    def finish(self) -> None:
        """The stream has come to its end."""
        if self.ended:
            return
        call = self.call
        target = call.target.id if call.target else ""
        usage = next((piece.usage for piece in reversed(self._pieces) if piece.usage), None)
        answer = None if self._dropped else from_pieces(self._pieces, usage or call.usage, target, self._now())
        whole = Whole(body_of([piece.data for piece in self._pieces]), usage or Usage()) if self._wanted(streamed=False) else None
        self._over(answer)
        if whole is not None:
            self._hand_whole(whole)
        self._end_all()

    def whole(self, answer: Whole) -> None:
        """The whole answer has come."""
        if self.ended:
            return
        target = self.call.target.id if self.call.target else ""
        kept = from_whole(answer, target, self._now(), chat=self.call.surface != "embeddings")
        seats = self._seats
        if answer.status == 200 and (len(seats) != 1 or seats[0].streamed) and self._wanted(streamed=True):
            self._pieces = pieces_of(answer.body)
        self._over(kept)
        self._hand_whole(answer)
        self._end_all()

    def settle(self, answer: Answer) -> None:
        """The answer was found elsewhere: everybody gets it, and nothing more is kept."""
        if self.ended:
            return
        self._pieces = answer.pieces() if self._wanted(streamed=True) else []
        whole = answer.as_whole() if self._wanted(streamed=False) else None
        self._over(None)
        if whole is not None:
            self._hand_whole(whole)
        self._end_all()

    def fail(self, error: BaseException) -> None:
        """There is no answer, or no more of it."""
        if self.ended:
            return
        self.error = error
        self._over(None)
        self._end_all()

    def carry(self, work: asyncio.Task[None]) -> None:
        """The work is a task: it is cancelled when nobody is left, and its failure is the flight's."""
        self.on_deserted = lambda: _cancel(work)
        work.add_done_callback(self._work_ended)

    # ── for the seats ──

    def piece_at(self, number: int) -> Piece:
        """A piece by its number; it has not been let go of while a seat needs it."""
        return self._pieces[number - self._dropped]

    def outcome_for(self, seat: Seat) -> bool:
        """See `Seat.done`."""
        if self.error is None:
            return True
        if isinstance(self.error, _LEADERS_OWN) and not seat.released:
            return False
        if isinstance(self.error, SeawallError):
            raise self.error
        raise SeawallError("The answer broke off", got=type(self.error).__name__)

    def weigh(self) -> None:
        """Hold the provider back when nobody reads, or when what is kept for the slowest is too much; let go of what all have read."""
        if self._bytes > KEPT_BYTES_MAX:
            self._drop(min((seat.at for seat in self._seats if seat.streamed), default=self.length))
        paused = [seat for seat in self._seats if seat.paused]
        hold = bool(paused) and (len(paused) == len(self._seats) or self._bytes > KEPT_BYTES_MAX)
        if hold != self._held and self.control is not None:
            self._held = hold
            (self.control.pause if hold else self.control.resume)()

    def _wanted(self, *, streamed: bool) -> bool:
        """Whether somebody waits for the answer in this form."""
        for seat in self._seats:  # noqa: SIM110 -- a generator costs more than all else here
            if seat.streamed is streamed:
                return True
        return False

    def _drop(self, number: int) -> None:
        if self._wanted(streamed=False):
            return  # somebody wants it whole: it is kept whole, and the answer's own limits bound it
        gone = number - self._dropped
        if gone > 0:
            self._bytes -= sum(len(piece.data) + 200 for piece in self._pieces[:gone])
            del self._pieces[:gone]
            self._dropped = number

    def _serve(self, seat: Seat) -> None:
        try:
            seat.catch_up()
        except Exception as error:  # noqa: BLE001 -- one client's sink must not end another's answer
            self._lose(seat, error)

    def _hand_whole(self, answer: Whole) -> None:
        for seat in tuple(self._seats):
            if not seat.streamed or answer.status != 200:
                seat.released = True
                try:
                    seat.sink.whole(answer)
                except Exception as error:  # noqa: BLE001 -- one client's sink must not end another's answer
                    self._lose(seat, error)

    def _lose(self, seat: Seat, error: Exception) -> None:
        seat.fault(error)
        self.left(seat)

    def _over(self, answer: Answer | None) -> None:
        self.ended = True
        self._on_end(self, answer)

    def _end_all(self) -> None:
        seats = self._seats
        if len(seats) == 1 and not seats[0].streamed:  # as most are
            self._seats = []
            seats[0].end()
            return
        for seat in tuple(seats):
            self._serve(seat)
        self._seats = [seat for seat in self._seats if seat.behind]

    def _work_ended(self, work: asyncio.Task[None]) -> None:
        if work.cancelled():
            self.fail(asyncio.CancelledError())
        else:
            self.fail(work.exception() or SeawallError("The answer has no end"))


def _cancel(work: asyncio.Task[None]) -> None:
    work.cancel()
