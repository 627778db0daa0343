"""`seawall down`: stop the instance of a data directory, and only that."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import click
import msgspec

from seawall.cli.instance import AlreadyRunning, Instance, InstanceRecord, reach
from seawall.cli.instance_leftovers import clear_run, recover
from seawall.cli.instance_lock import is_held, lock
from seawall.cli.options import DATA, JSON
from seawall.cli.supervisor_process import is_alive
from seawall.core.errors import SeawallError

STOP_S_MAX = 30.0
"""The supervisor stops its services within this, beyond the time calls in flight get; then it is killed, which ends them too."""
BEGINNING_S_MAX = 15.0
"""How long a supervisor that holds the data directory may take to say who it is."""
KILLED_S_MAX = 5.0
"""How long the kernel may take to end what was killed."""
TOLD_AFTER_S = 2.0
"""A stop that takes longer says what it waits for."""


class Stopped(msgspec.Struct, frozen=True):
    """What `--json` prints."""

    stopped: bool
    """Whether an instance ran and now does not."""
    killed: bool
    """Whether it had to be killed."""
    data: str


@click.command()
@DATA
@click.option("--now", is_flag=True, help="Cut calls in flight instead of letting them end.")
@JSON
def down(data: Path, now: bool, as_json: bool) -> None:
    """Stop an instance. Stopping one that does not run is no error.

    New connections are refused at once; requests in flight, a model's answer among them, get SEAWALL_DRAIN_SECONDS (30) to end.
    """
    instance = _begun(reach(data, os.environ))
    record = instance.read()
    running = record is not None and record.running
    killed = _stop(instance, record, now=now) if record is not None and running else False
    if not running:
        if is_held(instance):
            raise SeawallError(
                f"A process holds the data directory {instance.data} and has not said who it is",
                fix=f"Look who it is with `fuser {shlex.quote(str(instance.data / 'instance.lock'))}`, and try again",
            )
        clear_left(instance)
    if as_json:
        click.echo(msgspec.json.encode(Stopped(running, killed, str(instance.data))).decode())
    elif not running:
        click.echo(f"No instance with the data directory {instance.data} is running.", err=True)
    else:
        click.echo("The instance did not stop in time and was killed." if killed else "Stopped.", err=True)
    sys.exit(1 if killed else 0)


def _begun(instance: Instance) -> Instance:
    """The instance, once its supervisor has said who it is: one that was started a moment ago is stopped, too."""
    until = time.monotonic() + BEGINNING_S_MAX
    while time.monotonic() < until and is_held(instance):
        record = instance.read()
        if record is not None and record.running:
            return Instance(instance.data, Path(record.run))
        time.sleep(0.02)
    return instance


def _stop(instance: Instance, record: InstanceRecord, *, now: bool) -> bool:
    """Ask the supervisor to stop, unless it was asked already and nothing is to be cut; whether it had to be killed."""
    if now or not _is_stopping(record):
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(record.pid, signal.SIGQUIT if now else signal.SIGTERM)
    began = time.monotonic()
    until, told = began + STOP_S_MAX + (0.0 if now else 2 * record.drain_s), now
    while is_alive(record.pid, record.started_ticks) and time.monotonic() < until:
        time.sleep(0.02)
        if not told and time.monotonic() > began + TOLD_AFTER_S and _drains(instance):
            click.echo(f"Waiting up to {record.drain_s:g} s for calls in flight; `seawall down --now` cuts them.", err=True)
            told = True
    if not is_alive(record.pid, record.started_ticks):
        return False
    with suppress(ProcessLookupError):
        os.kill(record.pid, signal.SIGKILL)
    until = time.monotonic() + KILLED_S_MAX
    while is_alive(record.pid, record.started_ticks) and time.monotonic() < until:
        time.sleep(0.02)
    clear_left(instance)  # unless somebody has begun another one meanwhile
    return True


def _is_stopping(record: InstanceRecord) -> bool:
    return any(service.state in ("stopping", "stopped") for service in record.services)


def _drains(instance: Instance) -> bool:
    """Whether calls in flight are waited for: the gateway, which is stopped first, is not yet."""
    record = instance.read()
    return record is not None and any(one.name == "gateway" and one.state == "stopping" for one in record.services)


def clear_left(instance: Instance) -> None:
    """Remove what a killed instance left: processes, sockets and their directory. Nothing while somebody holds the data directory."""
    if not (instance.data / "instance.lock").is_file():
        clear_run(instance)
        return
    try:
        held = lock(instance)
    except (AlreadyRunning, OSError):
        return
    try:
        recover(instance)
        instance.record_path.unlink(missing_ok=True)
        clear_run(instance)
    finally:
        os.close(held)
