"""What is known of a call's attempts while it waits for the next one."""

from __future__ import annotations

from tests.integration.provider_stand import Sink, stand


async def test_between_attempts_nothing_is_under_way() -> None:
    """Whoever leaves then has nothing on its way to pay for."""
    sent: list[int] = []

    async def sleep(_: float) -> None:
        sent.append(made.sent_ns)

    async with stand(sleep=sleep) as on:
        made = on.made()
        await on.caller.call(made, on.targets(("status=500",)), Sink())
        assert (sent, made.sent_ns > 0) == ([0], True)
