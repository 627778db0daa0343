"""Envoy's configuration as files, rendered from a Plan. Pure: the same plan gives the same bytes.

Three files: a bootstrap that only says where the other two are, and listeners and clusters that Envoy watches, so that a
rewritten file takes effect within milliseconds and streams in flight end where they began.
"""

from __future__ import annotations

import json

from seawall.gateway.clusters import clusters
from seawall.gateway.envoy import Json, extension, pipe, resources
from seawall.gateway.listeners import listeners
from seawall.gateway.plan import Plan

BOOTSTRAP, LISTENERS, CLUSTERS = "bootstrap.json", "listeners.json", "clusters.json"

PATTERN_SIZE_MAX = 2000
"""Instructions of RE2."""


def render(plan: Plan) -> dict[str, bytes]:
    """File name → contents, all for `plan.directory`."""
    files: dict[str, Json] = {
        CLUSTERS: resources("cluster.v3.Cluster", clusters(plan)),
        LISTENERS: resources("listener.v3.Listener", listeners(plan)),
        BOOTSTRAP: bootstrap(plan),
    }
    return {name: json.dumps(content, indent=1, sort_keys=True).encode() for name, content in files.items()}


def bootstrap(plan: Plan) -> Json:
    """What Envoy is started with."""
    return {
        "node": {"id": "gateway-0", "cluster": "seawall"},
        "admin": {"address": pipe(plan.admin_socket, listen=True)},
        "dynamic_resources": {"lds_config": _watched(plan, LISTENERS), "cds_config": _watched(plan, CLUSTERS)},
        "layered_runtime": {"layers": [{"name": "static", "static_layer": _runtime()}]},
        "overload_manager": _overload(plan),
        "application_log_config": {
            "log_format": {"json_format": {"at": "%Y-%m-%dT%T.%e", "level": "%l", "event": "envoy.said", "text": "%j"}}
        },
    }


def whole(plan: Plan) -> bytes:
    """Everything in one bootstrap: what `envoy --mode validate` can judge, since it reads no watched files."""
    static = {"listeners": listeners(plan), "clusters": clusters(plan)}
    merged = {**bootstrap(plan), "static_resources": static}
    return json.dumps({key: value for key, value in merged.items() if key != "dynamic_resources"}).encode()


def _watched(plan: Plan, name: str) -> Json:
    return {
        "resource_api_version": "V3",
        "path_config_source": {"path": str(plan.directory / name), "watched_directory": {"path": str(plan.directory)}},
    }


def _runtime() -> Json:
    """Spans go out in batches rather than five at a time. Patterns are all ours; one is larger than Envoy's limit."""
    return {
        "tracing.opentelemetry.min_flush_spans": 200,
        "tracing.opentelemetry.flush_interval_ms": 1000,
        "re2.max_program_size.error_level": PATTERN_SIZE_MAX,
    }


def _overload(plan: Plan) -> Json:
    """Connections beyond the limit are refused; near the memory limit idle ones are closed, then requests refused."""
    monitors = [
        extension(
            "envoy.resource_monitors.global_downstream_max_connections",
            "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
            max_active_downstream_connections=plan.connections_max,
        ),
        extension(
            "envoy.resource_monitors.fixed_heap",
            "extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
            max_heap_size_bytes=plan.heap_bytes_max,
        ),
    ]
    actions = {"shrink_heap": 0.90, "disable_http_keepalive": 0.92, "stop_accepting_requests": 0.95, "stop_accepting_connections": 0.98}
    return {
        "refresh_interval": "0.25s",
        "resource_monitors": monitors,
        "actions": [
            {
                "name": f"envoy.overload_actions.{name}",
                "triggers": [{"name": "envoy.resource_monitors.fixed_heap", "threshold": {"value": at}}],
            }
            for name, at in actions.items()
        ],
    }
