"""What a provider does wrong, and what comes of it: each fault against a simulator that speaks real HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.integration.provider_stand import KEY, Sink, stand
from tests.waiting import eventually

from seawall.core.errors import DeadlineExceeded, SeawallError
from seawall.model_proxy.addresses import Lookup, PrivateAddress
from seawall.model_proxy.answering import Unreadable
from seawall.model_proxy.call import Target
from seawall.model_proxy.caller import Caller
from seawall.model_proxy.config_load import parse
from seawall.model_proxy.errors import AnswerTooLarge, BadCall, NoProvider, ProviderFailed, ProviderRefusedKey
from seawall.model_proxy.upstream_errors import ConnectFailed, ConnectionLost, TimedOut

ONE_TRY = "retries: {attempts: 1}"
QUICK = ", timeouts: {connect: 5s, first_byte: 500ms, idle: 500ms, total: 10s}"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_slow_first_byte_is_given_up_for_the_fallback(stream: bool) -> None:
    """Within the provider's own limit, not the call's."""
    async with stand(provider=QUICK) as on:
        call, sink = await on.ask("first_byte_ms=3000", "text=here", stream=stream)
        assert sink.text == "here"
        assert [attempt.target for attempt in call.attempts] == ["a", "b"]
        await eventually(lambda: on.simulators[0].calls[-1].outcome == "vanished")


async def test_a_head_sent_early_is_not_the_first_byte() -> None:
    """Many providers send it before the model has begun; the time between pieces counts from the first."""
    async with stand(ONE_TRY, provider=", timeouts: {first_byte: 5s, idle: 100ms}") as on:
        with pytest.raises(TimedOut) as raised:
            await on.ask("token_ms=300;tokens=3", stream=True)
        assert raised.value.phase == "idle"
        assert on.simulators[0].calls[-1].pieces >= 1


async def test_slow_first_bytes_open_the_breaker() -> None:
    """A provider that answers, but too late for anybody, is left alone too."""
    async with stand("breaker: {least: 3, slow: 0.8, slow_after: 20ms}") as on:
        for _ in range(3):
            await on.ask("first_byte_ms=60")
        with pytest.raises(NoProvider):
            await on.ask()


async def test_never_answering_ends_with_the_calls_deadline() -> None:
    """Which is what the client is told."""
    async with stand() as on:
        with pytest.raises(DeadlineExceeded):
            await on.ask("silent=1", seconds=0.2)


async def test_slow_tokens_are_handed_on_as_they_come() -> None:
    """No limit but silence is held against them."""
    async with stand(provider=", timeouts: {first_byte: 2s, idle: 2s, total: 20s}") as on:
        _, sink = await on.ask("token_ms=20;tokens=10", stream=True)
        assert len(sink.text.split()) == 10


async def test_a_stream_that_falls_silent_is_ended() -> None:
    """After its first piece there is no way back."""
    async with stand(provider=QUICK) as on:
        with pytest.raises(TimedOut) as raised:
            await on.ask("stall_after=3", "", stream=True)
        assert raised.value.phase == "idle"


@pytest.mark.parametrize("behave", ["cut_after=3", "malformed=1", "duplicate_keys=1;cut_after=4"])
async def test_a_stream_that_breaks_off_is_not_begun_anew(behave: str) -> None:
    """What was released stays; the usage is estimated from it."""
    async with stand() as on:
        made, sink = on.made(stream=True), Sink()
        with pytest.raises(ProviderFailed):
            await on.caller.call(made, on.targets(behave, ""), sink)
        assert sink.released
        assert [attempt.target for attempt in made.attempts] == ["a"]
        assert made.usage.estimated
        assert made.usage.input > 0


@pytest.mark.parametrize(
    ("behave", "error"),
    [
        ("cut_after=0", ConnectionLost),
        ("malformed=1", Unreadable),
        ("invalid_utf8=1", Unreadable),
        ("reset=1", ConnectionLost),
        ("status=500", ProviderFailed),
        ("status=529", ProviderFailed),
    ],
)
async def test_what_cannot_be_used_is_the_providers_fault(behave: str, error: type[SeawallError]) -> None:
    """Alone it fails the call; with a fallback the client never hears of it."""
    async with stand(ONE_TRY) as on:
        with pytest.raises(error) as raised:
            await on.ask(behave)
        assert raised.value.status == 502
    async with stand() as on:
        call, sink = await on.ask(behave, "text=here")
        assert sink.text == "here"
        assert call.attempts[0].error == "provider-failed"


@pytest.mark.parametrize("behave", ["reset=1", "cut_after=0", "malformed=1", "invalid_utf8=1", "status=503"])
async def test_what_passes_is_tried_again(behave: str) -> None:
    """Nothing had been released."""
    async with stand() as on:
        call, sink = await on.ask((behave, behave), stream=False)
        assert sink.answer is not None
        assert len(call.attempts) == 3


async def test_duplicate_keys_of_an_answer_never_reach_the_client() -> None:
    """What is handed on is what was read: each key once."""
    async with stand() as on:
        _, sink = await on.ask("duplicate_keys=1")
        assert sink.answer is not None
        assert list(sink.answer.body).count("model") == 1


@pytest.mark.parametrize("status", [401, 403, 402])
async def test_a_refused_key_is_ours_and_the_providers_words_stay_here(status: int) -> None:
    """They may hold the key."""
    async with stand() as on:
        with pytest.raises(ProviderRefusedKey) as raised:
            await on.ask(f"status={status};message=Incorrect API key provided: {KEY}")
        assert KEY not in str(raised.value)
        assert raised.value.status == 502
        assert len(on.simulators[0].calls) == 1, "a refused key is not tried again"
        _, sink = await on.ask(f"status={status}", "text=here")
        assert sink.text == "here"


@pytest.mark.parametrize("status", [400, 422])
async def test_the_callers_fault_goes_back_to_the_caller_cleaned(status: int) -> None:
    """No other provider is asked, and the breaker is none the worse."""
    async with stand() as on:
        with pytest.raises(BadCall) as raised:
            await on.ask(f"status={status};message=temperature is too high, by {KEY}", "")
        assert "temperature is too high" in str(raised.value)
        assert KEY not in str(raised.value)
        assert raised.value.status == 400
        assert not on.simulators[1].calls


async def test_a_key_goes_where_the_provider_looks_for_it() -> None:
    """Azure's is not a bearer token."""
    async with stand(provider=", region: eu") as on:
        await on.ask()
        assert on.simulators[0].calls[-1].headers["authorization"] == "…cdef"
    text = "providers: {p: {kind: openai, url: 'https://x.example/v1', key: {env: KEY, header: api-key}}}\nmodels: {}\n"
    config, _ = parse(text.encode(), "models.yaml")
    assert config is not None
    key = config.providers["p"].key
    assert key is not None
    assert key.header == "api-key"


