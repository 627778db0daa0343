"""Who shares what a text was understood as."""

from __future__ import annotations

import msgspec
import pytest

from seawall.ask.question import Question
from seawall.ask.said import Said
from seawall.ask.semantic_cache import Remembered, Scope, SemanticCache
from seawall.query.cache import Cache

SCOPE = Scope("bundle", "rights", "g1")
SAID = Said(metrics=(frozenset({"revenue"}),), unknown=("king",))
BEFORE = Question(("revenue",))
UNDERSTOOD = Remembered(Question(("units",)), "large", 0.9)


async def test_those_who_say_the_same_under_equal_rights_share() -> None:
    """Of the same app, data and question before."""
    cache = SemanticCache(Cache())
    await cache.keep(SCOPE, SAID, BEFORE, UNDERSTOOD)
    assert await cache.find(SCOPE, SAID, BEFORE) == UNDERSTOOD


@pytest.mark.parametrize("other", [{"bundle": "b2"}, {"fingerprint": "r2"}, {"watermark": "g2"}], ids=str)
async def test_others_do_not(other: dict[str, str]) -> None:
    """Another version of the app, other rights, other data."""
    cache = SemanticCache(Cache())
    await cache.keep(SCOPE, SAID, None, UNDERSTOOD)
    assert await cache.find(msgspec.structs.replace(SCOPE, **other), SAID, None) is None


@pytest.mark.parametrize("before", [None, Question(("units",))], ids=["nothing", "something else"])
async def test_a_follow_up_is_shared_by_those_who_follow_up_the_same(before: Question | None) -> None:
    """The same words refine another question otherwise."""
    cache = SemanticCache(Cache())
    await cache.keep(SCOPE, SAID, BEFORE, UNDERSTOOD)
    assert await cache.find(SCOPE, SAID, before) is None
