"""What the client asked for in its headers: language, coding, media type. Pure and memoised; nonsense means the default."""

from __future__ import annotations

import re
from functools import lru_cache

from seawall.app.model import DEFAULT_LOCALE

HEADER_LENGTH_MAX = 1_000
"""Longer Accept… headers are read up to here."""
TEMPLATE_FOR_CHROMIUM_MIN = 150
"""The first Chromium that fills `<?start>` ranges from `<template for>` by itself."""

_chromium = re.compile(r"Chrom(?:e|ium)/(\d{2,4})\.")
FORMATS = {
    "json": "application/json",
    "csv": "text/csv",
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
}


@lru_cache(maxsize=1024)
def weighted(header: str) -> tuple[tuple[str, float], ...]:
    """`a;q=0.5, b` as (("b", 1.0), ("a", 0.5)): lower case, best first, ties in the order given (RFC 9110 §12.4.2)."""
    found = []
    for part in header[:HEADER_LENGTH_MAX].lower().split(","):
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


@lru_cache(maxsize=1024)
def locale_of(lang: str, accept_language: str, locales: tuple[str, ...]) -> str:
    """The app's locale that suits best: `lang` (the URL's choice), then the header, then English or the app's first.

    An unknown locale is no error: it gives the default.
    """
    wanted = [(lang.lower(), 1.0)] if lang else []
    known = {locale.lower(): locale for locale in locales}
    for tag, quality in [*wanted, *weighted(accept_language)]:
        found = known.get(tag) or known.get(tag.partition("-")[0])
        if found and quality > 0:
            return found
    return DEFAULT_LOCALE if DEFAULT_LOCALE in locales or not locales else locales[0]


@lru_cache(maxsize=1024)
def accepts_zstd(accept_encoding: str) -> bool:
    """Whether the client takes `Content-Encoding: zstd`."""
    return any(coding == "zstd" and quality > 0 for coding, quality in weighted(accept_encoding))


@lru_cache(maxsize=256)
def format_of(accept: str) -> str:
    """The data API's format for an Accept header: json, csv, arrow or parquet; empty when nothing offered is accepted."""
    if not accept:
        return "json"
    for media_type, quality in weighted(accept):
        if quality == 0:
            continue
        for name, offered in FORMATS.items():
            if media_type in (offered, "*/*", offered.partition("/")[0] + "/*"):
                return name
        if media_type == "application/problem+json":
            return "json"
    return ""


@lru_cache(maxsize=1024)
def fills_templates(user_agent: str) -> bool:
    """Whether this browser fills `<template for>` without script, so that it never needs the in-order page."""
    found = _chromium.search(user_agent[:HEADER_LENGTH_MAX])
    return found is not None and int(found[1]) >= TEMPLATE_FOR_CHROMIUM_MIN
