"""Texts become vectors once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from seawall.ask.vectors.embedder import MemoEmbedder
from seawall.ask.vectors.port import Vector
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded, Unavailable


class Counting:
    """Counts what it is asked."""

    version = "counting/1"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.away = False

    async def embed(self, texts: Sequence[str], *, deadline: Deadline) -> list[Vector]:
        self.asked += texts
        await self.gate.wait()
        if self.away:
            raise Unavailable("The model is away")
        return [(float(len(text)), 0.0) for text in texts]


def soon() -> Deadline:
    return Deadline.after(5.0)


async def test_each_text_is_embedded_once() -> None:
    """In one call, over calls, and again when the version is another."""
    counting = Counting()
    memo = MemoEmbedder(counting)
    assert await memo.embed(["a", "bb", "a"], deadline=soon()) == [(1.0, 0.0), (2.0, 0.0), (1.0, 0.0)]
    await memo.embed(["bb", "ccc"], deadline=soon())
    assert counting.asked == ["a", "bb", "ccc"]
    counting.version = "counting/2"
    await memo.embed(["a"], deadline=soon())
    assert counting.asked[-1] == "a"


async def test_those_who_ask_at_once_share_an_answer() -> None:
    """The second waits for the first, as long as it has time."""
    counting = Counting()
    counting.gate.clear()
    memo = MemoEmbedder(counting)
    first = asyncio.create_task(memo.embed(["a"], deadline=soon()))
    await asyncio.sleep(0)
    with pytest.raises(DeadlineExceeded):
        await memo.embed(["a"], deadline=Deadline.after(0.01))
    second = asyncio.create_task(memo.embed(["a"], deadline=soon()))
    counting.gate.set()
    assert await first == await second
    assert counting.asked == ["a"]


async def test_a_failure_is_not_remembered() -> None:
    """Whoever waited hears of it; the next one asks again."""
    counting = Counting()
    counting.away = True
    memo = MemoEmbedder(counting)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await memo.embed(["a"], deadline=soon())
    counting.away = False
    assert await memo.embed(["a"], deadline=soon()) == [(1.0, 0.0)]


async def test_what_was_not_used_for_longest_is_forgotten() -> None:
    """The memo is bounded."""
    counting = Counting()
    memo = MemoEmbedder(counting, count_max=2)
    for text in ("a", "b", "c", "a"):
        await memo.embed([text], deadline=soon())
    assert counting.asked == ["a", "b", "c", "a"]
