"""The lane table as Envoy's routes, with each lane's limits. A route that names no token needs one: the default refuses."""

from __future__ import annotations

import re
from collections.abc import Sequence

from seawall.core.deadline import DEADLINE_FACTOR, HEADER, PAGE_BUDGET_MS
from seawall.gateway.envoy import Json, seconds, security_headers, set_headers, typed
from seawall.gateway.lanes import IDLE_SECONDS, LANES, MODEL_PROXY, Lane

DEFAULT_TIMEOUT_MS = int(PAGE_BUDGET_MS * DEADLINE_FACTOR)
RETRIES_MAX = 2
SELECTIONS_MAX = 40
"""How often a retry may draw before it takes a replica that failed already: one that refuses at once has the fewest requests of two drawn,
so of two replicas the other one comes up once in four draws."""
HELD_RETRIES_MAX = 24
"""With pauses of 0.25 s in the mean: about 6 s."""
JWT, TOKEN_TYPE, BUFFER = "envoy.filters.http.jwt_authn", "envoy.filters.http.rbac", "envoy.filters.http.buffer"

_MISDIRECTED: Json = {
    "name": "two-hosts",
    "match": {"prefix": "/", "headers": [{"name": ":authority", "string_match": {"contains": ","}}]},
    "direct_response": {"status": 400},
}
"""Two Host headers arrive joined by a comma; RFC 9112 section 3.2 wants them refused."""


def route_configuration(name: str, *, secure: bool, lanes: Sequence[Lane] = LANES) -> Json:
    """Every lane in order; requests without a deadline get the page's."""
    return {
        "name": name,
        "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [_MISDIRECTED, *(_route(lane) for lane in lanes)]}],
        "request_headers_to_add": set_headers({HEADER: str(DEFAULT_TIMEOUT_MS)}, "ADD_IF_ABSENT"),
        "response_headers_to_add": set_headers(security_headers(secure=secure)),
        "validate_clusters": False,
    }


def _route(lane: Lane) -> Json:
    filters: dict[str, object] = {
        BUFFER: typed("extensions.filters.http.buffer.v3.BufferPerRoute", buffer={"max_request_bytes": lane.body_bytes_max})
    }
    if not lane.token:
        filters[JWT] = typed("extensions.filters.http.jwt_authn.v3.PerRouteConfig", disabled=True)
        filters[TOKEN_TYPE] = typed("extensions.filters.http.rbac.v3.RBACPerRoute")
    return {
        "name": lane.name,
        "match": _match(lane),
        "route": {
            "cluster": lane.service,
            "timeout": seconds(lane.timeout_seconds),
            "idle_timeout": seconds(IDLE_SECONDS),
            "retry_policy": _retry(lane),
        },
        "typed_per_filter_config": filters,
        **_deadline(lane),
        **({} if lane.traced else {"tracing": {"overall_sampling": {"numerator": 0}}}),
    }


def _deadline(lane: Lane) -> Json:
    """A route's own comes before the one for all."""
    if not lane.deadline_seconds:
        return {}
    return {"request_headers_to_add": set_headers({HEADER: str(int(lane.deadline_seconds * 1000))}, "ADD_IF_ABSENT")}


def _match(lane: Lane) -> Json:
    match: dict[str, object] = {}
    if lane.path:
        match["path"] = lane.path
    elif lane.pattern:
        match["safe_regex"] = {"regex": lane.pattern}
    else:
        match["prefix"] = lane.prefix
    headers = {":method": "|".join(re.escape(method) for method in lane.methods), "authorization": lane.authorization}
    if any(headers.values()):
        match["headers"] = [{"name": name, "string_match": {"safe_regex": {"regex": regex}}} for name, regex in headers.items() if regex]
    return match


def _retry(lane: Lane) -> Json:
    """A read is sent again, to another replica, when the first died before it answered; anything else only when it reached nobody.

    A model call that reaches nobody is held for the seconds that a restart of the only replica takes.
    """
    held = lane.service == MODEL_PROXY
    return {
        "retry_on": "connect-failure,refused-stream,reset" if lane.idempotent else "connect-failure",
        "num_retries": HELD_RETRIES_MAX if held else RETRIES_MAX,
        "retry_back_off": {"base_interval": "0.1s", "max_interval": "0.5s"}
        if held
        else {"base_interval": "0.005s", "max_interval": "0.05s"},
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": typed("extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"),
            }
        ],
        "host_selection_retry_max_attempts": SELECTIONS_MAX,
    }
