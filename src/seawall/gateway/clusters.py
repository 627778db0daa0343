"""Upstreams: a cluster a service, an endpoint a replica's unix socket.

Readiness decides who is asked; when no replica is ready all are asked (panic mode), because a page served from cache is
better than none. A replica that cannot be connected to is left out after two tries, so that a killed one costs nothing
while its supervisor restarts it. Before the first request Envoy goes by the `no_traffic` intervals alone, at a start as well: an
unready replica is asked often, so that the gateway is ready as soon as the services are.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from seawall.core.errors import ConfigurationError
from seawall.gateway.envoy import Json, extension, pipe, seconds, typed
from seawall.gateway.lanes import MODEL_PROXY, REPLICAS
from seawall.gateway.plan import Plan

COLLECTOR = "collector"
CONNECTIONS_MAX, PENDING_MAX, REQUESTS_MAX = 512, 512, 1024
MODEL_REQUESTS_MAX = 4096
"""Streams of models are many and long, and cost little while they wait; each has a connection of its own."""
MODEL_HELD_MAX = PENDING_MAX
"""Calls that wait for the model proxy's one replica while it is started again (`routes.py`)."""
CONNECT_SECONDS = 0.5
KEEP_ALIVE_SECONDS = 30.0
BUFFER_BYTES = 256 << 10
_PROTOCOL = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def clusters(plan: Plan) -> list[Json]:
    """Every upstream of the lane table, and the trace collector when there is one."""
    services: list[Json] = [_service(plan.run, service, replicas) for service, replicas in REPLICAS.items()]
    return [*services, _collector(plan.otlp_endpoint)] if plan.otlp_endpoint else services


def collector_url(endpoint: str) -> str:
    """Where Envoy posts spans to, as it wants it written."""
    return "http://collector/v1/traces" if endpoint.startswith("unix://") else endpoint.rstrip("/") + "/v1/traces"


def _service(run: Path, service: str, replicas: int) -> Json:
    return {
        **_common(service, [pipe(run / f"{service}-{replica}.sock") for replica in range(replicas)]),
        "type": "STATIC",
        "lb_policy": "LEAST_REQUEST",
        "health_checks": [
            {
                "timeout": "1s",
                "interval": "1s",
                "no_traffic_interval": "0.1s",
                "no_traffic_healthy_interval": "1s",
                "unhealthy_interval": "0.25s",
                "interval_jitter": "0.1s",
                "unhealthy_threshold": 2,
                "healthy_threshold": 1,
                "http_health_check": {"path": "/readyz", "host": "seawall"},
            }
        ],
        "outlier_detection": {
            "split_external_local_origin_errors": True,
            "consecutive_local_origin_failure": 2,
            "enforcing_consecutive_local_origin_failure": 100,
            "enforcing_local_origin_success_rate": 0,
            "enforcing_consecutive_5xx": 0,
            "enforcing_consecutive_gateway_failure": 0,
            "enforcing_success_rate": 0,
            "interval": "0.5s",
            "base_ejection_time": "1s",
            "max_ejection_time": "10s",
            "max_ejection_percent": 50,
        },
    }


def _collector(endpoint: str) -> Json:
    url = urlsplit(endpoint)
    if url.scheme == "unix":
        return {**_common(COLLECTOR, [pipe(Path(url.path))]), "type": "STATIC"}
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ConfigurationError("OTEL_EXPORTER_OTLP_ENDPOINT is not an address", expected="unix:///… or http(s)://host:port", got=endpoint)
    port = url.port or (443 if url.scheme == "https" else 4318)
    address: dict[str, object] = {"socket_address": {"address": url.hostname, "port_value": port}}
    tls = {"transport_socket": _upstream_tls(url.hostname)} if url.scheme == "https" else {}
    return {**_common(COLLECTOR, [address]), "type": "STRICT_DNS", **tls}


def _upstream_tls(host: str) -> Json:
    trusted = {"trusted_ca": {"filename": "/etc/ssl/certs/ca-certificates.crt"}, "match_typed_subject_alt_names": [_dns_name(host)]}
    return extension(
        "envoy.transport_sockets.tls",
        "extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        sni=host,
        common_tls_context={"validation_context": trusted},
    )


def _dns_name(host: str) -> Json:
    return {"san_type": "DNS", "matcher": {"exact": host}}


def _common(name: str, addresses: list[dict[str, object]]) -> dict[str, object]:
    endpoints = [{"endpoint": {"address": address}} for address in addresses]
    return {
        "name": name,
        "connect_timeout": seconds(CONNECT_SECONDS),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
        "circuit_breakers": {"thresholds": [_limits(name)]},
        "typed_extension_protocol_options": {
            _PROTOCOL: typed(
                "extensions.upstreams.http.v3.HttpProtocolOptions",
                explicit_http_config={"http_protocol_options": {}},
                common_http_protocol_options={"idle_timeout": seconds(KEEP_ALIVE_SECONDS)},
            )
        },
    }


def _limits(name: str) -> Json:
    of_models = name == MODEL_PROXY
    return {
        "max_connections": MODEL_REQUESTS_MAX if of_models else CONNECTIONS_MAX,
        "max_pending_requests": PENDING_MAX,
        "max_requests": MODEL_REQUESTS_MAX if of_models else REQUESTS_MAX,
        "retry_budget": {"budget_percent": {"value": 50}, "min_retry_concurrency": MODEL_HELD_MAX if of_models else 20},
    }
