"""Each proxy we are compared with, and ours, started alone: one process or worker, on the core of the measured, before one provider.

Every one listens on a port of 127.0.0.1 and speaks to the provider on another, keeps connections open on both sides and writes no
access log. Beyond that each runs as its makers ship it; `about` says what is on and what is off.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import msgspec
import psutil

from harness import free_port, instance, wait_until
from peers import install
from peers.calls import chat_request, first_answer
from peers.proxies import PEER_CORE, end

START_SECONDS = 90.0
STAGES = "stages on: "
"""How `our_proxy.py` begins the line that names them."""
KEY = "sk-bench-0123456789abcdef"


class Way(msgspec.Struct, frozen=True):
    """How a proxy is started."""

    argv: Sequence[str]
    port: int
    about: str
    headers: Mapping[str, str] = msgspec.field(default_factory=lambda: {"authorization": f"Bearer {KEY}"})
    """What a request to it needs beside the usual."""
    environment: Mapping[str, str] = {}


class Rival(msgspec.Struct, frozen=True):
    """A proxy that runs."""

    name: str
    way: Way
    log: Path
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """User and system time of all its processes, of children that have ended as well."""
        times = [one.cpu_times() for one in self._tree()]
        return sum(one.user + one.system for one in times) + times[0].children_user + times[0].children_system

    def rss_mb(self) -> float:
        """Resident memory of all its processes."""
        return sum(one.memory_info().rss for one in self._tree()) / 1e6

    def about(self) -> str:
        """What is on and off; ours tells which stages its process was wired with."""
        told = [line for line in self.log.read_text(errors="replace").splitlines() if line.startswith(STAGES)]
        return "; ".join([self.way.about, *told])

    def pause(self) -> None:
        """Nothing of it runs until `go_on`."""
        for one in self._tree():
            one.suspend()

    def go_on(self) -> None:
        """End of a pause."""
        for one in self._tree():
            one.resume()

    def _tree(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


@contextmanager
def running(name: str, way: Way, folder: Path) -> Iterator[Rival]:
    """Start it on its core, wait until it gives the provider's completion, stop it at the end."""
    log = folder / "log"
    argv = ["taskset", "-c", str(PEER_CORE), *way.argv]
    with log.open("wb") as said:
        started = subprocess.Popen(argv, env={**os.environ, **way.environment}, cwd=folder, stdout=said, stderr=subprocess.STDOUT)
    request = chat_request(0, way.headers)

    def answers() -> bool:
        if started.poll() is not None:
            raise RuntimeError(f"{name} ended:\n{log.read_text()[-3000:]}")
        return first_answer(way.port, request)

    rival = Rival(name, way, log, psutil.Process(started.pid))
    try:
        try:
            wait_until(answers, START_SECONDS)
        except TimeoutError as error:
            raise RuntimeError(f"{name} does not answer as the provider does:\n{log.read_text()[-3000:]}") from error
        yield rival
    finally:
        rival.go_on()
        end(started)


# ── the peers ────────────────────────────────────────────────────────────────────────────────────────────────────────


