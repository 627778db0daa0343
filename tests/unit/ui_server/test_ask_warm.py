"""Words are learnt before somebody asks."""

from __future__ import annotations

import asyncio
import contextlib

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

    async def of(self, policy: EffectivePolicy, deadline: Deadline) -> None:
        self.built.append(policy)


class Uses:
    """Fails once, as when Postgres is not there yet."""

    def __init__(self) -> None:
        self.failed = False

    async def most_used(self, app: str, limit: int) -> tuple[Use, ...]:
        if not self.failed:
            self.failed = True
            raise Unavailable
        return tuple(Use("p", "x", (), "en", "f", canonical(policy), 1.0) for policy in POLICIES for _ in range(2))


async def test_the_rights_used_most_are_kept_ready() -> None:
    """Each once a round, so many at most; a round that fails is no end."""
    words = Words()
    warming = asyncio.create_task(keep_warm({"shop": words}, Uses(), round_seconds=0.001))  # type: ignore[dict-item]
    while len(words.built) < RIGHTS_MAX:
        await asyncio.sleep(0)
    warming.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await warming
    assert words.built[:RIGHTS_MAX] == POLICIES[:RIGHTS_MAX]
