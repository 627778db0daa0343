"""The gateway when things go wrong around it: replicas killed, services away, too many connections, a supervisor that dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.integration import gateway_stand_ins
from tests.integration.gateway_envoy import envoy, port_of, status
from tests.integration.gateway_stand_ins import Loop, Upstream
from tests.ports import free_port
from tests.waiting import until

from seawall.core.principal import Principal
from seawall.gateway import admin
from seawall.gateway.plan import Plan
from seawall.gateway.service import arguments, prepare, write
from seawall.trust.keys import generate
from seawall.trust.tokens import Tokens

KEYS = generate()
TOKEN = Tokens(KEYS).mint(Principal(user="mia"), 86_000)
BEARER = {"authorization": f"Bearer {TOKEN}"}
PROGRAM = gateway_stand_ins.__file__


@pytest.fixture
def run() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gw") as directory:
        yield Path(directory)


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


def plan_in(run: Path, **changes: object) -> Plan:
    return msgspec.structs.replace(Plan(run=run, access_log=run / "access.log", jwks=KEYS.jwks(), port=0), **changes)


def stand_up(run: Path, loop: Loop, *, without: tuple[str, ...] = ()) -> dict[str, Upstream]:
    upstreams = {name: Upstream(name, run / f"{name}.sock") for name in ("ui-read-0", "ui-read-1", "ui-write-0", "model-proxy-0")}
    for name, upstream in upstreams.items():
        if name not in without:
            loop.serve(upstream.start)
    return upstreams


@contextlib.contextmanager
def gateway(plan: Plan, *, wait: bool = True) -> Iterator[int]:
    prepare(plan)
    with envoy(arguments(plan), plan.health_socket, plan.run / "envoy.log", wait=wait):
        if not wait:
            until(lambda: status(plan.health_socket, "/healthz") == 200)
        yield port_of(plan.admin_socket)


@contextlib.contextmanager
def replica(run: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, PROGRAM, name, str(run / f"{name}.sock")], env=environment)
    try:
        until(lambda: status(run / f"{name}.sock", "/readyz") == 200)
        yield process
    finally:
        process.kill()
        process.wait(60)


async def load(port: int, clients: int, seconds: float, at_half: Callable[[], object]) -> tuple[list[tuple[float, int]], float]:
    """When each request of `clients` who ask without pause began and its status (0: no answer), and when `at_half` was called."""
    asked: list[tuple[float, int]] = []
    end = time.monotonic() + seconds

    async def ask(client: httpx.AsyncClient) -> None:
        while (began := time.monotonic()) < end:
            try:
                asked.append((began, (await client.get("/m/slow", headers=BEARER)).status_code))
            except httpx.TransportError:
                asked.append((began, 0))

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        asking = [asyncio.create_task(ask(client)) for _ in range(clients)]
        await asyncio.sleep(seconds / 2)
        at_half()
        called = time.monotonic()
        await asyncio.gather(*asking)
    return asked, called


def test_replica_killed_under_load(run: Path, loop: Loop) -> None:
    """A killed replica costs the requests it was answering and no other: everything after goes to the other one."""
    stand_up(run, loop, without=("ui-read-0", "ui-read-1"))
    with replica(run, "ui-read-0"), replica(run, "ui-read-1") as victim, gateway(plan_in(run)) as port:
        asked, dead_at = asyncio.run(load(port, 8, 3.0, lambda: (victim.kill(), victim.wait())))
    failed = [began - dead_at for began, status in asked if status != 200]
    assert len([1 for began, _ in asked if began > dead_at]) > 20
    assert len(failed) < 8
    assert all(began < 0 for began in failed), failed


def test_replica_comes_back(run: Path, loop: Loop) -> None:
    """A replica that is started again is asked again within a second or two, without anybody telling the gateway."""
    stand_up(run, loop, without=("ui-read-0", "ui-read-1"))
    with replica(run, "ui-read-0"), gateway(plan_in(run)) as port, replica(run, "ui-read-1"):

        def both() -> bool:
            answers = [httpx.get(f"http://127.0.0.1:{port}/m/x", headers=BEARER).json()["service"] for _ in range(6)]
            return set(answers) == {"ui-read-0", "ui-read-1"}

        until(both)


def test_unready_replica_is_left_out(run: Path, loop: Loop) -> None:
    """Who says it is not ready is not asked; when nobody is ready all are asked, for a cached page beats none."""
    upstreams = stand_up(run, loop)
    with gateway(plan_in(run)) as port:
        upstreams["ui-read-0"].ready = False
        until(lambda: {httpx.get(f"http://127.0.0.1:{port}/m/x", headers=BEARER).json()["service"] for _ in range(8)} == {"ui-read-1"})
        upstreams["ui-read-1"].ready = False
        until(lambda: status(run / "gateway-0.sock", "/readyz") == 503)
        assert httpx.get(f"http://127.0.0.1:{port}/m/x", headers=BEARER).status_code == 200


def test_service_away(run: Path, loop: Loop) -> None:
    """A service that is not there is said so in the caller's form, and the others go on."""
    stand_up(run, loop, without=("ui-write-0",))
    with gateway(plan_in(run), wait=False) as port:
        url = f"http://127.0.0.1:{port}/m/x"
        answer = httpx.post(url, headers=BEARER)
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert answer.headers["retry-after"] == "1"
        page = httpx.post(url, headers={**BEARER, "sec-fetch-mode": "navigate"})
        assert "Not available now" in page.text
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert httpx.get(url, headers=BEARER).status_code == 200
        assert not asyncio.run(admin.ready(run))


