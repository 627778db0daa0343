"""A place on a flight: what one of those who wait for the same answer has had of it, and how the end is told there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from seawall.core.errors import SeawallError
from seawall.model_proxy.call import Piece, Whole
from seawall.model_proxy.forms import is_usage_alone


class Sink(Protocol):
    """Where a seat's answer goes."""

    def stream(self, piece: Piece) -> None:
        """The next piece."""

    def whole(self, answer: Whole) -> None:
        """A whole answer."""


class Aboard(Protocol):
    """What a seat needs of its flight."""

    ended: bool
    error: BaseException | None

    @property
    def length(self) -> int:
        """Pieces so far."""

    def piece_at(self, number: int) -> Piece:
        """A piece by its number; it has not been let go of while a seat needs it."""

    def outcome_for(self, seat: Seat) -> bool:
        """See `Seat.done`."""

    def left(self, seat: Seat) -> None:
        """A seat is free."""

    def weigh(self) -> None:
        """A seat takes pieces again, or none for now."""


class Seat:
    """One of those who wait."""

    __slots__ = ("_at", "_flight", "_future", "_tell", "paused", "released", "sink", "streamed", "usage_told")

    def __init__(self, flight: Aboard, sink: Sink, *, streamed: bool, usage_told: bool) -> None:
        self._flight = flight
        self.sink = sink
        self._at = 0
        self._future: asyncio.Future[bool] | None = None
        self._tell: Callable[[bool | Exception], None] | None = None
        self.streamed = streamed
        self.usage_told = usage_told
        self.paused = False
        self.released = False
        """Something has reached the sink."""

    async def done(self) -> bool:
        """Wait for the end. True: the sink has the whole answer. False: the first asker gave up for reasons of its own before this seat
        got anything; look again. Raises what went wrong otherwise. Cancelling it leaves the flight."""
        if self._flight.ended and not self.behind:
            return self._flight.outcome_for(self)
        self._future = asyncio.get_running_loop().create_future()
        try:
            return await self._future
        except asyncio.CancelledError:
            self.leave()
            raise

    def tell(self, done: Callable[[bool | Exception], None]) -> None:
        """`done` without waiting: what it gives or raises is told, unless the seat is left before. `done` never raises."""
        self._tell = done
        if self._flight.ended:
            self.end()

    def leave(self) -> None:
        """Wait no longer."""
        self._tell = None
        self._flight.left(self)

    def pause(self) -> None:
        """The sink takes nothing for now."""
        self.paused = True
        self._flight.weigh()

    def resume(self) -> None:
        """The sink takes what it has missed, and what comes."""
        self.paused = False
        self.catch_up()
        self._flight.weigh()

    @property
    def at(self) -> int:
        """How many pieces it has had."""
        return self._at

    @property
    def behind(self) -> bool:
        """Whether there are pieces it has not had."""
        return self.streamed and self._at < self._flight.length

    def catch_up(self) -> None:
        """Hand over what the sink has not had."""
        flight = self._flight
        while self.streamed and not self.paused and self._at < flight.length:
            piece = flight.piece_at(self._at)
            self._at += 1
            if self.usage_told or not is_usage_alone(piece):
                self.released = True
                self.sink.stream(piece)
        if flight.ended:
            self.end()

    def fault(self, error: Exception) -> None:
        """The sink refused."""
        self._settle(error)

    def end(self) -> None:
        """The flight is over: tell who waits, once the sink has everything."""
        if self.streamed and self.behind:
            return
        if self._flight.error is None:
            self._settle(True)
            return
        try:
            self._settle(self._flight.outcome_for(self))
        except SeawallError as error:
            self._settle(error)

    def _settle(self, outcome: bool | Exception) -> None:
        tell, self._tell = self._tell, None
        future = self._future
        if tell is not None:
            tell(outcome)
        elif future is not None and not future.done():
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
