"""Names made from content: canonical JSON and SHA-256."""

from __future__ import annotations

import hashlib

import msgspec

_encoder = msgspec.json.Encoder(order="deterministic")


def canonical(value: object) -> bytes:
    """`value` as JSON with sorted keys and no spaces: equal values give equal bytes on any machine."""
    return _encoder.encode(value)


def digest(value: object) -> str:
    """SHA-256 of the canonical form, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()
