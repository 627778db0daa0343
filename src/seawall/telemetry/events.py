"""Structured events: one JSON object a line on standard error, named in the past tense (`panel.degraded`)."""

from __future__ import annotations

import sys
import time
from contextlib import suppress

import msgspec

from seawall.telemetry.spans import current_trace_id


def event(name: str, /, **fields: object) -> None:
    """Write an event. Values must be JSON-like; never pass a secret, a token or a person's data. Whatever becomes of it, this returns."""
    line: dict[str, object] = {"at": time.time(), "event": name}
    if trace_id := current_trace_id():
        line["trace_id"] = trace_id
    line.update(fields)
    with suppress(OSError):  # the disk is full, or whoever read it is gone: what is told of goes on
        sys.stderr.buffer.write(msgspec.json.encode(line) + b"\n")
        sys.stderr.buffer.flush()
