"""Who holds a data directory.

Guarantees: at most one supervisor does: an flock, released by the kernel however the holder ends.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import time

from seawall.cli.instance import AlreadyRunning, Instance, InstanceRecord
from seawall.core.errors import ConfigurationError

LOCK_S_MAX = 6.0
"""Somebody who only looks, or is about to end, may hold a data directory for a moment."""


def lock(instance: Instance) -> int:
    """Hold the data directory until this process ends; returns the descriptor to keep. AlreadyRunning when held."""
    try:
        descriptor = os.open(instance.data / "instance.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"Cannot write in {instance.data}",
            got=error.strerror or str(error),
            fix="Choose another with --data",
        ) from error
    until = time.monotonic() + LOCK_S_MAX
    while not (locked := _flock(descriptor)) and not _runs(record := instance.read()) and time.monotonic() < until:
        time.sleep(0.02)
    if not locked:
        os.close(descriptor)
        where = f" as process {record.pid} on {record.url}" if record and record.running else ""
        raise AlreadyRunning(
            f"An instance with the data directory {instance.data} runs already{where}",
            fix=f"Use that one, stop it with `seawall down --data {shlex.quote(str(instance.data))}`, or choose another with --data",
        )
    return descriptor


def _flock(descriptor: int) -> bool:
    """Whether the lock was free and is ours now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _runs(record: InstanceRecord | None) -> bool:
    return record is not None and record.running


def is_held(instance: Instance) -> bool:
    """Whether a supervisor holds the data directory now."""
    try:
        descriptor = os.open(instance.data / "instance.lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _flock(descriptor)
    finally:
        os.close(descriptor)
