"""What `seawall status` and `seawall down` say."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from seawall.cli.down import down
from seawall.cli.instance import Instance, InstanceRecord, ServiceRecord
from seawall.cli.instance_directories import prepare
from seawall.cli.status import describe, status, status_of
from seawall.cli.supervisor_process import start_ticks
from seawall.workers.progress import FILE as PROGRESS_FILE
from seawall.workers.progress import ProgressBook


@pytest.fixture
def here() -> tuple[int, int]:
    """A process that is surely alive: this one."""
    return os.getpid(), start_ticks(os.getpid()) or 0


def _record(pid: int, ticks: int, *services: ServiceRecord) -> InstanceRecord:
    return InstanceRecord(pid, ticks, "http://localhost:8420", 8420, "/data", "/run", services)


def test_ready_when_every_service_is(here: tuple[int, int]) -> None:
    """Tasks that are done do not count; memory and age come from the process."""
    found = status_of(_record(*here, ServiceRecord("ui-read", 0, "ready", *here), ServiceRecord("prepare", 0, "done")))
    assert found.ready
    assert [service.name for service in found.services] == ["ui-read"]
    assert found.services[0].memory_bytes > 1_000_000
    assert found.services[0].uptime_s >= 0


def test_a_process_that_is_gone_is_not_ready(here: tuple[int, int]) -> None:
    """Even when the record, written before, says so."""
    found = status_of(_record(*here, ServiceRecord("ui-read", 0, "ready", here[0], here[1] + 1)))
    assert not found.ready
    assert (found.services[0].pid, found.services[0].state) == (0, "ended")


def test_a_service_given_up_is_named_with_its_reason(here: tuple[int, int]) -> None:
    """People see what happened without reading logs."""
    found = status_of(_record(*here, ServiceRecord("workers", 0, "failed", restarts=7, detail="ended with status 1")))
    assert "failed ended with status 1" in describe(found)


def test_nothing_running_is_status_3(tmp_path: Path) -> None:
    """In JSON too, so that scripts need not parse words."""
    done = CliRunner().invoke(status, ["--data", str(tmp_path), "--json"])
    assert done.exit_code == 3
    assert json.loads(done.output)["ready"] is False


def test_down_without_an_instance_is_no_error(tmp_path: Path) -> None:
    """Also when a record was left by one that was killed."""
    assert CliRunner().invoke(down, ["--data", str(tmp_path)]).exit_code == 0
    instance = Instance(tmp_path / "data", tmp_path / "run")
    prepare(instance)
    instance.write(_record(os.getpid(), 1))
    assert CliRunner().invoke(down, ["--data", str(tmp_path / "data")]).exit_code == 0


def test_what_begins_beside_the_instance_does_not_make_it_unready(here: tuple[int, int]) -> None:
    """Unlike what has begun and is away again, however little it matters."""
    web, beside = ServiceRecord("ui-read", 0, "ready", *here), ServiceRecord("vectors", 0, "starting", awaited=False)
    assert status_of(_record(*here, web, beside)).ready
    assert not status_of(_record(*here, web, msgspec.structs.replace(beside, state="backing-off", restarts=1))).ready
    assert not status_of(_record(*here, web, msgspec.structs.replace(beside, state="held"))).ready
    task = ServiceRecord("vectors-prepare", 0, "starting", task=True, awaited=False)
    assert [each.name for each in status_of(_record(*here, web, task)).services] == ["ui-read"]
    assert not status_of(_record(*here, web, msgspec.structs.replace(task, state="failed"))).ready
    again = msgspec.structs.replace(task, restarts=1)
    assert not status_of(_record(*here, web, again)).ready, "between two tries it is no better"


def test_long_jobs_are_told_while_their_worker_lives(tmp_path: Path, here: tuple[int, int]) -> None:
    """What a worker that is gone left behind is not."""
    pid, ticks = here
    record = InstanceRecord(pid, ticks, "", 0, str(tmp_path), "/run", (ServiceRecord("workers", 0, "ready", pid, ticks),))
    book = ProgressBook(tmp_path / PROGRESS_FILE)
    book.tell("embed", "shop", "similar", 320, 1280)
    assert [(job.what, job.done, job.total) for job in status_of(record).jobs] == [("similar", 320, 1280)]
    assert "embed shop/similar: 320 of 1,280 (25%)" in describe(status_of(record))
    gone = msgspec.structs.replace(record, services=(ServiceRecord("workers", 0, "ready", pid, ticks + 1),))
    assert status_of(gone).jobs == ()
    book.end("embed", "shop", "similar")
    assert status_of(record).jobs == ()
