"""Small words for Envoy's verbose configuration: typed messages, durations, headers, sockets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

Json = Mapping[str, object]
TYPE_PREFIX = "type.googleapis.com/"
HSTS = "max-age=63072000; includeSubDomains"


def typed(message: str, **fields: object) -> dict[str, object]:
    """An `Any` that holds `message` (without its `envoy.` prefix)."""
    return {"@type": f"{TYPE_PREFIX}envoy.{message}", **fields}


def extension(name: str, message: str, **fields: object) -> dict[str, object]:
    """A named extension with its typed configuration."""
    return {"name": name, "typed_config": typed(message, **fields)}


def seconds(value: float) -> str:
    """A protobuf Duration in JSON."""
    return f"{value:g}s"


def pipe(path: Path, *, listen: bool = False) -> dict[str, object]:
    """A unix socket; one we listen on is for its owner only."""
    return {"pipe": {"path": str(path), **({"mode": 0o600} if listen else {})}}


def set_headers(headers: Mapping[str, str], action: str = "OVERWRITE_IF_EXISTS_OR_ADD") -> list[dict[str, object]]:
    """Header values to set, replacing what is there unless `action` says otherwise."""
    return [{"header": {"key": key, "value": value}, "append_action": action} for key, value in headers.items()]


def security_headers(*, secure: bool) -> dict[str, str]:
    """What every answer carries, whoever made it."""
    return {"x-content-type-options": "nosniff", **({"strict-transport-security": HSTS} if secure else {})}


def header_is(name: str, *, inverted: bool = False, **match: object) -> dict[str, object]:
    """An access-log filter on a request header, e.g. `header_is("accept", contains="text/html")`."""
    return {"header_filter": {"header": {"name": name, "string_match": match, "invert_match": inverted}}}


def header_present(name: str, *, present: bool = True) -> dict[str, object]:
    """An access-log filter on whether a request header came."""
    return {"header_filter": {"header": {"name": name, "present_match": True, "invert_match": not present}}}


def all_of(*filters: Json) -> dict[str, object]:
    """An access-log filter: every one holds."""
    return {"and_filter": {"filters": list(filters)}}


def any_of(*filters: Json) -> dict[str, object]:
    """An access-log filter: one holds."""
    return {"or_filter": {"filters": list(filters)}}


def status_is(status: int) -> dict[str, object]:
    """An access-log filter on the answer's status."""
    return {
        "status_code_filter": {"comparison": {"op": "EQ", "value": {"default_value": status, "runtime_key": f"seawall.status_{status}"}}}
    }


def resources(kind: str, items: Sequence[Json]) -> dict[str, object]:
    """A file of discovered resources (xDS) of one `kind`."""
    return {"resources": [{"@type": f"{TYPE_PREFIX}envoy.config.{kind}", **item} for item in items]}
