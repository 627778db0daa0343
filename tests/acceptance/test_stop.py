"""Stopping an instance while a model speaks: what is in flight ends as it would have, and nothing is waited for that is not."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator

import httpx
import pytest
from tests.acceptance.conftest import COMMAND, Seawall, provided

MODELS = """
providers:
  sim: {{kind: openai, url: "unix://{socket}", allow_private: true}}
models:
  slow: {{provider: sim, model: "gpt-x;token_ms=250;tokens=16"}}
  endless: {{provider: sim, model: "gpt-x;token_ms=250;tokens=400"}}
routes:
  small: {{variants: {{slow: 100}}}}
  large: {{variants: {{endless: 100}}}}
"""
STOP_S_MAX = 15.0
"""About one second on a machine at rest; far less than what calls in flight get."""


@pytest.fixture
def speaking() -> Iterator[Seawall]:
    """An instance whose small model takes four seconds for an answer, and whose large one speaks for longer than anybody waits."""
    with provided(MODELS, "--now") as made:
        yield made


@contextlib.contextmanager
def stream(instance: Seawall, model: str) -> Iterator[Iterator[str]]:
    """The lines of a streamed answer, of which the first has come."""
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Count"}]}
    with httpx.stream("POST", f"{instance.url}/v1/chat/completions", json=body, headers=instance.headers(), timeout=30) as answer:
        lines = answer.iter_lines()
        assert "chat.completion.chunk" in next(lines)
        yield lines


def stop(instance: Seawall, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen((*COMMAND, "down", *options, "--data", str(instance.data)), stderr=subprocess.PIPE, text=True)


def test_a_stream_ends_as_it_would_have(speaking: Seawall) -> None:
    """`down` in the middle of an answer: new connections are refused, the answer comes whole, and then the instance is gone."""
    with stream(speaking, "small") as lines:
        stopping = stop(speaking)
        time.sleep(1.5)
        assert stopping.poll() is None
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{speaking.url}/healthz")
        assert [line for line in lines if line][-1] == "data: [DONE]"
    began = time.monotonic()
    stopping.communicate(timeout=30)
    assert stopping.returncode == 0
    assert time.monotonic() - began < STOP_S_MAX


def test_now_means_now(speaking: Seawall) -> None:
    """`down --now` cuts the answer."""
    with stream(speaking, "large") as lines:
        began = time.monotonic()
        stopping = stop(speaking, "--now")
        with pytest.raises(httpx.RemoteProtocolError):
            list(lines)
        stopping.communicate(timeout=30)
    assert stopping.returncode == 0
    assert time.monotonic() - began < STOP_S_MAX


def test_nothing_in_flight_is_not_waited_for(speaking: Seawall) -> None:
    """A kept connection is no request: stopping takes its second or so."""
    with httpx.Client(base_url=speaking.url, headers=speaking.headers()) as client:
        assert client.get("/v1/models").status_code == 200
        began = time.monotonic()
        stopping = stop(speaking)
        stopping.communicate(timeout=30)
    print(f"stopped in {time.monotonic() - began:.1f} s")
    assert stopping.returncode == 0
    assert time.monotonic() - began < STOP_S_MAX


def test_a_call_waits_for_a_model_proxy_that_was_killed(speaking: Seawall) -> None:
    """kill -9 of the only replica: a call that comes while it is started again is answered by the new one."""
    pid = speaking.pids()["model-proxy-0"]
    subprocess.run(("kill", "-9", str(pid)), check=True)
    body = {"model": "small", "max_tokens": 2, "messages": [{"role": "user", "content": "Hello"}]}
    began = time.monotonic()
    answer = httpx.post(f"{speaking.url}/v1/chat/completions", json=body, headers=speaking.headers(), timeout=30)
    print(f"answered after {time.monotonic() - began:.1f} s")
    assert answer.status_code == 200, answer.text
