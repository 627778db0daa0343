"""Words are learnt before somebody asks."""

from __future__ import annotations

import asyncio
import contextlib
from unittest.mock import patch

from seawall.core.deadline import Deadline
from seawall.core.digest import canonical
from seawall.core.errors import Unavailable
from seawall.query.policy import Access, EffectivePolicy
from seawall.query.usage import Use
from seawall.ui.ask.warm import RIGHTS_MAX, keep_warm

POLICIES = [EffectivePolicy({f"d{number}": Access()}) for number in range(RIGHTS_MAX + 2)]


class Words:
    def __init__(self) -> None:
        self.built: list[EffectivePolicy] = []

    def has(self, policy: EffectivePolicy) -> bool:
        return policy in self.built

    async def of(self, policy: EffectivePolicy, deadline: Deadline) -> None:
        self.built.append(policy)


class Uses:
    """Fails once, as when Postgres is not there yet; somebody looks at pages while `busy`."""

    def __init__(self, busy: int = 0) -> None:
        self.failed = False
        self.busy = busy
        self.asked = 0

    def looked(self) -> bool:
        self.asked += 1
        return self.asked <= self.busy

    async def most_used(self, app: str, limit: int) -> tuple[Use, ...]:
        if not self.failed:
            self.failed = True
            raise Unavailable
        return tuple(Use("p", "x", (), "en", "f", canonical(policy), 1.0) for policy in POLICIES for _ in range(2))


async def warmed(words: Words, uses: Uses, until: int) -> None:
    """Kept warm until so many lexicons were built."""
    warming = asyncio.create_task(keep_warm({"shop": words}, uses, start_seconds=0, round_seconds=0.001, quiet_seconds=0.001))  # type: ignore[dict-item]
    while len(words.built) < until:
        await asyncio.sleep(0)
    warming.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await warming


async def test_the_rights_used_most_are_kept_ready() -> None:
    """Each once a round, so many at most; a round that fails is no end."""
    words = Words()
    await warmed(words, Uses(), RIGHTS_MAX)
    assert words.built[:RIGHTS_MAX] == POLICIES[:RIGHTS_MAX]


async def test_nothing_is_built_while_people_look_at_pages() -> None:
    """The first lexicon waits for a moment without a page view."""
    words, uses = Words(), Uses(busy=40)
    await warmed(words, uses, 1)
    assert uses.asked > 40


async def test_where_it_is_never_quiet_words_are_learnt_all_the_same() -> None:
    """After a while of waiting."""
    words = Words()
    with patch("seawall.ui.ask.warm.QUIET_SECONDS_MAX", 0.01):
        await warmed(words, Uses(busy=10**9), 1)
    assert words.built
