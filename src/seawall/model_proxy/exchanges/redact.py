"""Takes personal data and secrets out of what is written down. What is recorded never held them; nothing puts them back.

Every string is looked at (the names of members are not: they are the protocol's), as one text first: where nothing is found, which is the
most common, nothing is taken apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from seawall.model_proxy.screen import pii, secrets
from seawall.model_proxy.screen.finds import Found, apart, raw, shape

Find = Callable[[str], list[Found]]
INLINE_BYTES_MAX = 1024
"""A file inside a message (`data:…`) that is longer is written as its digest."""


def find(text: str) -> list[Found]:
    """Personal data and secrets in a text, in order, not overlapping."""
    plain = raw(text)
    shaped = shape(plain)
    return apart([*secrets.find(text, plain, shaped), *pii.find(text, plain, shaped)])


def redact(value: Any, finder: Find = find) -> Any:  # noqa: ANN401 -- any JSON
    """JSON without personal data, secrets and inline files. The same object when there is nothing to take out."""
    strings: list[str] = []
    if not _collect(value, strings) and not finder("\n".join(strings)):
        return value
    return _rebuilt(value, finder)


def redact_text(text: str, finder: Find = find) -> str:
    """A text with each finding replaced by its kind in brackets: `[pii.email]`."""
    found = finder(text)
    if not found:
        return text
    parts, at = [], 0
    for one in found:
        parts += [text[at : one.start], f"[{one.id}]"]
        at = one.end
    return "".join([*parts, text[at:]])


def _collect(value: Any, into: list[str]) -> bool:  # noqa: ANN401 -- any JSON
    """Gather every string; whether there is an inline file among them."""
    inline = False
    left = [value]
    for one in left:
        kind = type(one)
        if kind is str:
            into.append(one)
            inline = inline or (len(one) > INLINE_BYTES_MAX and one.startswith("data:"))
        elif kind is dict:
            left += one.values()
        elif kind is list or kind is tuple:
            left += one
    return inline


def _rebuilt(value: Any, finder: Find) -> Any:  # noqa: ANN401 -- any JSON
    if isinstance(value, str):
        if value.startswith("data:") and len(value) > INLINE_BYTES_MAX:
            kind = value[5:64].partition(";")[0]
            return f"data:{kind};sha256={hashlib.sha256(value.encode('utf-8', 'replace')).hexdigest()};bytes={len(value)}"
        return redact_text(value, finder)
    if isinstance(value, dict):
        return {name: _rebuilt(member, finder) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_rebuilt(member, finder) for member in value]
    return value
