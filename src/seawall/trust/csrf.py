"""Cross-site request forgery: a state change that rides on a cookie must come from our own pages.

Browsers say where a request comes from in `Sec-Fetch-Site` and `Origin`, and no page can forge either. One of them must
be there and say "here": what sends neither is no browser and must use a bearer token, which no other site can attach.
https://www.w3.org/TR/fetch-metadata/
"""

from __future__ import annotations

from collections.abc import Mapping

from seawall.trust.errors import CrossSite

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def check_same_origin(method: str, headers: Mapping[str, str], public_url: str) -> None:
    """Raise CrossSite unless the request is safe, carries a bearer token, or comes from `public_url`.

    `headers` are looked up in lower case.
    """
    if method in SAFE_METHODS or headers.get("authorization", "")[:7].lower() == "bearer ":
        return
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site != "same-origin":
        raise CrossSite(expected="a request from our own pages", got=f"Sec-Fetch-Site: {site[:20]}")
    if origin is not None and origin != public_url and site != "same-origin":
        raise CrossSite(expected=f"Origin: {public_url}", got=f"Origin: {origin[:100]}")
    if site is None and origin is None:
        raise CrossSite("Where the request comes from is unknown", expected="an Origin header", fix="Programs: use a bearer token")
