"""`seawall down`: stop the instance of a data directory, and only that."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import click

from seawall.cli.instance import locate, recover
from seawall.cli.supervisor_process import is_alive

STOP_S_MAX = 30.0
"""The supervisor stops its services within this; then it is killed, which ends them too."""


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=Path(".seawall"), show_default=True, help="The instance's data directory.")
def down(data: Path) -> None:
    """Stop an instance. Stopping one that does not run is no error."""
    instance = locate(data, os.environ)
    record = instance.read()
    if record is None or not record.running:
        click.echo(f"No instance with the data directory {instance.data} is running.", err=True)
        return
    os.kill(record.pid, signal.SIGTERM)
    until = time.monotonic() + STOP_S_MAX
    while is_alive(record.pid, record.started_ticks) and time.monotonic() < until:
        time.sleep(0.02)
    if is_alive(record.pid, record.started_ticks):
        os.kill(record.pid, signal.SIGKILL)
        recover(instance)
        click.echo(f"The instance did not stop within {STOP_S_MAX:.0f} s and was killed.", err=True)
        sys.exit(1)
    click.echo("Stopped.", err=True)
