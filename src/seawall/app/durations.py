"""Durations as people write them: `900ms`, `30s`, `5m`, `24h`, `7d`, `2w`."""

from __future__ import annotations

import re

from seawall.core.errors import InvalidInput

PATTERN = r"^[0-9]{1,9}(ms|s|m|h|d|w)$(?!\n)"
SOME = r"^(?!0+[a-z])[0-9]{1,9}(ms|s|m|h|d|w)$(?!\n)"
"""A duration that is not zero."""
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d|w)")


class InvalidDuration(InvalidInput):
    """A duration is a whole number and a unit, like 24h."""

    slug = "invalid-duration"


def parse_duration(text: str) -> float:
    """Seconds. InvalidDuration for anything but a whole number and one of ms, s, m, h, d, w."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise InvalidDuration(
            expected="a whole number and ms, s, m, h, d or w, like 900ms or 24h", got=repr(text[:40]), fix="Write 24h for a day"
        )
    return int(match[1]) * _SECONDS[match[2]]
