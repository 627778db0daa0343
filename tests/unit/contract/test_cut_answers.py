"""Answers that were cut, that are too long to hold, and what the next model is shown of one that would not do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.contract.test_filter import GOOD, SCHEMA, Answers, _contract, call_of, chunk, said, stream, through, whole

from seawall.core.schemas.compiled import compiled
from seawall.model_proxy.call import Piece, Whole
from seawall.model_proxy.contract import filter as filters
from seawall.model_proxy.contract.contract import Contract
from seawall.model_proxy.contract.filter import ContractFilter
from seawall.model_proxy.errors import ContractBroken
from seawall.model_proxy.sse import piece_of

CUT = '{"way":"up","why":"more bas'
TOOL = {"type": "function", "function": {"name": "f", "strict": True, "parameters": SCHEMA}}

PATTERNED = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^x+$"}}, "required": ["a"], "additionalProperties": False}


def held(*, required: bool = False) -> ContractFilter:
    return ContractFilter(Contract(compiled(SCHEMA), required=required), call_of())


def called(arguments: str, finish: str) -> Whole:
    """An answer that calls the tool."""
    calls = [{"id": "t", "function": {"name": "f", "arguments": arguments}}]
    return Whole({"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": calls}, "finish_reason": finish}]})


@pytest.mark.parametrize("finish", ["length", "content_filter"])
def test_a_cut_answer_is_told_as_it_is(finish: str) -> None:
    """Whole as streamed: the client reads in `finish_reason` that it is no answer yet."""
    answer = whole(CUT, finish)
    assert held().whole(answer) is answer
    assert said(through(held(), stream(CUT, finish=finish))) == CUT


def test_a_prompt_gets_no_answer_that_was_cut_and_closed() -> None:
    """What its end would have said is not known; one that only lacks its brackets, and was not cut, is closed."""
    lacks_brackets = '{"way":"up","why":"more"'
    with pytest.raises(ContractBroken):
        through(held(required=True), stream(lacks_brackets, finish="length"))
    with pytest.raises(ContractBroken):
        held(required=True).whole(whole(lacks_brackets, "length"))
    mended = said(through(held(required=True), stream(lacks_brackets)))
    assert json.loads(mended) == {"way": "up", "why": "more"}


def test_arguments_that_were_cut_are_told_as_they_are() -> None:
    """Whole and streamed; arguments that ended there would be mended or refused."""
    answer = called('{"way":"up","wh', "length")
    assert ContractFilter(_contract({"tools": [TOOL]}), call_of()).whole(answer) is answer
    with pytest.raises(ContractBroken):
        ContractFilter(_contract({"tools": [TOOL]}), call_of()).whole(called('{"way":"left"}', "tool_calls"))
    first = chunk({"tool_calls": [{"index": 0, "id": "t", "function": {"name": "f", "arguments": '{"way":"u'}}]})
    cut = ContractFilter(_contract({"tools": [TOOL]}), call_of())
    assert [piece.finish for piece in through(cut, [first, chunk({}, "length")])] == [first.finish, "length"]
    with pytest.raises(ContractBroken):
        through(ContractFilter(_contract({"tools": [TOOL]}), call_of()), [first, chunk({}, "tool_calls")])


def test_what_is_held_back_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text whose rule needs all of it, and arguments that are not known to be right."""
    monkeypatch.setattr(filters, "HELD_MAX", 100)
    monkeypatch.setattr(filters, "HELD_PIECES_MAX", 10)
    with pytest.raises(ContractBroken, match="held back"):
        through(ContractFilter(Contract(compiled(PATTERNED)), call_of()), stream('{"a":"' + "x" * 300))
    tools = ContractFilter(
        _contract({"tools": [{"type": "function", "function": {"name": "f", "strict": True, "parameters": PATTERNED}}]}), call_of()
    )
    begun = chunk({"tool_calls": [{"index": 0, "id": "t", "function": {"name": "f", "arguments": '{"a":"'}}]})
    more = chunk({"tool_calls": [{"index": 0, "function": {"arguments": "x"}}]})
    with pytest.raises(ContractBroken, match="held back"):
        through(tools, [begun, *[more] * 20])


async def test_the_small_model_sees_what_was_wrong_and_the_large_one_the_question() -> None:
    """The one mends a text, the other answers anew."""
    call = call_of(stream=False)
    broken = ContractFilter(Contract(compiled(SCHEMA)), call)
    with pytest.raises(ContractBroken) as caught:
        broken.whole(whole('{"way":"left"}'))
    answers = Answers("no", GOOD)
    await broken.mend(caught.value, answers)
    (_, small), (_, large) = answers.asked
    assert small[-2] == {"role": "assistant", "content": '{"way":"left"}'}
    assert large == call.body["messages"]


def test_a_piece_of_ours_tells_no_usage() -> None:
    """It is made like a piece of the stream, which may tell the tokens so far: they would be told twice."""
    counted: dict[str, Any] = {"id": "c", "choices": [{"index": 0, "delta": {"content": "{'way':"}, "finish_reason": None}]}
    first: Piece = piece_of(json.dumps({**counted, "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}}).encode())
    out = through(held(), [first, *stream("'up','why':'x'}")[1:]])
    made = [json.loads(piece.data) for piece in out if piece.text]
    assert made
    assert not any("usage" in each for each in made)
    assert {each["id"] for each in made} == {"c"}
