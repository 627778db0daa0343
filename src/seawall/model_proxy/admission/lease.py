"""What this replica may give out of one limit without asking: a tenth of a minute's, and some slots for streams.

Pure: it keeps numbers; `desk.py` asks for more. Kinds without a limit are as good as endless, so that the hot path compares and never
branches. `left_*` is what the shared bucket held when last asked: from it follows how long a refusal lasts.
"""

from __future__ import annotations

import asyncio

from seawall.model_proxy.admission.buckets import MILLI, Ask, Grant
from seawall.model_proxy.admission.settings import LEASE_SECONDS, LEASED_PART
from seawall.model_proxy.admission.shares import TIGHT_SECONDS, Shares
from seawall.model_proxy.call import Limits

ENDLESS = 1 << 60
STREAM_RETRY_SECONDS = 1.0
"""When to ask again after a refused stream: one ends when it ends."""
REFUSED_SECONDS = 0.2
"""How long a refused slot is not asked for again."""


class Lease:
    """One subject's. Times are monotonic seconds."""

    __slots__ = (
        "asked_at", "flight", "held", "lean_until", "left_requests", "left_tokens", "limits", "low_requests", "low_tokens", "requests",
        "shares", "size_requests", "size_tokens", "slots", "slots_refused_until", "spare", "subject", "tag", "there", "tokens", "until",
        "used_at", "waiting", "waiting_tokens",
    )  # fmt: skip

    def __init__(self, tag: str, subject: str, limits: Limits, *, fair: bool = False) -> None:
        self.tag = tag
        self.subject = f"{{{tag}}}:{subject}"
        self.limits = limits
        self.size_requests = max(1, limits.requests_per_minute // LEASED_PART)
        self.size_tokens = max(1, limits.tokens_per_minute // LEASED_PART)
        self.low_requests = self.size_requests // 2 if limits.requests_per_minute else -ENDLESS
        self.low_tokens = self.size_tokens // 2 if limits.tokens_per_minute else -ENDLESS
        self.spare = max(1, limits.streams // 8)
        self.requests = self.tokens = self.slots = ENDLESS
        self.held = 0
        self.until = 0.0
        """After it what is left may not be used."""
        self.asked_at = self.used_at = self.slots_refused_until = 0.0
        self.lean_until = 0.0
        """Until then no slots are kept to spare."""
        self.left_requests = self.left_tokens = ENDLESS * MILLI
        self.there = limits
        """Of the bucket that was asked last: this replica's own has a part of the limit."""
        self.flight: asyncio.Future[None] | None = None
        self.waiting = self.waiting_tokens = 0
        """Calls that wait for more, and the tokens they need."""
        self.shares: Shares | None = Shares() if fair else None
        self._empty()

    def _empty(self) -> None:
        if self.limits.requests_per_minute:
            self.requests = 0
        if self.limits.tokens_per_minute:
            self.tokens = min(0, self.tokens) if self.tokens < ENDLESS else 0
        if self.limits.streams:
            self.slots = self.held

    def has(self, tokens: int, now: float) -> bool:
        """Whether a call may go."""
        return self.requests > 0 and self.tokens >= tokens and self.held < self.slots and self.until > now

    def worth_asking(self, tokens: int, now: float) -> bool:
        """Whether there is no room here, and might be where it is shared."""
        return not self.has(tokens, now) and self.wait(tokens, now)[0] <= 0.0

    def take(self, tokens: int, now: float) -> None:
        """Reserve."""
        self.used_at = now
        self.requests -= 1
        self.tokens -= tokens
        self.held += 1

    def give(self, tokens: int) -> None:
        """The end of a call; `tokens` of its reservation were not used (below 0: more were)."""
        self.tokens += tokens
        self.held -= 1

    def wait(self, tokens: int, now: float) -> tuple[float, str]:
        """Seconds until the shared bucket can have what a call needs, as far as we know, and of what it lacks; 0: worth asking."""
        since = now - self.asked_at
        lacking = self._lacking(tokens, now)
        found = (0.0, "")
        if self.limits.requests_per_minute and lacking[0] > 0:
            found = max(found, (_wait(lacking[0], self.left_requests, self.there.requests_per_minute) - since, "requests"))
        if self.limits.tokens_per_minute and lacking[1] > 0:
            found = max(found, (_wait(lacking[1], self.left_tokens, self.there.tokens_per_minute) - since, "tokens"))
        if self.held >= self.slots and self.slots_refused_until > now:
            found = max(found, (STREAM_RETRY_SECONDS, "streams"))
        return found

    def _lacking(self, tokens: int, now: float) -> tuple[int, int]:
        if self.until <= now:
            return 1, tokens - min(0, self.tokens)
        return 1 - self.requests, tokens - self.tokens

    # ── asking ──

    def ask(self, tokens: int, now: float) -> Ask:
        """What to ask for, so that everybody who waits can go and there is some to spare; `tokens` the call in hand needs."""
        if self.until <= now:
            self._empty()
        limits = self.limits
        need_requests = max(0, 1 - self.requests) if self.waiting and limits.requests_per_minute else 0
        need_tokens = max(0, tokens - self.tokens) if limits.tokens_per_minute else 0
        want_requests = max(need_requests, self.size_requests + self.waiting - self.requests) if limits.requests_per_minute else 0
        want_tokens = max(need_tokens, self.size_tokens + self.waiting_tokens - self.tokens) if limits.tokens_per_minute else 0
        need_streams, want_streams = self._slots_wanted(now)
        if limits.streams:
            self.slots = max(self.held, min(self.slots, want_streams))  # no more meanwhile than we ask for
        return Ask(
            self.subject, limits, need_requests, want_requests, 0, need_tokens, want_tokens, 0, self.held, need_streams, want_streams
        )

    def _slots_wanted(self, now: float) -> tuple[int, int]:
        if not self.limits.streams:
            return 0, 0
        need = self.held + self.waiting
        return need, need + (self.spare if self.lean_until <= now else 0)

    def give_back(self) -> Ask:
        """Everything that is not in use goes back: nobody asked lately."""
        requests = max(0, self.requests) if self.limits.requests_per_minute else 0
        tokens = max(0, self.tokens) if self.limits.tokens_per_minute else 0
        self._empty()
        return Ask(
            self.subject,
            self.limits,
            give_requests=requests,
            give_tokens=tokens,
            held=self.held,
            need_streams=self.held,
            want_streams=self.held,
        )

    def granted(self, ask: Ask, grant: Grant, now: float) -> None:
        """Take in the answer to an ask."""
        self.asked_at = now
        self.there = ask.limits
        self.until = now + LEASE_SECONDS
        if self.limits.requests_per_minute:
            self.requests += grant.requests
            self.left_requests = grant.requests_left
        if self.limits.tokens_per_minute:
            self.tokens += grant.tokens
            self.left_tokens = grant.tokens_left
        if self.limits.streams:
            self.slots = grant.streams
            if grant.streams < ask.need_streams:
                self.slots_refused_until = now + REFUSED_SECONDS
            if grant.short:
                self.lean_until = now + LEASE_SECONDS
        if self.shares is not None and (
            grant.requests < ask.want_requests or grant.tokens < ask.want_tokens or grant.streams < ask.need_streams
        ):
            self.shares.tight_until = now + TIGHT_SECONDS


def _wait(lacking: int, left_milli: int, per_minute: float) -> float:
    return (lacking * MILLI - left_milli) * 60 / (per_minute * MILLI)
