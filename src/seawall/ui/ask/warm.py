"""Words are learnt before somebody asks: lexicons for the rights that pages are looked at with most, for the data of the moment.

After a start, a new generation, or when other rights come into use, the first who asks would wait for seconds. One lexicon is built at a
time, and none while another is; what fails is tried again at the next round. Pages come first: nothing is built right after a start, when
everybody loads theirs again, nor while somebody waits for one, unless it never gets quiet.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Protocol

import msgspec

from seawall.ask.lexicon import Lexicon
from seawall.core.deadline import Deadline
from seawall.core.errors import SeawallError
from seawall.query.policy import EffectivePolicy
from seawall.query.usage import Use
from seawall.telemetry.events import event

START_SECONDS = 10.0
QUIET_SECONDS = 1.0
"""Without a page view."""
QUIET_SECONDS_MAX = 30.0
"""Then a lexicon is built all the same."""
ROUND_SECONDS = 5.0
BUILD_SECONDS_MAX = 30.0
RIGHTS_MAX = 4
"""Of an app, that are kept ready."""
USES_MAX = 200


class Lexicons(Protocol):
    """The part of `KeptLexicons` that is used."""

    def has(self, policy: EffectivePolicy) -> bool:
        """Whether it is at hand, or being built."""

    async def of(self, policy: EffectivePolicy, deadline: Deadline) -> Lexicon:
        """Built, or at hand."""


class Used(Protocol):
    """The part of `UsageRecorder` that is used."""

    async def most_used(self, app: str, limit: int) -> tuple[Use, ...]:
        """What is looked at most."""

    def looked(self) -> bool:
        """Whether anything was looked at since this was asked last."""


async def keep_warm(
    lexicons: Mapping[str, Lexicons],
    used: Used,
    *,
    start_seconds: float = START_SECONDS,
    round_seconds: float = ROUND_SECONDS,
    quiet_seconds: float = QUIET_SECONDS,
) -> None:
    """Until cancelled, for apps by name."""
    await asyncio.sleep(start_seconds)
    while True:
        for app, kept in lexicons.items():
            try:
                await _round(app, kept, used, quiet_seconds)
            except SeawallError as error:
                event("lexicon.not_built", app=app, reason=error.slug)
        await asyncio.sleep(round_seconds)


async def _round(app: str, kept: Lexicons, used: Used, quiet_seconds: float) -> None:
    policies = list(dict.fromkeys(use.policy for use in await used.most_used(app, USES_MAX)))
    for encoded in policies[:RIGHTS_MAX]:
        policy = msgspec.json.decode(encoded, type=EffectivePolicy)
        if not kept.has(policy):
            await _quiet(used, quiet_seconds)
        await kept.of(policy, Deadline.after(BUILD_SECONDS_MAX))


async def _quiet(used: Used, seconds: float) -> None:
    """Return once nobody has looked at anything for so long."""
    used.looked()
    for _ in range(math.ceil(QUIET_SECONDS_MAX / seconds)):
        await asyncio.sleep(seconds)
        if not used.looked():
            return
