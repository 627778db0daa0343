"""Requests as OpenAI's API defines them: decoded, checked, and the faulty part named.

What is checked is what a stage relies on; members we do not know pass through, as do content parts that are not text. A body that two
readers could understand differently (a key twice, bytes that are not UTF-8) is refused, so that what was screened is what is asked.
https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from seawall.model_proxy.call import Surface
from seawall.model_proxy.errors import BadCall

MESSAGES_MAX = 4096
PARTS_MAX = 4096
"""Content parts of all messages together; as many calls of tools."""
TOOLS_MAX = 256
STOPS_MAX = 64
FEW_BYTES = 64 << 10
"""A body that is no longer holds too few parts to count."""
INPUTS_MAX = 2048
"""Texts in one request for embeddings, as OpenAI allows."""
CHOICES_MAX = 8
DEPTH_MAX = 128
"""Objects and lists within one another; what stages do with a body, they do level by level."""

_Name = Annotated[str, Meta(min_length=1, max_length=256)]
_Positive = Annotated[int, Meta(ge=1, le=1 << 31)]
_Penalty = Annotated[float, Meta(ge=-2, le=2)]
Checked = TypeVar("Checked")


class _Part(msgspec.Struct, frozen=True):
    type: _Name
    text: str | None = None


class _FunctionCall(msgspec.Struct, frozen=True):
    name: str = ""
    arguments: str | None = None


class _ToolCall(msgspec.Struct, frozen=True):
    id: str = ""
    type: str = "function"
    function: _FunctionCall | None = None


class _Message(msgspec.Struct, frozen=True):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | Annotated[list[_Part], Meta(max_length=PARTS_MAX)] | None = None
    name: str | None = None
    tool_calls: Annotated[list[_ToolCall], Meta(max_length=PARTS_MAX)] | None = None
    tool_call_id: str | None = None


class _FunctionDefinition(msgspec.Struct, frozen=True):
    name: _Name
    description: str | None = None
    parameters: dict[str, Any] | None = None


class _Tool(msgspec.Struct, frozen=True):
    type: _Name
    function: _FunctionDefinition | None = None


class _JsonSchema(msgspec.Struct, frozen=True):
    name: _Name
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class _ResponseFormat(msgspec.Struct, frozen=True):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _JsonSchema | None = None


class _StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool | None = None


class ChatRequest(msgspec.Struct, frozen=True):
    """The members of a chat completion's request that are checked."""

    model: _Name
    messages: Annotated[list[_Message], Meta(min_length=1, max_length=MESSAGES_MAX)]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    n: Annotated[int, Meta(ge=1, le=CHOICES_MAX)] | None = None
    max_tokens: _Positive | None = None
    max_completion_tokens: _Positive | None = None
    presence_penalty: _Penalty | None = None
    frequency_penalty: _Penalty | None = None
    stop: str | Annotated[list[str], Meta(max_length=STOPS_MAX)] | None = None
    seed: int | None = None
    user: str | None = None
    tools: Annotated[list[_Tool], Meta(max_length=TOOLS_MAX)] | None = None
    functions: Annotated[list[_FunctionDefinition], Meta(max_length=TOOLS_MAX)] | None = None
    tool_choice: str | dict[str, Any] | None = None
    response_format: _ResponseFormat | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    logit_bias: dict[str, float] | None = None


class EmbeddingsRequest(msgspec.Struct, frozen=True):
    """The members of a request for embeddings that are checked."""

    model: _Name
    input: str | Annotated[list[str | int | list[int]], Meta(min_length=1, max_length=INPUTS_MAX)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: _Positive | None = None
    user: str | None = None


_chat = msgspec.json.Decoder(ChatRequest)
_embeddings = msgspec.json.Decoder(EmbeddingsRequest)
_any = msgspec.json.Decoder(dict[str, Any])
_encode = msgspec.json.Encoder().encode
_WHERE = re.compile(r"(.*?)(?: - at `\$\.?(.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(\w+)`")


def read_chat(body: bytes) -> tuple[dict[str, Any], ChatRequest]:
    """A chat completion's request, decoded and checked. BadCall names the member at fault."""
    checked = _checked(_chat, body)
    if len(body) > FEW_BYTES:
        _count_parts(checked.messages)
    if checked.response_format and checked.response_format.type == "json_schema" and checked.response_format.json_schema is None:
        raise BadCall("The schema is missing", param="response_format.json_schema", expected="an object with `name` and `schema`")
    return _decoded(body), checked


def _count_parts(messages: list[_Message]) -> None:
    """BadCall when there are more in all messages together than a process may screen at once."""
    parts = sum(len(message.content) for message in messages if isinstance(message.content, list))
    calls = sum(len(message.tool_calls) for message in messages if message.tool_calls)
    for count, what in ((parts, "content parts"), (calls, "calls of tools")):
        if count > PARTS_MAX:
            raise BadCall(
                f"The messages have too many {what}",
                param="messages",
                expected=f"at most {PARTS_MAX:,} in all messages together",
                got=f"{count:,}",
                fix="Join short texts, or drop the oldest messages",
            )


def read_embeddings(body: bytes) -> tuple[dict[str, Any], EmbeddingsRequest]:
    """A request for embeddings, decoded and checked. BadCall names the member at fault."""
    return _decoded(body), _checked(_embeddings, body)


def read_object(body: bytes) -> dict[str, Any]:
    """A body of ours. BadCall when it is no JSON object, or says something twice."""
    return _decoded(body)


def _checked(decoder: msgspec.json.Decoder[Checked], body: bytes) -> Checked:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _misfit(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_json(error) from None


def _decoded(body: bytes) -> dict[str, Any]:
    """The body as plain values. What it says twice, or not in UTF-8, is refused."""
    try:
        value = _any.decode(body)
        again = _encode(value)
        if again != body and again != msgspec.json.format(body, indent=-1):
            json.loads(body, object_pairs_hook=_once)  # numbers and escapes may be written in other ways; a key may not stand twice
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError, ValueError) as error:
        raise _not_json(error) from None
    if body.count(b"{") + body.count(b"[") > DEPTH_MAX and _is_deep(value):
        raise BadCall("The body is nested too deeply", expected=f"at most {DEPTH_MAX} levels")
    return value


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(DEPTH_MAX):
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one) if isinstance(inner, dict | list)]  # type: ignore[attr-defined]
        if not level:
            return False
    return True


def _once(pairs: list[tuple[str, Any]]) -> None:
    names = {name for name, _ in pairs}
    if len(names) != len(pairs):
        twice = next(name for index, (name, _) in enumerate(pairs) if name in {other for other, _ in pairs[:index]})
        raise BadCall("A key stands twice in one object of the body", param=twice[:100], fix="Send each key once")


def _misfit(words: str) -> BadCall:
    """msgspec's sentence as ours: `Expected …, got … - at $.messages[0].role`."""
    found = _WHERE.fullmatch(words)
    what, where = (found[1], found[2] or "") if found else (words, "")
    if missing := _MISSING.match(what):
        where = f"{where}.{missing[1]}" if where else missing[1]
        return BadCall(f"You must provide '{where}'", param=where)
    return BadCall(f"Invalid value for '{where or 'the body'}': {what[:1].lower()}{what[1:]}", param=where or None)


def _not_json(error: Exception) -> BadCall:
    if isinstance(error, BadCall):
        return error
    if isinstance(error, RecursionError):
        return BadCall("The body is nested too deeply")
    return BadCall("The body is not a JSON object in UTF-8", got=str(error)[:120])


SURFACES: dict[str, Surface] = {"/v1/chat/completions": "chat", "/v1/embeddings": "embeddings"}
