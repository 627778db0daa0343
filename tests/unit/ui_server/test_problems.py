"""Errors in the words of programs and of people."""

import msgspec

from seawall.core.errors import InvalidInput, NotFound, SeawallError, Unavailable
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


def test_a_page_tells_in_the_reader_s_language() -> None:
    """The sentence of an error we have words for is translated; what came in is told in English beside it."""
    absent = as_page(NotFound("There is no page named 'x'"), "/", css="/c", icon="/i.svg", accept_language="de")[2].decode()
    invalid = as_page(InvalidInput("The parameter 'limit' has the wrong value"), "/", css="/c", accept_language="de")[2].decode()
    assert '<p lang="de">Unter dieser Adresse gibt es nichts' in absent
    assert 'lang="en"' not in absent
    assert '<link rel="icon" href="/i.svg" type="image/svg+xml">' in absent
    assert '<p lang="en">The request is not valid. The parameter &#39;limit&#39;' in invalid


def test_a_page_escapes_what_came_in() -> None:
    """Words from a request are text, never markup."""
    body = as_page(InvalidInput("<script>alert(1)</script>"), "/", css="/static/x.css")[2]
    assert b"<script>" not in body
    assert b"&lt;script&gt;" in body
