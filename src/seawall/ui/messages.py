"""Our own words, one JSON file a locale (`locale/en.json`, `locale/de.json`), loaded once.

A message is a template with named placeholders, or a map of CLDR plural categories to templates. `en` is complete; a
word another locale lacks is taken from `en`. The words of an app are the app's; these are the platform's. Nothing here
escapes: values are put in as they come.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import msgspec

from seawall.ui.cldr import babel_locale
from seawall.ui.formats import formatter

FALLBACK = "en"
Template = str | dict[str, str]


@lru_cache(maxsize=32)
def messages(locale: str) -> Messages:
    """The one set of messages of a locale, shared."""
    return Messages(locale)


def locales() -> tuple[str, ...]:
    """The locales we have words for, sorted."""
    folder = resources.files("seawall.ui").joinpath("locale")
    return tuple(sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json")))


@lru_cache(maxsize=32)
def templates(locale: str) -> dict[str, Template]:
    """The file of one locale as it is. FileNotFoundError when we have none."""
    text = resources.files("seawall.ui").joinpath("locale", f"{locale}.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, Template])


class Messages:
    """The words of one locale. `Messages("de")["retry"]`; make it with `messages(locale)`."""

    def __init__(self, locale: str) -> None:
        language = locale.replace("_", "-").partition("-")[0].lower()
        self.locale = language if language in locales() else FALLBACK
        self._templates = {**templates(FALLBACK), **templates(self.locale)}
        self._plural = babel_locale(self.locale).plural_form

    def __getitem__(self, key: str) -> str:
        """The template; of a plural message the form for many. KeyError for a word we do not have."""
        template = self._templates[key]
        return template if isinstance(template, str) else template["other"]

    def __contains__(self, key: str) -> bool:
        return key in self._templates

    def text(self, key: str, **values: object) -> str:
        """The message with its placeholders filled in."""
        return self[key].format(**values)

    def count(self, key: str, count: int, **values: object) -> str:
        """The message in the plural form for `count`, which is written by the locale's rules as `{count}`."""
        template = self._templates[key]
        if not isinstance(template, str):
            template = template.get(self._plural(count)) or template["other"]
        return template.format(count=formatter(self.locale).plain(count, 0), **values)
