"""Streams of several choices: interleaved, each screened by itself, settled and recorded together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.exact_cache.calls import TARGET, Heard, a_call
from tests.unit.model_proxy.test_pipeline import Parts, ask, cached, client, events, parts, piece, told  # noqa: F401 -- fixtures
from tests.unit.screen.calls import content

from seawall.model_proxy.answering import Answering, Unreadable
from seawall.model_proxy.call import Call, Piece, Usage
from seawall.model_proxy.forms import body_of
from seawall.model_proxy.screen.output import OutputFilter
from seawall.model_proxy.screen.settings import Output
from seawall.model_proxy.sse import piece_of

USAGE = b'{"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":8}}'
SECRET = "sk-abcdEFGH1234567890abcd"


def event(index: int, text: str = "", finish: str | None = None) -> bytes:
    return json.dumps({"id": "c", "choices": [{"index": index, "delta": {"content": text}, "finish_reason": finish}]}).encode()


TWO = [event(0, "Good "), event(1, "Bad "), event(1, "night"), event(0, "day"), event(1, finish="length"), event(0, finish="stop"), USAGE]


def texts(body: dict[str, Any]) -> list[str]:
    return [choice["message"]["content"] for choice in body["choices"]]


async def test_choices_come_interleaved(client: Any, parts: Parts) -> None:  # noqa: F811 -- fixtures
    """As the provider sends them; one bill, one record with what each said."""
    parts.pieces = [piece_of(data) for data in TWO]
    answer = await ask(client, stream=True, n=2)
    assert [json.loads(one)["choices"][0]["index"] for one in events(answer)[:-1]] == [0, 1, 1, 0, 1, 0]
    assert texts(body_of([one.encode() for one in events(answer)[:-1]])) == ["Good day", "Bad night"]
    call, pieces = parts.recorded[0][0], parts.recorded_pieces
    assert texts(body_of([one.data for one in pieces])) == ["Good day", "Bad night"]
    assert (call.finish, call.usage) == ("stop", Usage(3, 2))


@pytest.mark.parametrize(
    "more", [{"response_format": {"type": "json_object"}}, {"tools": [{"type": "function", "function": {"name": "f", "strict": True}}]}]
)
async def test_a_stream_that_is_held_to_a_schema_has_one_choice(client: Any, parts: Parts, more: dict[str, Any]) -> None:  # noqa: F811
    """The error says what to do; whole answers of several choices are held to it, each."""
    answer = await ask(client, stream=True, n=2, **more)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "n")
    assert "Leave out `stream`" in answer.json()["error"]["message"]


async def test_a_kept_answer_has_all_its_choices(cached: Any, parts: Parts) -> None:  # noqa: F811 -- fixtures
    """In both forms."""
    parts.pieces = [piece_of(data.replace(b'"length"', b'"stop"')) for data in TWO]
    await ask(cached, stream=True, n=2, temperature=0)
    again = await ask(cached, stream=True, n=2, temperature=0)
    assert texts((await ask(cached, n=2, temperature=0)).json()) == ["Good day", "Bad night"]
    assert texts(body_of([one.encode() for one in events(again)[:-1]])) == ["Good day", "Bad night"]
    assert len(parts.calls) == 1


def answering(n: int | None) -> tuple[Answering, Heard]:
    call = a_call({"model": "small", "stream": True} | ({} if n is None else {"n": n}))
    heard = Heard()
    made = Answering(call, TARGET, heard)  # type: ignore[arg-type]  # a sink that holds nobody back
    made.head(200, {"content-type": "text/event-stream"})
    return made, heard


@pytest.mark.parametrize(("n", "whole"), [(None, True), (1, True), (2, False)])
def test_a_stream_is_whole_when_every_choice_has_ended(n: int | None, whole: bool) -> None:
    """One that stops before is cut, unless it says `[DONE]`."""
    made, _ = answering(n)
    made.data(b"data: %b\n\n" % event(0, "Good", "stop"))
    if whole:
        made.finish()
        return
    with pytest.raises(Unreadable):
        made.finish()
    made.data(b"data: %b\n\n" % event(1, "Bad", "stop"))
    made.finish()


def test_a_provider_that_gives_fewer_choices_has_answered() -> None:
    """Some do not know `n`."""
    made, heard = answering(2)
    made.data(b"data: %b\n\ndata: [DONE]\n\n" % event(0, "Good", "stop"))
    made.finish()
    assert heard.text == "Good"


def screened(events: Sequence[bytes]) -> list[Piece]:
    one = OutputFilter(_call(), Output(secrets="mask", pii="mask", prompt="off", window=128))
    return [out for data in events for out in one.piece(piece_of(data))] + list(one.end())


def _call() -> Call:
    return a_call({"model": "small", "messages": [{"role": "user", "content": "hi"}], "stream": True, "n": 3})


@settings(max_examples=50)
@given(
    st.lists(st.sampled_from([f"the key is {SECRET} and so on ", "write to jo@x.example today ", "all is well "]), min_size=3, max_size=3),
    st.data(),
)
def test_each_choice_is_screened_in_its_own_window(said: list[str], data: st.DataObject) -> None:
    """Whatever comes between its pieces: each goes out as it would alone."""
    left, mixed = dict(enumerate(said)), []
    while left:
        index = data.draw(st.sampled_from(sorted(left)))
        count = data.draw(st.integers(1, 12))
        mixed.append(event(index, left[index][:count]))
        left[index] = left[index][count:]
        if not left[index]:
            mixed.append(event(index, finish="stop"))
            del left[index]
    out = screened(mixed)
    for index, text in enumerate(said):
        assert content(out, index) == text.replace(SECRET, "[openai-key]").replace("jo@x.example", "[email]")


def test_what_a_choice_says_is_not_taken_for_its_usage() -> None:
    """Some providers tell the usage with every piece."""
    chunk = {**json.loads(event(1, "all is well and ")), "usage": {"prompt_tokens": 3, "completion_tokens": 1}}
    out = screened([json.dumps(chunk).encode(), event(1, "so on", "stop")])
    assert "".join(one.text for one in out) == "all is well and so on"
