"""What is near in meaning is found through the model proxy, and a word is embedded once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from seawall.ask.similar import Nearest, Vectors
from seawall.core.deadline import Deadline

WHERE = {"takings": [1.0, 0.1], "revenue": [2.0, 0.0], "trips": [0.0, 3.0], "visits": [0.1, 1.0], "moon": [-1.0, -1.0]}


class Proxy:
    """Gives each known word its place."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def embed(self, model: str, texts: Sequence[str], token: str, *, deadline: Deadline | None = None) -> list[list[float]]:
        """A vector for each."""
        self.asked += texts
        return [WHERE[text] for text in texts]


async def test_the_nearest_come_first_whatever_their_length() -> None:
    """Cosine, not distance."""
    near = Nearest(Vectors(Proxy()), "token", Deadline.after(5))
    first, second = await near.nearest(["takings", "visits"], ["trips", "revenue", "moon"])
    assert [place for place, _ in first] == [1, 0, 2]
    assert second[0][0] == 0
    assert second[0][1] > 0.99


async def test_a_word_is_embedded_once() -> None:
    """Also when it stands among the others the next time."""
    proxy = Proxy()
    vectors = Vectors(proxy)
    for _ in range(3):
        await Nearest(vectors, "token", Deadline.after(5)).nearest(["takings", "trips"], ["trips", "revenue"])
    assert sorted(proxy.asked) == ["revenue", "takings", "trips"]


async def test_what_is_remembered_is_bounded() -> None:
    """The words used last stay."""
    proxy = Proxy()
    vectors = Vectors(proxy, remembered_max=2)
    await vectors.of(["takings", "trips", "moon"], "token", Deadline.after(5))
    proxy.asked.clear()
    await vectors.of(["trips", "moon"], "token", Deadline.after(5))
    assert proxy.asked == []


async def test_what_others_push_out_meanwhile_is_still_answered() -> None:
    """A word that was known when the question came is known when the others have come."""

    class Slow(Proxy):
        async def embed(self, model: str, texts: Sequence[str], token: str, *, deadline: Deadline | None = None) -> list[list[float]]:
            if "moon" in texts:
                await going_on.wait()
            return await super().embed(model, texts, token, deadline=deadline)

    going_on = asyncio.Event()
    vectors = Vectors(Slow(), remembered_max=2)
    await vectors.of(["takings"], "token", Deadline.after(5))
    waiting = asyncio.create_task(vectors.of(["takings", "moon"], "token", Deadline.after(5)))
    await asyncio.sleep(0)
    await vectors.of(["trips", "visits"], "token", Deadline.after(5))
    going_on.set()
    assert (await waiting).shape == (2, 2)


async def test_nothing_is_asked_about_nothing() -> None:
    """No call is made."""
    proxy = Proxy()
    assert await Nearest(Vectors(proxy), "token", Deadline.after(5)).nearest(["takings"], []) == [[]]
    assert proxy.asked == []
