"""Content negotiation: nonsense means the default."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.ui import negotiate
from seawall.ui.negotiate import accepts_zstd, fills_templates, format_of, locale_of

LOCALES = ("en", "de")


@pytest.mark.parametrize(
    ("lang", "header", "expected"),
    [
        ("", "", "en"),
        ("", "de-AT,de;q=0.9,en;q=0.5", "de"),
        ("", "fr, en;q=0.3, de;q=0.8", "de"),
        ("de", "en", "de"),
        ("tlh", "de", "de"),
        ("tlh", "", "en"),
        ("", "de;q=0", "en"),
        ("", "DE", "de"),
    ],
)
def test_the_language_is_the_best_we_have(lang: str, header: str, expected: str) -> None:
    """The URL wins, then the header; an unknown locale is no error."""
    assert locale_of(lang, header, LOCALES) == expected


@given(st.text(max_size=300), st.text(max_size=40))
def test_any_header_gives_a_known_locale(header: str, lang: str) -> None:
    """No header makes us speak a language the app does not have."""
    assert locale_of(lang, header, LOCALES) in LOCALES


@pytest.mark.parametrize(("header", "expected"), [("gzip, zstd", True), ("zstd;q=0", False), ("", False), ("br", False), ("ZSTD", True)])
def test_zstd_is_sent_only_to_those_who_take_it(header: str, expected: bool) -> None:
    """A refusal with q=0 counts."""
    assert accepts_zstd(header) is expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("text/csv", "csv"),
        ("application/json;q=0.1, text/csv", "csv"),
        ("application/vnd.apache.arrow.stream", "arrow"),
        ("application/vnd.apache.parquet", "parquet"),
        ("image/png", ""),
        ("text/*", "csv"),
    ],
)
def test_the_format_follows_the_accept_header(accept: str, expected: str) -> None:
    """Nothing offered is told apart from nothing asked."""
    assert format_of(accept) == expected


@pytest.mark.parametrize(
    ("agent", "expected"),
    [("Mozilla/5.0 HeadlessChrome/156.0.0.0 Safari/537.36", True), ("Mozilla/5.0 Chrome/149.0.0.0", False), ("Firefox/153.0", False)],
)
def test_browsers_that_fill_templates_are_known(agent: str, expected: bool) -> None:
    """Only they are spared the in-order page when they have no script."""
    assert fills_templates(agent) is expected


@pytest.mark.parametrize("name", ["_weighted", "_locale_of", "_accepts_zstd", "_format_of", "_fills_templates"])
def test_memories_hold_no_long_headers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered is bounded in bytes: two headers that differ beyond what is read are one entry."""
    long = "x" * negotiate.HEADER_LENGTH_MAX
    memory = getattr(negotiate, name)
    memory.cache_clear()
    asked = {
        "_weighted": negotiate.weighted,
        "_locale_of": lambda header: locale_of("", header, LOCALES),
        "_accepts_zstd": accepts_zstd,
        "_format_of": format_of,
        "_fills_templates": fills_templates,
    }[name]
    for end in ("a", "b"):
        asked(long + end)
    assert memory.cache_info().currsize == 1
