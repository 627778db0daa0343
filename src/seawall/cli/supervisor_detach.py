"""Going to the background: a fork with a session of its own, whose parent waits until it is ready.

Guarantees: the caller sees everything printed up to readiness on its own terminal or pipes, then gets them back: the detached
process writes to its log from then on. Interrupting or killing the caller before that ends the detached process too.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from seawall.cli.supervisor_process import die_with, outlive_parent


def detached(hold: Callable[[Callable[[], None]], int], log: Path) -> int:
    """Run `hold(on_ready)` in a process of its own; returns 0 here when it calls `on_ready`, or its exit status when it ends before.

    In the detached process this returns, later, what `hold` returns. Call it while there is one thread.
    """
    reading, writing = os.pipe()
    caller = os.getpid()
    child = os.fork()
    if child:
        os.close(writing)
        return _await_ready(child, reading)
    os.close(reading)
    os.setsid()
    die_with(caller)

    def on_ready() -> None:
        outlive_parent()
        _redirect(log)
        os.write(writing, b"\0")
        os.close(writing)

    return hold(on_ready)


def _await_ready(child: int, reading: int) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if os.read(reading, 1):
            return 0
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except KeyboardInterrupt:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
        return 130


def _redirect(log: Path) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    nothing = os.open(os.devnull, os.O_RDONLY)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor, target in ((nothing, 0), (file, 1), (file, 2)):
        os.dup2(descriptor, target)
    os.close(nothing)
    os.close(file)
