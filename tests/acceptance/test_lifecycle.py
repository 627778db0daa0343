"""Starting, watching, killing and stopping the real thing. Stores and a replica killed under load: `test_faults_stores.py`."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from tests.acceptance.conftest import APP, COMMAND, ROOT, START_S_MAX, Seawall
from tests.acceptance.visitors import PLAIN, failed_panels, killed
from tests.ports import free_port
from tests.waiting import until

from seawall.cli.instance import locate
from seawall.cli.supervisor_process import family, start_ticks

TRIED_UNDER_LOAD = {"postgres-0", "valkey-0", "ui-read-0"}
FILE_BYTES_MAX = 400_000
"""Less than the products take, more than anything else needs that is written before them."""
SERVICES = {
    "postgres-0",
    "valkey-0",
    "ui-read-0",
    "ui-read-1",
    "ui-write-0",
    "model-proxy-0",
    "model-engine-0",
    "workers-0",
    "gateway-0",
    "vectors-0",
}


@pytest.fixture
def second(seawall: Seawall, tmp_path: Path) -> Iterator[Path]:
    """A data directory of the test's own, with the demo data already prepared."""
    shutil.copytree(seawall.data / "warehouse", tmp_path / "data" / "warehouse")
    yield tmp_path / "data"
    subprocess.run((*COMMAND, "down", "--data", str(tmp_path / "data")), check=True, capture_output=True)


def up(data: Path, **options: object) -> subprocess.CompletedProcess[str]:
    """`seawall up --detach --json` on a free port."""
    argv = (*COMMAND, "up", str(APP), "--detach", "--json", "--port", str(free_port()), "--data", str(data))
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=START_S_MAX, **options)


def processes_of(data: Path) -> list[str]:
    """Every process of the machine that belongs to the instance: by its environment, its arguments or its folder."""
    marks = (str(data), str(locate(data, os.environ).run))
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = [*process.cmdline(), process.environ().get("SEAWALL_DATA", ""), process.cwd()]
            if process.pid != os.getpid() and any(mark in word for mark in marks for word in words):
                found.append(f"{process.pid} {' '.join(process.cmdline())[:120]}")
    return found


def connections_of(pid: int) -> list:
    """None of a process that has just ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).net_connections("inet")
    return []


def gone(pids: list[int]) -> bool:
    return all(start_ticks(pid) is None for pid in pids)


def test_status_tells_of_every_service(seawall: Seawall) -> None:
    """Each with its pid, readiness, memory, restarts and age."""
    told: list[dict] = []

    def all_ready() -> bool:
        told[:] = [seawall.status()]
        return len(told[0]["services"]) >= len(SERVICES) and all(service["ready"] for service in told[0]["services"])

    until(all_ready)
    (status,) = told
    assert status["ready"] is True
    assert status["url"] == seawall.url
    assert {f"{service['name']}-{service['replica']}" for service in status["services"]} == SERVICES
    for service in status["services"]:
        assert service["ready"]
        assert start_ticks(service["pid"])
        assert service["memory_bytes"] > 1_000_000
        assert service["uptime_s"] > 0
        assert service["restarts"] >= 0
        assert service["state"] == "ready"


def test_only_the_gateway_opens_a_port(seawall: Seawall) -> None:
    """Every other process is reached over unix sockets in a private directory."""
    for label, pid in seawall.pids().items():
        listening = {
            connection.laddr.port
            for member in family(pid)
            for connection in connections_of(member)
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening == ({seawall.port} if label == "gateway-0" else set()), label


@pytest.mark.parametrize("label", sorted(SERVICES - TRIED_UNDER_LOAD))
def test_each_process_killed_comes_back(seawall: Seawall, label: str) -> None:
    """kill -9 of any one: a new process, and the instance is ready again."""
    until(lambda: seawall.status()["ready"])
    before = seawall.pids()[label]
    killed(seawall, label)
    until(lambda: seawall.pids().get(label, 0) not in (0, before) and seawall.status()["ready"])
    headers = seawall.headers() | PLAIN
    answer = httpx.get(f"{seawall.url}/merchandising/demand", headers=headers, timeout=30)
    assert answer.status_code == 200


def test_a_second_start_on_the_same_data_is_refused(seawall: Seawall) -> None:
    """Status 3 and a sentence with the first one's process and address; the first goes on."""
    until(lambda: "vectors-0" in seawall.pids())
    before = seawall.pids()
    done = up(seawall.data)
    assert done.returncode == 3
    assert done.stdout == ""
    assert f"runs already as process {seawall.status()['pid']} on {seawall.url}" in done.stderr
    assert f"seawall down --data {seawall.data}" in done.stderr
    assert seawall.pids() == before


def test_killed_or_stopped_nothing_is_left(second: Path, record_property: Callable[[str, object], None]) -> None:
    """SIGKILL of make, then of the supervisor, then `down`: every time all processes end, and the next start works."""
    argv = ("make", "--silent", "up", f"ARGS=--json --port {free_port()} --data {second}")
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as make:
        ready = next(line for line in make.stdout if line.startswith("{"))
        pids = family(json.loads(ready)["pid"])
        make.kill()
    assert len(pids) > len(SERVICES)
    until(lambda: gone(pids))
    began = time.monotonic()
    again = up(second)
    record_property("second_start_s", round(time.monotonic() - began, 1))
    print(f"second start: {time.monotonic() - began:.1f} s")
    assert again.returncode == 0, again.stderr
    pids = family(json.loads(again.stdout)["pid"])
    os.kill(pids[0], signal.SIGKILL)
    until(lambda: gone(pids) and processes_of(second) == [])
    assert up(second).returncode == 0
    assert len(processes_of(second)) > len(SERVICES)
    assert subprocess.run((*COMMAND, "down", "--data", str(second)), check=False).returncode == 0
    assert processes_of(second) == []


def test_a_full_disk_at_preparation_is_told_and_overcome(second: Path, empty_database_url: str) -> None:
    """No file may grow any more: the start ends with a sentence that says so, nothing runs; with room the next one finishes the rest."""
    environment = os.environ | {"DATABASE_URL": empty_database_url}
    folder = second / "warehouse" / "merchandising"
    shutil.rmtree(folder / "generations")
    (folder / "current").unlink()
    for products in (folder / "files").glob("products-*.parquet"):
        products.unlink()
    limits = (FILE_BYTES_MAX, resource.RLIM_INFINITY)
    done = up(second, env=environment, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits))
    assert done.returncode == 1
    assert f"No room to prepare data in {folder / 'files'}" in done.stderr
    assert "Free some space" in done.stderr
    assert processes_of(second) == []
    kept = {path.name: path.stat().st_mtime_ns for path in (folder / "files").glob("transactions-*.parquet")}
    assert kept
    again = up(second, env=environment)
    assert again.returncode == 0, again.stderr
    assert kept == {path.name: path.stat().st_mtime_ns for path in (folder / "files").glob("transactions-*.parquet")}
    headers = Seawall(second, json.loads(again.stdout)).headers() | PLAIN

    def shown() -> bool:
        page = httpx.get(f"{json.loads(again.stdout)['url']}/merchandising/transactions", headers=headers, timeout=30)
        return (page.status_code, failed_panels(page.text)) == (200, [])

    until(shown)
