"""Events are told; what they tell of does not depend on it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = "from seawall.telemetry.events import event; [event('job.failed', app='x') for _ in range(1000)]; print('went on')"


def test_an_event_is_one_line_of_json() -> None:
    """On standard error, with its name and when it was."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    first, *others = done.stderr.splitlines()
    assert len(others) == 999
    assert json.loads(first).keys() == {"at", "event", "app"}


def test_a_log_on_a_full_disk_stops_nobody() -> None:
    """A request that has something to tell is answered all the same."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=full, text=True, check=False)
    assert done.stdout == "went on\n"
