"""The languages of an app: they exist, and every text of app.yaml is in one of them."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.app.faults import Report
from seawall.app.model import DEFAULT_LOCALE
from seawall.app.suggest import suggestion
from seawall.app.yaml_tree import Node

_TEXTS = ("title", "description", "label")
_NAMED = ("roles", "policies", "pages", "filters", "panels", "mask")
"""Keys whose entries are called as their author likes, `title` for example."""
_OUR_OWN = ("en", "de")


def read_locales(root: Node, report: Report) -> tuple[str, ...]:
    """The app's languages. Unknown ones are reported, and texts in others than these."""
    node = root.get("locales")
    if node is not None and node.broken:
        return (DEFAULT_LOCALE,)
    for child in node.items() if node is not None else ():
        _check_language(child, report)
    locales = tuple(child.text() for child in node.items()) if node is not None else (DEFAULT_LOCALE,)
    for text in _texts(root, named=False):
        for locale, child in text.entries().items():
            _check_text(locale, child, locales, report)
    return locales


def _texts(node: Node, *, named: bool) -> Iterator[Node]:
    """Every text below a node. `named`: its keys are names, which mean nothing."""
    for key, child in node.entries().items():
        if not named and key in _TEXTS:
            yield child
        else:
            yield from _texts(child, named=not named and key in _NAMED)
    for child in node.value if isinstance(node.value, list) else ():
        yield from _texts(child, named=False)


def _check_language(node: Node, report: Report) -> None:
    """CLDR, from which numbers and dates get their form, knows the language. https://cldr.unicode.org"""
    language = node.text().partition("-")[0]
    if language in _OUR_OWN:
        return
    from babel import localedata

    if localedata.exists(language) or _is_older_code(language):
        return
    meant = _language(f"und_{language.upper()}")
    report.add(
        node,
        "unknown_locale",
        f"There is no language `{language}`",
        expected="a language's tag in CLDR, such as `en`, `de-AT` or `ja`",
        got=node.text(),
        fix=f"Did you mean `{meant}`, which is spoken there?" if meant and meant != "und" else "Write the code of ISO 639",
    )


def _is_older_code(language: str) -> bool:
    """Whether CLDR knows it by another code: `tl` is `fil`."""
    return language != "und" and _language(language) != ""


def _language(tag: str) -> str:
    """The language that CLDR takes a tag for; "" when it knows none."""
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(tag).language
    except (UnknownLocaleError, ValueError):
        return ""


def _check_text(locale: str, node: Node, locales: tuple[str, ...], report: Report) -> None:
    if locale not in locales and isinstance(node.value, str):
        fix = f"Add `{locale}` to `locales`" if len(locale) < 12 else suggestion(locale, locales)
        report.add(
            node.key_mark(),
            "unknown_locale",
            f"`{locale[:20]}` is not a language of the app",
            where=node.where,
            expected=", ".join(locales),
            got=locale,
            fix=fix,
        )
