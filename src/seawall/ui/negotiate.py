"""What the client asked for in its headers: language, coding, media type. Pure; nonsense means the default.

Memoised by what is read of a header, never by more: memories are bounded in bytes, whatever clients send.
"""

from __future__ import annotations

import re
from functools import lru_cache

from seawall.app.model import DEFAULT_LOCALE

HEADER_LENGTH_MAX = 1_000
"""Longer Accept… headers are read up to here."""
TAG_LENGTH_MAX = 35
"""A language tag in the URL is read up to here (RFC 5646 §4.4.1)."""
TEMPLATE_FOR_CHROMIUM_MIN = 150
"""The first Chromium that fills `<?start>` ranges from `<template for>` by itself."""

_chromium = re.compile(r"Chrom(?:e|ium)/(\d{2,4})\.")
FORMATS = {
    "json": "application/json",
    "csv": "text/csv",
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
}


def weighted(header: str) -> tuple[tuple[str, float], ...]:
    """`a;q=0.5, b` as (("b", 1.0), ("a", 0.5)): lower case, best first, ties in the order given (RFC 9110 §12.4.2)."""
    return _weighted(header[:HEADER_LENGTH_MAX])


@lru_cache(maxsize=1024)
def _weighted(header: str) -> tuple[tuple[str, float], ...]:
    found = []
    for part in header.lower().split(","):
        value, _, parameters = part.strip().partition(";")
        if value:
            found.append((value.strip(), _quality(parameters)))
    return tuple(sorted(found, key=lambda pair: -pair[1]))


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0


def locale_of(lang: str, accept_language: str, locales: tuple[str, ...]) -> str:
    """The app's locale that suits best: `lang` (the URL's choice), then the header, then English or the app's first.

    An unknown locale is no error: it gives the default.
    """
    return _locale_of(lang[:TAG_LENGTH_MAX], accept_language[:HEADER_LENGTH_MAX], locales)


@lru_cache(maxsize=1024)
def _locale_of(lang: str, accept_language: str, locales: tuple[str, ...]) -> str:
    wanted = [(lang.lower(), 1.0)] if lang else []
    for tag, quality in [*wanted, *_weighted(accept_language)]:
        found = _locale(tag, locales)
        if found and quality > 0:
            return found
    return DEFAULT_LOCALE if DEFAULT_LOCALE in locales or not locales else locales[0]


def speaks(lang: str, locales: tuple[str, ...]) -> bool:
    """Whether one of `locales` is what the URL asks for."""
    return bool(_locale(lang[:TAG_LENGTH_MAX].lower(), locales))


def _locale(tag: str, locales: tuple[str, ...]) -> str:
    known = {locale.lower(): locale for locale in locales}
    return known.get(tag) or known.get(tag.partition("-")[0]) or ""


def accepts_zstd(accept_encoding: str) -> bool:
    """Whether the client takes `Content-Encoding: zstd`."""
    return _accepts_zstd(accept_encoding[:HEADER_LENGTH_MAX])


@lru_cache(maxsize=1024)
def _accepts_zstd(accept_encoding: str) -> bool:
    return any(coding == "zstd" and quality > 0 for coding, quality in _weighted(accept_encoding))


def format_of(accept: str) -> str:
    """The data API's format for an Accept header: json, csv, arrow or parquet; empty when nothing offered is accepted."""
    return _format_of(accept[:HEADER_LENGTH_MAX])


@lru_cache(maxsize=256)
def _format_of(accept: str) -> str:
    if not accept:
        return "json"
    for media_type, quality in _weighted(accept):
        if quality == 0:
            continue
        for name, offered in FORMATS.items():
            if media_type in (offered, "*/*", offered.partition("/")[0] + "/*"):
                return name
        if media_type == "application/problem+json":
            return "json"
    return ""


def fills_templates(user_agent: str) -> bool:
    """Whether this browser fills `<template for>` without script, so that it never needs the in-order page."""
    return _fills_templates(user_agent[:HEADER_LENGTH_MAX])


@lru_cache(maxsize=1024)
def _fills_templates(user_agent: str) -> bool:
    found = _chromium.search(user_agent)
    return found is not None and int(found[1]) >= TEMPLATE_FOR_CHROMIUM_MIN
