"""The response headers of every route, built once a process: security for all, caching by kind.

CSP allows no inline script at all, and no inline style but the site's own sheet, which pages bring along and whose hash they name:
cached fragments carry neither (https://www.w3.org/TR/CSP3/). Nothing that depends on who asks may be kept by a shared cache; a browser
may keep it but asks again (`no-cache`) and usually gets a 304.
"""

from __future__ import annotations

from typing import Literal

Headers = list[tuple[bytes, bytes]]
Kind = Literal["page", "data", "static", "immutable", "never"]

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PERMISSIONS = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), midi=(), payment=(), usb=()"
HSTS_SECONDS = 63_072_000
HSTS = f"max-age={HSTS_SECONDS}; includeSubDomains"
FILES: frozenset[Kind] = frozenset({"static", "immutable"})
CACHE_CONTROL: dict[Kind, str] = {
    "page": "private, no-cache",
    "data": "private, no-cache",
    "static": "public, no-cache",
    "immutable": "public, max-age=31536000, immutable",
    "never": "no-store",
}
VARY: dict[Kind, str] = {
    "page": "Accept-Encoding, Accept-Language, Authorization, Cookie",
    "data": "Accept, Accept-Encoding, Accept-Language, Authorization, Cookie",
    "static": "Accept-Encoding",
    "immutable": "Accept-Encoding",
    "never": "",
}


class HeaderSet:
    """Headers by kind of route, for one origin."""

    def __init__(self, *, secure: bool, style: str = "") -> None:
        """`style`: the hash source of the style sheet that stands in pages; empty when they only link to it."""
        self._by_kind: dict[Kind, Headers] = {
            kind: _headers(kind, secure=secure, style=style if kind == "page" else "") for kind in CACHE_CONTROL
        }

    def of(self, kind: Kind, media_type: str, *more: tuple[bytes, bytes]) -> Headers:
        """The headers of a `kind` of route with a body of `media_type`, and `more`. A fresh list."""
        return [(b"content-type", media_type.encode()), *self._by_kind[kind], *more]

    def security(self) -> Headers:
        """Only what does not depend on the route, for answers made elsewhere (sign-in)."""
        return [pair for pair in self._by_kind["never"] if pair[0] != b"cache-control"]


def _headers(kind: Kind, *, secure: bool, style: str) -> Headers:
    if kind in FILES:
        named = _of_files(kind, secure=secure)
    else:
        named = _of_answers(kind, secure=secure, style=style)
    return [(name.encode(), value.encode()) for name, value in named.items() if value]


def _of_files(kind: Kind, *, secure: bool) -> dict[str, str]:
    """What matters of a file that is no document. A page pays for every byte of these, once a file."""
    return {
        "cache-control": CACHE_CONTROL[kind],
        "vary": VARY[kind],
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "cross-origin-resource-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "strict-transport-security": HSTS if secure else "",
    }


def _of_answers(kind: Kind, *, secure: bool, style: str) -> dict[str, str]:
    policy = CSP.replace("style-src 'self'", f"style-src 'self' {style}") if style else CSP
    return {
        "cache-control": CACHE_CONTROL[kind],
        "vary": VARY[kind],
        "content-security-policy": policy + ("; upgrade-insecure-requests" if secure else ""),
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": PERMISSIONS,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "strict-transport-security": HSTS if secure else "",
    }


def etag_matches(if_none_match: str, etag: str) -> bool:
    """Weak comparison (RFC 9110 §13.1.2): a gateway that compressed the body has made our strong tag a weak one."""
    if not if_none_match:
        return False
    if if_none_match.strip() == "*":
        return True
    bare = etag.removeprefix("W/")
    return any(candidate.strip().removeprefix("W/") == bare for candidate in if_none_match.split(","))