def test_connection_limit(run: Path, loop: Loop) -> None:
    """Connections beyond the limit are closed at once, and those within it go on; the health socket is not counted."""
    stand_up(run, loop)
    with gateway(plan_in(run, connections_max=5)) as port:
        held = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(5)]
        until(lambda: not _answers(port))
        assert status(run / "gateway-0.sock", "/healthz") == 200
        held[0].sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert held[0].recv(100).startswith(b"HTTP/1.1 200")
        for one in held:
            one.close()
        until(lambda: _answers(port))


def _refuses(port: int) -> bool:
    """Whether nobody listens: each of Envoy's threads lets go of the port by itself."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=30).close()
    except ConnectionRefusedError:
        return True
    return False


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_configuration_changes_live(run: Path, loop: Loop) -> None:
    """Rewritten files take effect without a restart: here, another key, while the process stays."""
    stand_up(run, loop)
    plan, other = plan_in(run, port=free_port()), generate()
    with gateway(plan) as port:
        url = f"http://127.0.0.1:{port}/m/x"
        fresh = {"authorization": f"Bearer {Tokens(other).mint(Principal(user='mia'), 600)}"}
        assert httpx.get(url, headers=fresh).status_code == 401
        write(msgspec.structs.replace(plan, jwks={"keys": [*KEYS.jwks()["keys"], *other.jwks()["keys"]]}))
        until(lambda: httpx.get(url, headers=fresh).status_code == 200)
        assert httpx.get(url, headers=BEARER).status_code == 200


def test_drain(run: Path, loop: Loop) -> None:
    """Draining closes the port at once, says when nothing is in flight any more, and lets a stream end that is."""
    upstreams = stand_up(run, loop)
    with (
        gateway(plan_in(run)) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}") as client,
        client.stream("GET", "/m/stream", headers={**BEARER, "accept-encoding": "identity"}) as answer,
    ):
        parts = answer.iter_raw()
        first = next(parts)
        asyncio.run(admin.drain(run))
        assert asyncio.run(admin.in_flight(run)) == 1
        until(lambda: _refuses(port))
        assert status(run / "gateway-0.sock", "/readyz") == 200
        for upstream in upstreams.values():
            upstream.go_on.set()
        assert (first + b"".join(parts)).count(b"<p>") == 3
        until(lambda: asyncio.run(admin.in_flight(run)) == 0)


def test_bytes_that_a_slow_reader_has_not_taken_are_in_flight(run: Path, loop: Loop) -> None:
    """The service has answered whole, the reader has not read: ending the gateway now would cut the answer."""
    upstreams = stand_up(run, loop)
    with gateway(plan_in(run)) as port, socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", port))
        for _ in range(20):
            slow.sendall(f"GET /m/large HTTP/1.1\r\nhost: x\r\nauthorization: {BEARER['authorization']}\r\n\r\n".encode())
        asked = [-1, -1, -1]

        def stuck() -> bool:
            """Between two answers that the kernel could take nothing is in flight; once it takes no more, nothing is asked for either."""
            asked.append(sum(len(one.seen) for one in upstreams.values()))
            return set(asked[-4:]) == {asked[-1]} != {0} and asyncio.run(admin.in_flight(run)) > 0

        until(stuck, every=0.3)
        counts: list[int] = []
        asyncio.run(admin.let_end(run, 2.0, counts.append))
        assert counts
        assert asyncio.run(admin.in_flight(run)) > 0


def test_nothing_in_flight_is_drained_at_once(run: Path, loop: Loop) -> None:
    """A connection that is kept open and says nothing is nothing to wait for; nor is a gateway that is not there."""
    stand_up(run, loop)
    with gateway(plan_in(run)) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert client.get("/healthz").status_code == 200
        began = time.monotonic()
        asyncio.run(admin.let_end(run, 60, lambda count: pytest.fail(f"{count} in flight")))
        assert time.monotonic() - began < 20
        assert client.get("/healthz").headers["connection"] == "close"
    asyncio.run(admin.let_end(run, 20))


def test_calls_wait_while_the_model_proxy_is_restarted(run: Path, loop: Loop) -> None:
    """It has one replica: calls that come while it is away for a moment are held, many at once, and answered by the next one."""
    upstreams = stand_up(run, loop, without=("model-proxy-0",))

    async def ask(port: int) -> set[int]:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=BEARER, timeout=60) as client:
            asked = [asyncio.create_task(client.post("/v1/chat/completions", content=b"{}")) for _ in range(60)]
            await asyncio.sleep(1.0)
            await asyncio.to_thread(loop.serve, upstreams["model-proxy-0"].start)
            return {answer.status_code for answer in await asyncio.gather(*asked)}

    with gateway(plan_in(run), wait=False) as port:
        assert asyncio.run(ask(port)) == {200}


def test_access_log_is_bounded(run: Path, loop: Loop) -> None:
    """A log that has grown too long is set aside while requests go on, and a new one begins."""
    stand_up(run, loop)
    plan = plan_in(run)
    with gateway(plan) as port:
        httpx.get(f"http://127.0.0.1:{port}/m/first", headers=BEARER)
        until(lambda: plan.access_log.stat().st_size > 0)
        assert not asyncio.run(admin.bound_log(run, plan.access_log))
        assert asyncio.run(admin.bound_log(run, plan.access_log, bytes_max=10))
        httpx.get(f"http://127.0.0.1:{port}/m/second", headers=BEARER)
        until(lambda: plan.access_log.exists() and "/m/second" in plan.access_log.read_text())
    assert "/m/first" in (run / "access.log.1").read_text()


SERVICE = """
import os, sys, msgspec
from pathlib import Path
from seawall.core.settings import Settings
from seawall.gateway.service import run
data = Path(sys.argv[1])
run(Settings(data, data, (), "", "", service="gateway", public_url="http://localhost:1", listen="127.0.0.1:" + sys.argv[2]))
"""
PARENT = """
import ctypes, os, signal, subprocess, sys, time
die = lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL)
child = subprocess.Popen([sys.executable, "-c", *sys.argv[1:]], preexec_fn=die)
print(child.pid, flush=True)
time.sleep(60)
"""


def test_service_becomes_envoy(run: Path, loop: Loop) -> None:
    """The child's pid is Envoy's, with the configuration of the settings; it dies with its supervisor."""
    stand_up(run, loop)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen([sys.executable, "-c", PARENT, SERVICE, str(run), str(free_port())], stdout=subprocess.PIPE, env=environment)
    with parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        until(lambda: status(run / "gateway-0.sock", "/readyz") == 200)
        assert Path(f"/proc/{pid}/exe").resolve().name == "envoy"
        assert (run / "gateway").stat().st_mode & 0o777 == 0o700
        os.kill(parent.pid, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{pid}/exe").exists())
