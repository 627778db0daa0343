"""The supervisor over real processes: order, health, restarts, stopping."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from tests.integration.supervisor_house import service, task
from tests.waiting import eventually

from seawall.cli.supervisor import Supervisor
from seawall.cli.supervisor_logs import Logs
from seawall.cli.supervisor_process import start_ticks
from seawall.cli.supervisor_terms import Terms
from seawall.cli.supervisor_units import Change, RestartPolicy, Unit

QUICK = RestartPolicy(delay_s=0.02, delay_s_max=0.05, failures_max=2)


class Watched:
    """A supervisor and everything it said."""

    def __init__(self, run: Path, units: list[Unit], silent_s_max: float) -> None:
        self.run = run
        self.changes: list[Change] = []
        self.heard: list[bytes] = []
        terms = Terms(
            Logs(run / "logs"),
            self.changes.append,
            on_output=lambda unit, line: self.heard.append(line),
            policy=QUICK,
            silent_s_max=silent_s_max,
        )
        self.supervisor = Supervisor(units, terms)

    def states(self, name: str) -> list[str]:
        return [change.state for change in self.changes if change.unit.name == name]

    def last(self, name: str) -> Change:
        return next(change for change in reversed(self.changes) if change.unit.name == name)

    def events(self) -> list[str]:
        return (self.run / "events").read_text().splitlines()


@asynccontextmanager
async def watched(run: Path, *units: Unit, silent_s_max: float = 30.0) -> AsyncIterator[Watched]:
    made = Watched(run, list(units), silent_s_max)
    try:
        yield made
    finally:
        await made.supervisor.stop()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path


async def test_each_starts_when_what_it_needs_is_ready(run: Path) -> None:
    """Back, then a task, then two services at once, then the front; and the reverse to stop."""
    units = [
        service(run, "front", needs=("left", "right")),
        service(run, "left", needs=("prepare",)),
        service(run, "right", needs=("prepare",)),
        task("prepare", "--say", "hello", needs=("back",)),
        service(run, "back", "--delay", "0.2"),
    ]
    async with watched(run, *units) as house:
        assert await house.supervisor.start() == []
        assert house.heard == [b"hello"]
        begun = house.events()
        await house.supervisor.stop()
    assert begun[0] == "start back"
    assert begun[-1] == "start front"
    ended = house.events()[len(begun) :]
    assert ended[0] == "stop front"
    assert ended[-1] == "stop back"
    assert {change.state for change in house.changes[-4:]} <= {"stopping", "stopped"}


async def test_a_killed_service_comes_back_and_the_others_do_not_notice(run: Path) -> None:
    """kill -9 gives a new process within moments; its neighbour keeps its pid."""
    async with watched(run, service(run, "one"), service(run, "other")) as house:
        await house.supervisor.start()
        first, other = house.last("one").pid, house.last("other").pid
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: house.states("one")[-2:] == ["starting", "ready"] and house.last("one").pid != first)
        assert house.last("other").pid == other
        assert house.last("one").restarts == 1
        assert "killed by SIGKILL" in next(change.detail for change in house.changes if change.state == "backing-off")


async def test_what_never_comes_up_is_given_up_and_the_others_go_on(run: Path) -> None:
    """After the policy's number of failures it stays down, with the reason; what needs it does not start."""
    units = [
        service(run, "broken", "--end", "3", essential=False),
        service(run, "dependent", needs=("broken",), essential=False),
        service(run, "other"),
    ]
    async with watched(run, *units) as house:
        given_up = await house.supervisor.start()
        assert {unit.name for unit in given_up} == {"broken", "dependent"}
        assert house.events().count("start broken") == QUICK.failures_max + 1
        assert house.last("broken").detail == "ended with status 3"
        assert house.last("dependent").detail == "needs broken-0"
        assert house.last("other").state == "ready"


async def test_what_has_worked_is_started_again_however_often_it_ends(run: Path) -> None:
    """A disk that is full for a while, or somebody who kills it again and again, takes nothing away for good."""
    async with watched(run, service(run, "one")) as house:
        await house.supervisor.start()
        for count in range(1, QUICK.failures_max + 4):
            pid = house.last("one").pid
            os.kill(pid, signal.SIGKILL)
            await eventually(lambda: house.last("one").state == "ready" and house.last("one").restarts == count)  # noqa: B023


