"""Personal data and secrets in one look."""

from __future__ import annotations

from seawall.model_proxy.screen import pii, secrets
from seawall.model_proxy.screen.finds import Found, apart, raw, shape

_LOUD = bytes(chr(code) in "0123456789@:-JK" for code in range(256))
"""Of whatever the finders look for first (a digit, `@`, `::`, `-----BEGIN`, `eyJ`, `AKIA`) a character is missing among these."""

_SILENCE = bytes(4096)


def is_quiet(text: str) -> bool:
    """Whether a text, or any part of it, is sure to hold nothing personal or secret; most are. A pass in C."""
    drawn = raw(text).translate(_LOUD)
    return drawn == (_SILENCE[: len(drawn)] if len(drawn) <= len(_SILENCE) else bytes(len(drawn)))


def look(text: str, *, pii_wanted: bool, secrets_wanted: bool) -> list[Found]:
    """What is personal or secret in a text, in order, apart; of two that overlap the secret counts."""
    plain = raw(text)
    drawn = plain.translate(_LOUD)
    if drawn == (_SILENCE[: len(drawn)] if len(drawn) <= len(_SILENCE) else bytes(len(drawn))):
        return []
    return closely(text, plain, pii_wanted=pii_wanted, secrets_wanted=secrets_wanted)


def closely(text: str, plain: bytes, *, pii_wanted: bool, secrets_wanted: bool) -> list[Found]:
    """The same of a text that may hold something; `plain`: of it (`finds.raw`)."""
    form = shape(plain)
    found: list[Found] = secrets.find(text, plain, form) if secrets_wanted else []
    if pii_wanted:
        personal = pii.find(text, plain, form)
        if found and personal:
            return apart(
                [*found, *(one for one in personal if not any(one.start < other.end and other.start < one.end for other in found))]
            )
        return found or personal
    return found
