"""What the gateway itself says when it refuses or nobody answers, in the caller's own form.

A browser that navigates without a valid token is sent to refresh its session; any other refusal is a short page for
navigations, OpenAI's error object under `/v1/`, and problem details (RFC 9457) for the rest. Nothing from the request is
repeated but the path to come back to, and nothing internal is told.
"""

from __future__ import annotations

from html import escape

import msgspec

from seawall.core.problem import MEDIA_TYPE, TYPE_BASE
from seawall.gateway.envoy import Json, all_of, any_of, header_is, header_present, security_headers, set_headers, status_is

REFRESH_PATH = "/auth/refresh"
PAGE_CSP = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class Reply(msgspec.Struct, frozen=True):
    """The words for one status."""

    status: int
    slug: str
    title: str
    detail: str


REPLIES: tuple[Reply, ...] = (
    Reply(400, "bad-request", "The request is not valid", "It does not follow HTTP, or its path is ambiguous."),
    Reply(401, "not-signed-in", "Not signed in", "There is no valid token with this request. Sign in, or send a current bearer token."),
    Reply(403, "not-permitted", "Not permitted", "This token is not one for this use."),
    Reply(404, "not-found", "Not found", "There is nothing at this address."),
    Reply(408, "request-timeout", "Took too long to arrive", "The request was not complete in time."),
    Reply(413, "body-too-large", "The request's body is too large", "Send at most 1 MiB; to ask 64 KiB, under /v1/ 8 MiB."),
    Reply(414, "address-too-long", "The address is too long", "Headers and address together may take 60 KiB."),
    Reply(426, "upgrade-required", "This protocol is not spoken here", "Use HTTP/1.1 or HTTP/2."),
    Reply(429, "too-many-requests", "Too many requests", "Wait a moment and try again."),
    Reply(431, "headers-too-large", "The request's headers are too large", "There may be 100, of 60 KiB together with the address."),
    Reply(500, "gateway-error", "Something went wrong", "The gateway could not handle the request."),
    Reply(502, "bad-answer", "A service answered wrongly", "Try again; if it stays so, look at the service's log."),
    Reply(503, "unavailable", "Not available now", "The service is starting, restarting or busy. Try again in a moment."),
    Reply(504, "deadline-exceeded", "Took too long", "No answer came within the time allowed."),
)
_FALLBACK = {"type": TYPE_BASE + "refused", "title": "The request was refused", "status": "%RESPONSE_CODE%"}
_ALSO: dict[int, dict[str, str]] = {401: {"www-authenticate": "Bearer"}, 429: {"retry-after": "1"}, 503: {"retry-after": "1"}}
"""What some statuses must or should say beside their body (RFC 9110)."""
_navigation = any_of(
    header_is("sec-fetch-mode", exact="navigate"),
    all_of(header_present("sec-fetch-mode", present=False), header_is("accept", contains="text/html")),
)
_model_api = header_is(":path", prefix="/v1/")


def local_replies(*, secure: bool) -> Json:
    """Envoy's `local_reply_config`. The first mapper that matches decides."""
    common = {**security_headers(secure=secure), "cache-control": "no-store"}
    mappers: list[Json] = [_to_refresh(common)]
    for reply in REPLIES:
        headers = common | _ALSO.get(reply.status, {})
        mappers += [_openai(reply, headers), _page(reply, headers), _problem(reply, headers)]
    return {"mappers": mappers, "body_format": {"json_format": _FALLBACK, "content_type": MEDIA_TYPE}}


def _to_refresh(headers: dict[str, str]) -> Json:
    return {
        "filter": all_of(status_is(401), any_of(header_is(":method", exact="GET"), header_is(":method", exact="HEAD")), _navigation),
        "status_code": 302,
        "headers_to_add": set_headers({**headers, "location": f"{REFRESH_PATH}?to=%REQ(:PATH)%"}),
        "body_format_override": {
            "text_format_source": {"inline_string": "<!doctype html><title>Signing in</title>\n"},
            "content_type": "text/html; charset=utf-8",
        },
    }


def _openai(reply: Reply, headers: dict[str, str]) -> Json:
    """https://platform.openai.com/docs/guides/error-codes: what the SDKs parse."""
    error = {
        "message": f"{reply.title}. {reply.detail}",
        "type": "invalid_request_error" if reply.status < 500 else "server_error",
        "param": None,
        "code": "invalid_api_key" if reply.status == 401 else reply.slug.replace("-", "_"),
    }
    return {
        "filter": all_of(status_is(reply.status), _model_api),
        "headers_to_add": set_headers(headers),
        "body_format_override": {"json_format": {"error": error}, "content_type": "application/json"},
    }


def _page(reply: Reply, headers: dict[str, str]) -> Json:
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(reply.title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/static/seawall.css"></head>'
        f'<body><main id="main" class="problem"><h1>{escape(reply.title)}</h1><p>{escape(reply.detail)}</p></main></body></html>\n'
    )
    return {
        "filter": all_of(status_is(reply.status), _navigation),
        "headers_to_add": set_headers({**headers, "content-security-policy": PAGE_CSP}),
        "body_format_override": {
            "text_format_source": {"inline_string": html.replace("%", "%%")},
            "content_type": "text/html; charset=utf-8",
        },
    }


def _problem(reply: Reply, headers: dict[str, str]) -> Json:
    problem = {
        "type": TYPE_BASE + reply.slug,
        "title": reply.title,
        "status": "%RESPONSE_CODE%",
        "detail": reply.detail,
        "request_id": "%REQ(X-REQUEST-ID)%",
    }
    return {
        "filter": status_is(reply.status),
        "headers_to_add": set_headers(headers),
        "body_format_override": {"json_format": problem, "content_type": MEDIA_TYPE},
    }
