"""Where an instance lives, who runs it, and what an earlier one left behind.

Guarantees: at most one supervisor holds a data directory (an flock, released by the kernel however the holder ends);
both directories are private (0700) and ours; `instance.json` is replaced in one step and names processes by pid and start
time, so nothing that merely reuses a pid is ever signalled.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shlex
import shutil
import signal
import socket
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from seawall.cli.supervisor_process import is_alive, processes_in, start_ticks
from seawall.core.errors import ConfigurationError
from seawall.core.settings import DRAIN_SECONDS
from seawall.store.whole_files import replace_whole

SOCKET_PATH_MAX = 107
"""sun_path holds 108 bytes with the closing zero (unix(7))."""
LOCK_S_MAX = 6.0
"""Somebody who only looks, or is about to end, may hold a data directory for a moment."""
OURS = frozenset({"instance.lock", "warehouse", "keys", "bundles", "postgres", "prepared"})
"""One of these in a directory tells that it is an instance's."""
_LONGEST_SOCKET_NAME = "postgres/.s.PGSQL.5432.lock"


class AlreadyRunning(ConfigurationError):
    """An instance with this data directory runs already."""

    slug = "already-running"
    title = "Already running"


class NotRunning(ConfigurationError):
    """No instance with this data directory runs."""

    slug = "not-running"
    title = "Not running"


class ServiceRecord(msgspec.Struct, frozen=True):
    """One process of the instance, as last seen by its supervisor."""

    name: str
    replica: int
    state: str
    pid: int = 0
    started_ticks: int = 0
    restarts: int = 0
    detail: str = ""
    task: bool = False
    """Whether it ends by itself."""
    awaited: bool = True
    """Whether the instance is ready only when this has been."""


class InstanceRecord(msgspec.Struct, frozen=True):
    """`instance.json`."""

    pid: int
    started_ticks: int
    url: str
    port: int
    data: str
    run: str
    services: tuple[ServiceRecord, ...] = ()
    apps: tuple[str, ...] = ()
    """The folders of its apps."""
    models: str = ""
    """Its models.yaml; empty: the one that ships with Seawall."""
    drain_s: float = DRAIN_SECONDS
    """How long calls in flight get to end when it is stopped."""

    @property
    def running(self) -> bool:
        """Whether the supervisor that wrote this is still there."""
        return is_alive(self.pid, self.started_ticks)


class Instance(msgspec.Struct, frozen=True):
    """The two directories of an instance."""

    data: Path
    run: Path

    @property
    def record_path(self) -> Path:
        """Where its supervisor writes what it runs."""
        return self.data / "instance.json"

    @property
    def logs(self) -> Path:
        """A log file a process."""
        return self.data / "logs"

    @property
    def cluster(self) -> Path:
        """Where an embedded Postgres keeps its data."""
        return self.data / "postgres" / "cluster"

    @property
    def vector_cluster(self) -> Path:
        """Where an embedded vector store keeps its data."""
        return self.data / "vectors" / "cluster"

    @property
    def clusters(self) -> tuple[Path, Path]:
        """Both."""
        return self.cluster, self.vector_cluster

    @property
    def holds(self) -> Path:
        """A file here with a unit's label lets it lie when it has ended (`supervisor_hold.py`)."""
        return self.data / "holds"

    def read(self) -> InstanceRecord | None:
        """What was last written for this directory; None when nothing readable was, or it came along with a copy of another one.

        ConfigurationError when this user may not look.
        """
        try:
            record = msgspec.json.decode(self.record_path.read_bytes(), type=InstanceRecord)
        except PermissionError as error:
            raise ConfigurationError(
                f"{self.data} is private to another user", fix="Run this as the user who started the instance, or name another with --data"
            ) from error
        except (OSError, msgspec.DecodeError):
            return None
        return record if Path(record.data) == self.data else None

    def write(self, record: InstanceRecord) -> None:
        """Replace the record in one step."""
        replace_whole(self.record_path, msgspec.json.encode(record) + b"\n")


def locate(data: Path, environment: Mapping[str, str]) -> Instance:
    """The instance whose data directory is `data`. ConfigurationError when its sockets' paths would be too long."""
    data = data.resolve()
    base = Path(environment.get("XDG_RUNTIME_DIR") or "/tmp")  # noqa: S108 -- ours alone: `prepare` checks owner and mode
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:10]
    run = base / f"seawall-{os.geteuid()}-{name}"
    longest = len(os.fsencode(run / _LONGEST_SOCKET_NAME))
    if longest > SOCKET_PATH_MAX:
        raise ConfigurationError(
            "The path of the directory for sockets is too long",
            expected=f"at most {SOCKET_PATH_MAX} bytes for a socket's path",
            got=f"{longest} bytes in {run}",
            fix="Set XDG_RUNTIME_DIR to a shorter directory, or unset it",
        )
    return Instance(data, run)


def reach(data: Path, environment: Mapping[str, str]) -> Instance:
    """`locate`, to find an instance that was started: its sockets are where its own environment, not ours, put them."""
    found = locate(data, environment)
    record = found.read()
    return Instance(found.data, Path(record.run)) if record else found


def prepare(instance: Instance) -> None:
    """Make both directories private. ConfigurationError when one cannot be made, belongs to somebody else or is for something else."""
    prepare_data(instance)
    _make_private(instance.run, "Set XDG_RUNTIME_DIR to a directory of this user, or unset it")


def prepare_data(instance: Instance) -> None:
    """`prepare` for what does not run: there will be no sockets."""
    _make_private(instance.data, "Choose another with --data")


def _make_private(path: Path, fix: str) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise ConfigurationError(f"{path} is not a directory of this user", fix=f"Remove it. {fix}")
        if stat.S_IMODE(found.st_mode) & 0o077 and not _may_be_closed(path):
            raise ConfigurationError(
                f"{path} holds something else, and Seawall would make it private", expected="a directory of its own", fix=fix
            )
        if stat.S_IMODE(found.st_mode) != 0o700:
            path.chmod(0o700)
    except OSError as error:
        raise ConfigurationError(f"Cannot use the directory {path}", got=error.strerror or str(error), fix=fix) from error


def _may_be_closed(path: Path) -> bool:
    """Whether nobody else needs a directory: it is empty, or Seawall has used it."""
    names = {entry.name for entry in path.iterdir()}
    return names <= {"lost+found"} or bool(names & OURS)


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
