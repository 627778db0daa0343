"""Our own words: complete in every language, plural-safe."""

from __future__ import annotations

import string

import pytest

from seawall.ui.messages import Messages, locales, templates


def fields(template):
    forms = [template] if isinstance(template, str) else list(template.values())
    return {frozenset(name for _, name, _, _ in string.Formatter().parse(form) if name) for form in forms}


def test_every_locale_has_every_word():
    """The files have the same keys, kinds and placeholders."""
    english = templates("en")
    for locale in locales():
        other = templates(locale)
        assert set(other) == set(english), locale
        for key, template in english.items():
            assert isinstance(other[key], dict) == isinstance(template, dict), key
            assert fields(other[key]) == fields(template), key


def test_plural_forms_are_complete():
    """Plural messages have the forms their language needs, and one never says more than many."""
    for locale in locales():
        for key, template in templates(locale).items():
            if isinstance(template, dict):
                assert set(template) == {"one", "other"}, key
                one, other = fields(template["one"]), fields(template["other"])
                assert next(iter(one)) <= next(iter(other)), key


@pytest.mark.parametrize(("locale", "one", "many"), [("en", "1 row", "1,200 rows"), ("de", "1 Zeile", "1.200 Zeilen")])
def test_counts_take_the_right_form(locale, one, many):
    """One is singular, more is plural, and the number is written by the locale."""
    words = Messages(locale)
    assert words.count("data_rows", 1) == one
    assert words.count("data_rows", 1200) == many


def test_unknown_locale_is_english():
    """A language we do not speak gets English; a region falls back to its language."""
    assert Messages("tlh")["retry"] == "Try again"
    assert Messages("de-AT")["retry"] == "Erneut versuchen"


def test_values_cannot_be_templates():
    """Braces in a value stay braces."""
    assert Messages("en").text("chart.alt", title="{0.__class__}") == "Chart of {0.__class__}"
