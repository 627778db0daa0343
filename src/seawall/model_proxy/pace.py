"""What a provider takes a minute, kept by this replica: token buckets of requests and of tokens. Pure."""

from __future__ import annotations

from seawall.model_proxy.config import ProviderLimits

MINUTE = 60.0
BURST_SECONDS = 6.0
"""So much of a minute's worth may go out at once."""


class Pace:
    """`ready`, then `take`; `spent` tells the tokens once they are known, so that tokens may be overdrawn by what is under way."""

    __slots__ = ("_at", "_requests", "_requests_rate", "_tokens", "_tokens_rate")

    def __init__(self, limits: ProviderLimits, now: float) -> None:
        self._requests_rate = limits.requests_per_minute / MINUTE
        self._tokens_rate = limits.tokens_per_minute / MINUTE
        self._requests = max(1.0, self._requests_rate * BURST_SECONDS)
        self._tokens = self._tokens_rate * BURST_SECONDS
        self._at = now

    def ready(self, now: float) -> bool:
        """Whether another request may go out."""
        self._fill(now)
        return (not self._requests_rate or self._requests >= 1.0) and (not self._tokens_rate or self._tokens > 0.0)

    def take(self) -> None:
        """A request goes out."""
        self._requests -= 1.0

    def spent(self, tokens: int) -> None:
        """It used so many tokens."""
        self._tokens -= tokens

    def seconds_left(self, now: float) -> float:
        """Until another request may go out."""
        self._fill(now)
        requests = (1.0 - self._requests) / self._requests_rate if self._requests_rate else 0.0
        tokens = -self._tokens / self._tokens_rate if self._tokens_rate else 0.0
        return max(0.0, requests, tokens)

    def _fill(self, now: float) -> None:
        passed, self._at = now - self._at, now
        if self._requests_rate:
            self._requests = min(max(1.0, self._requests_rate * BURST_SECONDS), self._requests + passed * self._requests_rate)
        if self._tokens_rate:
            self._tokens = min(self._tokens_rate * BURST_SECONDS, self._tokens + passed * self._tokens_rate)
