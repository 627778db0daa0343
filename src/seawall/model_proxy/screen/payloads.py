"""Texts inside texts: long runs of Base64 or hexadecimal that decode to words. Bounded in number and size, one level deep."""

from __future__ import annotations

import base64
import binascii
import re
import string
from collections.abc import Iterator

RUN_MIN = 24
RUN_MAX = 8192
RUNS_MAX = 16
_RUN = re.compile(r"[A-Za-z0-9+/_-]{24,8192}={0,2}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}[ :]?|\\x[0-9A-Fa-f]{2}){24,4096}")
_READABLE = set(string.printable.encode())
_READABLE_SHARE = 0.9


def decoded(text: str) -> Iterator[str]:
    """What runs in the text decode to, where that is text."""
    long = [word for word in text.split() if len(word) >= RUN_MIN]
    runs = [run for word in long for run in _RUN.findall(word)][:RUNS_MAX]
    for run in runs:
        for raw in (_base64(run), _hex(run)):
            if raw and sum(byte in _READABLE for byte in raw) >= _READABLE_SHARE * len(raw):
                yield raw.decode("utf-8", "replace")
    if "\\x" in text or (not long and _HEX.search(text)):
        for match in list(_HEX.finditer(text))[:RUNS_MAX]:
            if raw := _hex(re.sub(r"\\x|[ :]", "", match[0])):
                yield raw.decode("utf-8", "replace")


def _base64(run: str) -> bytes:
    compact = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(compact[: len(compact) - (len(compact) % 4 == 1)] + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _hex(run: str) -> bytes:
    try:
        return bytes.fromhex(run)
    except ValueError:
        return b""
