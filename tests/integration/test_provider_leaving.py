"""What is known of a call's attempts while none is under way, and who leaves then."""

from __future__ import annotations

import asyncio

from tests.integration.provider_stand import Sink, stand
from tests.waiting import eventually

from seawall.model_proxy.call import Usage


async def test_between_attempts_nothing_is_under_way() -> None:
    """Whoever leaves then has nothing on its way to pay for."""
    sent: list[int] = []

    async def sleep(_: float) -> None:
        sent.append(made.sent_ns)

    async with stand(sleep=sleep) as on:
        made = on.made()
        await on.caller.call(made, on.targets(("status=500",)), Sink())
        assert (sent, made.sent_ns > 0) == ([0], True)


async def test_who_leaves_the_quick_way_pays_and_gives_the_place_back() -> None:
    """As one does that a task was made for."""
    async with stand() as on:
        await on.ask()  # leaves a connection
        made, queue, ends = on.made(), on.caller.lane("a").way.queue, list[Exception | None]()
        cancel = on.caller.start(made, on.targets("first_byte_ms=30000"), Sink(), ends.append)
        assert cancel is not None
        assert queue.busy == 1
        assert not cancel()
        assert (queue.busy, ends, [one.error for one in made.attempts]) == (0, [], ["cancelled"])
        assert made.usage.input > 0


async def test_embeddings_that_wait_for_a_place_cost_nobody_who_leaves() -> None:
    """They are on their way together, but nothing was sent yet."""
    async with stand(provider=", limits: {connections: 1}") as on:
        queue = on.caller.lane("a").way.queue
        assert queue.try_enter()
        made = on.made(surface="embeddings")
        work = asyncio.create_task(on.caller.call(made, on.targets(), Sink()))
        await eventually(lambda: queue.waiting)
        work.cancel()
        await asyncio.wait([work])
        assert (made.usage, made.sent_ns) == (Usage(), 0)


async def test_embeddings_that_wait_for_others_of_a_refused_batch_cost_nobody_who_leaves() -> None:
    """Each is asked alone then, one after the other."""
    async with stand() as on:
        calls = [on.made(surface="embeddings", body={"input": text}) for text in ("calm", "storm")]
        targets = on.targets(("status=400", "first_byte_ms=30000"))
        works = [asyncio.create_task(on.caller.call(call, targets, Sink())) for call in calls]
        await eventually(lambda: len(on.simulators[0].calls) == 2)
        for work in reversed(works):
            work.cancel()
            await asyncio.wait([work])
        assert calls[0].usage.input > 0
        assert calls[1].usage == Usage()


async def test_embeddings_a_provider_works_on_cost_who_leaves() -> None:
    """What was sent, as it is estimated."""
    async with stand() as on:
        made = on.made(surface="embeddings")
        work = asyncio.create_task(on.caller.call(made, on.targets("first_byte_ms=30000"), Sink()))
        await eventually(lambda: on.simulators[0].calls)
        work.cancel()
        await asyncio.wait([work])
        assert made.usage.input > 0