async def test_an_essential_one_given_up_ends_the_start(run: Path) -> None:
    """Nobody waits for the others then; stopping ends them."""
    async with watched(run, service(run, "broken", "--end", "3"), service(run, "slow", "--delay", "60")) as house:
        assert [unit.name for unit in await house.supervisor.start()] == ["broken"]
        assert house.last("slow").state == "starting"


async def test_what_uses_another_starts_beside_it_and_stops_before_it(run: Path) -> None:
    """The gateway is up while services still start, and gone before they go."""
    front = msgspec.structs.replace(service(run, "front"), uses=("back",))
    async with watched(run, front, service(run, "back", "--delay", "1.0")) as house:
        await house.supervisor.start()
        assert [change.unit.name for change in house.changes if change.state == "ready"] == ["front", "back"]
        await house.supervisor.stop()
    assert house.events()[-2:] == ["stop front", "stop back"]


async def test_a_task_that_may_be_tried_again_is(run: Path) -> None:
    """What it waits for comes later; nobody waits for the task."""
    script = f"import pathlib, sys; sys.exit(not pathlib.Path({str(run / 'there')!r}).exists())"
    unit = Unit(name="later", argv=(sys.executable, "-S", "-c", script), essential=False, awaited=False, again_s=0.05)
    async with watched(run, unit, service(run, "one")) as house:
        assert await house.supervisor.start() == []
        await eventually(lambda: house.last("later").restarts > QUICK.failures_max + 1)
        (run / "there").touch()
        await eventually(lambda: house.last("later").state == "done")


async def test_what_is_set_up_wrongly_is_not_tried_again(run: Path) -> None:
    """Exit status 2 says so; the next try would end the same."""
    async with watched(run, service(run, "wrong", "--end", "2")) as house:
        assert len(await house.supervisor.start()) == 1
        assert house.events() == ["start wrong"]


async def test_a_program_that_is_not_there_is_given_up_with_its_name(run: Path) -> None:
    """The reason reaches status, not a traceback."""
    unit = Unit(name="absent", argv=("/nonexistent/program",), probe=service(run, "absent").probe)
    async with watched(run, unit) as house:
        assert [found.name for found in await house.supervisor.start()] == ["absent"]
        assert "/nonexistent/program" in house.last("absent").detail


async def test_a_service_that_says_it_is_not_ready_is_left_running(run: Path) -> None:
    """Its own words become the detail; it turns ready again by itself."""
    async with watched(run, service(run, "one")) as house:
        await house.supervisor.start()
        (run / "unready-one").touch()
        await eventually(lambda: house.last("one").state == "unready")
        assert house.last("one").detail == "store: away"
        (run / "unready-one").unlink()
        await eventually(lambda: house.last("one").state == "ready")
        assert house.last("one").restarts == 0


async def test_a_service_that_hangs_is_killed_and_started_again(run: Path) -> None:
    """One that answers nothing for too long counts as ended."""
    async with watched(run, service(run, "one"), silent_s_max=0.5) as house:
        await house.supervisor.start()
        (run / "deaf-one").touch()
        await eventually(lambda: "backing-off" in house.states("one"))
        (run / "deaf-one").unlink()
        await eventually(lambda: house.last("one").state == "ready")


async def test_one_that_will_not_stop_is_killed(run: Path) -> None:
    """The grace is bounded."""
    async with watched(run, service(run, "one", "--stubborn", grace_s=0.2)) as house:
        await house.supervisor.start()
        pid = house.last("one").pid
        await house.supervisor.stop()
        assert start_ticks(pid) is None


async def test_what_a_killed_service_had_started_is_killed_too(run: Path) -> None:
    """Its children would otherwise hold sockets and files."""
    async with watched(run, service(run, "one", "--children")) as house:
        await house.supervisor.start()
        child = int(next(line for line in house.events() if line.startswith("child")).split()[1])
        os.kill(house.last("one").pid, signal.SIGKILL)
        await eventually(lambda: start_ticks(child) is None)


async def test_stopping_while_starting_leaves_nothing(run: Path) -> None:
    """Ctrl-C during a slow start does not wait for it."""
    async with watched(run, service(run, "slow", "--delay", "60"), service(run, "front", needs=("slow",))) as house:
        starting = asyncio.create_task(house.supervisor.start())
        await eventually(lambda: bool(house.states("slow")))
        pid = house.last("slow").pid
        await house.supervisor.stop()
        await starting
        assert start_ticks(pid) is None
        assert "starting" not in house.states("front")
