"""`seawall status`: what runs, whether it is ready, and what it costs in memory.

Exit status: 0 every service is ready; 1 one is not; 3 no instance runs.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click
import msgspec

from seawall.cli.instance import InstanceRecord, ServiceRecord, locate
from seawall.cli.options import DATA, JSON
from seawall.cli.supervisor_process import is_alive, memory_bytes, uptime_s
from seawall.workers.progress import FILE as PROGRESS_FILE
from seawall.workers.progress import read_progress

ENDED = "ended"
"""The state of a process that is gone and whose supervisor has not said so yet."""


class ServiceStatus(msgspec.Struct, frozen=True):
    """One process now. A pid of 0: it does not run."""

    name: str
    replica: int
    pid: int
    ready: bool
    memory_bytes: int
    restarts: int
    uptime_s: float
    state: str
    detail: str = ""


class JobStatus(msgspec.Struct, frozen=True):
    """A long job of the workers, under way."""

    job: str
    app: str
    what: str
    done: int
    total: int
    running_s: float


class Status(msgspec.Struct, frozen=True):
    """An instance now."""

    ready: bool
    url: str
    pid: int
    data: str
    services: tuple[ServiceStatus, ...] = ()
    jobs: tuple[JobStatus, ...] = ()


@click.command()
@DATA
@JSON
def status(data: Path, as_json: bool) -> None:
    """Tell how an instance is."""
    instance = locate(data, os.environ)
    record = instance.read()
    running = record is not None and record.running
    found = status_of(record) if record and running else Status(ready=False, url="", pid=0, data=str(instance.data))
    click.echo(msgspec.json.encode(found).decode() if as_json else describe(found))
    if not running:
        sys.exit(3)
    sys.exit(0 if found.ready else 1)


def status_of(record: InstanceRecord) -> Status:
    """What the record says, checked against the processes there are."""
    told = [service for service in record.services if service.state not in ("done", "stopped") and not is_beside(service)]
    services = tuple(_service(service) for service in told)
    ready = bool(services) and all(
        status.ready for status, service in zip(services, told, strict=True) if service.awaited or not is_beginning(service)
    )
    return Status(ready=ready, url=record.url, pid=record.pid, data=record.data, services=services, jobs=_jobs(record))


def _jobs(record: InstanceRecord) -> tuple[JobStatus, ...]:
    """What workers that still run have said."""
    workers = {service.pid for service in record.services if service.name == "workers" and is_alive(service.pid, service.started_ticks)}
    return tuple(
        JobStatus(each.job, each.app, each.what, each.done, each.total, round(max(0.0, time.time() - each.began), 1))
        for each in read_progress(Path(record.data) / PROGRESS_FILE)
        if each.pid in workers
    )


def is_beside(service: ServiceRecord) -> bool:
    """Whether it is a task that nobody waits for, on its way for the first time."""
    return service.task and not service.awaited and not service.restarts and service.state not in ("failed", "backing-off")


def is_beginning(service: ServiceRecord) -> bool:
    """Whether it starts for the first time."""
    return service.state in ("waiting", "starting") and not service.restarts


def _service(service: ServiceRecord) -> ServiceStatus:
    alive = is_alive(service.pid, service.started_ticks)
    return ServiceStatus(
        name=service.name,
        replica=service.replica,
        pid=service.pid if alive else 0,
        ready=alive and service.state == "ready",
        memory_bytes=memory_bytes(service.pid) if alive else 0,
        restarts=service.restarts,
        uptime_s=round(uptime_s(service.started_ticks), 1) if alive else 0.0,
        state=service.state if alive or not service.pid else ENDED,
        detail=service.detail,
    )


def describe(found: Status) -> str:
    """The status as a table."""
    if not found.services:
        return f"No instance with the data directory {found.data} is running."
    lines = [f"{'ready' if found.ready else 'not ready'}  {found.url}  process {found.pid}", ""]
    for service in found.services:
        label = service.name if service.name != "ui-read" else f"{service.name}-{service.replica}"
        state = "ready" if service.ready else f"{service.state} {service.detail}".strip()
        memory = f"{service.memory_bytes / 2**20:.0f} MB"
        lines.append(f"  {label:<16}{service.pid:>8}{memory:>9}{service.uptime_s:>9.0f} s  {service.restarts} restarts  {state}")
    lines += [
        f"  {each.job} {each.app}/{each.what}: {each.done:,} of {each.total:,} ({each.done / max(1, each.total):.0%})"
        for each in found.jobs
    ]
    return "\n".join(lines)
