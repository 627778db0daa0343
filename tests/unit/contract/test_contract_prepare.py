"""Schemas of a request are made ready without keeping others waiting, and are bounded together."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from seawall.core.deadline import Deadline
from seawall.core.schemas.compiled import compiled
from seawall.model_proxy.call import Call
from seawall.model_proxy.contract import contract
from seawall.model_proxy.contract.contract import prepare
from seawall.model_proxy.errors import BadCall, OverLimit
from seawall.model_proxy.http import Request
from seawall.telemetry import spans


def call(**body: Any) -> Call:
    made = Call(Request("POST", "", "", {}), "chat", Deadline.from_header(None, default_ms=1000), spans.begin("model.call", "model"))
    made.body = body
    return made


def asking(schema: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": schema}}}


def tool(name: str, parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "strict": True, "parameters": parameters}}


def wide(name: str, places: int = 1000) -> dict[str, Any]:
    return {"properties": {f"{name}{at}": {"type": "string"} for at in range(places)}}


async def test_a_schema_is_made_in_a_thread_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event loop only looks up whether it is ready."""
    threads: list[str] = []

    def noting(schema: Any) -> Any:
        threads.append(threading.current_thread().name)
        return compiled(schema)

    monkeypatch.setattr(contract, "compiled", noting)
    first, second = call(**asking(wide("once"))), call(**asking(wide("once")))
    waiting = prepare(first)
    assert waiting is not None
    await waiting
    assert prepare(second) is None
    assert first.contract.schema is second.contract.schema is not None
    assert [name.partition("_")[0] for name in threads] == ["schemas"]


async def test_a_schema_that_cannot_be_held_is_refused_by_name() -> None:
    """Also when it was found out in the thread."""
    waiting = prepare(call(tools=[tool("f", {"properties": {"a": {"pattern": "((((){1000}){1000}){1000}){1000}"}}})]))
    assert waiting is not None
    with pytest.raises(BadCall, match="repeats too much") as caught:
        await waiting
    assert caught.value.param == "tools.f.parameters"


async def test_the_schemas_of_all_tools_are_bounded_together() -> None:
    """Each may take nearly all the work there is; a hundred of them may not."""
    waiting = prepare(call(tools=[tool(f"f{number}", wide(f"t{number}_")) for number in range(100)]))
    assert waiting is not None
    with pytest.raises(BadCall, match="together") as caught:
        await waiting
    assert caught.value.param == "tools"


async def test_too_many_that_wait_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line for the thread has an end."""
    monkeypatch.setattr(contract, "WAITING_MAX", 3)
    asked = [prepare(call(**asking(wide(f"line{number}_")))) for number in range(8)]
    ends = await asyncio.gather(*(one for one in asked if one is not None), return_exceptions=True)
    assert sum(isinstance(end, OverLimit) for end in ends) == 5


def test_a_call_without_schemas_waits_for_nothing() -> None:
    """Nor does one whose tools are not strict."""
    for body in ({}, {"tools": [{"type": "function", "function": {"name": "f", "parameters": wide("x")}}]}):
        assert prepare(call(**body)) is None
