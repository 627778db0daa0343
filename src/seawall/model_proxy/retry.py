"""Trying again: how often, how soon, and whether there is anything left to spend on it. Pure.

The budget is a token bucket for each provider: every call puts in a share of a token, every try again takes one, so a provider that
fails for everybody is not asked many times as much. https://sre.google/sre-book/handling-overload/
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.model_proxy.config import Retries

FIRST_WAIT = 0.1
LONGEST_WAIT = 2.0
"""Seconds, where the provider names no time of its own."""
RETRY_AFTER_MAX = 3_600.0
"""Longer ones are taken for this."""


class RetryBudget:
    """What may be spent on tries again at one provider."""

    __slots__ = ("_most", "_share", "_tokens")

    def __init__(self, settings: Retries) -> None:
        self._share = settings.share
        self._most = float(settings.burst)
        self._tokens = self._most

    def earn(self) -> None:
        """A call was made."""
        self._tokens = min(self._most, self._tokens + self._share)

    def spend(self, calls: int = 1) -> bool:
        """Take a token for a try again (that so many calls make together, each its part); False when there is none."""
        part = 1.0 / calls
        if self._tokens < part - 1e-9:
            return False
        self._tokens -= part
        return True


def wait_seconds(again: int, retry_after: float | None, *, chance: Callable[[], float] = random.random) -> float:
    """How long to wait before the try again number `again` (from 1): what the provider says, else back off with full jitter."""
    if retry_after is not None:
        return retry_after
    return chance() * min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(again, 10))


def retry_after(headers: dict[str, str], clock: Clock = SYSTEM_CLOCK) -> float | None:
    """Seconds that a provider asks to wait for (`retry-after-ms`, or `retry-after` as seconds or as a date); None: it does not say."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return min(milliseconds / 1000, RETRY_AFTER_MAX)
    text = headers.get("retry-after", "").strip()
    seconds = _number(text)
    if seconds is None and text:
        seconds = _until(text, clock.time())
    return None if seconds is None else min(seconds, RETRY_AFTER_MAX)


def _number(text: str) -> float | None:
    if not text or len(text) > 20 or not text.isascii():
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _until(text: str, now: float) -> float | None:
    try:
        moment = parsedate_to_datetime(text[:40])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return max(0.0, (moment - datetime.fromtimestamp(now, UTC)).total_seconds())
    except OverflowError:
        return None
