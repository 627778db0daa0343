"""Calls that end in the turn of the event loop they began in: nothing of them stays open, whatever they had begun."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from tests.unit.model_proxy.test_pipeline import Parts

from seawall.model_proxy.cache.exact import ExactCache
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.http import Request
from seawall.model_proxy.pipeline import Pipeline, Stages


class Wire:
    """A connection that takes everything."""

    draining = False

    def __init__(self) -> None:
        self.sent = b""

    def put(self, data: bytes) -> None:
        self.sent += data

    def answered(self, keep_alive: bool) -> None:
        pass

    def cut(self) -> None:
        pass


def asked(**changes: Any) -> Request:
    body = {"model": "small", "messages": [{"role": "user", "content": "hello"}], "temperature": 1, **changes}
    return Request("POST", "/v1/chat/completions", "", {}, msgspec.json.encode(body))


@pytest.mark.parametrize("stage", ["known", "try_admit", "request", "call"])
async def test_a_client_that_is_gone_before_a_task_took_its_first_step_is_settled(stage: str) -> None:
    """Whatever the call was to wait for."""
    parts = Parts()
    parts.caller = None if stage == "known" else parts.caller
    parts.admitted, parts.screened = stage != "try_admit", stage != "request"
    out = Out(Wire(), keep_alive=True, head_only=False)
    Pipeline(Stages(identify=parts, admit=parts, screen=parts, route=parts, caller=parts, record=parts)).handle(asked(), out)
    out.lost()
    await asyncio.sleep(0.01)
    assert (parts.asked[-2:], parts.recorded[0][0].error) == (["settle", "record"], "cancelled")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_flight_that_is_deserted_before_its_work_took_its_first_step_ends(stream: bool) -> None:
    """Who began it is settled, and nobody may join it any more."""
    parts, cache = Parts(), ExactCache()
    out = Out(Wire(), keep_alive=True, head_only=False)
    pipeline = Pipeline(Stages(identify=parts, admit=parts, cache=cache, route=parts, caller=parts, record=parts))
    pipeline.handle(asked(temperature=0, stream=stream), out)
    out.lost()
    await asyncio.sleep(0.01)
    assert (parts.asked[-2:], parts.recorded[0][0].error) == (["settle", "record"], "cancelled")
    again = Out(wire := Wire(), keep_alive=True, head_only=False)
    pipeline.handle(asked(temperature=0), again)
    await asyncio.sleep(0.01)
    assert b'"hi"' in wire.sent
