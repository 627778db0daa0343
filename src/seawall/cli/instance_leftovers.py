"""What an instance that was killed left behind: processes, sockets, their directory.

Guarantees: nothing is ended or removed that is not known to be the instance's own.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path

from seawall.cli.instance import Instance
from seawall.cli.supervisor_process import is_alive, processes_in, start_ticks


def recover(instance: Instance, grace_s: float = 5.0) -> list[int]:
    """End what a killed supervisor left behind and remove its sockets; returns the pids ended. Call with the lock held."""
    record = instance.read()
    left = [(s.pid, s.started_ticks) for s in record.services if is_alive(s.pid, s.started_ticks)] if record else []
    clusters = [path.resolve() for path in instance.clusters]
    for cluster in clusters:
        left += [(pid, ticks) for pid in processes_in(cluster) if (ticks := start_ticks(pid)) and (pid, ticks) not in left]
    end_processes(left, grace_s)
    for cluster in clusters:
        if not processes_in(cluster):
            (cluster / "postmaster.pid").unlink(missing_ok=True)
    for path in (*instance.run.glob("*.sock"), instance.run / "prepared", *instance.run.rglob(".s.PGSQL.*")):
        path.unlink(missing_ok=True)
    return [pid for pid, _ in left]


def clear_run(instance: Instance) -> bool:
    """Remove the directory for sockets when nothing answers in it; whether it is gone. It stays when it holds anything we do not know."""
    run = instance.run
    if run.is_symlink() or not run.is_dir() or run.stat().st_uid != os.geteuid():
        return not run.exists()
    sockets = [path for path in run.rglob("*") if path.is_socket()]
    if any(_answers(path) for path in sockets):
        return False
    with suppress(OSError):
        for path in (*sockets, run / "prepared", *run.rglob(".s.PGSQL.*.lock")):
            path.unlink(missing_ok=True)
        for folder in (run / "gateway", run / "postgres", run / "vectors"):
            shutil.rmtree(folder, ignore_errors=True)
        run.rmdir()
    return not run.exists()


def _answers(path: Path) -> bool:
    """Whether somebody accepts connections on a socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except TimeoutError:
            return True
        except OSError:
            return False
    return True


def end_processes(processes: list[tuple[int, int]], grace_s: float) -> None:
    """Ask processes, named by pid and start ticks, to stop (SIGINT: Postgres' fast shutdown); kill their groups after `grace_s`."""
    for pid, ticks in processes:
        _signal(pid, ticks, signal.SIGINT)
    until = time.monotonic() + grace_s
    while time.monotonic() < until and any(is_alive(pid, ticks) for pid, ticks in processes):
        time.sleep(0.02)
    for pid, ticks in processes:
        _signal(pid, ticks, signal.SIGKILL)


def _signal(pid: int, ticks: int, number: int) -> None:
    if is_alive(pid, ticks):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
