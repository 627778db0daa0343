"""A whole instance of stand-ins under the real `seawall up`: one at a time, nothing left behind, recovery."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration import supervisor_house
from tests.ports import free_port
from tests.waiting import until

from seawall.cli.instance import locate
from seawall.cli.instance_lock import is_held
from seawall.cli.supervisor_process import family, start_ticks

HOUSE = (sys.executable, supervisor_house.__file__)
COMMAND = (sys.executable, "-m", "seawall.cli.main")
ROOT = Path(supervisor_house.__file__).parents[2]
DRAIN_S = 30
"""What is in flight gets, unless it is cut or given less."""


class House:
    """Starts instances in one data directory and ends what it started."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.started: list[subprocess.Popen[str]] = []
        self.environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def popen(self, *options: str, **environment: str) -> subprocess.Popen[str]:
        argv = (*HOUSE, str(self.data), *options)
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment | environment)
        self.started.append(process)
        return process

    def up(self, *options: str) -> tuple[subprocess.Popen[str], dict]:
        process = self.popen(*options)
        return process, json.loads(process.stdout.readline())

    def run(self, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        argv = (*HOUSE, str(self.data), *options)
        return subprocess.run(argv, capture_output=True, text=True, timeout=120, env=self.environment | environment)

    def command(self, name: str, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run((*COMMAND, name, "--data", str(self.data), *options), capture_output=True, text=True, timeout=120)

    def record(self) -> dict:
        return json.loads((self.data / "instance.json").read_text())

    def pids(self) -> list[int]:
        """The supervisor and everything beneath it."""
        return family(self.record()["pid"])

    def close(self) -> None:
        for process in self.started:
            process.kill()
            process.communicate()
        self.command("down")
        shutil.rmtree(locate(self.data, os.environ).run, ignore_errors=True)  # what the stand-ins noted there keeps it


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "data")
    yield made
    made.close()


def gone(pids: list[int]) -> bool:
    return all(start_ticks(pid) is None for pid in pids)


def test_ready_is_one_line_with_everything(house: House) -> None:
    """Address, link, data directory, port and pid, as documented."""
    port = free_port()
    process, ready = house.up("--port", str(port))
    assert ready == {
        "url": f"http://localhost:{port}",
        "sign_in_url": f"http://localhost:{port}/auth/link/code",
        "data": str(house.data),
        "port": port,
        "pid": process.pid,
    }


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_asked_to_stop_it_stops_everything_and_nothing_else(house: House, number: signal.Signals, status: int) -> None:
    """Ctrl-C (status 130) and SIGTERM (0) end what was started, grandchildren too; a neighbour lives."""
    neighbour = subprocess.Popen(["sleep", "60"])
    process, _ = house.up()
    pids = house.pids()
    assert len(pids) == 6
    process.send_signal(number)
    assert process.wait(timeout=60) == status
    assert gone(pids)
    assert neighbour.poll() is None
    assert not (house.data / "instance.json").exists()
    neighbour.kill()
    neighbour.wait()


def test_killed_it_leaves_no_orphan_and_the_next_start_recovers(house: House) -> None:
    """SIGKILL cannot be handled; the kernel tells the children. Stale sockets and records do not stop the next start."""
    process, _ = house.up()
    services = house.record()["services"]
    process.kill()
    until(lambda: gone([service["pid"] for service in services if service["pid"]]))
    assert house.command("status").returncode == 3
    _, ready = house.up()
    assert ready["pid"] != process.pid


def test_its_parent_killed_it_stops(house: House) -> None:
    """`make up` asks for this: killing make ends the instance."""
    script = f"SEAWALL_DIE_WITH_PARENT=$$ {sys.executable} {HOUSE[1]} {house.data} & wait"
    parent = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True, env=house.environment)
    assert json.loads(parent.stdout.readline())
    pids = house.pids()
    parent.kill()
    parent.communicate()
    until(lambda: gone(pids))


def test_two_started_at_once_have_two_ports(house: House, tmp_path: Path) -> None:
    """The first holds its port long before anything listens there."""
    other = House(tmp_path / "other")
    try:
        processes = [each.popen(STAND_IN_PLAN_S="1") for each in (house, other)]
        ports = [json.loads(process.stdout.readline())["port"] for process in processes]
        assert len(set(ports)) == 2
    finally:
        other.close()


