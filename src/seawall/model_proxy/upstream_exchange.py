"""One request to a provider and its answer, in progress: who takes the answer, what holds it back, and who is told the end."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Protocol


class Lost(Exception):
    """The connection ended before the answer did. Never leaves the pool."""

    def __init__(self, any_byte: bool) -> None:
        super().__init__()
        self.any_byte = any_byte


class Control(Protocol):
    """Holds a provider back."""

    def pause(self) -> None:
        """Read no more of this answer for now."""

    def resume(self) -> None:
        """Read on."""


class Receiver(Protocol):
    """Takes an answer. What it raises aborts the exchange and comes out of `Pool.send`."""

    control: Control | None

    def head(self, status: int, headers: dict[str, str]) -> None:
        """The answer begins; names are in lower case."""

    def data(self, chunk: bytes) -> None:
        """Some of its body."""


class Carrier(Protocol):
    """The connection that an exchange is on."""

    def hold(self, on: bool) -> None:
        """Stop or go on reading."""

    def abort(self) -> None:
        """Close at once; the exchange is lost."""


class Exchange(ABC):
    """One request and its answer, in progress. `settle` is called once, at its end."""

    __slots__ = ("connection", "first_byte_seconds", "idle_seconds", "paused", "receiver", "total_due")

    def __init__(self, receiver: Receiver, first_byte_seconds: float, idle_seconds: float, total_due: float) -> None:
        self.receiver = receiver
        self.first_byte_seconds = first_byte_seconds
        self.idle_seconds = idle_seconds
        self.total_due = total_due
        self.paused = False
        self.connection: Carrier | None = None

    @abstractmethod
    def settle(self, error: Exception | None) -> None:
        """It has ended, well when there is no error. Never raises."""

    def pause(self) -> None:
        """The client is slower than the provider."""
        if self.connection and not self.paused:
            self.paused = True
            self.connection.hold(True)

    def resume(self) -> None:
        """The client has caught up."""
        if self.connection and self.paused:
            self.paused = False
            self.connection.hold(False)


class Awaited(Exchange):
    """One whose end somebody awaits."""

    __slots__ = ("future",)

    def __init__(
        self, receiver: Receiver, first_byte_seconds: float, idle_seconds: float, total_due: float, future: asyncio.Future[None]
    ) -> None:
        super().__init__(receiver, first_byte_seconds, idle_seconds, total_due)
        self.future = future

    def settle(self, error: Exception | None) -> None:
        """See Exchange."""
        if self.future.done():
            return
        if error is None:
            self.future.set_result(None)
        else:
            self.future.set_exception(error)
