"""The evaluation lane: the same each time, from a cassette where that is asked for."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.unit.exact_cache.calls import COMPLETION, Heard, a_call
from tests.virtual_time import run

from seawall.core.clock import ManualClock
from seawall.core.errors import Unavailable
from seawall.model_proxy.cache.answers import events_of
from seawall.model_proxy.call import Call, Usage, Whole
from seawall.model_proxy.errors import BadCall, OutOfScope
from seawall.model_proxy.exchanges import evaluation
from seawall.model_proxy.exchanges.cassettes import Cassettes, snapshot_of
from seawall.model_proxy.exchanges.evaluation import Evaluation, NoSnapshot, Replay
from seawall.model_proxy.exchanges.format import Exchange, encode
from seawall.model_proxy.exchanges.keys import FileKeys
from seawall.model_proxy.forms import body_of, pieces_of
from seawall.model_proxy.screen.masks import Masks
from seawall.model_proxy.screen.spotlight import spotlit

WHOLE = Whole(COMPLETION, Usage(9, 3))


def asked(mode: str, *, tenant: str = "acme", text: str = "How many?", scopes: tuple[str, ...] = ("eval",)) -> Call:
    body = {"model": "small", "messages": [{"role": "user", "content": text}], "temperature": 0.9}
    return a_call(body, tenant=tenant, headers={"seawall-lane": "eval", "seawall-snapshot": mode}, scopes=scopes)


async def replayed(evaluation: Evaluation, call: Call) -> Replay | None:
    assert evaluation.enter(call)
    return await evaluation.look(call)


async def recorded(evaluation: Evaluation, call: Call) -> None:
    assert await replayed(evaluation, call) is None
    evaluation.record(call, WHOLE, "")
    await evaluation.close()


async def test_what_was_recorded_is_replayed(tmp_path: Path) -> None:
    """In both forms, for whoever asks in that tenant, by another process too."""
    await recorded(Evaluation(Cassettes(tmp_path)), asked("record"))
    call = asked("require")
    found = await replayed(Evaluation(Cassettes(tmp_path)), call)
    assert found is not None
    assert msgspec.json.decode(found.answer.whole()) == COMPLETION
    assert body_of(events_of(found.answer.stream(usage=True))) == COMPLETION
    assert call.served == "replay"


@pytest.mark.parametrize("error", ["cancelled", "provider-failed"])
async def test_half_an_answer_is_not_recorded(tmp_path: Path, error: str) -> None:
    """Nobody would tell it from a whole one."""
    evaluation, call = Evaluation(Cassettes(tmp_path)), asked("record")
    assert await replayed(evaluation, call) is None
    call.error = error
    evaluation.record(call, None, "Half of")
    await evaluation.close()
    with pytest.raises(NoSnapshot):
        await replayed(evaluation, asked("require"))


async def test_a_long_request_is_named_and_written_beside_the_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is redacted twice, which takes seconds for the longest."""
    threads: list[str] = []

    def noting(work: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *given, **more: (threads.append(threading.current_thread().name), work(*given, **more))[1]

    monkeypatch.setattr(evaluation, "snapshot_of", noting(snapshot_of))
    monkeypatch.setattr(evaluation, "build", noting(evaluation.build))
    call = asked("record", text="How many? " * 20_000)
    call.request = msgspec.structs.replace(call.request, body=msgspec.json.encode(call.body))
    await recorded(Evaluation(Cassettes(tmp_path)), call)
    assert len(threads) == 2
    assert threading.main_thread().name not in threads


async def test_a_miss_records_or_fails_as_asked(tmp_path: Path) -> None:
    """Replay asks the model and remembers; require fails; another tenant's recordings are not there."""
    evaluation = Evaluation(Cassettes(tmp_path))
    with pytest.raises(NoSnapshot):
        await replayed(evaluation, asked("require"))
    await recorded(evaluation, asked("replay"))
    assert await replayed(evaluation, asked("require")) is not None
    assert await replayed(evaluation, asked("replay", text="And days?")) is None
    with pytest.raises(NoSnapshot):
        await replayed(evaluation, asked("require", tenant="other"))


def of_prompt(mode: str, named: str, *, scopes: tuple[str, ...] = ("eval", "prompts:shop/ask")) -> Call:
    """What a prompt sent on, with an instance's delimiters, asked again as a chat."""
    call = asked(mode, text=spotlit("milk", b"key"), scopes=scopes)
    call.request.headers["seawall-prompt"] = named
    return call


async def test_what_a_prompt_sent_on_is_found_when_it_is_asked_again_as_a_chat(tmp_path: Path) -> None:
    """In the cassettes of its app; without the header, or of another app, it is another request."""
    prompt = a_call({"model": "small", "messages": [{"role": "user", "content": spotlit("milk", b"other")}], "temperature": 0},
                    headers={"seawall-lane": "eval", "seawall-snapshot": "record"}, surface="prompt", scopes=("eval",))  # fmt: skip
    prompt.app, prompt.prompt = "shop", "ask"
    evaluation = Evaluation(Cassettes(tmp_path))
    await recorded(evaluation, prompt)
    found = await replayed(evaluation, of_prompt("require", "shop/ask"))
    assert found is not None
    for other in (of_prompt("require", "bar/ask", scopes=("eval", "prompts:*")), asked("require", text=spotlit("milk", b"key"))):
        with pytest.raises(NoSnapshot):
            await replayed(evaluation, other)


def test_only_who_may_use_a_prompt_may_ask_again_what_it_sent_on() -> None:
    """By scope; a person has none, and so no lane."""
    for scopes in (("eval", "chat"), ("eval", "prompts:bar/*"), ()):
        with pytest.raises(OutOfScope):
            Evaluation(Cassettes(Path())).enter(of_prompt("require", "shop/ask", scopes=scopes))


def test_evaluations_come_out_the_same() -> None:
    """Temperature 0 and a seed, unless it brings one."""
    evaluation, call, own = Evaluation(Cassettes(Path())), asked(""), asked("")
    own.body["seed"] = 7
    assert evaluation.enter(call)
    assert evaluation.enter(own)
    assert (call.lane, call.body["temperature"], call.body["seed"], own.body["seed"]) == ("eval", 0, 0, 7)
    plain = a_call({"temperature": 1})
    assert not evaluation.enter(plain)
    assert plain.body == {"temperature": 1}


def test_the_lane_needs_its_scope() -> None:
    """A key that may chat may not have its answers replaced."""
    for scopes in ((), ("chat",)):
        with pytest.raises(OutOfScope):
            Evaluation(Cassettes(Path())).enter(asked("replay", scopes=scopes))
    with pytest.raises(BadCall):
        Evaluation(Cassettes(Path())).enter(asked("maybe"))
    with pytest.raises(BadCall, match="no lane"):
        Evaluation(Cassettes(Path())).enter(a_call(headers={"seawall-lane": "evals"}))


async def test_what_is_recorded_is_sealed(tmp_path: Path) -> None:
    """Nothing of it can be read in the file, after a rotation it still answers, and in another tenant's place it does not."""
    keys = FileKeys(tmp_path / "exchanges.json")
    evaluation = Evaluation(Cassettes(tmp_path, keys=lambda: keys))
    await recorded(evaluation, asked("record"))
    (file,) = (tmp_path / "t-acme").glob("*.jsonl")
    assert not any(word in file.read_bytes() for word in (b"weeks", b"Fifty", b"{"))
    keys.rotate()
    assert await replayed(evaluation, asked("require")) is not None
    (tmp_path / "t-other").mkdir()
    (tmp_path / "t-other" / file.name).write_bytes(file.read_bytes())
    with pytest.raises(NoSnapshot):
        await replayed(evaluation, asked("require", tenant="other"))


async def test_without_its_key_nothing_is_recorded_and_that_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Whoever keeps the keys is away: the answer was given, the cassette has to do without."""

    def away() -> FileKeys:
        raise Unavailable("The key management service is away")

    await recorded(Evaluation(Cassettes(tmp_path, keys=away)), asked("record"))
    assert "exchanges.not_written" in "".join(capfd.readouterr())
    assert not list(tmp_path.glob("*/*.jsonl"))


async def test_an_apps_own_cassettes_answer(tmp_path: Path) -> None:
    """Also lines written by hand, which have no digest; what is recorded counts for more, and a broken line for nothing."""
    (tmp_path / "app" / "cassettes").mkdir(parents=True)
    evaluation = Evaluation(Cassettes(tmp_path / "data", {"shop": tmp_path / "app"}))
    call = asked("require")
    evaluation.enter(call)
    line = encode(Exchange(v=1, id="x", at=1.0, tenant="", request=call.body, response={**COMPLETION, "id": "by-hand"}))
    (tmp_path / "app" / "cassettes" / "one.jsonl").write_bytes(b"{broken\n" + line + b"\n")
    for mode, name in (("require", "by-hand"), ("record", ""), ("require", COMPLETION["id"])):
        call = asked(mode)
        call.app = "shop"
        found = await replayed(evaluation, call)
        if found is None:
            evaluation.record(call, WHOLE, "")
            await evaluation.close()
        else:
            assert found.exchange.response is not None
            assert found.exchange.response["id"] == name


async def test_a_cassette_holds_nothing_personal(tmp_path: Path) -> None:
    """It finds a request by what is left after redaction."""
    await recorded(Evaluation(Cassettes(tmp_path)), asked("record", text="mail ann@example.org"))
    [path] = tmp_path.rglob("*.jsonl")
    assert b"ann@" not in path.read_bytes()
    bodies = [{"messages": [{"content": f"mail {who}@example.org"}]} for who in ("ann", "bob")]
    assert snapshot_of("chat", bodies[0]) == snapshot_of("chat", bodies[1])


@pytest.mark.parametrize("text", ["Great towel.", "Great\n</data x> towel.", "Write to ann@example.org"])
def test_a_cassette_answers_in_every_instance(text: str) -> None:
    """What screening makes with an instance's own keys, marks around data and placeholders, is no part of what a request is found by."""
    asked_with = []
    for key in (b"one", b"two"):
        masked = text.replace("ann@example.org", Masks(key).placeholder("pii.email", "ann@example.org"))
        asked_with.append({"messages": [{"content": [{"type": "text", "text": spotlit(masked, key)}]}]})
    assert asked_with[0] != asked_with[1]
    assert snapshot_of("prompt", asked_with[0]) == snapshot_of("prompt", asked_with[1])
    by_hand = {"messages": [{"content": [{"type": "text", "text": text}]}]}
    assert "@" in text or snapshot_of("prompt", by_hand) == snapshot_of("prompt", asked_with[0])


def test_a_stream_is_replayed_in_its_own_time(tmp_path: Path) -> None:
    """Each piece when it was recorded."""
    clock = ManualClock()

    async def story() -> float:
        call = asked("record")
        evaluation = Evaluation(Cassettes(tmp_path), clock)
        await replayed(evaluation, call)
        call.chunks = array("Q", (500_000, 6, 2_000_000, 4))
        evaluation.record(call, None, "Fifty-two.", pieces_of(COMPLETION, [6]))
        await evaluation.close()
        found = await replayed(evaluation, asked("require"))
        assert found is not None
        heard, began = Heard(), clock.time()
        await found.play(heard, usage=False)
        assert [piece.text for piece in heard.pieces] == ["Fifty-", "two.", ""]
        return clock.time() - began

    assert 2.0 <= run(story(), clock) < 2.1
