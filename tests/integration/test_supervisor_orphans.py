"""A service that does not listen when its supervisor is killed is ended all the same."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.waiting import until

from seawall.cli.supervisor_process import start_ticks

SERVICE = """
import os, signal, subprocess, time
from seawall.cli import services
os.setsid()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
worker = subprocess.Popen(["sleep", "60"])
services.outlive_nobody(os.getppid(), 0.1)
print(os.getpid(), worker.pid, flush=True)
time.sleep(60)
"""
SUPERVISOR = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SERVICE!r}])"


def test_a_deaf_service_and_its_workers_end_with_their_supervisor() -> None:
    """SIGTERM is ignored here, as by a service that hangs; the watch ends the whole group."""
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISOR], stdout=subprocess.PIPE, text=True, env=os.environ)
    pids = [int(word) for word in supervisor.stdout.readline().split()]
    supervisor.kill()
    supervisor.communicate()
    until(lambda: all(start_ticks(pid) is None for pid in pids), 40)
