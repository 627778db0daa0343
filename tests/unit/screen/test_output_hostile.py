"""Answers that carry what is to be hidden beside their text: in members nobody reads, said twice, or spelt token by token."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.unit.screen.calls import call

from seawall.model_proxy.call import Whole
from seawall.model_proxy.errors import Screened
from seawall.model_proxy.screen.output import OutputFilter
from seawall.model_proxy.screen.settings import Output
from seawall.model_proxy.sse import piece_of

SECRET = "sk-abcdEFGH1234567890abcd"
MASKING = Output(secrets="mask", pii="mask", prompt="off")
REFUSING = Output(secrets="refuse", prompt="off")
FINISH = {"index": 0, "delta": {}, "finish_reason": "stop"}


def event(*choices: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"id": "c", "choices": list(choices)})


def sent(output: Output, *events: bytes) -> bytes:
    """All that goes to the client."""
    one = OutputFilter(call(), output)
    return b"\n".join(out.data for data in events for out in one.piece(piece_of(data))) + b"".join(out.data for out in one.end())


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "see", "reasoning": f"the key is {SECRET} "},
        {"content": "see", "thoughts": f"the key is {SECRET} "},
        {"content": "see", "annotations": [{"text": f"the key is {SECRET} "}]},
        {"tool_calls": [{"index": 0, "custom": {"input": f"the key is {SECRET} "}}]},
        {"tool_calls": [{"index": [0], "function": {"arguments": f"the key is {SECRET} "}}]},
    ],
)
def test_every_member_of_a_delta_is_screened(delta: dict[str, Any]) -> None:
    """Those we have never heard of as well."""
    data = sent(MASKING, event({"index": 0, "delta": delta}), event(FINISH))
    assert SECRET.encode() not in data
    assert b"[openai-key]" in data


@pytest.mark.parametrize(
    "data",
    [
        b'{"choices":[{"index":0,"delta":{"content":"key %b ","content":"fine"}}]}',
        b'{"choices":[{"index":0,"delta":{"content":"key %b "},"delta":{"content":"fine"}}]}',
        b'{"choices":[{"index":0,"delta":{"\\u0063ontent":"key %b ","content":"fine"}}]}',
        b'{"choices":[{"index":0,"delta":{"refusal":"key %b ","refusal":"fine"}}]}',
    ],
)
def test_what_a_provider_says_twice_goes_out_once(data: bytes) -> None:
    """A client that reads the first of two equal members hears what was screened, too."""
    told = sent(MASKING, data % SECRET.encode(), event(FINISH))
    assert SECRET.encode() not in told
    assert b"fine" in told


def spelt(text: str) -> dict[str, Any]:
    tokens = [{"token": text[at : at + 4], "logprob": -0.1, "top_logprobs": []} for at in range(0, len(text), 4)]
    return {"index": 0, "delta": {"content": text}, "logprobs": {"content": tokens}}


def test_probabilities_do_not_spell_what_was_masked() -> None:
    """Tokens are held until their text has gone; where it was changed they stay."""
    assert b"sk-a" not in sent(MASKING, event(spelt(f"the key is {SECRET} ")), event(FINISH))


def test_probabilities_do_not_go_ahead_of_a_refusal() -> None:
    """Nothing of a secret is out when the stream is cut, whichever piece cuts it."""
    one, out = OutputFilter(call(), REFUSING), []
    with pytest.raises(Screened):  # noqa: PT012 -- whichever piece it is
        for data in (event(spelt("the key is sk-abcdEFGH12")), event(spelt("34567890abcd and so on")), event(FINISH)):
            out += one.piece(piece_of(data))
    assert not any(b"sk-a" in piece.data for piece in out)


def test_probabilities_of_ordinary_text_arrive() -> None:
    """All of them, with the last piece of their choice."""
    told = sent(MASKING, event(spelt("good morning ")), event(spelt("to everybody")), event(FINISH))
    last = msgspec.json.decode(told.split(b"\n")[-1])["choices"][0]
    assert "".join(token["token"] for token in last["logprobs"]["content"]) == "good morning to everybody"


@pytest.mark.parametrize(
    "message",
    [
        {"content": f"the key is {SECRET}"},
        {"content": [{"type": "text", "text": f"the key is {SECRET}"}]},
        {"content": "x", "audio": {"transcript": f"the key is {SECRET}"}},
        {"content": None, "tool_calls": [{"id": "1", "type": "custom", "custom": {"input": f"the key is {SECRET}"}}]},
    ],
)
def test_every_member_of_a_whole_message_is_screened(message: dict[str, Any]) -> None:
    """As of a streamed one; and nothing spells what was masked."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "logprobs": spelt(SECRET)["logprobs"], "finish_reason": "stop"}
    told = OutputFilter(call(), MASKING).whole(Whole({"id": "c", "choices": [choice]})).body["choices"][0]
    assert SECRET not in str(told)
    assert told["logprobs"] is None
