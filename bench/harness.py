"""What the benchmarks share: claims, an instance to measure, load generators and a browser.

Every number is a ratio to a peer or held against a limit in the same run. The machines we measure on have two shared
cores, so samples are repeated and interleaved, and medians or nearest-rank quantiles are quoted.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

REPOSITORY = Path(__file__).resolve().parent.parent
RESTART_PAUSE_S = 13.0
"""The supervisor gives a process up that ends too often within a minute; a benchmark that ends them keeps below that."""
DATA = REPOSITORY / ".seawall" / "bench"


class Claim(msgspec.Struct, frozen=True):
    """One line of docs/benchmarks.md."""

    value: float
    unit: str
    bar: str
    """The limit in words, `≤ 200` or `≥ 3000`; empty for a figure that is only stated."""
    ok: bool
    samples: int
    method: str


def claim(value: float, unit: str, bar: str, samples: int, method: str) -> Claim:
    """A claim held to `bar`, which is `≤ N` or `≥ N`, or empty when nothing is promised."""
    ok = True
    if bar:
        sign, limit = bar.split()
        ok = value <= float(limit.replace(",", "")) if sign == "≤" else value >= float(limit.replace(",", ""))
    return Claim(round(value, 3), unit, bar, ok, samples, method)


def report(claims: dict[str, Claim], *, as_json: bool) -> int:
    """Print the claims; the exit code is 1 when one does not hold."""
    if as_json:
        print(json.dumps({name: msgspec.to_builtins(one) for name, one in claims.items()}, ensure_ascii=False))
    else:
        for name, one in claims.items():
            print(
                f"{'ok ' if one.ok else 'NOT'} {name}: {one.value:g} {one.unit} (bar {one.bar or '—'}; {one.samples} samples) {one.method}"
            )
    return 0 if all(one.ok for one in claims.values()) else 1


def quantile(values: Sequence[float], q: float) -> float:
    """The nearest-rank quantile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * int(q * 1000) // 1000) - 1))]


def progress(words: str) -> None:
    """Say what is being measured, on standard error."""
    print(f"  {words}", file=sys.stderr, flush=True)


class Instance:
    """A running `seawall up --detach`."""

    def __init__(self, data: Path, about: dict[str, Any]) -> None:
        self.data = data
        self.url: str = about["url"]
        self._restarted_at = 0.0

    def command(self, *arguments: str) -> str:
        """Run a seawall command against this instance; its standard output."""
        done = subprocess.run([seawall(), *arguments, "--data", str(self.data)], check=True, capture_output=True, text=True, cwd=REPOSITORY)
        return done.stdout.strip()

    def token(self, role: str = "approver", user: str = "bench", *attributes: str) -> str:
        """A token good for an hour."""
        extra = [part for one in attributes for part in ("--attr", one)]
        return self.command("token", "--role", role, "--user", user, "--ttl", "60m", *extra)

    def services(self) -> list[dict[str, Any]]:
        """What `seawall status --json` says of each process."""
        arguments = [seawall(), "status", "--json", "--data", str(self.data)]
        told = subprocess.run(arguments, check=False, capture_output=True, text=True, cwd=REPOSITORY).stdout  # 1: not ready
        services: list[dict[str, Any]] = json.loads(told)["services"]
        return services

    def socket(self, name: str, replica: int = 0) -> Path:
        """A service's unix socket."""
        return Path(json.loads((self.data / "instance.json").read_text())["run"]) / f"{name}-{replica}.sock"

    def restart_cold(self) -> None:
        """End Valkey (which keeps nothing) and every ui process; wait until their successors are ready."""
        time.sleep(max(0.0, self._restarted_at + RESTART_PAUSE_S - time.monotonic()))
        self._restarted_at = time.monotonic()
        before = {one["pid"] for one in self.services() if one["name"].startswith(("ui", "valkey"))}
        for pid in before:
            os.kill(pid, signal.SIGTERM)

        def renewed() -> bool:
            now = self.services()
            return all(one["ready"] for one in now) and not before & {one["pid"] for one in now}

        wait_until(renewed, 60)
        time.sleep(1)


