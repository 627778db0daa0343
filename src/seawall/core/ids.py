"""Identifiers that sort by the time they were made (UUID version 7, RFC 9562)."""

from __future__ import annotations

import secrets

from seawall.core.clock import SYSTEM_CLOCK, Clock


def new_id(clock: Clock = SYSTEM_CLOCK) -> str:
    """A fresh UUIDv7: 48 bits of milliseconds, then 74 random bits."""
    milliseconds = int(clock.time() * 1000) & ((1 << 48) - 1)
    random = secrets.randbits(74)
    value = (milliseconds << 80) | (0x7 << 76) | ((random >> 62) << 64) | (0b10 << 62) | (random & ((1 << 62) - 1))
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
