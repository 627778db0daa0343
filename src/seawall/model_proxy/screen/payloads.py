"""Texts inside texts: long runs of Base64 or hexadecimal that decode to words. Bounded in size, one level deep."""

from __future__ import annotations

import base64
import binascii
import re
import string
from collections.abc import Iterator

from seawall.model_proxy.screen.secrets import is_uuid

RUN_MIN = 24
RUN_MAX = 8192
ALONE_MAX = 16
"""Runs that are judged one by one; the others together, which takes less time."""
_RUN = re.compile(r"[A-Za-z0-9+/_-]{24,8192}={0,2}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}[ :]?|\\x[0-9A-Fa-f]{2}){24,4096}")
_READABLE = string.printable.encode()
_PAIRS_MIN = b"0" * 48
_WORD_MIN = b"x" * RUN_MIN
_WORDS = bytes(32 if chr(code).isspace() else 120 for code in range(256))
_HEXES = bytes(48 if chr(code) in string.hexdigits else 120 for code in range(256))
_READABLE_SHARE = 0.9


def decoded(text: str) -> Iterator[str]:
    """What runs in the text decode to, where that is text."""
    raw = text.encode("ascii", "replace")
    long = [word for word in text.split() if len(word) >= RUN_MIN] if _WORD_MIN in raw.translate(_WORDS) else []
    runs = [run for word in long for run in _RUN.findall(word)]
    for run in runs[:ALONE_MAX]:
        yield from _readable(run)
    if len(runs) > ALONE_MAX:
        yield "\n".join([inner for run in runs[ALONE_MAX:] for inner in _readable(run)])
    if "\\x" in text or (not long and _PAIRS_MIN in raw.translate(_HEXES, b" :")):
        found = [_hex(re.sub(r"\\x|[ :]", "", match[0])).decode("utf-8", "replace") for match in _HEX.finditer(text)]
        yield from filter(None, found[:ALONE_MAX])
        yield "\n".join(found[ALONE_MAX:])


def _readable(run: str) -> Iterator[str]:
    """What one run decodes to, where that is text."""
    if is_uuid(run, 0, len(run)):
        return
    for inner in (_base64(run), _hex(run)):
        if inner and len(inner.translate(None, _READABLE)) <= (1 - _READABLE_SHARE) * len(inner):
            yield inner.decode("utf-8", "replace")


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
