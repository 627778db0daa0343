"""A whole answer and a streamed one tell the same."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.exact_cache.calls import COMPLETION

from seawall.model_proxy.forms import body_of, pieces_of, usage_of
from seawall.model_proxy.sse import BadStream, piece_of

texts = st.text(max_size=20)
tools = st.fixed_dictionaries(
    {"id": texts, "type": st.just("function"), "function": st.fixed_dictionaries({"name": texts, "arguments": texts})}
)
messages = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": st.none() | texts},
    optional={"refusal": st.none() | texts, "tool_calls": st.lists(tools, max_size=3), "reasoning_content": texts},
)
logprobs = st.none() | st.fixed_dictionaries(
    {"content": st.lists(st.fixed_dictionaries({"token": texts, "logprob": st.integers()}), max_size=2)}
)
choices = st.fixed_dictionaries(
    {"message": messages, "finish_reason": st.sampled_from(["stop", "length"])}, optional={"logprobs": logprobs}
)


@st.composite
def completions(draw: st.DrawFn) -> dict[str, Any]:
    """Chat completions as providers send them."""
    listed = [{"index": index, **one} for index, one in enumerate(draw(st.lists(choices, min_size=1, max_size=3)))]
    usage = draw(st.none() | st.fixed_dictionaries({"prompt_tokens": st.integers(0, 99), "completion_tokens": st.integers(0, 99)}))
    return {**COMPLETION, "choices": listed, **({"usage": usage} if usage else {})}


@given(completions(), st.lists(st.integers(0, 9), max_size=4))
def test_a_whole_answer_survives_being_streamed(body: dict[str, Any], parts: list[int]) -> None:
    """However its text is cut, and also when its events are read anew from the wire."""
    pieces = pieces_of(body, parts)
    assert body_of([piece.data for piece in pieces]) == body
    assert "".join(piece.text for piece in pieces) == "".join(choice["message"]["content"] or "" for choice in body["choices"])
    for piece in pieces:
        read = piece_of(piece.data)
        assert (read.text, read.arguments, read.finish, read.usage) == (piece.text, piece.arguments, piece.finish, piece.usage)


def test_a_providers_stream_becomes_whole() -> None:
    """Words are joined, tool calls meet by number, each with one name."""
    deltas: list[dict[str, Any]] = [
        {"role": "assistant", "content": ""},
        {"content": "Let me "},
        {"content": "look."},
        {"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "find", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"q":'}}]},
        {
            "tool_calls": [
                {"index": 0, "function": {"arguments": "1}"}},
                {"index": 1, "id": "b", "function": {"name": "say", "arguments": "{}"}},
            ]
        },
    ]
    events = [{"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    events.append({"id": "c", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    message = body_of([msgspec.json.encode(event) for event in events])["choices"][0]["message"]
    assert message["content"] == "Let me look."
    assert [(call["id"], call["function"]) for call in message["tool_calls"]] == [
        ("a", {"name": "find", "arguments": '{"q":1}'}),
        ("b", {"name": "say", "arguments": "{}"}),
    ]


def test_usage_that_makes_no_sense_counts_nothing() -> None:
    """A provider's mistakes are not billed as negative numbers."""
    told = usage_of({"prompt_tokens": -4, "completion_tokens": True, "prompt_tokens_details": None})
    assert told is not None
    assert (told.input, told.output, told.cached) == (0, 0, 0)
    assert usage_of("many") is None


values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["index", "type", "a"]), inner, max_size=2),
    max_leaves=6,
)
odd_deltas = st.dictionaries(st.sampled_from(["content", "audio", "annotations", "tool_calls", "x"]), values, max_size=3)


@given(st.lists(odd_deltas, min_size=1, max_size=5))
@example([{"annotations": ["x"]}, {"annotations": [{"index": 0, "type": "a"}]}])
def test_what_can_be_read_can_be_spelled(deltas: list[dict[str, Any]]) -> None:
    """A stream whose pieces were let through becomes one answer, whatever the members nobody here knows hold."""
    read = []
    for delta in deltas:
        try:
            read.append(piece_of(msgspec.json.encode({"choices": [{"index": 0, "delta": delta}]})))
        except BadStream:
            continue
    assert len(body_of([piece.data for piece in read])["choices"]) == bool(read)
