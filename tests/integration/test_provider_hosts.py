"""The quick way to a provider passes no check by."""

from __future__ import annotations

from tests.integration.provider_stand import Sink, stand
from tests.waiting import eventually


async def test_a_call_with_addresses_does_not_go_the_quick_way() -> None:
    """Their hosts are looked up first, also when a connection is free."""
    ends: list[Exception | None] = []
    async with stand() as on:
        await on.ask()  # leaves a connection
        plain, fetching = on.made(), on.made()
        fetching.remote = ("https://pictures.example/cat.png",)
        assert on.caller.start(fetching, on.targets(), Sink(), ends.append) is None
        assert on.caller.start(plain, on.targets(), Sink(), ends.append) is not None
        await eventually(lambda: ends)
        assert ends == [None]
