"""Long requests are read beside the event loop, so that no other call waits for one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
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
from seawall.model_proxy.pipeline import Pipeline, Stages

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
    assert [name.startswith("screen") for name in readers] == [beside]
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