async def test_a_swapped_model_is_noticed() -> None:
    """In the span and once as an event; the answer goes on."""
    async with stand() as on:
        for stream in (False, True):
            call, _ = await on.ask("swap=cheaper-model", stream=stream)
            assert call.span.attributes["gen_ai.response.model"] == "cheaper-model"
        assert on.caller.lane("a").swaps == {"cheaper-model"}
        call, _ = await on.ask("swap=sim-a-2026-01-01")
        assert "gen_ai.response.model" not in call.span.attributes


async def test_running_out_of_tokens_is_told_as_the_model_tells_it() -> None:
    """With `length`, in either form."""
    async with stand() as on:
        _, whole = await on.ask("finish=length;tokens=3")
        assert whole.answer is not None
        assert whole.answer.body["choices"][0]["finish_reason"] == "length"
        _, streamed = await on.ask("finish=length;tokens=3", stream=True)
        assert [piece.finish for piece in streamed.pieces if piece.finish] == ["length"]


async def test_a_wrong_schema_is_an_answer_to_this_stage() -> None:
    """The contract judges it."""
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}}
    async with stand() as on:
        _, sink = await on.ask("wrong_schema=1", body={"response_format": schema})
        assert sink.text == '{"unexpected":[true]}'


async def test_an_oversized_answer_is_cut_off() -> None:
    """Before it fills the memory; and nobody is asked for another as large."""
    async with stand() as on:
        made, sink = on.made(), Sink()
        with pytest.raises(AnswerTooLarge) as raised:
            await on.caller.call(made, on.targets("oversized=9000000", "oversized=9000000"), sink)
        assert raised.value.status == 502
        assert [attempt.error for attempt in made.attempts] == ["answer-too-large"]


