"""What CLDR says of a locale, through Babel: signs, patterns, short scales. Slow to ask, so whoever writes values asks once.

https://cldr.unicode.org
"""

from __future__ import annotations

from functools import lru_cache

from babel import Locale, UnknownLocaleError


@lru_cache(maxsize=64)
def babel_locale(locale: str) -> Locale:
    """CLDR's data of `locale`, else of its language, else English."""
    for tag in (locale, locale.replace("_", "-").partition("-")[0], "en"):
        try:
            return Locale.parse(tag.replace("-", "_"))
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


def number_symbols(locale: Locale) -> dict[str, str]:
    """The `decimal` and the `group` sign, with Latin digits."""
    table = locale.number_symbols
    latin = table.get("latn", table)
    return {"decimal": str(latin["decimal"]), "group": str(latin["group"])}


def affixes(pattern: str) -> tuple[str, str]:
    """What stands before and after the digits of a CLDR pattern."""
    positive = pattern.partition(";")[0].replace("'", "")
    digits = [index for index, sign in enumerate(positive) if sign in "#0,."]
    return positive[: digits[0]], positive[digits[-1] + 1 :]


def compact_scales(locale: Locale) -> list[tuple[int, float, str]]:
    """(least exponent, divisor, suffix) of the locale's short scale, ascending; only where it has a word."""
    scales = []
    for threshold, number_pattern in locale.compact_decimal_formats["short"]["other"].items():
        pattern = number_pattern.pattern
        zeros = pattern.count("0")
        suffix = pattern.rpartition("0")[2].replace("'", "")
        if suffix:
            exponent = len(threshold) - 1
            scales.append((exponent, float(10 ** (exponent - zeros + 1)), suffix))
    return sorted(scales)


def date_pattern(locale: Locale, skeleton: str) -> str:
    """The pattern of a skeleton (`yMMMd`), of `date`, `datetime` or `time`; what CLDR does not know is a pattern itself."""
    if skeleton == "date":
        return str(locale.date_formats["medium"].pattern)
    if skeleton == "time":
        return str(locale.time_formats["short"].pattern)
    if skeleton == "datetime":
        return f"{date_pattern(locale, 'yMMMd')}, {date_pattern(locale, 'time')}"
    found = locale.datetime_skeletons.get(skeleton)
    return str(found.pattern) if found is not None else skeleton


def true_false(language: str) -> tuple[str, str]:
    """The words for a boolean."""
    return {"de": ("Ja", "Nein")}.get(language, ("Yes", "No"))
