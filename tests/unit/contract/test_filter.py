"""The contract as a filter, and the rounds after it: what goes out is right, or an error."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from seawall.core.deadline import Deadline
from seawall.core.schemas.compiled import compiled
from seawall.model_proxy.call import Call, Piece, Target, Usage, Whole
from seawall.model_proxy.contract import contract as contracts
from seawall.model_proxy.contract.contract import Contract
from seawall.model_proxy.contract.filter import ContractFilter
from seawall.model_proxy.errors import BadCall, ContractBroken
from seawall.model_proxy.http import Request
from seawall.model_proxy.sse import piece_of
from seawall.telemetry import spans

SCHEMA = {
    "type": "object",
    "properties": {"way": {"enum": ["up", "down"]}, "why": {"type": "string"}, "n": {"type": "integer"}},
    "required": ["way", "why"],
    "additionalProperties": False,
}
GOOD = '{"way":"up","why":"more baskets","n":3}'


def call_of(body: dict[str, Any] | None = None, *, stream: bool = True) -> Call:
    request = Request("POST", "/v1/chat/completions", "", {}, b"")
    call = Call(request, "chat", Deadline.after(5), spans.begin("model.call", "model"))
    call.body = body or {"messages": [{"role": "user", "content": "Why?"}]}
    call.stream = stream
    return call


def chunk(delta: dict[str, Any], finish: str | None = None) -> Piece:
    return piece_of(json.dumps({"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode())


def whole(text: str, finish: str = "stop") -> Whole:
    message = {"role": "assistant", "content": text}
    return Whole({"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": finish}]}, Usage(5, 5))


def stream(text: str, size: int = 3, finish: str = "stop") -> list[Piece]:
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    return [chunk({"role": "assistant", "content": ""}), *(chunk({"content": part}) for part in parts), chunk({}, finish)]


def through(held: ContractFilter, pieces: Sequence[Piece]) -> list[Piece]:
    return [out for piece in pieces for out in held.piece(piece)] + list(held.end())


def said(pieces: Sequence[Piece]) -> str:
    deltas = [json.loads(piece.data)["choices"][0]["delta"].get("content") or "" for piece in pieces if b'"delta"' in piece.data]
    assert "".join(deltas) == "".join(piece.text for piece in pieces)
    return "".join(deltas)


def broken_by(held: ContractFilter, pieces: Sequence[Piece], out: list[Piece]) -> ContractBroken:
    """The error that cuts a stream; what went out before it is added to `out`."""
    try:
        for piece in pieces:
            out += held.piece(piece)
    except ContractBroken as error:
        return error
    raise AssertionError("nothing was cut")


class Answers:
    """Gives prepared answers to whoever asks again."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.asked: list[tuple[str, list[dict[str, Any]]]] = []

    async def __call__(self, tier: str, messages: list[dict[str, Any]]) -> Whole:
        self.asked.append((tier, messages))
        return whole(self.texts.pop(0))


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_a_right_answer_streams_through(size: int) -> None:
    """All of it, its last bracket after the last check, then the end."""
    held = ContractFilter(Contract(compiled(SCHEMA)), call_of())
    out = through(held, stream(GOOD, size))
    assert said(out) == GOOD
    assert out[-1].finish == "stop"


