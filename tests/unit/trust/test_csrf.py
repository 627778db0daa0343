"""Changes come from our own pages or carry a bearer token."""

from __future__ import annotations

import pytest

from seawall.trust.csrf import check_same_origin
from seawall.trust.errors import CrossSite

HERE = "http://localhost:8420"

ALLOWED = [
    {"sec-fetch-site": "same-origin", "origin": HERE},
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:8420"},  # the browser vouches for it
    {"origin": HERE},
    {"authorization": "Bearer abc", "origin": "https://evil.example"},
]
REFUSED = [
    {},
    {"cookie": "seawall_token=x"},
    {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
    {"sec-fetch-site": "cross-site", "origin": HERE},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "nonsense"},
    {"origin": "null"},
    {"origin": HERE + ".evil.example"},
    {"origin": "https://localhost:8420"},
    {"origin": "http://localhost:84200"},
    {"origin": HERE + "/"},
    {"authorization": "Basic bWlhOg==", "cookie": "seawall_token=x"},
]


@pytest.mark.parametrize("headers", ALLOWED)
def test_allowed(headers: dict[str, str]) -> None:
    """Our own pages and programs may change things."""
    check_same_origin("POST", headers, HERE)


@pytest.mark.parametrize("headers", REFUSED)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "post"])
def test_refused(headers: dict[str, str], method: str) -> None:
    """Nobody else may, whatever they say."""
    with pytest.raises(CrossSite):
        check_same_origin(method, headers, HERE)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_is_free(method: str) -> None:
    """Reading changes nothing and needs no proof."""
    check_same_origin(method, {"sec-fetch-site": "cross-site"}, HERE)
