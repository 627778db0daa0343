"""A client that joins an answer late and reads slowly."""

from __future__ import annotations

import asyncio

from tests.unit.model_proxy.test_given_up import Wire, asked
from tests.unit.model_proxy.test_pipeline import FINISH, Parts, piece
from tests.waiting import eventually

from seawall.model_proxy.cache.exact import ExactCache
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.pipeline import Pipeline, Stages


class Full(Wire):
    """A connection whose buffer is full with the first bytes."""

    out: Out

    def put(self, data: bytes) -> None:
        first = not self.sent
        super().put(data)
        if first:
            self.out.pause(True)


async def test_who_joins_with_a_full_buffer_gets_no_more_until_it_reads() -> None:
    """What the flight had already goes out at once; what comes waits for it."""
    parts, go_on = Parts(), asyncio.Event()
    parts.pieces = (piece("Good "), go_on, piece("day"), FINISH)
    pipeline = Pipeline(Stages(identify=parts, cache=ExactCache(), route=parts, caller=parts, record=parts))
    pipeline.handle(asked(temperature=0, stream=True), Out(Wire(), keep_alive=True, head_only=False))
    await asyncio.sleep(0.01)
    wire = Full()
    wire.out = Out(wire, keep_alive=True, head_only=False)
    pipeline.handle(asked(temperature=0, stream=True), wire.out)
    await asyncio.sleep(0.01)
    go_on.set()
    await asyncio.sleep(0.01)
    assert (b"Good" in wire.sent, b"day" in wire.sent) == (True, False)
    wire.out.pause(False)
    await asyncio.sleep(0.01)
    assert wire.sent.endswith(b"0\r\n\r\n")


async def test_a_provider_that_begins_while_nobody_reads_is_held_back() -> None:
    """Whoever was asked before it and failed had been held back, too."""
    parts, go_on = Parts(), asyncio.Event()
    parts.pieces = (go_on, piece("day"), FINISH)
    out = Out(Wire(), keep_alive=True, head_only=False)
    Pipeline(Stages(identify=parts, route=parts, caller=parts, record=parts)).handle(asked(stream=True), out)
    out.pause(True)
    await eventually(lambda: parts.calls)
    assert parts.control.held is True
    out.pause(False)
    assert parts.control.held is False
    go_on.set()
    await eventually(lambda: parts.recorded)
