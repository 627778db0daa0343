"""A call while it is under way, and what a step of the pipeline says of its part."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from seawall.model_proxy.answer import Delivery
from seawall.model_proxy.call import Call
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.leading import Leading

CANCELLED = "cancelled"
"""`call.error` of a call whose client vanished."""


class Journey:
    """A call and what belongs to it while it is under way."""

    __slots__ = ("call", "closed", "delivery", "out", "prepare", "work")

    def __init__(self, call: Call, out: Out, prepare: Callable[[Call], None] | None = None) -> None:
        self.prepare = prepare
        """Makes the call in place of its own body: a prompt's."""
        self.call = call
        self.out = out
        self.delivery = Delivery(call, out)
        self.closed = False
        self.work: Leading | None = None
        """Brings the answer for everybody on a flight this call leads; the bill is known at its end."""


class UnderWay:
    """What a step gives that has done its part: the journey goes on when it is called back."""


UNDER_WAY = UnderWay()
Step = Callable[[Journey], Awaitable[None] | UnderWay | None]
