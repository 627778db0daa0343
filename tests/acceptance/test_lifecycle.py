"""Starting, watching, killing and stopping the real thing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from tests.acceptance.conftest import COMMAND, ROOT, Seawall, _free_port

from seawall.cli.supervisor_process import family, start_ticks

SERVICES = {"postgres-0", "valkey-0", "ui-read-0", "ui-read-1", "ui-write-0", "model-proxy-0", "workers-0", "gateway-0"}


@pytest.fixture
def second(seawall: Seawall, tmp_path: Path) -> Iterator[Path]:
    """A data directory of the test's own, with the demo data already prepared."""
    shutil.copytree(seawall.data / "warehouse", tmp_path / "data" / "warehouse")
    yield tmp_path / "data"
    subprocess.run((*COMMAND, "down", "--data", str(tmp_path / "data")), check=True, capture_output=True)


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def gone(pids: list[int]) -> bool:
    return all(start_ticks(pid) is None for pid in pids)


def test_status_tells_of_every_service(seawall: Seawall) -> None:
    """Each with its pid, readiness, memory, restarts and age."""
    status = seawall.status()
    assert status["ready"] is True
    assert status["url"] == seawall.url
    assert {f"{service['name']}-{service['replica']}" for service in status["services"]} == SERVICES
    for service in status["services"]:
        assert service["ready"]
        assert start_ticks(service["pid"])
        assert service["memory_bytes"] > 1_000_000
        assert service["uptime_s"] > 0
        assert service["restarts"] == 0


def test_only_the_gateway_opens_a_port(seawall: Seawall) -> None:
    """Every other process is reached over unix sockets in a private directory."""
    for label, pid in seawall.pids().items():
        listening = {
            connection.laddr.port
            for member in family(pid)
            for connection in psutil.Process(member).net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening == ({seawall.port} if label == "gateway-0" else set()), label


@pytest.mark.parametrize("label", sorted(SERVICES))
def test_each_process_killed_comes_back(seawall: Seawall, label: str) -> None:
    """kill -9 of any one: a new process, and the instance is ready again."""
    before = seawall.pids()[label]
    os.kill(before, signal.SIGKILL)
    until(lambda: seawall.pids().get(label, 0) not in (0, before) and seawall.status()["ready"])
    headers = seawall.headers() | {"Accept-Encoding": "identity"}  # httpx cannot read joined zstd frames; browsers can
    answer = httpx.get(f"{seawall.url}/merchandising/demand", headers=headers, timeout=15)
    assert answer.status_code == 200


def test_make_up_killed_leaves_nothing(second: Path) -> None:
    """SIGKILL of make ends the instance; the next start on its data works."""
    argv = ("make", "--silent", "up", f"ARGS=--json --port {_free_port()} --data {second}")
    make = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    ready = json.loads(make.stdout.readline())
    pids = family(ready["pid"])
    assert len(pids) > len(SERVICES)
    make.kill()
    make.communicate()
    until(lambda: gone(pids))
    again = (*COMMAND, "up", str(ROOT / "apps" / "merchandising"), "--detach", "--json", "--data", str(second))
    assert subprocess.run(again, capture_output=True, check=False).returncode == 0
