"""Where the texts of a request are: messages, their parts, arguments of tool calls, inputs of embeddings.

A text came from data where its message has the role `tool` or `function`, or its message or part is marked
`"seawall": {"source": "data"}`. The mark is ours and is taken off before the request is sent on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from seawall.model_proxy.errors import BadCall

Source = Literal["system", "user", "data", "model"]
"""Who wrote it: the app, a person, a document or row, or a model earlier on."""
_SOURCES: dict[str, Source] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "tool": "data",
    "function": "data",
    "assistant": "model",
}
MARK = "seawall"
_TOLD = frozenset({"text", "refusal", "type"})
_PLAIN = frozenset({"text", "refusal", "image_url", "input_audio"})
_THOUGHTS = ("refusal", "reasoning_content", "reasoning")
"""Members of a message beside its content that models are told."""
NESTED_MAX = 20_000
TEXT_MIN = 8
"""Characters of a text that may be an order."""


class Place(msgspec.Struct, frozen=True):
    """One text and where it stands: `holder[key]`."""

    text: str
    source: Source
    holder: Any
    key: str | int


def places(body: dict[str, Any]) -> list[Place]:
    """Every text of a request. Takes the marks off."""
    found: list[Place] = []
    for message in body.get("messages") or ():
        source = _SOURCES.get(message.get("role", ""), "user")
        if len(message) == 2 and "role" in message and type(message.get("content")) is str:  # and nothing else, as most are
            found.append(Place(message["content"], source, message, "content"))
            continue
        if MARK in message and _is_data(message.pop(MARK)):
            source = "data"
        content = message.get("content")
        if type(content) is str:
            found.append(Place(content, source, message, "content"))
        elif content:
            found += _parts(content, source)
        if "tool_calls" in message or "function_call" in message:
            found += _arguments(message)
        if len(message) > 2:
            found += [Place(message[key], source, message, key) for key in _THOUGHTS if type(message.get(key)) is str and message[key]]
    if "input" in body:
        found += _inputs(body)
    if "prediction" in body:
        found += _nested([(body, "prediction", body["prediction"])], "model")
    return found


def _is_data(mark: object) -> bool:
    return isinstance(mark, dict) and mark.get("source") == "data"


def _parts(parts: list[dict[str, Any]], source: Source) -> Iterator[Place]:
    for part in parts:
        data = MARK in part and _is_data(part.pop(MARK))
        for key in ("text", "refusal"):
            if isinstance(part.get(key), str):
                yield Place(part[key], "data" if data else source, part, key)
        if part.get("type") not in _PLAIN:
            inner = [(part, name, value) for name, value in part.items() if name not in _TOLD]
            yield from _nested(inner, "data" if data else source)


def _nested(waiting: list[tuple[Any, Any, Any]], source: Source) -> Iterator[Place]:
    """Texts inside what is no plain part: results of tools and documents, as other APIs write them. Not files."""
    count = 0
    while waiting:
        inside, name, value = waiting.pop()
        count += 1
        if count > NESTED_MAX:
            raise BadCall("A content part holds too much", param="messages", expected=f"at most {NESTED_MAX:,} values")
        if isinstance(value, str):
            if len(value) >= TEXT_MIN and " " in value and not value.startswith("data:"):
                yield Place(value, source, inside, name)
        elif isinstance(value, dict):
            waiting += [(value, inner, one) for inner, one in value.items()]
        elif isinstance(value, list):
            waiting += [(value, inner, one) for inner, one in enumerate(value)]


def _arguments(message: dict[str, Any]) -> Iterator[Place]:
    calls = [call.get("function") for call in message.get("tool_calls") or ()]
    for function in (*calls, message.get("function_call")):
        if isinstance(function, dict) and isinstance(function.get("arguments"), str):
            yield Place(function["arguments"], "model", function, "arguments")


def _inputs(body: dict[str, Any]) -> Iterator[Place]:
    value = body["input"]
    if isinstance(value, str):
        yield Place(value, "user", body, "input")
    elif isinstance(value, list):
        yield from (Place(text, "user", value, at) for at, text in enumerate(value) if isinstance(text, str))


DESCRIPTIONS_MAX = 4096
"""Of one request's tools."""
VALUES_MAX = 40_000
"""Objects and lists of them that are looked through."""


def descriptions(body: dict[str, Any]) -> list[str]:
    """What the app says of its tools and of their parameters, however deep. BadCall when that is too much."""
    found: list[str] = []
    waiting: list[Any] = [*(body.get("tools") or ()), *(body.get("functions") or ())]
    values = len(waiting)
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            found += [value for key, value in one.items() if key in ("description", "title") and isinstance(value, str)]
            inner = [value for value in one.values() if isinstance(value, dict | list)]
        else:
            inner = [value for value in one if isinstance(value, dict | list)] if isinstance(one, list) else []
        values += len(inner)
        if values > VALUES_MAX or len(found) > DESCRIPTIONS_MAX:
            raise BadCall("The tools of this request say too much", param="tools", expected=f"at most {DESCRIPTIONS_MAX:,} descriptions")
        waiting += inner
    return found
