"""Errors in the words of programs and of people."""

import msgspec

from seawall.core.errors import InvalidInput, SeawallError, Unavailable
from seawall.ui.problems import as_json, as_page


def test_a_problem_says_what_was_expected() -> None:
    """RFC 9457, with our extension members."""
    status, media_type, body = as_json(InvalidInput("Bad limit", expected="a number", got="x"), "/shop/api/panels/sales")
    assert (status, media_type) == (400, "application/problem+json")
    assert msgspec.json.decode(body)["expected"] == "a number"


def test_nothing_is_ever_a_500() -> None:
    """An error of ours is one that may pass."""
    status, _, body = as_json(SeawallError("?"), "/")
    assert status == msgspec.json.decode(body)["status"] == 503
    assert as_page(Unavailable("?"), "/", css="/static/x.css")[0] == 503


def test_a_page_escapes_what_came_in() -> None:
    """Words from a request are text, never markup."""
    body = as_page(InvalidInput("<script>alert(1)</script>"), "/", css="/static/x.css")[2]
    assert b"<script>" not in body
    assert b"&lt;script&gt;" in body
