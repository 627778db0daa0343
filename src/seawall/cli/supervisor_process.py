"""One child process: started so that it cannot outlive us, watched without a thread, ended without a trace.

Guarantees: a child dies when its supervisor does, however that dies (`PR_SET_PDEATHSIG`, set after any change of identity,
which would clear it, and checked against the race in between). A child leads its own process group, so a terminal's Ctrl-C reaches
only the supervisor, and whatever a killed child leaves behind is killed with its group. A process is identified by pid and
start time together, so a reused pid is never mistaken for ours. Linux only.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from seawall.store.embedded_postgres import NOBODY, Identity

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000
_libc = ctypes.CDLL(None, use_errno=True)


class Child:
    """A running child. `wait` may be awaited by several tasks."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid
        self.started_ticks = start_ticks(process.pid) or 0
        self._pidfd = os.pidfd_open(process.pid)
        self._exit: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_reader(self._pidfd, self._ended)

    async def wait(self) -> int:
        """The exit status, negative for a signal, once the process is gone and its group cleared."""
        return await asyncio.shield(self._exit)

    def signal(self, number: int) -> None:
        """Send a signal to the process alone; nothing when it is gone."""
        if self._exit.done():
            return
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def kill_group(self) -> None:
        """Kill the process and everything it started that is still in its group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        self.kill_group()
        status = self._process.wait()
        os.close(self._pidfd)
        self._pidfd = -1
        self._exit.set_result(status)


def spawn(
    argv: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdout: int,
    stderr: int,
    death_signal: int = signal.SIGTERM,
    identity: Identity = "self",
) -> Child:
    """Start `argv`, writing to these file descriptors. OSError or SubprocessError when it cannot be started."""
    credentials: dict[str, object] = {}
    if identity == "nobody":
        credentials = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    process = subprocess.Popen(  # noqa: S603 -- the plan's own commands, never a shell
        argv,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        preexec_fn=_tie_to_parent(os.getpid(), death_signal, namespace=identity == "namespace"),
        **credentials,  # type: ignore[call-overload]
    )
    return Child(process)


def _tie_to_parent(parent: int, death_signal: int, *, namespace: bool) -> Callable[[], None]:
    def in_child() -> None:
        if namespace:
            _enter_namespace()
        _libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return in_child


def _enter_namespace() -> None:
    """Become 65534 in a user namespace of our own; on disk we stay who we were (user_namespaces(7))."""
    user, group = os.geteuid(), os.getegid()
    if _libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWUSER)")
    for name, content in (("setgroups", "deny"), ("uid_map", f"{NOBODY} {user} 1"), ("gid_map", f"{NOBODY} {group} 1")):
        Path("/proc/self", name).write_text(content)


def postgres_identity(cluster: Path) -> Identity:
    """As whom this user can run Postgres: as whoever owns the cluster there is, else found by trying."""
    if os.geteuid() != 0:
        return "self"
    if cluster.exists() and cluster.stat().st_uid == NOBODY:
        return "nobody"
    try:
        subprocess.run(["/bin/true"], preexec_fn=_enter_namespace, check=True)
    except (OSError, subprocess.SubprocessError):
        return "nobody"
    return "namespace"


def die_with(parent: int, number: int = signal.SIGTERM) -> None:
    """Ask for a signal when `parent`, which must be our parent, ends; at once when it has ended already."""
    _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if parent > 1 and os.getppid() != parent:
        os.kill(os.getpid(), number)


def outlive_parent() -> None:
    """Take `die_with` back."""
    _libc.prctl(_PR_SET_PDEATHSIG, 0, 0, 0, 0)


def describe_end(status: int | str) -> str:
    """An exit status in words, or why there is none."""
    if isinstance(status, str):
        return f"could not start: {status}"
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot (field 22 of proc_pid_stat(5)); None when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def is_alive(pid: int, started_ticks: int) -> bool:
    """Whether the process that had this pid and start time is still there."""
    return pid > 0 and start_ticks(pid) == started_ticks


def uptime_s(started_ticks: int) -> float:
    """Seconds since a process started."""
    boot_s = float(Path("/proc/uptime").read_text().split()[0])
    return max(0.0, boot_s - started_ticks / os.sysconf("SC_CLK_TCK"))


def family(pid: int) -> list[int]:
    """A process and everything beneath it."""
    found = [pid]
    for parent in found:
        with suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def memory_bytes(pid: int) -> int:
    """Memory of a process and everything beneath it; shared pages are divided among those that share them (PSS)."""
    total = 0
    for member in family(pid):
        with suppress(OSError):
            for line in Path(f"/proc/{member}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def processes_in(directory: Path) -> list[int]:
    """Processes whose working directory is `directory`: how a Postgres on a cluster is found without trusting its pid file."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                if (entry / "cwd").readlink() == directory:
                    found.append(int(entry.name))
    return found
