"""Who gets how much of a limit, and what a call is reckoned at before it is made."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.admission.house import SEEDS, House, a_call
from tests.virtual_time import run

from seawall.core.clock import ManualClock
from seawall.model_proxy.admission.estimate import OUTPUT_TOKENS, Price, tokens_of
from seawall.model_proxy.call import Limits
from seawall.model_proxy.http import Request


@settings(max_examples=4, phases=SEEDS)
@given(seed=st.integers(0, 1 << 32), greedy=st.integers(3, 5))
def test_no_user_has_all_of_a_tenants_limit(seed: int, greedy: int) -> None:
    """One user asks many times as often as three others together; they get nearly all they ask for, and the limit is not wasted."""
    clock = ManualClock()
    with tempfile.TemporaryDirectory() as folder:
        house = House(clock, Path(folder), seed, user=Limits(), tenant=Limits(600, 0, 0), budget=None)

        async def ask(user: str, per_second: float) -> None:
            for _ in range(int(300 * per_second)):
                await asyncio.sleep(house.random.expovariate(per_second))
                asked[user] += clock.time() > start + 90
                house.replicas[0].spawn(house.replicas[0].serve(a_call(clock, user=user), 0.01, 1, 60))

        async def day() -> None:
            house.open(1)
            await asyncio.gather(ask("greedy", 10.0 * greedy), *(ask(f"modest{number}", 1.0) for number in range(3)))
            await house.replicas[0].stop()

        start, asked = clock.time(), Counter[str]()
        run(day(), clock)
    got = Counter(user for at, user in house.admitted if start + 90 < at < start + 290)
    for number in range(3):
        assert got[f"modest{number}"] >= 0.8 * 200, (got, asked)
    assert got["greedy"] >= 2 * got["modest0"]
    assert got.total() >= 0.75 * 200 * 10


@given(st.text(max_size=200), st.integers(1, 10_000), st.integers(1, 8))
def test_more_is_reserved_than_is_said(text: str, most: int, choices: int) -> None:
    """Bytes over four (over two beyond ASCII) and every choice's longest answer, within the model's context."""
    body = text.encode("utf-8", "ignore")
    call = a_call(ManualClock())
    call.request = Request("POST", "/", "", {}, body)
    call.body = {"max_completion_tokens": most, "max_tokens": 1, "n": choices}
    reads, writes = tokens_of(call, Price(context=4096))
    assert reads >= min(4096, len(body) / (4 if body.isascii() else 2))
    assert writes == min(most, 4096) * choices


@pytest.mark.parametrize("said", [None, "many", -1, 0, True, 1.5])
def test_an_answer_without_bound_reserves_the_usual(said: object) -> None:
    """Whatever is not a number of tokens is no bound; embeddings write nothing."""
    call = a_call(ManualClock())
    call.body = {"max_tokens": said}
    assert tokens_of(call, Price())[1] == OUTPUT_TOKENS
    call.surface = "embeddings"
    assert tokens_of(call, Price())[1] == 0