def test_text_goes_out_while_it_comes() -> None:
    """A free text is not held back."""
    held = ContractFilter(Contract(compiled(SCHEMA)), call_of())
    assert "".join(p.text for p in held.piece(chunk({"content": '{"why":"so'}))) == '{"why":"so'
    same = chunk({"content": " it is"})
    assert held.piece(same) == (same,)


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"way":"UP","why":"x"}\n```',
        "{'way':'up','why':'x',}",
        '{"way":"up","why":"x"',
        'Sure: {"way":"up","why":"x"}',
        '{"why":"x","way":"Up","n":"3"}',
    ],
)
def test_what_fixers_mend_goes_out_mended(text: str) -> None:
    """Also when its beginning is out."""
    held = ContractFilter(Contract(compiled(SCHEMA)), call_of())
    out = said(through(held, stream(text)))
    assert compiled(SCHEMA).is_valid(json.loads(out))


@pytest.mark.parametrize(
    "text", ['{"other":1}', '{"way":"up"}', '{"way":"left","why":""}', '{"why":"x', "never", '{"n":1.5,"way":"up","why":""}']
)
def test_a_wrong_answer_is_cut_and_never_whole(text: str) -> None:
    """ContractBroken, whatever was out by then is a beginning of something right."""
    held = ContractFilter(Contract(compiled(SCHEMA)), call_of())
    out: list[Piece] = []
    broken_by(held, stream(text, 1), out)
    assert said(out) != text or not text.endswith("}")


async def test_a_cut_stream_goes_on_with_a_repair_that_begins_alike() -> None:
    """The small tier first; what is out is kept."""
    call = call_of()
    held = ContractFilter(Contract(compiled(SCHEMA)), call)
    out: list[Piece] = []
    error = broken_by(held, stream('{"why":"more baskets", "other":2}'), out)
    answers = Answers('{"why":"fewer","way":"down"}', '{"way":"up","why":"more baskets"}')
    rest = await held.mend(error, answers)
    assert isinstance(rest, list)
    assert json.loads(said([*out, *rest])) == {"why": "more baskets", "way": "up"}
    assert [tier for tier, _ in answers.asked] == ["small", "large"]
    assert [piece.finish for piece in rest if piece.finish] == ["stop"]
    assert call.contract_rounds == 3


async def test_after_three_rounds_the_call_fails() -> None:
    """One answer, one small repair, one large."""
    call = call_of(stream=False)
    held = ContractFilter(Contract(compiled(SCHEMA)), call)
    with pytest.raises(ContractBroken) as caught:
        held.whole(whole('{"way":"left"}'))
    answers = Answers("no", "no either")
    with pytest.raises(ContractBroken):
        await held.mend(caught.value, answers)
    assert [tier for tier, _ in answers.asked] == ["small", "large"]
    assert call.contract_rounds == 3


async def test_a_large_model_is_not_mended_by_a_small_one() -> None:
    """Two rounds."""
    call = call_of(stream=False)
    call.target = Target("big", "p", "m", tier="large")
    call.usage = Usage(20, 10)
    held = ContractFilter(Contract(compiled(SCHEMA)), call)
    answers = Answers(GOOD)
    with pytest.raises(ContractBroken) as caught:
        held.whole(whole("never"))
    mended = await held.mend(caught.value, answers)
    assert isinstance(mended, Whole)
    assert mended.body["usage"]["total_tokens"] == 30
    assert [tier for tier, _ in answers.asked] == ["large"]


def test_an_artifact_is_checked_before_anything_goes_out() -> None:
    """Nothing is released until the check has passed."""
    wants = Contract(
        compiled(SCHEMA), artifact=lambda value, given: [] if value["n"] in given else ["3 was not given"], given=[4], required=True
    )
    held = ContractFilter(wants, call_of())
    out: list[Piece] = []
    assert "3 was not given" in broken_by(held, stream(GOOD), out).sentence()
    assert said(out) == ""
    held = ContractFilter(wants, call_of())
    assert said(through(held, stream(GOOD.replace("3", "4")))) == GOOD.replace("3", "4")


def test_a_client_is_told_of_an_answer_cut_for_its_length() -> None:
    """As by the provider; a prompt is not content with it."""
    held = ContractFilter(Contract(compiled(SCHEMA)), call_of())
    out = [out for piece in stream('{"way":"up","why":"unfini', finish="length") for out in held.piece(piece)]
    assert said(out) == '{"way":"up","why":"unfini'
    with pytest.raises(ContractBroken):
        ContractFilter(Contract(compiled(SCHEMA), required=True), call_of()).whole(whole('{"way":"up","why":"unfini', "length"))


def test_arguments_of_strict_tools_are_held() -> None:
    """Streamed: cut at the first wrong key. Whole: mended where that is plain."""
    tool = {"type": "function", "function": {"name": "f", "strict": True, "parameters": SCHEMA}}
    held = ContractFilter(_contract({"tools": [tool]}), call_of())
    first = chunk({"tool_calls": [{"index": 0, "id": "t", "function": {"name": "f", "arguments": '{"way":"'}}]})
    assert held.piece(first) == []
    assert len(held.piece(chunk({"tool_calls": [{"index": 0, "function": {"arguments": 'up"'}}]}))) == 2
    with pytest.raises(ContractBroken):
        held.piece(chunk({"tool_calls": [{"index": 0, "function": {"arguments": ',"nope":'}}]}))
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "t", "function": {"name": "f", "arguments": "{'way':'up','why':''}"}}],
    }
    answer = Whole({"choices": [{"message": message, "finish_reason": "tool_calls"}]})
    held = ContractFilter(_contract({"tools": [tool]}), call_of())
    arguments = held.whole(answer).body["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(arguments) == {"way": "up", "why": ""}


def _contract(body: dict[str, Any]) -> Contract:
    found = contracts.of(call_of(body))
    assert found is not None
    return found


def test_plain_chats_have_no_contract() -> None:
    """Nor have schemas that are not strict."""
    loose = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}
    assert contracts.of(call_of({"messages": []})) is None
    assert contracts.of(call_of(loose)) is None
    assert contracts.of(call_of({"tools": [{"type": "function", "function": {"name": "f"}}]})) is None


def test_a_schema_that_cannot_be_held_is_the_callers_fault() -> None:
    """In OpenAI's words."""
    form = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": {"pattern": "(?=x)"}}}
    with pytest.raises(BadCall, match=r"Invalid schema for 'response_format.json_schema.schema'"):
        contracts.of(call_of({"response_format": form}))
