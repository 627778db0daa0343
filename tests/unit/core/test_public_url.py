"""The origin users see: an origin, or refused before anything is built on it."""

from __future__ import annotations

import pytest

from seawall.core.errors import ConfigurationError
from seawall.core.settings import public_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", ""),
        ("https://shop.example/", "https://shop.example"),
        ("http://localhost:8420", "http://localhost:8420"),
        ("http://[::1]:1", "http://[::1]:1"),
    ],
)
def test_an_origin_is_taken(text: str, url: str) -> None:
    """A slash at its end is no path."""
    assert public_url(text) == url


@pytest.mark.parametrize(
    "text", ["localhost:8420", "shop.example", "https://", "https://shop.example/seawall", "ftp://x", "http://x:y", "http://x?y"]
)
def test_what_is_none_is_refused(text: str) -> None:
    """Links and the check of where a change comes from would all be wrong."""
    with pytest.raises(ConfigurationError, match="SEAWALL_PUBLIC_URL is not an origin"):
        public_url(text)