def nginx(provider: int, folder: Path) -> Way:
    """A reverse proxy that looks at nothing."""
    port, configuration = free_port(), folder / "nginx.conf"
    configuration.write_text(
        f"""daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr warn; user root;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi; keepalive_requests 1000000000;
  upstream provider {{ server 127.0.0.1:{provider}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""
    )
    return Way([str(install.nginx()), "-c", str(configuration), "-p", str(folder)], port, "one worker, proxy_pass, nothing checked")


def envoy(provider: int, folder: Path) -> Way:
    """One route and the router filter."""
    port, configuration = free_port(), folder / "envoy.json"
    types = "type.googleapis.com/envoy.extensions.filters"
    endpoints = [{"lb_endpoints": [{"endpoint": _at(provider)}]}]
    cluster = {"name": "provider", "type": "STATIC", "load_assignment": {"cluster_name": "provider", "endpoints": endpoints}}
    route = {"match": {"prefix": "/"}, "route": {"cluster": "provider", "timeout": "30s"}}
    manager = {
        "@type": f"{types}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{types}.http.router.v3.Router"}}],
    }
    listener = {"name": "bench", **_at(port), "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}]}
    configuration.write_text(json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}}))
    arguments = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "warn", "-c", str(configuration)]
    return Way([str(install.envoy()), *arguments], port, "one worker, one route, the router filter and its statistics, nothing checked")


def _at(port: int) -> dict[str, object]:
    return {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}


def litellm(provider: int, folder: Path) -> Way:
    """Its proxy server with one model and a master key."""
    port, configuration = free_port(), folder / "litellm.yaml"
    parameters = {"model": "openai/mock", "api_base": f"http://127.0.0.1:{provider}/v1", "api_key": "none"}
    settings = {
        "model_list": [{"model_name": "mock", "litellm_params": parameters}],
        "general_settings": {"master_key": KEY},
        "litellm_settings": {"telemetry": False, "set_verbose": False},
    }
    configuration.write_text(json.dumps(settings))
    arguments = ["--config", str(configuration), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    environment = {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    about = "one worker, production mode, its master key checked; no database, limits, cache, guardrails or callbacks"
    return Way([str(install.python_peer("litellm")), *arguments], port, about, environment=environment)


def vllm_router(provider: int, folder: Path, policy: str = "round_robin") -> Way:
    """The router with one worker behind it, on the simplest policy."""
    port = free_port()
    arguments = ["--host", "127.0.0.1", "--port", str(port), "--prometheus-port", str(free_port()), "--log-level", "error"]
    arguments += ["--worker-urls", f"http://127.0.0.1:{provider}", "--policy", policy]
    about = f"{policy} over one worker; retries, circuit breaker and metrics as they come; no key"
    return Way([str(install.python_peer("vllm-router")), *arguments], port, about)


def vllm_router_cache_aware(provider: int, folder: Path) -> Way:
    """The router on the policy it takes when none is named."""
    return vllm_router(provider, folder, "cache_aware")


def portkey(provider: int, folder: Path) -> Way:
    """The open gateway on node; the provider is named in each request, as its users do."""
    port = free_port()
    headers = {
        "authorization": f"Bearer {KEY}",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": f"http://127.0.0.1:{provider}/v1",
    }
    environment = {"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"}
    arguments = ["node", str(install.portkey()), "--headless", f"--port={port}"]
    about = "one node process, retries as they come; no key of its own, no limits, cache or guardrails"
    return Way(arguments, port, about, headers, environment)


# ── ours ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def bare(provider: int, folder: Path) -> Way:
    """Every stage off."""
    port = free_port()
    argv = [sys.executable, str(install.HERE / "our_proxy.py"), "bare", str(port), str(provider)]
    return Way(argv, port, "one process, relays; no key")


MODELS = """
providers:
  mock: {{kind: openai, url: "http://127.0.0.1:{provider}/v1", allow_private: true,
         classes: [public, internal, confidential, restricted], limits: {{connections: 512}}}}
models: {{mock: {{provider: mock, model: mock, tier: small, prices: {{input: 0.1, output: 0.4}}}}}}
limits:
  user: {{requests_per_minute: 100000000, tokens_per_minute: 100000000000, streams: 10000}}
  tenant: {{requests_per_minute: 100000000, tokens_per_minute: 100000000000, streams: 10000}}
budgets: {{default: {{usd: 1000000, period: month}}}}
"""
"""Limits and a budget that are held, and too wide to be reached. Screening, cache and records are those of an instance without a file."""


@contextmanager
def whole(provider: int, folder: Path) -> Iterator[Rival]:
    """Every stage on, with the Postgres, the Valkey and the collector of an instance, which have the core of the others."""
    models, port = folder / "models.yaml", free_port()
    models.write_text(MODELS.format(provider=provider))
    os.environ["SEAWALL_MODELS"] = str(models)
    try:
        with instance(None, folder / "instance") as made:
            service = next(one["pid"] for one in made.services() if one["name"].startswith("model-proxy"))
            environment = {name: value for name, value in psutil.Process(service).environ().items() if name != "SEAWALL_SUPERVISED"}
            key = made.command("key", "create", "bench", "--budget", "100000").split()[-1]
            argv = [sys.executable, str(install.HERE / "our_proxy.py"), "whole", str(port)]
            about = (
                "one process; a machine key with a budget; every request differs, at temperature 0, so the cache is asked and then filled"
            )
            way = Way(argv, port, about, {"authorization": f"Bearer {key}"}, {**environment, "SEAWALL_REPLICA": "9"})
            with running(WHOLE, way, folder) as rival:
                yield rival
    finally:
        del os.environ["SEAWALL_MODELS"]


WHOLE, BARE = "Seawall, every stage on", "Seawall, bare"
COSTLIER = "vllm-router, policy as it comes"
RIVALS: Mapping[str, Callable[[int, Path], Way]] = {
    "nginx": nginx,
    "Envoy": envoy,
    "LiteLLM": litellm,
    "vllm-router": vllm_router,
    COSTLIER: vllm_router_cache_aware,
    "Portkey": portkey,
    BARE: bare,
}
"""Name → how it is started before the provider at a port, with its files in a folder of its own."""


def started(name: str, provider: int, folder: Path) -> AbstractContextManager[Rival]:
    """One of `RIVALS`, or `WHOLE`, in front of the provider at that port; its files are in `folder`."""
    return whole(provider, folder) if name == WHOLE else running(name, RIVALS[name](provider, folder), folder)