@pytest.mark.parametrize("options", [(), ("--people",)])
def test_a_full_disk_under_its_output_does_not_end_supervision(house: House, options: tuple[str, ...]) -> None:
    """Nothing can be told; what is killed comes back all the same, and a stop is in order."""
    with Path("/dev/full").open("w") as full:
        process = subprocess.Popen((*HOUSE, str(house.data), *options), stdout=full, env=house.environment)
    house.started.append(process)
    until(lambda: house.command("status").returncode == 0)
    pids = house.pids()
    os.kill(next(s for s in house.record()["services"] if s["name"] == "right")["pid"], signal.SIGKILL)
    until(lambda: any(s["name"] == "right" and s["restarts"] == 1 and s["state"] == "ready" for s in house.record()["services"]))
    assert house.command("down").returncode == 0
    assert gone(pids)
    assert not (house.data / "instance.json").exists()


def test_nohup_is_heeded(house: House) -> None:
    """A closed terminal ends an instance, unless it was started to outlive it."""
    argv = ("nohup", *HOUSE, str(house.data))
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=house.environment)
    house.started.append(process)
    json.loads(process.stdout.readline())
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0


def test_down_stops_one_that_has_just_been_started(house: House) -> None:
    """Also before it has said who it is, and over what a killed one left said."""
    killed, _ = house.up()
    killed.kill()
    killed.communicate()
    process = house.popen(STAND_IN_PLAN_S="2")
    until(lambda: is_held(locate(house.data, os.environ)))
    done = house.command("down", "--json")
    assert (done.returncode, json.loads(done.stdout)["stopped"]) == (0, True)
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, bool(said)) in ((0, True), (130, False)), "who is stopped before it is ready never says that it is"


def test_a_detached_start_ends_with_whoever_waits_for_it(house: House) -> None:
    """SIGKILL of `up --detach` before it is ready leaves nothing."""
    waiting = house.popen("--detach", STAND_IN_PLAN_S="30")
    until(lambda: is_held(locate(house.data, os.environ)))
    waiting.kill()
    waiting.wait()
    until(lambda: not is_held(locate(house.data, os.environ)), 25)
    assert house.command("status").returncode == 3


def test_a_second_one_on_the_same_data_is_refused(house: House) -> None:
    """Status 3, and a sentence that names the first and the ways out."""
    process, ready = house.up()
    second = house.run()
    assert second.returncode == 3
    assert f"runs already as process {process.pid} on {ready['url']}" in second.stderr
    assert "seawall down" in second.stderr
    assert process.poll() is None


