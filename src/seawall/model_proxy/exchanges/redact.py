"""Takes personal data and secrets out of what is written down. What is recorded never held them; nothing puts them back.

Every string is looked at (the names of members are not: they are the protocol's), as one text first: where nothing is found, which is the
most common, nothing is taken apart.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

from seawall.model_proxy.screen import pii, secrets
from seawall.model_proxy.screen.finds import Found, apart, raw, shape
from seawall.model_proxy.screen.look import is_quiet, look
from seawall.model_proxy.screen.slices import LONG, SLICE

Find = Callable[[str], list[Found]]
INLINE_BYTES_MAX = 1024
"""A file inside a message (`data:…`, or Base64) that is longer is written as its digest."""
LETTERS_MIN = 12
"""Different characters at the start of a file in Base64."""
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+")


def find(text: str) -> list[Found]:
    """Personal data and secrets in a text, in order, not overlapping."""
    if len(text) > LONG:  # in slices, for calls go on beside it
        return look(text, pii_wanted=True, secrets_wanted=True)
    if is_quiet(text):
        return []
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
            inline = inline or _is_file(one)
        elif kind is dict:
            left += one.values()
        elif kind is list or kind is tuple:
            left += one
    return inline


def _is_file(text: str) -> bool:
    """Whether a string is a file: a long data URL, or nothing but long Base64, as audio comes."""
    return len(text) > INLINE_BYTES_MAX and (text.startswith("data:") or (len(set(text[:256])) > LETTERS_MIN and _is_base64(text)))


def _is_base64(text: str) -> bool:
    """Part by part, so that other threads have their turns."""
    at, end = 0, len(text) - text[-2:].count("=")
    while at < end and (part := _BASE64.match(text, at, min(end, at + SLICE))):
        at = part.end()
    return at == end


def _rebuilt(value: Any, finder: Find) -> Any:  # noqa: ANN401 -- any JSON
    if isinstance(value, str):
        if _is_file(value):
            kind = value[5:64].partition(";")[0] if value.startswith("data:") else ""
            return f"data:{kind};sha256={hashlib.sha256(value.encode('utf-8', 'replace')).hexdigest()};bytes={len(value)}"
        return redact_text(value, finder)
    if isinstance(value, dict):
        return {name: _rebuilt(member, finder) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_rebuilt(member, finder) for member in value]
    return value