def wait_until(condition: Any, seconds: float) -> None:
    """Poll until `condition()` holds; TimeoutError otherwise."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return
        except (OSError, subprocess.CalledProcessError, KeyError, ValueError):
            pass
        time.sleep(0.1)
    raise TimeoutError(f"not reached within {seconds} s")


def seawall() -> str:
    """The command of the environment that runs the benchmark."""
    return str(Path(sys.executable).parent / "seawall")


@contextmanager
def instance(app: Path | None = None, data: Path = DATA, *options: str) -> Iterator[Instance]:
    """Start an instance, and stop it at the end."""
    started = subprocess.run(
        [
            seawall(),
            "up",
            str(app or REPOSITORY / "apps" / "merchandising"),
            "--detach",
            "--json",
            "--data",
            str(data),
            "--port",
            str(free_port()),
            *options,
        ],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    made = Instance(data, json.loads(started.stdout.strip().splitlines()[-1]))
    try:
        yield made
    finally:
        made.command("down")


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def get(url: str, token: str) -> tuple[int, bytes]:
    """One plain GET with a bearer token."""
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {token}", "accept": "text/html"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status, answer.read()


# ── load ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Answers(asyncio.Protocol):
    """Counts whole HTTP/1.1 answers on one connection, sending the next request when one ends (or at planned times)."""

    def __init__(self, request: bytes, on_answer: Any) -> None:
        self._request = request
        self._on_answer = on_answer
        self._tail = b""
        self._need = -1
        self.sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def send(self) -> None:
        self.sent_at = time.perf_counter()
        self.transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        if self._need < 0:
            self._tail += data
            head = self._tail.find(b"\r\n\r\n")
            if head < 0:
                return
            top = self._tail[:head].lower()
            self._ok = b" 200 " in top[:16] or b" 304 " in top[:16]
            length = top.find(b"content-length:")
            if length >= 0:
                total = int(top[length + 15 :].split(b"\r\n", 1)[0])
                self._need = max(0, total - (len(self._tail) - head - 4))
                self._chunked = False
            else:
                self._chunked, self._need = True, 1
                if self._tail.endswith(b"0\r\n\r\n"):
                    self._need = 0
        elif self._chunked:
            self._tail = (self._tail + data)[-5:]
            if self._tail == b"0\r\n\r\n":
                self._need = 0
        else:
            self._need -= len(data)
        if self._need == 0:
            self._tail, self._need = b"", -1
            self._on_answer(self, time.perf_counter() - self.sent_at, self._ok)

    def connection_lost(self, error: Exception | None) -> None:
        pass


async def _connect(address: str | Path, protocol: _Answers) -> None:
    loop = asyncio.get_running_loop()
    if isinstance(address, Path):
        await loop.create_unix_connection(lambda: protocol, str(address))
    else:
        host, _, port = address.rpartition(":")
        await loop.create_connection(lambda: protocol, host, int(port))


async def closed_loop(
    addresses: Sequence[str | Path], request: bytes, *, connections: int, seconds: float
) -> tuple[float, list[float], int]:
    """As many requests as the other side answers: (answers a second, latencies in seconds, answers that were not 200)."""
    latencies: list[float] = []
    failed = 0
    end = time.perf_counter() + seconds

    def answered(connection: _Answers, latency: float, ok: bool) -> None:
        nonlocal failed
        latencies.append(latency)
        failed += not ok
        if time.perf_counter() < end:
            connection.send()

    protocols = [_Answers(request, answered) for _ in range(connections)]
    for index, protocol in enumerate(protocols):
        await _connect(addresses[index % len(addresses)], protocol)
    started = time.perf_counter()
    for protocol in protocols:
        protocol.send()
    await asyncio.sleep(seconds)
    took = time.perf_counter() - started
    return len(latencies) / took, latencies, failed


async def open_loop(addresses: Sequence[str | Path], requests: Sequence[bytes], *, rate: float, seconds: float) -> tuple[list[float], int]:
    """Requests at planned times, latency counted from the plan: (latencies in seconds, answers that were not 200 or never came)."""
    latencies: list[float] = []
    failed = 0
    idle: list[_Answers] = []
    total = int(rate * seconds)

    def answered(connection: _Answers, latency: float, ok: bool) -> None:
        nonlocal failed
        latencies.append(time.perf_counter() - planned[connection])
        failed += not ok
        idle.append(connection)

    planned: dict[_Answers, float] = {}
    for index in range(64):
        protocol = _Answers(requests[index % len(requests)], answered)
        await _connect(addresses[index % len(addresses)], protocol)
        idle.append(protocol)
    started = time.perf_counter() + 0.05
    for index in range(total):
        due = started + index / rate
        delay = due - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        while not idle:
            await asyncio.sleep(0.001)
        connection = idle.pop(0)
        planned[connection] = due
        connection._request = requests[index % len(requests)]
        connection.send()
    wait_end = time.perf_counter() + 10
    while len(latencies) < total and time.perf_counter() < wait_end:
        await asyncio.sleep(0.01)
    return latencies, failed + total - len(latencies)


def page_request(path: str, token: str, encoding: str = "zstd") -> bytes:
    """The bytes of a page view with a bearer token."""
    return (
        f"GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\naccept: text/html\r\n"
        f"accept-encoding: {encoding}\r\naccept-language: en\r\n\r\n"
    ).encode()


# ── browser ──────────────────────────────────────────────────────────────────────────────────────────────────────────

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@contextmanager
def chromium() -> Iterator[Any]:
    """A Playwright browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


WINDOW_SECONDS = 1.5
"""A new window of this browser draws itself with web pages of its own: two address-bar pop-ups, some 420 requests, 0.4 s of a core."""


@contextmanager
def window(browser: Any, *, cookies: dict[str, str] | None = None, url: str = "", height: int = 900, settled: bool = True) -> Iterator[Any]:
    """An empty page in a new window with an empty cache, as a user has it open; not `settled`: while the window still draws itself."""
    context = browser.new_context(viewport={"width": 1440, "height": height})
    context.add_cookies([{"name": name, "value": value, "url": url} for name, value in (cookies or {}).items()])
    page = context.new_page()
    if settled:
        page.wait_for_timeout(WINDOW_SECONDS * 1000)
    try:
        yield page
    finally:
        context.close()