async def test_a_request_too_large_for_the_provider_is_the_callers() -> None:
    """413 stays 413."""
    async with stand() as on:
        with pytest.raises(SeawallError) as raised:
            await on.ask("status=413")
        assert raised.value.status == 413


@pytest.mark.parametrize("status", [301, 307])
async def test_redirects_are_never_followed(status: int) -> None:
    """They could lead anywhere."""
    async with stand() as on:
        with pytest.raises(ProviderFailed, match="redirect"):
            await on.ask(f"status={status}")
        assert len(on.simulators[0].calls) == 1


async def test_a_refused_connection_is_tried_elsewhere() -> None:
    """Nothing was sent."""
    async with stand() as on:
        targets = on.targets("", "text=here")
        await on.simulators[0].close()
        sink = Sink()
        call = on.made()
        await on.caller.call(call, targets, sink)
        assert sink.text == "here"
        assert call.attempts[0].status == 0


def caller(url: str, lookup: Lookup) -> tuple[Caller, Target]:
    """A caller of one provider whose name is looked up by `lookup`."""
    text = f"providers: {{p: {{kind: openai, url: '{url}'}}}}\nmodels: {{m: {{provider: p, model: x}}}}\n{ONE_TRY}\n"
    config, faults = parse(text.encode(), "models.yaml")
    assert config is not None, faults
    return Caller(config, run=Path("/nonexistent"), environment={}, lookup=lookup), config.models["m"].target


async def test_a_name_that_leads_nowhere() -> None:
    """DNS fails: the provider cannot be reached."""

    async def lookup(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    made, target = caller("https://nowhere.example/v1", lookup)
    async with stand() as on:
        with pytest.raises(ConnectFailed, match=r"Got no address for the name of its host\. Check the provider's `url`"):
            await made.call(on.made(), [target], Sink())
    made.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "fd00:ec2::254", "::ffff:192.168.0.1", "0.0.0.0"])
async def test_a_provider_that_points_inside_is_never_called(address: str) -> None:
    """Whatever its name looks like; one such address is enough."""

    async def lookup(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34", address]

    made, target = caller("https://looks-fine.example/v1", lookup)
    async with stand() as on:
        with pytest.raises(PrivateAddress):
            await made.call(on.made(), [target], Sink())
    made.close()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_vanishes_cancels_the_provider_and_settles(stream: bool) -> None:
    """What was said until then is paid for; the place is free again; the breaker learns nothing."""
    async with stand() as on:
        made, sink = on.made(stream=stream), Sink()
        targets = on.targets("token_ms=20;tokens=1000" if stream else "first_byte_ms=5000")
        work = asyncio.create_task(on.caller.call(made, targets, sink))
        await eventually(lambda: len(sink.pieces) > 5 if stream else bool(on.simulators[0].calls))
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        await eventually(lambda: on.simulators[0].calls[-1].outcome == "vanished")
        assert made.usage.estimated
        assert made.usage.input > 0
        assert (made.usage.output > 0) is stream
        assert made.attempts[-1].error == "cancelled"
        assert on.caller.lane("a").way.queue.busy == 0
