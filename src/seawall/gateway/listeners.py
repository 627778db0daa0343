"""Three ways in: the port users reach, the socket services call each other by, and the socket health is asked on.

The public one trusts nothing: paths are normalised before a route is chosen and ambiguous ones refused, so that no
spelling of an address changes its lane or slips past the token.
"""

from __future__ import annotations

from pathlib import Path

from seawall.gateway.clusters import COLLECTOR, collector_url
from seawall.gateway.envoy import Json, extension, header_is, pipe, seconds, status_is, typed
from seawall.gateway.filters import health_filters, internal_filters, public_filters
from seawall.gateway.lanes import IDLE_SECONDS, LANES
from seawall.gateway.plan import Plan
from seawall.gateway.replies import local_replies
from seawall.gateway.routes import route_configuration

HEADERS_KIB_MAX = 60
HEADERS_MAX = 100
HEADER_SECONDS = 10.0
REQUEST_SECONDS = 60.0
DRAIN_SECONDS = 3.0
BUFFER_BYTES = 256 << 10
LOG_FORMAT: dict[str, str] = {
    "at": "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
    "method": "%REQ(:METHOD)%",
    "path": "%PATH(NQ:PATH):1024%",
    "lane": "%ROUTE_NAME%",
    "status": "%RESPONSE_CODE%",
    "why": "%RESPONSE_CODE_DETAILS%",
    "flags": "%RESPONSE_FLAGS%",
    "protocol": "%PROTOCOL%",
    "upstream": "%UPSTREAM_HOST%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "duration_ms": "%DURATION%",
    "first_byte_ms": "%RESPONSE_DURATION%",
    "bytes_in": "%BYTES_RECEIVED%",
    "bytes_out": "%BYTES_SENT%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "trace_id": "%TRACE_ID%",
}


def listeners(plan: Plan) -> list[Json]:
    """All three, public first."""
    public = _manager("public", plan, public_filters(plan), use_remote_address=True)
    internal = _manager("internal", plan, internal_filters(plan), use_remote_address=False)
    health = typed(
        _MANAGER,
        stat_prefix="health",
        route_config={"name": "health", "virtual_hosts": [_nothing_here()]},
        http_filters=health_filters(),
        local_reply_config=_readiness_replies(),
    )
    return [
        _listener("public", {"socket_address": {"address": plan.host, "port_value": plan.port}}, public, _downstream_tls(plan)),
        _listener("internal", pipe(plan.internal_socket, listen=True), internal),
        _listener("health", pipe(plan.health_socket, listen=True), health),
    ]


_MANAGER = "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"


def _listener(name: str, address: Json, manager: Json, tls: Json | None = None) -> Json:
    chain: dict[str, object] = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    if tls:
        chain["transport_socket"] = tls
    return {
        "name": name,
        "address": address,
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "filter_chains": [chain],
        "listener_filters_timeout": seconds(HEADER_SECONDS),
        **({"ignore_global_conn_limit": True} if name != "public" else {"traffic_direction": "INBOUND"}),
    }


def _manager(name: str, plan: Plan, filters: list[Json], *, use_remote_address: bool) -> Json:
    return typed(
        _MANAGER,
        stat_prefix=name,
        codec_type="AUTO",
        server_name="seawall",
        use_remote_address=use_remote_address,
        internal_address_config={"unix_sockets": not use_remote_address, "cidr_ranges": []},
        normalize_path=True,
        merge_slashes=True,
        path_with_escaped_slashes_action="REJECT_REQUEST",
        max_request_headers_kb=HEADERS_KIB_MAX,
        common_http_protocol_options={
            "idle_timeout": seconds(IDLE_SECONDS),
            "max_headers_count": HEADERS_MAX,
            "headers_with_underscores_action": "REJECT_REQUEST",
        },
        http2_protocol_options={
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 1 << 16,
            "initial_connection_window_size": 1 << 20,
        },
        request_headers_timeout=seconds(HEADER_SECONDS),
        request_timeout=seconds(REQUEST_SECONDS),
        stream_idle_timeout=seconds(IDLE_SECONDS),
        drain_timeout=seconds(DRAIN_SECONDS),
        local_reply_config=local_replies(secure=plan.secure),
        access_log=_access_logs(plan.access_log),
        route_config=route_configuration(name, secure=plan.secure),
        http_filters=filters,
        **({"tracing": _tracing(plan.otlp_endpoint)} if plan.otlp_endpoint else {}),
    )


def _access_logs(path: Path) -> list[Json]:
    """Two: where the path is a secret (a sign-in link) it is left out."""
    prefix = next(lane.prefix for lane in LANES if not lane.logged_path)
    return [
        _access_log(path, header_is(":path", prefix=prefix, inverted=True), LOG_FORMAT),
        _access_log(path, header_is(":path", prefix=prefix), {**LOG_FORMAT, "path": "withheld"}),
    ]


def _access_log(path: Path, condition: Json, fields: dict[str, str]) -> Json:
    log = extension(
        "envoy.access_loggers.file",
        "extensions.access_loggers.file.v3.FileAccessLog",
        path=str(path),
        log_format={"json_format": fields},
    )
    return {**log, "filter": condition}


def _tracing(endpoint: str) -> Json:
    exporter = {"http_uri": {"uri": collector_url(endpoint), "cluster": COLLECTOR, "timeout": "2s"}}
    return {
        "provider": extension(
            "envoy.tracers.opentelemetry", "config.trace.v3.OpenTelemetryConfig", http_service=exporter, service_name="seawall-gateway"
        ),
        "random_sampling": {"value": 100},
        "max_path_tag_length": 256,
        "custom_tags": [{"tag": "seawall.lane", "value": "%ROUTE_NAME%"}],
    }


def _downstream_tls(plan: Plan) -> Json | None:
    if not plan.tls_certificate:
        return None
    certificate = {
        "certificate_chain": {"filename": plan.tls_certificate},
        "private_key": {"filename": plan.tls_key},
        "watched_directory": {"path": str(Path(plan.tls_certificate).parent)},
    }
    return extension(
        "envoy.transport_sockets.tls",
        "extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        common_tls_context={
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_certificates": [certificate],
        },
    )


def _nothing_here() -> Json:
    return {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 404}}]}


def _readiness_replies() -> Json:
    def body(ready: bool, detail: str) -> Json:
        check = {"ok": ready, "detail": detail}
        return {"json_format": {"ready": ready, "checks": {"upstreams": check}}, "content_type": "application/json"}

    return {
        "mappers": [
            {"filter": status_is(200), "body_format_override": body(True, "every service has a ready replica")},
            {"filter": status_is(503), "body_format_override": body(False, "a service has no ready replica")},
        ]
    }
