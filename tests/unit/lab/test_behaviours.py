"""How a request to the simulator asks for a fault."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from seawall.core.errors import InvalidInput
from seawall.lab.answers import completion, embeddings, pieces, say
from seawall.lab.behaviours import Behaviour, Chooser, InvalidBehaviour, Script, Step, parse

ASK = {"model": "sim", "messages": [{"role": "user", "content": "How is the tide?"}]}


def test_a_behaviour_is_a_list_of_names_and_values() -> None:
    """Blanks do not matter; nothing at all is a good provider."""
    assert parse("status=429; retry_after=2") == Behaviour(status=429, retry_after="2")
    assert parse("") == Behaviour()


@given(st.text(max_size=40))
def test_parsing_gives_a_behaviour_or_says_what_is_wrong(text: str) -> None:
    """Never anything else."""
    with contextlib.suppress(InvalidBehaviour):
        assert isinstance(parse(text), Behaviour)


def test_the_header_counts_most_then_the_script_then_the_name() -> None:
    """A script's step is used up; the header does not use it."""
    chooser = Chooser(Script((Step(behave="status=500", model="sim"),)))
    assert chooser.choose("sim;status=401", "status=403").status == 403
    assert chooser.choose("sim;status=401", "").status == 500
    assert chooser.choose("sim;status=401", "").status == 401


def test_a_fault_may_pass() -> None:
    """`times` counts the requests that ask for it."""
    chooser = Chooser()
    assert [chooser.choose("sim;status=500;times=2", "").status for _ in range(3)] == [500, 500, 200]


def test_a_step_for_ever_serves_its_model_alone() -> None:
    """times 0: all that follow."""
    chooser = Chooser(Script((Step(behave="status=529", model="a", times=0),)))
    assert [chooser.choose(name, "").status for name in ("a", "b", "a")] == [529, 200, 529]


def test_answers_depend_on_seed_and_messages_alone() -> None:
    """So that a failing test fails again."""
    assert say(ASK, Behaviour(), 1) == say(ASK, Behaviour(), 1)
    assert say(ASK, Behaviour(), 1).choices[0].text != say(ASK, Behaviour(), 2).choices[0].text


def test_a_stream_says_what_the_whole_answer_says() -> None:
    """The pieces joined are the text; usage comes last, if asked for."""
    said = say(ASK, Behaviour(), 0)
    events = list(pieces(said, usage=True))
    joined = "".join(choice["delta"].get("content", "") for event in events for choice in event["choices"])
    assert joined == completion(said, usage=True)["choices"][0]["message"]["content"]
    assert events[-1]["usage"] == said.usage


SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 30},
        "level": {"enum": ["low", "high"]},
        "size": {"type": "integer", "minimum": 3, "maximum": 5},
        "notes": {"type": "array", "items": {"$ref": "#/$defs/note"}, "minItems": 1},
    },
    "required": ["name", "level", "size", "notes"],
    "additionalProperties": False,
    "$defs": {"note": {"anyOf": [{"type": "boolean"}, {"type": "null"}]}},
}


@pytest.mark.parametrize(("behave", "valid"), [("", True), ("wrong_schema=1", False)])
def test_structured_output_keeps_its_schema_unless_asked_not_to(behave: str, valid: bool) -> None:
    """With references, choices and bounds."""
    import msgspec

    body = ASK | {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}
    assert Draft202012Validator(SCHEMA).is_valid(msgspec.json.decode(say(body, parse(behave), 0).choices[0].text)) is valid


def test_a_tool_is_called_once() -> None:
    """After its answer the model speaks."""
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"at": {"const": 3}}}}}]
    first = say(ASK | {"tools": tools}, Behaviour(), 0)
    assert first.choices[0].tool == {"name": "look", "arguments": '{"at":3}'}
    told = {"messages": [*ASK["messages"], {"role": "tool", "content": "calm"}], "tools": tools}
    assert say(told, Behaviour(), 0).choices[0].tool is None


def test_embeddings_are_those_of_the_texts() -> None:
    """Equal texts, equal vectors, whatever else is in the request."""
    alone = embeddings({"input": "calm"}, Behaviour())["data"][0]["embedding"]
    among = embeddings({"input": ["storm", "calm"]}, Behaviour())["data"][1]["embedding"]
    assert alone == among
    assert sum(value * value for value in alone) == pytest.approx(1, abs=1e-3)


def test_a_long_script_is_refused() -> None:
    """It is held in memory."""
    with pytest.raises(InvalidInput):
        Script(tuple(Step(behave="") for _ in range(1001)))
