"""A ui replica as a process: it serves while everything else is away, and drains when told to stop."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from seawall.core.principal import Principal
from seawall.trust.keys import load_or_create
from seawall.trust.tokens import Tokens

ROOT = Path(__file__).parents[2]
START_SECONDS_MAX = 60.0


class Replica:
    """One `seawall ui` process without Postgres, Valkey and data."""

    def __init__(self, folder: Path, lane: str) -> None:
        self.socket = folder / f"ui-{lane}-0.sock"
        self.keys = load_or_create(folder / "data" / "keys")
        environment = {
            **os.environ,
            "SEAWALL_DATA": str(folder / "data"),
            "SEAWALL_RUN": str(folder),
            "SEAWALL_APPS": str(ROOT / "apps" / "merchandising"),
            "DATABASE_URL": f"postgresql:///nowhere?host={folder}",
            "VALKEY_URL": f"unix://{folder}/nowhere.sock",
        }
        command = [sys.executable, "-m", "seawall.cli.main", "ui", "--lane", lane]
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if self.get("/healthz")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        self.process.kill()
        raise AssertionError(self.process.communicate()[1].decode()[-2000:])

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("localhost", timeout=20)
        connection.sock = socket.socket(socket.AF_UNIX)
        with contextlib.closing(connection):
            connection.sock.settimeout(20)
            connection.sock.connect(str(self.socket))
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()


@pytest.fixture(params=["read", "write"])
def replica(request: pytest.FixtureRequest) -> Iterator[Replica]:
    with tempfile.TemporaryDirectory() as folder:
        made = Replica(Path(folder), request.param)
        yield made
        made.process.kill()
        made.process.communicate()


def test_it_serves_and_drains_while_everything_else_is_away(replica: Replica) -> None:
    """Ready with what is soft missing; a page explains; a large URL is refused; SIGTERM ends it cleanly and soon."""
    status, body = replica.get("/readyz")
    checks = msgspec.json.decode(body)["checks"]
    assert status == 200
    assert {name: checks[name]["ok"] for name in ("bundle", "postgres", "valkey")} == {"bundle": True, "postgres": False, "valkey": False}

    if "read" in replica.socket.name:
        token = Tokens(replica.keys).mint(Principal("ann", roles=("approver",)), 300)
        status, body = replica.get("/merchandising/demand", authorization=f"Bearer {token}", accept="text/html")
        assert status == 200
        assert b"data-retry" in body
        assert replica.get("/merchandising/demand?" + "x" * 60_000, authorization=f"Bearer {token}")[0] in (400, 414, 431)

    replica.process.send_signal(signal.SIGTERM)
    _, events = replica.process.communicate(timeout=60)
    assert replica.process.returncode == 0
    assert b"service.stopped" in events
    assert b"Traceback" not in events
    assert b"leaked" not in events
    assert not replica.socket.exists()


@pytest.mark.parametrize("replica", ["read"], indirect=True)
def test_questions_are_explained_while_everything_else_is_away(replica: Replica) -> None:
    """No data, no Postgres, no model: a page that says so, for words and for parameters; what is kept cannot be looked up."""
    principal = Principal("tester", roles=("approver",))
    known = {"Authorization": f"Bearer {Tokens(replica.keys).mint(principal, 600)}", "Accept": "text/html", "User-Agent": "Chrome/156.0"}
    for query in ("q=net+sales+by+week", "metric=net_sales&by=week", ""):
        status, body = replica.get(f"/merchandising/ask?{query}", **known)
        assert status == 200
        assert b"Merchandising" in body
        assert not query or b"cannot be reached right now" in body
    assert replica.get("/merchandising/mine", **known)[0] == 503
