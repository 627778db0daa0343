"""Stopping an instance while a model speaks: what is in flight ends as it would have, and nothing is waited for that is not."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest
from tests.acceptance.conftest import COMMAND, Seawall, provided
from tests.acceptance.visitors import killed, pid_of
from tests.waiting import until

from seawall.cli.instance import locate

MODELS = """
providers:
  sim: {{kind: openai, url: "unix://{socket}", allow_private: true}}
models:
  slow: {{provider: sim, model: "gpt-x;token_ms=250;tokens=60"}}
  quick: {{provider: sim, model: gpt-x}}
  endless: {{provider: sim, model: "gpt-x;token_ms=250;tokens=400"}}
routes:
  small: {{variants: {{slow: 100}}}}
  large: {{variants: {{endless: 100}}}}
"""
STOP_S_MAX = 25.0
"""About one second on a machine at rest; less than the half minute that calls in flight get."""
HELD_S = 3.0
"""A call is held for five to six seconds."""


@pytest.fixture
def speaking() -> Iterator[Seawall]:
    """An instance whose small model takes fifteen seconds for an answer, and whose large one speaks for longer than anybody waits."""
    with provided(MODELS, "--now") as made:
        yield made


@contextlib.contextmanager
def stream(instance: Seawall, model: str) -> Iterator[Iterator[str]]:
    """The lines of a streamed answer, of which the first has come."""
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Count"}]}
    with httpx.stream("POST", f"{instance.url}/v1/chat/completions", json=body, headers=instance.headers(), timeout=60) as answer:
        lines = answer.iter_lines()
        assert "chat.completion.chunk" in next(lines)
        yield lines


def refuses(instance: Seawall) -> bool:
    """Whether nobody takes connections any more."""
    try:
        httpx.get(f"{instance.url}/healthz", timeout=30)
    except httpx.ConnectError:
        return True
    return False


def stop(instance: Seawall, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen((*COMMAND, "down", *options, "--data", str(instance.data)), stderr=subprocess.PIPE, text=True)


def test_a_stream_ends_as_it_would_have(speaking: Seawall) -> None:
    """`down` in the middle of an answer: new connections are refused, the answer comes whole, and then the instance is gone."""
    with stream(speaking, "small") as lines:
        stopping = stop(speaking)
        until(lambda: refuses(speaking))
        assert stopping.poll() is None
        assert [line for line in lines if line][-1] == "data: [DONE]"
    began = time.monotonic()
    stopping.communicate(timeout=120)
    assert stopping.returncode == 0
    assert time.monotonic() - began < STOP_S_MAX


def test_now_means_now(speaking: Seawall) -> None:
    """`down --now` cuts the answer."""
    with stream(speaking, "large") as lines:
        began = time.monotonic()
        stopping = stop(speaking, "--now")
        with pytest.raises(httpx.RemoteProtocolError):
            list(lines)
        stopping.communicate(timeout=120)
    assert stopping.returncode == 0
    assert time.monotonic() - began < STOP_S_MAX


def test_nothing_in_flight_is_not_waited_for(speaking: Seawall) -> None:
    """A kept connection is no request: stopping takes its second or so."""
    with httpx.Client(base_url=speaking.url, headers=speaking.headers(), timeout=30) as client:
        assert client.get("/v1/models").status_code == 200
        began = time.monotonic()
        stopping = stop(speaking)
        stopping.communicate(timeout=120)
    print(f"stopped in {time.monotonic() - began:.1f} s")
    assert stopping.returncode == 0
    assert time.monotonic() - began < STOP_S_MAX


def is_back(instance: Seawall, before: int) -> bool:
    """Whether the supervisor's record has a ready model proxy other than `before`."""
    record = locate(instance.data, os.environ).read()
    assert record
    return any(one.name == "model-proxy" and one.state == "ready" and one.pid != before for one in record.services)


def test_calls_wait_for_a_model_proxy_that_was_killed(speaking: Seawall) -> None:
    """kill -9 of the only replica: calls that come while it is started again are answered by the new one.

    One comes every second, since a busy machine may take longer to start it than a call is held.
    """
    before = pid_of(speaking, "model-proxy-0")
    body = {"model": "quick", "messages": [{"role": "user", "content": "Hello"}]}
    asked: list[tuple[float, Future[httpx.Response]]] = []
    with httpx.Client(base_url=speaking.url, headers=speaking.headers(), timeout=60) as client, ThreadPoolExecutor(120) as threads:
        killed(speaking, "model-proxy-0")
        while not asked or not is_back(speaking, before):
            asked.append((time.monotonic(), threads.submit(client.post, "/v1/chat/completions", json=body)))
            time.sleep(1.0)
        back = time.monotonic()
    print(f"back after {back - asked[0][0]:.1f} s")
    answers = [answer.result() for began, answer in asked if began > back - HELD_S]
    assert answers
    assert [answer.text for answer in answers if answer.status_code != 200] == []
