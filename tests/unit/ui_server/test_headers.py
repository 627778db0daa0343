"""Security and caching headers of every kind of route."""

import pytest

from seawall.ui.headers import CACHE_CONTROL, HeaderSet, Kind, etag_matches


@pytest.mark.parametrize("kind", list(CACHE_CONTROL))
@pytest.mark.parametrize("secure", [True, False])
def test_every_route_carries_the_policy(kind: Kind, secure: bool) -> None:
    """No kind of answer goes out without CSP, and none allows inline script or style."""
    headers = dict(HeaderSet(secure=secure).of(kind, "text/html"))
    policy = headers[b"content-security-policy"].decode()
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert (b"strict-transport-security" in headers) is secure


def test_only_pages_may_bring_their_own_sheet() -> None:
    """By its hash, and nothing else inline."""
    made = HeaderSet(secure=False, style="'sha256-abc='")
    allowed = {kind for kind in CACHE_CONTROL if "sha256-abc=" in dict(made.of(kind, "text/html"))[b"content-security-policy"].decode()}
    assert allowed == {"page"}
    assert "unsafe" not in dict(made.of("page", "text/html"))[b"content-security-policy"].decode()


@pytest.mark.parametrize("kind", ["page", "data"])
def test_what_depends_on_the_user_is_private(kind: Kind) -> None:
    """A shared cache keeps nothing of it, and its key would hold the credential."""
    headers = dict(HeaderSet(secure=False).of(kind, "text/html"))
    assert headers[b"cache-control"] == b"private, no-cache"
    assert {b"Cookie", b"Authorization"} <= {part.strip() for part in headers[b"vary"].split(b",")}


def test_headers_are_a_fresh_list() -> None:
    """Adding to one answer's headers leaves the next one's alone."""
    made = HeaderSet(secure=False)
    made.of("page", "text/html").append((b"etag", b"x"))
    assert b"etag" not in dict(made.of("page", "text/html"))


@pytest.mark.parametrize(
    ("given", "matches"), [('"a"', True), ('W/"a"', True), ('"b", W/"a"', True), ("*", True), ("", False), ('"b"', False), ("a", False)]
)
def test_etags_compare_weakly(given: str, matches: bool) -> None:
    """A gateway that compressed the body may have weakened the tag."""
    assert etag_matches(given, '"a"') is matches
