"""Model proxies side by side: each a process (or several) on a core of its own, in front of one mock provider.

Another peer is another context manager like those below, listed in `PEERS`: it gives a `Peer` once it answers.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import msgspec
import psutil
import yaml

from harness import Instance, instance, wait_until

HERE = Path(__file__).resolve().parent
LOAD_CORE, PEER_CORE = 0, max(0, (os.cpu_count() or 1) - 1)
"""The mock provider and the load share one core, the proxy that is measured has the other."""
MODELS = """
providers:
  mock: {{kind: openai, url: "unix://{socket}", allow_private: true, classes: [public, internal, confidential, restricted],
         limits: {{connections: 2000}}}}
models:
  mock: {{provider: mock, model: mock, prices: {{input: 0.1, output: 0.4}}}}
routes:
  small: {{variants: {{mock: 100}}}}
limits:
  user: {{requests_per_minute: 100000000, tokens_per_minute: 100000000000, streams: 100000}}
  tenant: {{requests_per_minute: 100000000, tokens_per_minute: 100000000000, streams: 100000}}
budgets: {{default: {{usd: 1000000, period: month}}}}
"""


class Peer(msgspec.Struct, frozen=True):
    """A proxy that answers."""

    name: str
    address: str | Path
    """`host:port` or a unix socket."""
    processes: tuple[int, ...]
    headers: tuple[str, ...] = ()
    """What it wants to be told beside the usual."""
    model: str = "small"

    def request(self, *, stream: bool = False, temperature: float = 0.2, close: bool = False) -> bytes:
        """A chat completion of a usual size."""
        body = msgspec.json.encode(
            {
                "model": self.model,
                "messages": [
                    {"role": "system", "content": "You are a helpful assistant for a store."},
                    {"role": "user", "content": "Write one sentence about the tide and the wall."},
                ],
                "temperature": temperature,
                "max_tokens": 100,
                **({"stream": True} if stream else {}),
            }
        )
        lines = [
            "POST /v1/chat/completions HTTP/1.1",
            "host: localhost",
            "content-type: application/json",
            "accept: application/json",
            "user-agent: OpenAI/Python 2.0",
            *self.headers,
            *(["connection: close"] if close else []),
            f"content-length: {len(body)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def says(self) -> bytes:
        """What it answers to one call: for telling why a measurement failed."""
        unix = isinstance(self.address, Path)
        host, _, port = str(self.address).rpartition(":")
        with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as line:
            line.settimeout(10)
            line.connect(str(self.address) if unix else (host, int(port)))
            line.sendall(self.request())
            return line.recv(2000)

    def cpu_seconds(self) -> float:
        """What its processes have used until now."""
        times = [one.cpu_times() for one in self._all()]
        return sum(one.user + one.system for one in times)

    def memory_bytes(self) -> int:
        """What its processes hold now."""
        return sum(one.memory_info().rss for one in self._all())

    def pin(self) -> None:
        """Give it its core."""
        for one in self._all():
            for thread in one.threads():
                os.sched_setaffinity(thread.id, {PEER_CORE})

    def _all(self) -> list[psutil.Process]:
        roots = [psutil.Process(pid) for pid in self.processes]
        return [*roots, *(child for root in roots for child in root.children(recursive=True))]


@contextmanager
def process(argv: list[str], answers: Callable[[], bool], **more: object) -> Iterator[int]:
    """A process that is ended with the block."""
    started = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)  # type: ignore[call-overload]
    try:
        wait_until(answers, 30)
        yield started.pid
    finally:
        end(started)


def end(started: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and end it when it does not."""
    started.terminate()
    try:
        started.wait(10)
    except subprocess.TimeoutExpired:
        started.kill()
        started.wait(10)


def listening(path: Path) -> Callable[[], bool]:
    """Whether somebody takes connections there: a socket's file is there a moment earlier."""

    def answers() -> bool:
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(1)
            try:
                one.connect(str(path))
            except OSError:
                return False
            return True

    return answers


