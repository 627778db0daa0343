"""Personal data and secrets in one look."""

from __future__ import annotations

from seawall.model_proxy.screen import pii, secrets
from seawall.model_proxy.screen.finds import Found, apart, raw, shape


def look(text: str, *, pii_wanted: bool, secrets_wanted: bool) -> list[Found]:
    """What is personal or secret in a text, in order, apart; of two that overlap the secret counts."""
    plain = raw(text)
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
