"""Page cursors: the key values of the last row shown, signed so that nobody can make one up.

A cursor is bound to a subject (what is asked, with which parameters and which rights), so one given out for one question
or one principal is refused for another. It is signed, not encrypted: it holds only values that its reader was shown or may
sort by. HMAC-SHA256, https://www.rfc-editor.org/rfc/rfc2104.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

import msgspec

from seawall.app.model import Scalar
from seawall.query.errors import InvalidCursor

LENGTH_MAX = 4096
"""Characters; more is refused unread."""
_MAC_BYTES = 32
_Values = tuple[Scalar, ...]


class Cursors:
    """Signs and checks with one key of at least 32 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) < _MAC_BYTES:
            raise ValueError("a cursor key has at least 32 bytes")
        self._key = hashlib.sha256(b"seawall cursor 1\0" + key).digest()

    def encode(self, values: Sequence[Scalar], *, subject: str) -> str:
        """The cursor after a row with these key values: letters, digits, `-` and `_`."""
        payload = msgspec.msgpack.encode(tuple(values))
        return base64.urlsafe_b64encode(self._mac(payload, subject) + payload).rstrip(b"=").decode()

    def decode(self, text: str, *, subject: str) -> tuple[Scalar, ...]:
        """The key values. InvalidCursor when it was altered, made up, or given out for another subject."""
        raw = _unarmoured(text)
        signature, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(signature, self._mac(payload, subject)):
            raise InvalidCursor
        try:
            return msgspec.msgpack.decode(payload, type=_Values)
        except msgspec.DecodeError as error:
            raise InvalidCursor from error

    def _mac(self, payload: bytes, subject: str) -> bytes:
        return hmac.digest(self._key, hashlib.sha256(subject.encode()).digest() + payload, "sha256")


def _unarmoured(text: str) -> bytes:
    if len(text) > LENGTH_MAX:
        raise InvalidCursor
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidCursor from error
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != text:
        raise InvalidCursor  # Spare bits of the last character must not make a second spelling.
    return raw
