"""Where an instance lives and who runs it.

Guarantees: `instance.json` is replaced in one step and names processes by pid and start time, so nothing that merely reuses a pid is ever
signalled. Making the directories is left to `instance_directories.py`, holding them to `instance_lock.py`, clearing what a killed instance
left to `instance_leftovers.py`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from seawall.cli.supervisor_process import is_alive
from seawall.core.errors import ConfigurationError
from seawall.core.settings import DRAIN_SECONDS
from seawall.store.whole_files import replace_whole

SOCKET_PATH_MAX = 107
"""sun_path holds 108 bytes with the closing zero (unix(7))."""
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
    base = Path(environment.get("XDG_RUNTIME_DIR") or "/tmp")  # noqa: S108 -- ours alone: `instance_directories.prepare` checks owner and mode
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
