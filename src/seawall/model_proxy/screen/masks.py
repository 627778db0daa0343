"""Placeholders for what must not leave, and the way back.

A placeholder is `[EMAIL_K7Q2M4XA]`: the kind, and a keyed digest of the value. So it is the same wherever the value stands in a request,
two values never share one (not even across requests that share a cached answer), and nobody without the key can try values against it.
Only placeholders of this very request are put back: what a model makes up, or reads in a document, stays as it is.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence

import msgspec

from seawall.model_proxy.screen.finds import Found

LENGTH_MAX = 24
_PLACEHOLDER = re.compile(r"\[[A-Z]{2,12}_[A-Z2-7]{8}\]")
_DIGEST_BYTES = 5


class Masks:
    """The placeholders of one request."""

    __slots__ = ("_key", "values")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.values: dict[str, str] = {}
        """Placeholder → what it stands for."""

    def placeholder(self, id: str, value: str) -> str:
        """What stands for a value that was found."""
        kind = "SECRET" if id.startswith("secret.") else id.rpartition(".")[2].replace("-", "").upper()
        digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), key=self._key, digest_size=_DIGEST_BYTES).digest()
        name = f"[{kind}_{base64.b32encode(digest).decode()}]"
        self.values[name] = value
        return name

    def mask(self, text: str, found: Sequence[Found]) -> str:
        """The text with placeholders in place of what was found."""
        return replaced(text, [(one.start, one.end, self.placeholder(one.id, text[one.start : one.end])) for one in found])


def replaced(text: str, edits: Sequence[tuple[int, int, str]]) -> str:
    """The text with stretches (start, end, instead), in order and apart, replaced."""
    parts: list[str] = []
    at = 0
    for start, end, instead in edits:
        parts += (text[at:start], instead)
        at = end
    return "".join((*parts, text[at:]))


def unkeyed(text: str) -> str:
    """The text with each placeholder replaced by its kind: the same whichever key they were made with."""
    return _PLACEHOLDER.sub(lambda found: found[0].rpartition("_")[0] + "]", text)


def restored(text: str, values: Mapping[str, str], *, in_json: bool = False) -> str:
    """The text with placeholders replaced by what they stand for; `in_json`: written as inside a JSON string."""
    if not values or "[" not in text:
        return text

    def value(match: re.Match[str]) -> str:
        stands_for = values.get(match[0], match[0])
        return msgspec.json.encode(stands_for).decode()[1:-1] if in_json else stands_for

    return _PLACEHOLDER.sub(value, text)
