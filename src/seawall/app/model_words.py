"""What all nouns of an app are made of: frozen values, texts in several languages, how a value is shown."""

from __future__ import annotations

from typing import Literal

import msgspec

Scalar = str | int | float | bool | None
DEFAULT_LOCALE = "en"


class Value(msgspec.Struct, frozen=True, omit_defaults=True):
    """A frozen value."""


class Text(Value, frozen=True):
    """A text in one or more languages. `Text({"en": "Sales", "de": "Umsatz"})`."""

    by_locale: dict[str, str]

    def in_locale(self, locale: str) -> str:
        """The text in `locale`, else its language, else English, else whichever there is."""
        for key in (locale, locale.partition("-")[0], DEFAULT_LOCALE):
            if key in self.by_locale:
                return self.by_locale[key]
        return next(iter(self.by_locale.values()), "")


class Format(Value, frozen=True):
    """How a value is shown. `style` currency needs `currency` (ISO 4217); `decimals` is a maximum."""

    style: Literal["number", "integer", "percent", "currency", "date", "week", "month", "datetime", "text"] = "number"
    currency: str = ""
    unit: str = ""
    decimals: int | None = None
    compact: bool = False
    """1.2M rather than 1,234,567."""
