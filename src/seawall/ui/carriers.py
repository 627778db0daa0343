"""What a request's headers carry, read as the gateway reads them: the token that was checked there is the one that counts here.

A header that comes in more lines than one is its first line, but for cookies, which browsers and gateways spread over several lines
(RFC 9113 §8.2.3): these are one header. Of two cookies of one name the first counts, whatever lines they are in.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Scope

from seawall.trust.errors import NotSignedIn

RawHeaders = Mapping[bytes, bytes]


def raw_headers(scope: Scope) -> RawHeaders:
    """The request's headers by lower-case name."""
    pairs: list[tuple[bytes, bytes]] = scope["headers"]
    headers = dict(pairs)
    return headers if len(headers) == len(pairs) else _merged(pairs)


def _merged(pairs: list[tuple[bytes, bytes]]) -> RawHeaders:
    merged: dict[bytes, bytes] = {}
    for name, value in pairs:
        if name == b"cookie" and name in merged:
            merged[name] += b"; " + value
        else:
            merged.setdefault(name, value)
    return merged


def cookie_in(header: bytes, name: str) -> str:
    """A cookie's value; empty when there is none."""
    wanted = name.encode()
    for part in header.split(b";"):
        key, equals, value = part.partition(b"=")
        if equals and key.lstrip(b" ") == wanted:
            quoted = len(value) > 1 and value[:1] == value[-1:] == b'"'
            return (value[1:-1] if quoted else value).rstrip(b" \t").decode("latin-1")
    return ""


def token_in(authorization: bytes, cookie: bytes, name: str) -> str:
    """The token in two headers, not verified yet: the bearer's, else of the cookie named `name`. NotSignedIn when there is none."""
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer":
        token = cookie_in(cookie, name)
    if not token:
        raise NotSignedIn(fix="Sign in, or send `Authorization: Bearer <token>`")
    return token
