"""The HTTP filters, in the order a request meets them: strip, verify, bound, compress, route."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from seawall.gateway.envoy import Json, extension, typed
from seawall.gateway.lanes import BODY_BYTES_MAX, REPLICAS
from seawall.gateway.plan import Plan
from seawall.gateway.routes import BUFFER, JWT, TOKEN_TYPE
from seawall.trust.tokens import AUDIENCE, ISSUER, SKEW_SECONDS, TYPE

INTERNAL_PREFIXES = ("x-seawall-", "seawall-", "x-envoy-")
"""Headers by which services speak to each other; from outside they are lies."""
PUBLIC_HEADERS = (
    "seawall-action", "seawall-cache", "seawall-data-class", "seawall-lane", "seawall-prompt", "seawall-snapshot", "seawall-timing"
)  # fmt: skip
"""Those of them that are for everybody who calls models: they ask for less, or label their own call (docs/reference/models.md)."""
FORWARDING = ("forwarded", "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix", "x-original-url", "x-rewrite-url")
COMPRESSED_BYTES_MIN = 512
COMPRESSED_TYPES = "text/(html|css|csv|plain|javascript)|application/([a-z.-]+\\+)?json|application/javascript|image/svg\\+xml"
_HEADER, _COOKIE = "header", "cookie"
"""Where a token comes from: one place is looked at, since Envoy refuses a request when any token that it finds is bad."""
_SAYS_BEARER: Json = {"name": "authorization", "string_match": {"safe_regex": {"regex": "(?i)bearer( .*)?"}}}


def public_filters(plan: Plan) -> list[Json]:
    """What a request from outside passes."""
    return [_strip(), *_identity(plan), _buffer(), _compressor("brotli"), _compressor("gzip"), _router()]


def internal_filters(plan: Plan) -> list[Json]:
    """What a call between services passes: the same, but its own headers are believed and nothing is compressed."""
    return [*_identity(plan), _buffer(), _router()]


def health_filters() -> list[Json]:
    """`/healthz`: the process answers. `/readyz`: each upstream has a replica that is ready."""
    return [_health("/healthz", {}), _health("/readyz", {service: {"value": 1} for service in REPLICAS}), _router()]


def _strip() -> Json:
    """On the way in what outsiders may not say, on the way out what they need not know."""
    internal = [{"remove_on_match": {"key_matcher": {"prefix": prefix}}} for prefix in INTERNAL_PREFIXES]
    inbound = [
        {"remove_on_match": {"key_matcher": {"safe_regex": {"regex": _but(PUBLIC_HEADERS, prefix)}}}} for prefix in INTERNAL_PREFIXES
    ]
    forwarding = [{"remove": name} for name in FORWARDING]
    return extension(
        "envoy.filters.http.header_mutation",
        "extensions.filters.http.header_mutation.v3.HeaderMutation",
        mutations={"request_mutations": [*inbound, *forwarding], "response_mutations": internal},
    )


def _but(names: Sequence[str], prefix: str) -> str:
    """A regular expression (RE2, which cannot look ahead) for what begins with `prefix` and is none of `names`."""
    return re.escape(prefix) + _other({name.removeprefix(prefix) for name in names if name.startswith(prefix)})


def _other(words: set[str]) -> str:
    """A regular expression for every text but `words`, letter by letter."""
    first = sorted({word[0] for word in words if word})
    ways = [re.escape(letter) + _other({word[1:] for word in words if word[:1] == letter}) for letter in first]
    ways.append(f"[^{''.join(map(re.escape, first))}].*" if first else ".+")
    return f"({'|'.join(ways)})" + ("" if "" in words else "?")


def _identity(plan: Plan) -> list[Json]:
    """Verify the token, then its type, which jwt_authn leaves to others. A route must say so to be open.

    A bearer token goes before the cookie, good or bad, as services read a request (`ui/carriers.py`): who is let in is who is served.
    """
    bearer = [{"name": "authorization", "value_prefix": scheme} for scheme in ("Bearer ", "bearer ")]
    verify = typed(
        "extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        providers={_HEADER: _provider(plan, from_headers=bearer), _COOKIE: _provider(plan, from_cookies=[plan.cookie])},
        rules=[
            {"match": {"prefix": "/", "headers": [_SAYS_BEARER]}, "requires": {"provider_name": _HEADER}},
            {"match": {"prefix": "/"}, "requires": {"provider_name": _COOKIE}},
        ],
        strip_failure_response=True,
    )
    access_token = {
        "filter": JWT,
        "path": [{"key": "header"}, {"key": "typ"}],
        "value": {"string_match": {"exact": TYPE}},
    }
    check = typed(
        "extensions.filters.http.rbac.v3.RBAC",
        rules={
            "action": "ALLOW",
            "policies": {
                "access-token": {
                    "permissions": [{"any": True}],
                    "principals": [{"sourced_metadata": {"metadata_matcher": access_token, "metadata_source": "DYNAMIC"}}],
                }
            },
        },
    )
    return [{"name": JWT, "typed_config": verify}, {"name": TOKEN_TYPE, "typed_config": check}]


def _provider(plan: Plan, **taken_from: object) -> Json:
    return {
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "local_jwks": {"inline_string": json.dumps(plan.jwks, sort_keys=True)},
        **taken_from,
        "forward": True,
        "require_expiration": True,
        "clock_skew_seconds": int(SKEW_SECONDS),
        "header_in_metadata": "header",
        "jwt_cache_config": {"jwt_cache_size": 1000},
    }


def _buffer() -> Json:
    return {"name": BUFFER, "typed_config": typed("extensions.filters.http.buffer.v3.Buffer", max_request_bytes=BODY_BYTES_MAX)}


def _compressor(name: str) -> Json:
    """Bodies that carry an encoding already are left alone; each chunk is flushed as it comes."""
    library = {
        "brotli": extension("brotli", "extensions.compression.brotli.compressor.v3.Brotli", quality=4, window_bits=18),
        "gzip": extension("gzip", "extensions.compression.gzip.compressor.v3.Gzip", compression_level="COMPRESSION_LEVEL_5"),
    }[name]
    return extension(
        f"envoy.filters.http.compressor.{name}",
        "extensions.filters.http.compressor.v3.Compressor",
        compressor_library=library,
        response_direction_config={
            "common_config": {
                "min_content_length": COMPRESSED_BYTES_MIN,
                "content_type_matcher": {"safe_regex": {"regex": f"({COMPRESSED_TYPES})( *;.*)?"}},
            },
            "weaken_etag_on_compress": True,
        },
    )


def _health(path: str, percentages: dict[str, object]) -> Json:
    return extension(
        "envoy.filters.http.health_check",
        "extensions.filters.http.health_check.v3.HealthCheck",
        pass_through_mode=False,
        headers=[{"name": ":path", "string_match": {"exact": path}}],
        **({"cluster_min_healthy_percentages": percentages} if percentages else {}),
    )


def _router() -> Json:
    return extension("envoy.filters.http.router", "extensions.filters.http.router.v3.Router", suppress_envoy_headers=True)
