"""Long requests are read beside the event loop, so that no other call waits for one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.unit.model_proxy.test_given_up import Wire, asked
from tests.unit.model_proxy.test_pipeline import Parts
from tests.waiting import eventually

from seawall.core.principal import Principal
from seawall.model_proxy import reading
from seawall.model_proxy.call import Caller
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.exchanges.cassettes import Cassettes
from seawall.model_proxy.exchanges.evaluation import Evaluation
from seawall.model_proxy.journey import Journey
from seawall.model_proxy.pipeline import Pipeline, Stages
from seawall.model_proxy.screen.aside import aside

LONG = "the tide rises " * 20_000


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the threads that read."""
    names: list[str] = []

    def noting(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
        def noted(body: bytes) -> Any:
            names.append(threading.current_thread().name)
            return read(body)

        return noted

    for name in ("read_chat", "read_embeddings"):
        monkeypatch.setattr(reading, name, noting(getattr(reading, name)))
    return names


@pytest.mark.parametrize(("text", "beside"), [("hello", False), (LONG, True)])
async def test_only_a_long_body_is_read_in_a_thread(readers: list[str], text: str, beside: bool) -> None:
    """Both are answered alike."""
    parts, out = Parts(), Out(wire := Wire(), keep_alive=True, head_only=False)
    pipeline = Pipeline(Stages(identify=parts, admit=parts, screen=parts, route=parts, caller=parts, record=parts))
    pipeline.handle(asked(messages=[{"role": "user", "content": text}]), out)
    await eventually(lambda: b'"hi"' in wire.sent)
    assert [name.startswith("read") for name in readers] == [beside]
    assert parts.calls[0].body["messages"][0]["content"] == text


async def test_what_is_wrong_with_a_long_body_is_told(readers: list[str]) -> None:
    """With the member at fault, and nobody is asked."""
    parts, out = Parts(), Out(wire := Wire(), keep_alive=True, head_only=False)
    pipeline = Pipeline(Stages(identify=parts, admit=parts, screen=parts, route=parts, caller=parts, record=parts))
    pipeline.handle(asked(messages=[{"role": "king", "content": LONG}]), out)
    await eventually(lambda: out.ended)
    assert b" 400 " in wire.sent.split(b"\r\n")[0]
    assert b"messages[0].role" in wire.sent
    assert (parts.calls, parts.recorded[0][0].error) == ([], "invalid-request")


async def test_a_long_evaluation_is_one(tmp_path: Path) -> None:
    """Its lane is entered once it is read."""
    parts, out = Parts(), Out(Wire(), keep_alive=True, head_only=False)
    parts.caller = Caller(Principal(user="mia", scopes=("chat", "eval")), "f")
    evaluation = Evaluation(Cassettes(tmp_path))
    pipeline = Pipeline(Stages(identify=parts, route=parts, caller=parts, record=parts, evaluation=evaluation))
    request = asked(messages=[{"role": "user", "content": LONG}])
    request.headers["seawall-lane"] = "eval"
    pipeline.handle(request, out)
    await eventually(lambda: bool(parts.calls))
    assert (parts.calls[0].lane, parts.calls[0].body["temperature"]) == ("eval", 0)


async def test_a_client_that_leaves_while_its_long_body_is_read_is_recorded() -> None:
    """Once, as gone."""
    parts, out = Parts(), Out(Wire(), keep_alive=True, head_only=False)
    pipeline = Pipeline(Stages(identify=parts, admit=parts, route=parts, caller=parts, record=parts))
    pipeline.handle(asked(messages=[{"role": "user", "content": LONG}]), out)
    await asyncio.sleep(0)
    out.lost()
    await eventually(lambda: bool(parts.recorded))
    assert (parts.asked[-2:], parts.recorded[0][0].error) == (["settle", "record"], "cancelled")


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Nothing is read until this is over; whose bodies are, in their order."""
    going_on, read, order = threading.Event(), reading._read, list[str]()

    def waits(journey: Journey) -> None:
        going_on.wait(60)
        order.append(journey.call.caller.user if journey.call.caller else "")
        read(journey)

    monkeypatch.setattr(reading, "_read", waits)
    try:
        yield order
    finally:
        going_on.set()


def begun(parts: Parts, pipeline: Pipeline, user: str, **headers: str) -> Out:
    """A long call of somebody, on its way."""
    parts.caller, out = Caller(Principal(user=user), "f"), Out(Wire(), keep_alive=True, head_only=False)
    request = asked(messages=[{"role": "user", "content": LONG}])
    request.headers.update(headers)
    pipeline.handle(request, out)
    return out


async def test_a_crowd_of_long_bodies_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another's is read when its turn comes, for which the crowd's newest is sent away; what is screened has places of its own."""
    parts = Parts()
    pipeline = Pipeline(Stages(identify=parts, route=parts, caller=parts, record=parts))
    with held(monkeypatch) as order:
        crowd = [begun(parts, pipeline, "crowd") for _ in range(1 + reading.WAITING.waiting)]
        await asyncio.sleep(0)
        one = begun(parts, pipeline, "one")
        assert await aside(lambda: "screened") == "screened"
        await eventually(lambda: len(parts.recorded) == 1)
        assert (parts.recorded[0][0].error, crowd[-1].ended, one.ended) == ("rate-limit-exceeded", True, False)
    await eventually(lambda: all(out.ended for out in (*crowd, one)))
    assert "one" in order[:3]
    assert [call.error for call, _, _ in parts.recorded].count("") == len(crowd)


async def test_a_long_body_is_not_waited_for_beyond_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who allows little time is told so, while another's is read."""
    parts = Parts()
    pipeline = Pipeline(Stages(identify=parts, route=parts, caller=parts, record=parts))
    with held(monkeypatch):
        first = begun(parts, pipeline, "first")
        hurried = begun(parts, pipeline, "hurried", **{"seawall-timeout-ms": "50"})
        await eventually(lambda: hurried.ended)
        assert ([call.error for call, _, _ in parts.recorded], first.ended) == (["deadline-exceeded"], False)
    await eventually(lambda: first.ended)
