"""Words are learnt before somebody asks: lexicons for the rights that pages are looked at with most, for the data of the moment.

After a start, a new generation, or when other rights come into use, the first who asks would wait for seconds. One lexicon is built at a
time, and none while another is; what fails is tried again at the next round.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

import msgspec

from seawall.ask.lexicon import Lexicon
from seawall.core.deadline import Deadline
from seawall.core.errors import SeawallError
from seawall.query.policy import EffectivePolicy
from seawall.query.usage import Use
from seawall.telemetry.events import event

ROUND_SECONDS = 5.0
BUILD_SECONDS_MAX = 30.0
RIGHTS_MAX = 4
"""Of an app, that are kept ready."""
USES_MAX = 200


class Lexicons(Protocol):
    """The part of `KeptLexicons` that is used."""

    async def of(self, policy: EffectivePolicy, deadline: Deadline) -> Lexicon:
        """Built, or at hand."""


class Used(Protocol):
    """The part of `UsageRecorder` that is used."""

    async def most_used(self, app: str, limit: int) -> tuple[Use, ...]:
        """What is looked at most."""


async def keep_warm(lexicons: Mapping[str, Lexicons], used: Used, *, round_seconds: float = ROUND_SECONDS) -> None:
    """Until cancelled, for apps by name."""
    while True:
        for app, kept in lexicons.items():
            try:
                await _round(app, kept, used)
            except SeawallError as error:
                event("lexicon.not_built", app=app, reason=error.slug)
        await asyncio.sleep(round_seconds)


async def _round(app: str, kept: Lexicons, used: Used) -> None:
    policies = list(dict.fromkeys(use.policy for use in await used.most_used(app, USES_MAX)))
    for policy in policies[:RIGHTS_MAX]:
        await kept.of(msgspec.json.decode(policy, type=EffectivePolicy), Deadline.after(BUILD_SECONDS_MAX))