def test_a_port_that_is_taken_is_refused_when_it_was_asked_for(house: House) -> None:
    """Status 2 and what to do; nothing was started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = house.run("--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "is taken" in done.stderr
    assert "--port" in done.stderr
    assert not locate(house.data, os.environ).run.exists()


def test_detached_it_returns_when_ready_and_down_stops_it(house: House) -> None:
    """`status` knows each service; `down` ends all of them."""
    done = house.run("--detach")
    assert done.returncode == 0
    assert json.loads(done.stdout)["pid"] == house.record()["pid"]
    status = json.loads(house.command("status", "--json").stdout)
    assert status["ready"] is True
    assert [service["name"] for service in status["services"]] == ["back", "left", "right", "gateway"]
    assert all(service["pid"] and service["memory_bytes"] and service["uptime_s"] >= 0 for service in status["services"])
    pids = house.pids()
    assert house.command("down").returncode == 0
    assert gone(pids)


def test_detached_it_survives_whoever_started_it(house: House) -> None:
    """Also a closed terminal: it has a session of its own and holds no pipe."""
    done = house.run("--detach", SEAWALL_DIE_WITH_PARENT="")
    assert done.returncode == 0
    pid = house.record()["pid"]
    assert os.getsid(pid) == pid
    assert Path(f"/proc/{pid}/fd/1").readlink() == house.data / "logs" / "supervisor.log"


@pytest.mark.parametrize("detach", [(), ("--detach",)])
def test_a_preparation_that_fails_ends_the_start(house: House, detach: tuple[str, ...]) -> None:
    """Its own sentence is what people read, and nothing is left running."""
    said = json.dumps({"error": "The disk is full."})
    done = house.run(*detach, STAND_IN_PREPARE=said, STAND_IN_PREPARE_STATUS="1")
    assert done.returncode == 1
    assert "The disk is full." in done.stderr
    assert house.command("status").returncode == 3


def test_a_preparation_that_dies_silently_is_quoted_from_its_log(house: House) -> None:
    """Without a sentence of its own the last lines of its log must do."""
    done = house.run(STAND_IN_PREPARE="", STAND_IN_PREPARE_STATUS="9")
    assert done.returncode == 1
    assert "prepare-0 ended with status 9" in done.stderr
    assert "a last line" in done.stderr


def test_status_tells_of_a_service_that_was_killed_and_came_back(house: House) -> None:
    """A new pid, one restart, ready."""
    house.run("--detach")
    before = next(s for s in house.record()["services"] if s["name"] == "right")
    os.kill(before["pid"], signal.SIGKILL)

    def back() -> bool:
        after = next(s for s in house.record()["services"] if s["name"] == "right")
        return after["state"] == "ready" and after["pid"] != before["pid"] and after["restarts"] == 1

    until(back)
    assert house.command("status").returncode == 0


def test_down_clears_what_a_killed_one_left(house: House) -> None:
    """Its record, sockets and their directory; `--json` says that none was stopped."""
    process, _ = house.up()
    record = house.record()
    process.kill()
    until(lambda: gone([service["pid"] for service in record["services"] if service["pid"]]))
    (Path(record["run"]) / "events").unlink()
    done = house.command("down", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"stopped": False, "killed": False, "data": str(house.data)})
    assert not Path(record["run"]).exists()
    assert not (house.data / "instance.json").exists()


def test_down_tells_programs_that_it_stopped_one(house: House) -> None:
    """One object on standard output."""
    house.run("--detach")
    assert json.loads(house.command("down", "--json").stdout) == {"stopped": True, "killed": False, "data": str(house.data)}


def draining(house: House) -> Path:
    """Starts an instance, with a request in flight; its events."""
    house.run("--detach")
    run = Path(house.record()["run"])
    (run / "in-flight").touch()
    (run / "events").write_text("")
    return run / "events"


def test_a_stop_lets_what_is_in_flight_end(house: House) -> None:
    """The gateway takes nothing more and every service runs on until the request is answered; then all stop, the gateway first."""
    events = draining(house)
    stopping = subprocess.Popen((*COMMAND, "down", "--data", str(house.data)), stderr=subprocess.PIPE, text=True)
    with events.open() as kept:
        until(lambda: events.read_text() == "drain\n")
        time.sleep(0.5)
        assert events.read_text() == "drain\n"
        assert sum(1 for service in house.record()["services"] if service["state"] == "ready") == 3
        (events.parent / "in-flight").unlink()
        stopping.communicate(timeout=60)
        assert stopping.returncode == 0
        assert kept.read().splitlines()[:2] == ["drain", "stop gateway"]


def test_asked_twice_to_stop_it_cuts_nothing(house: House) -> None:
    """Two `seawall down`, or one that was interrupted and given again: only --now cuts."""
    events = draining(house)
    with events.open() as kept:
        stopping = []
        for _ in range(2):
            stopping.append(subprocess.Popen((*COMMAND, "down", "--data", str(house.data)), stderr=subprocess.PIPE, text=True))
            until(lambda: events.read_text() == "drain\n")
        time.sleep(1.5)
        assert events.read_text() == "drain\n"
        (events.parent / "in-flight").unlink()
        for each in stopping:
            each.communicate(timeout=60)
        assert [each.returncode for each in stopping] == [0, 0]
        assert kept.read().splitlines()[:2] == ["drain", "stop gateway"]


@pytest.mark.parametrize("how", ["--now", "a second signal", "the drain time"])
def test_what_is_in_flight_does_not_hold_a_stop_for_ever(house: House, how: str) -> None:
    """`down --now` cuts it, and so do a second signal and the end of the time it gets. All stop in order; nothing is killed."""
    if how == "the drain time":
        house.environment["SEAWALL_DRAIN_SECONDS"] = "1"
    events = draining(house)
    pids, began = house.pids(), time.monotonic()
    with events.open() as kept:
        if how == "a second signal":
            os.kill(pids[0], signal.SIGTERM)
            until(lambda: events.read_text() == "drain\n")
            os.kill(pids[0], signal.SIGTERM)
            until(lambda: gone(pids))
        else:
            assert house.command("down", *(["--now"] if how == "--now" else [])).returncode == 0
        assert time.monotonic() - began < DRAIN_S
        assert gone(pids)
        assert {f"stop {name}" for name in ("back", "left", "right", "gateway")} <= set(kept.read().splitlines())


def test_a_stop_that_waits_says_so(house: House) -> None:
    """With how long at most, and how to cut it short."""
    events = draining(house)
    stopping = subprocess.Popen((*COMMAND, "down", "--data", str(house.data)), stderr=subprocess.PIPE, text=True)
    assert "Waiting up to 30 s for calls in flight; `seawall down --now` cuts them." in stopping.stderr.readline()
    (events.parent / "in-flight").unlink()
    stopping.communicate(timeout=60)
    assert stopping.returncode == 0
