"""Lexicons are built once for those who may see the same, and nobody who waits for one is left without an answer."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from seawall.ask.lexicon import Lexicon
from seawall.ask.lexicons import KeptLexicons
from seawall.core.clock import ManualClock
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded
from seawall.query.policy import EffectivePolicy
from seawall.query.service import QueryService

SERVICE = cast("QueryService", SimpleNamespace(app=SimpleNamespace(semantics=SimpleNamespace(datasets=())), now=lambda: Moment))
Moment = SimpleNamespace(watermark="g1")


def rights(name: str) -> EffectivePolicy:
    return cast("EffectivePolicy", SimpleNamespace(name=name, fingerprint=lambda _: name))


class Builds:
    """Builds that go on until they are let."""

    def __init__(self, *at_once: str) -> None:
        self.at_once = at_once
        self.begun: list[str] = []
        self.going_on = asyncio.Event()

    async def __call__(self, service: QueryService, policy: EffectivePolicy, deadline: Deadline) -> Lexicon:
        name: Any = cast("Any", policy).name
        self.begun.append(name)
        if name not in self.at_once:
            await self.going_on.wait()
        return cast("Lexicon", name)


async def test_those_with_equal_rights_wait_for_one_build() -> None:
    """And get the same."""
    builds = Builds()
    lexicons = KeptLexicons(SERVICE, builds)
    both = [asyncio.create_task(lexicons.of(rights("mia"), Deadline.after(5))) for _ in range(2)]
    await asyncio.sleep(0)
    builds.going_on.set()
    assert (await asyncio.gather(*both), builds.begun) == (["mia", "mia"], ["mia"])


async def test_what_is_built_makes_room_before_what_is_being_built() -> None:
    """Else those who wait for it would begin again and again."""
    builds = Builds("ann")
    lexicons = KeptLexicons(SERVICE, builds, kept_max=2)
    waiting = asyncio.create_task(lexicons.of(rights("mia"), Deadline.after(5)))
    await asyncio.sleep(0)
    await lexicons.of(rights("ann"), Deadline.after(5))
    third = asyncio.create_task(lexicons.of(rights("tom"), Deadline.after(5)))
    await asyncio.sleep(0)
    builds.going_on.set()
    assert (await waiting, await third) == ("mia", "tom")
    assert not lexicons.has(rights("ann"))


async def test_words_of_tables_that_change_are_learnt_anew_after_an_hour() -> None:
    """No generation tells when those do."""
    moment = SimpleNamespace(watermark="")
    service = SimpleNamespace(app=SERVICE.app, now=lambda: moment)
    clock, builds = ManualClock(), Builds("mia")
    lexicons = KeptLexicons(cast("QueryService", service), builds, clock=clock)
    for seconds, built in ((0, 1), (1, 1), (3600, 2)):
        clock.advance(seconds)
        await lexicons.of(rights("mia"), Deadline.after(5))
        assert len(builds.begun) == built


@pytest.mark.parametrize("why", ["too many", "the end"])
async def test_who_waits_for_a_build_that_is_given_up_is_told(why: str) -> None:
    """As of one that takes too long: nobody's request is cancelled for it."""
    lexicons = KeptLexicons(SERVICE, Builds("ann"), kept_max=1)
    waiting = asyncio.create_task(lexicons.of(rights("mia"), Deadline.after(5)))
    await asyncio.sleep(0)
    if why == "too many":
        await lexicons.of(rights("ann"), Deadline.after(5))
    else:
        await lexicons.close()
    with pytest.raises(DeadlineExceeded):
        await waiting
