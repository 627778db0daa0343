"""A tenant's limit that is short is shared equally by the users who ask, so that one of them cannot have it all.

Only while the limit is short does anybody count. In an epoch of ten seconds each user may take an equal part of what this replica gives
out in it; who asked in this epoch or the one before counts as a user. What is not taken stays for the next epoch.
"""

from __future__ import annotations

EPOCH_SECONDS = 10.0
TIGHT_SECONDS = 20.0
"""How long after the last short grant users are counted."""
USERS_MAX = 10_000


class Shares:
    """Counts users of one tenant at one replica. Times are monotonic seconds."""

    __slots__ = ("_before", "_epoch", "_requests", "_tokens", "_used", "tight_until")

    def __init__(self) -> None:
        self.tight_until = 0.0
        self._epoch = -1
        self._used: dict[str, tuple[int, int]] = {}
        """User → (requests, tokens) taken in this epoch."""
        self._before: frozenset[str] = frozenset()
        self._requests = self._tokens = 0
        """Taken in this epoch."""

    def wait(self, user: str, tokens: int, now: float, *, requests_here: int, tokens_here: int) -> float:
        """0: the user may go, given what is at hand here. Else seconds until the next epoch."""
        self._turn(now)
        if user not in self._used and len(self._used) < USERS_MAX:
            self._used[user] = (0, 0)
        used_requests, used_tokens = self._used.get(user, (0, 0))
        users = self._users()
        if not used_requests:
            return 0.0  # everybody's first call in an epoch may go, if there is anything
        if (used_requests + 1) * users <= self._requests + requests_here and (used_tokens + tokens) * users <= self._tokens + tokens_here:
            return 0.0
        return 0.0 if users == 1 else (self._epoch + 1) * EPOCH_SECONDS - now

    def took(self, user: str, tokens: int) -> None:
        """Count a call that goes."""
        requests, before = self._used.get(user, (0, 0))
        if requests or len(self._used) < USERS_MAX or user in self._used:
            self._used[user] = (requests + 1, before + tokens)
        self._requests += 1
        self._tokens += tokens

    def slots(self, streams: int) -> int:
        """How many of a tenant's streams one user may have while they are short."""
        return max(1, -(-streams // self._users()))

    def _users(self) -> int:
        return max(1, len(self._before | self._used.keys()))

    def _turn(self, now: float) -> None:
        epoch = int(now // EPOCH_SECONDS)
        if epoch != self._epoch:
            self._before = frozenset(self._used) if epoch == self._epoch + 1 else frozenset()
            self._epoch, self._used, self._requests, self._tokens = epoch, {}, 0, 0