@contextmanager
def mock(folder: Path, *, gap_ms: float = 0.0, pieces: int = 20) -> Iterator[Path]:
    """The provider, on a unix socket."""
    path = folder / f"mock-{time.monotonic_ns()}.sock"
    argv = [sys.executable, str(HERE / "mock_provider.py"), str(path), "--gap-ms", str(gap_ms), "--pieces", str(pieces)]
    with process(argv, listening(path)) as pid:
        os.sched_setaffinity(pid, {LOAD_CORE})
        yield path


@contextmanager
def whole(folder: Path, provider: Path) -> Iterator[Peer]:
    """Ours, every stage on, in an instance with its Postgres and Valkey."""
    models = folder / "models.yaml"
    models.write_text(MODELS.format(socket=provider))
    os.environ["SEAWALL_MODELS"] = str(models)
    try:
        with instance(None, folder / "instance") as made:
            yield ours(made)
    finally:
        del os.environ["SEAWALL_MODELS"]


def ours(made: Instance) -> Peer:
    """The model proxy of an instance, spoken to with a machine key."""
    pid = next(one["pid"] for one in made.services() if one["name"].startswith("model-proxy"))
    key = made.command("key", "create", f"bench-{time.time_ns()}").split()[-1]
    return Peer("Seawall, every stage on", made.socket("model-proxy"), (pid,), (f"authorization: Bearer {key}",))


@contextmanager
def bare(folder: Path, provider: Path) -> Iterator[Peer]:
    """Ours, every stage off."""
    path = folder / "bare.sock"
    with process([sys.executable, str(HERE / "bare_proxy.py"), str(path), str(provider)], listening(path)) as pid:
        yield Peer("Seawall, bare", path, (pid,))


NGINX = """
worker_processes 1;
pid {folder}/nginx.pid;
error_log /dev/null crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u;
  scgi_temp_path {folder}/s;
  keepalive_requests 100000000;
  upstream provider {{ server unix:{provider}; keepalive 256; keepalive_requests 100000000; }}
  server {{
    listen unix:{folder}/nginx.sock;
    location / {{ proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header connection ""; proxy_buffering off; }}
  }}
}}
"""


@contextmanager
def nginx(folder: Path, provider: Path) -> Iterator[Peer]:
    """nginx with one worker."""
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, provider=provider))
    path = folder / "nginx.sock"
    with process([str(shutil.which("nginx")), "-c", str(config), "-g", "daemon off; user root;"], listening(path)) as pid:
        yield Peer("nginx", path, (pid,))


def envoy_config(socket: Path, provider: Path) -> dict[str, object]:
    """One listener, one route, one cluster; nothing else."""
    http = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    router = {"name": "router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}
    route = {"match": {"prefix": "/"}, "route": {"cluster": "provider", "timeout": "60s"}}
    manager = {
        "@type": http,
        "stat_prefix": "in",
        "http_filters": [router],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
    }
    pipe = {"pipe": {"path": str(provider)}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": pipe}}]}]
    limits = {"thresholds": [{"max_connections": 4096, "max_pending_requests": 4096, "max_requests": 4096}]}
    cluster = {"name": "provider", "type": "STATIC", "circuit_breakers": limits}
    cluster["load_assignment"] = {"cluster_name": "provider", "endpoints": endpoints}
    chains = [{"filters": [{"name": "http", "typed_config": manager}]}]
    listener = {"name": "in", "address": {"pipe": {"path": str(socket)}}, "filter_chains": chains}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


@contextmanager
def envoy(folder: Path, provider: Path) -> Iterator[Peer]:
    """Envoy with one worker and nothing configured that it could do beside."""
    import importlib.util

    spec = importlib.util.find_spec("envoy")
    assert spec
    assert spec.submodule_search_locations
    path, config = folder / "envoy.sock", folder / "envoy.yaml"
    config.write_text(yaml.safe_dump(envoy_config(path, provider)))
    binary = Path(spec.submodule_search_locations[0]) / "_bin" / "envoy"
    argv = [str(binary), "-c", str(config), "--concurrency", "1", "--log-level", "off", "--use-dynamic-base-id"]
    with process(argv, listening(path)) as pid:
        yield Peer("Envoy", path, (pid,))


Start = Callable[[Path, Path], AbstractContextManager[Peer]]
PEERS: dict[str, Start] = {"whole": whole, "bare": bare, "nginx": nginx, "envoy": envoy}
"""Name → how to start it, given a folder of its own and the provider's socket."""
