"""Trying again: whose turn it is when a provider fails or asks to wait, how often, and when a provider is left alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.integration.provider_stand import Sink, stand
from tests.waiting import eventually

from seawall.lab.behaviours import Step
from seawall.model_proxy.call import Call, Target
from seawall.model_proxy.caller import CANDIDATES_MAX, Caller
from seawall.model_proxy.config_load import parse
from seawall.model_proxy.errors import NoProvider, OverLimit, ProviderFailed, ProviderRefusedKey

ONE_TRY = "retries: {attempts: 1}"


async def test_a_limit_with_retry_after_is_waited_for() -> None:
    """As long as it says; others are not sent there meanwhile."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with stand(sleep=sleep) as on:
        call, _ = await on.ask(("status=429;retry_after=3",))
        assert waits == [3.0]
        assert [attempt.status for attempt in call.attempts] == [429, 200]
        with pytest.raises(OverLimit) as raised:
            await on.ask()
        assert 1 <= raised.value.retry_after <= 3


async def test_a_limit_that_takes_too_long_is_passed_on() -> None:
    """With the time it takes."""
    async with stand() as on:
        with pytest.raises(OverLimit) as raised:
            await on.ask("status=429;retry_after=30")
        assert raised.value.retry_after == 30
        assert len(on.simulators[0].calls) == 1


async def test_a_limit_without_retry_after_is_backed_off_from() -> None:
    """And told as a limit when it does not pass."""
    async with stand(sleep=lambda _: asyncio.sleep(0)) as on:
        with pytest.raises(OverLimit):
            await on.ask("status=429")
        assert len(on.simulators[0].calls) == 3
        call, _ = await on.ask(("status=429",))
        assert [attempt.status for attempt in call.attempts] == [429, 200]


async def test_a_limit_of_one_provider_is_the_fallbacks_turn() -> None:
    """Without waiting."""
    async with stand() as on:
        _, sink = await on.ask("status=429;retry_after=30", "text=here")
        assert sink.text == "here"


async def test_of_several_failures_a_limit_is_told() -> None:
    """It is the one the client can wait for."""
    async with stand() as on:
        with pytest.raises(OverLimit):
            await on.ask("status=429;retry_after=30", "status=401")


async def test_a_provider_that_keeps_failing_is_left_alone_then_probed() -> None:
    """While its breaker is open nobody waits for it."""
    async with stand("breaker: {least: 4, open: 1s, probes: 1}\n" + ONE_TRY) as on:
        for _ in range(4):
            with pytest.raises(ProviderFailed):
                await on.ask("status=500")
        with pytest.raises(NoProvider) as raised:
            await on.ask("status=500")
        assert raised.value.retry_after >= 1
        assert len(on.simulators[0].calls) == 4
        await asyncio.sleep(1.1)
        _, sink = await on.ask("text=well again")
        assert sink.text == "well again"
        assert on.caller.lane("a").breaker.state == "closed"


async def test_a_client_that_leaves_during_a_pause_takes_no_probes_place() -> None:
    """Else the breaker would wait for it for ever."""
    async with stand("breaker: {least: 1, open: 50ms, probes: 1}\nretries: {attempts: 2}") as on:
        made = on.made()
        work = asyncio.create_task(on.caller.call(made, on.targets("status=429;retry_after=5"), Sink()))
        await eventually(lambda: bool(made.attempts))
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        on.caller.lane("a").rest_until = 0.0
        _, sink = await on.ask("text=well")
        assert sink.text == "well"


async def test_every_fallback_is_asked_before_any_is_asked_again() -> None:
    """However few tries one model gets; those beyond the eighth candidate are not asked."""
    async with stand(ONE_TRY) as on:
        names = [f"m{number}" for number in range(10)]
        models = "".join(f"  {name}: {{provider: p, model: {name}}}\n" for name in names)
        text = (
            f"providers: {{p: {{kind: openai, url: '{on.config.providers['pa'].url}', allow_private: true}}}}\nmodels:\n{models}{ONE_TRY}\n"
        )
        config, faults = parse(text.encode(), "models.yaml")
        assert config is not None, faults
        targets = [config.models[name].target for name in names]
        several = Caller(config, run=Path("/nonexistent"), environment={})
        on.simulators[0].follow([Step("status=500", times=CANDIDATES_MAX + CANDIDATES_MAX - 1)])
        failed, answered, sink = on.made(), on.made(), Sink()
        with pytest.raises(ProviderFailed):
            await several.call(failed, targets, Sink())
        await several.call(answered, targets, sink)
        several.close()
    assert [attempt.target for attempt in failed.attempts] == names[:CANDIDATES_MAX]
    assert [attempt.target for attempt in answered.attempts] == names[:CANDIDATES_MAX]
    assert sink.answer is not None


@pytest.mark.parametrize(("attempts", "expected"), [(1, ["a", "b"]), (2, ["a", "b", "a"]), (3, ["a", "b", "a", "b"])])
async def test_tries_again_come_after_the_fallback(attempts: int, expected: list[str]) -> None:
    """`attempts` bounds how often one model is asked, and less one how often any is asked again."""
    async with stand(f"retries: {{attempts: {attempts}}}\nbreaker: {{least: 1000}}", sleep=lambda _: asyncio.sleep(0)) as on:
        made = on.made()
        with pytest.raises(ProviderFailed):
            await on.caller.call(made, on.targets("status=500", "status=500"), Sink())
        assert [attempt.target for attempt in made.attempts] == expected


async def test_every_attempt_is_counted_at_its_own_model() -> None:
    """Whoever counts hears of each before it is made; a fallback whose own limit is reached is not asked."""
    told: list[str] = []
    full: set[str] = set()

    async def move(call: Call, target: Target) -> bool:
        told.append(target.id)
        return target.id not in full

    async with stand("retries: {attempts: 2}", sleep=lambda _: asyncio.sleep(0), move=move) as on:
        await on.ask(("status=500",), "status=500")
        assert told == ["a", "b", "a"]
        full.add("b")
        with pytest.raises(ProviderFailed):
            await on.ask("status=500", "")
        assert len(on.simulators[1].calls) == 1


async def test_tries_again_have_a_budget() -> None:
    """A provider that fails for everybody is not asked three times as much."""
    async with stand("retries: {attempts: 3, share: 0.1, burst: 2}\nbreaker: {least: 1000}", sleep=lambda _: asyncio.sleep(0)) as on:
        for _ in range(10):
            with pytest.raises(ProviderFailed):
                await on.ask("status=500")
        assert len(on.simulators[0].calls) <= 10 + 2 + 1


async def test_a_missing_key_fails_its_own_provider_alone() -> None:
    """The others go on."""
    text = "providers: {p: {kind: openai, url: 'https://x.example/v1', key: {env: NOT_SET}}}\nmodels: {m: {provider: p, model: x}}\n"
    config, _ = parse(text.encode(), "models.yaml")
    assert config is not None
    made = Caller(config, run=Path("/nonexistent"), environment={})
    async with stand() as on:
        with pytest.raises(ProviderRefusedKey, match="NOT_SET"):
            await made.call(on.made(), [config.models["m"].target], Sink())
