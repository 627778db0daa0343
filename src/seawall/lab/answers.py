"""What a simulated model says, in the shapes of OpenAI's API. Pure and deterministic: the same seed and request give the same answer.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import base64
import hashlib
import random
import struct
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

import msgspec

from seawall.lab.behaviours import Behaviour

CREATED = 1_760_000_000
DIMENSIONS = 384
CHOICES_MAX = 128
_TEXT = (
    "the tide rises against a quiet wall of stone and each wave that comes in breaks there while behind it boats lie still "
    "lamps are lit and people count what the morning brought salt rope silver fish and a letter from far away"
)
_WORDS = _TEXT.split()
Json = dict[str, Any]


class Choice(msgspec.Struct, frozen=True):
    """One of an answer's choices before it takes a shape."""

    index: int
    text: str
    finish: str
    tool: Json | None
    """The function called, as `{"name", "arguments"}`."""


class Said(msgspec.Struct, frozen=True):
    """An answer before it takes a shape."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Json


def say(body: Mapping[str, Any], behaviour: Behaviour, seed: int) -> Said:
    """What the model answers to a chat completion's request: `n` choices, of which the first is what it would say alone."""
    digest = hashlib.sha256(f"{seed}:".encode() + msgspec.json.encode(body.get("messages", []))).hexdigest()
    choices = tuple(_choice(body, behaviour, digest, index) for index in range(body.get("n") or 1))
    read = sum(_tokens(_content(message)) for message in body.get("messages", []) if isinstance(message, dict))
    written = sum(_tokens(one.text) + (_tokens(one.tool["arguments"]) if one.tool else 0) for one in choices)
    usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    name = behaviour.swap or str(body.get("model", "")).partition(";")[0]
    return Said(f"chatcmpl-{digest[:24]}", name, choices, usage)


def countable(choices: object) -> bool:
    """Whether a model takes this as `n`."""
    return choices is None or (type(choices) is int and 1 <= choices <= CHOICES_MAX)


def _choice(body: Mapping[str, Any], behaviour: Behaviour, digest: str, index: int) -> Choice:
    chance = random.Random(f"{digest}:{index}" if index else digest)  # noqa: S311 -- a simulator's text
    tool = _tool_call(body, chance)
    text = "" if tool else _text(body, behaviour, chance)
    return Choice(index, text, behaviour.finish or ("tool_calls" if tool else "stop"), tool)


def _text(body: Mapping[str, Any], behaviour: Behaviour, chance: random.Random) -> str:
    if behaviour.oversized:
        return "x" * behaviour.oversized
    if behaviour.text:
        return behaviour.text
    if behaviour.echo:
        return next((_content(m) for m in reversed(body.get("messages", [])) if isinstance(m, dict) and m.get("role") == "user"), "")
    schema = _schema(body)
    if schema is not None:
        return msgspec.json.encode({"unexpected": [True]} if behaviour.wrong_schema else instance(schema, chance)).decode()
    return " ".join(chance.choice(_WORDS) for _ in range(behaviour.tokens))


def _schema(body: Mapping[str, Any]) -> Json | None:
    asked = body.get("response_format")
    if not isinstance(asked, dict):
        return None
    if asked.get("type") == "json_object":
        return {"type": "object", "properties": {"answer": {"type": "string"}}}
    schema = (asked.get("json_schema") or {}).get("schema") if asked.get("type") == "json_schema" else None
    return schema if isinstance(schema, dict) else None


def _tool_call(body: Mapping[str, Any], chance: random.Random) -> Json | None:
    """The tool asked for by name, else the first; none once a tool has answered."""
    tools, choice = body.get("tools") or [], body.get("tool_choice", "auto")
    last = (body.get("messages") or [{}])[-1]
    if not tools or choice == "none" or last.get("role") == "tool":
        return None
    wanted = choice["function"]["name"] if isinstance(choice, dict) else tools[0]["function"]["name"]
    chosen = next((one["function"] for one in tools if one["function"]["name"] == wanted), tools[0]["function"])
    return {"name": chosen["name"], "arguments": msgspec.json.encode(instance(chosen.get("parameters") or {}, chance)).decode()}


def instance(schema: Mapping[str, Any], chance: random.Random, depth: int = 0, root: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
    """A value that keeps a JSON Schema of the kind structured outputs allow."""
    root = root if root is not None else schema
    if "$ref" in schema:
        target: Any = root
        for part in str(schema["$ref"]).lstrip("#/").split("/"):
            target = target[part] if part else target
        return instance(target, chance, depth + 1, root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return chance.choice(schema["enum"])
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches:
        return instance(branches[-1] if depth > 4 else branches[0], chance, depth + 1, root)
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    return _of_kind(kind, schema, chance, depth, root)


def _of_kind(kind: str, schema: Mapping[str, Any], chance: random.Random, depth: int, root: Mapping[str, Any]) -> Any:  # noqa: ANN401
    if kind == "object":
        return {name: instance(part, chance, depth + 1, root) for name, part in (schema.get("properties") or {}).items()}
    if kind == "array":
        count = max(int(schema.get("minItems", 0)), 0 if depth > 4 else min(2, int(schema.get("maxItems", 2))))
        return [instance(schema.get("items") or {"type": "string"}, chance, depth + 1, root) for _ in range(count)]
    if kind in ("integer", "number"):
        low = int(schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1))
        return chance.randint(low, max(low, int(schema.get("maximum", low + 100))))
    if kind == "boolean":
        return chance.random() < 0.5
    if kind == "null":
        return None
    text = " ".join(chance.choice(_WORDS) for _ in range(3)).ljust(int(schema.get("minLength", 0)), "x")
    return text[: int(schema.get("maxLength", 100))]


def completion(said: Said, *, usage: bool) -> Json:
    """The whole answer."""
    choices = [{"index": one.index, "message": _message(said, one), "logprobs": None, "finish_reason": one.finish} for one in said.choices]
    whole = {"id": said.id, "object": "chat.completion", "created": CREATED, "model": said.model, "choices": choices}
    return whole | ({"usage": said.usage} if usage else {})


def _message(said: Said, choice: Choice) -> Json:
    message: Json = {"role": "assistant", "content": choice.text or None, "refusal": None}
    if choice.tool:
        message["tool_calls"] = [{"id": _call_id(said, choice), "type": "function", "function": choice.tool}]
    return message


def _call_id(said: Said, choice: Choice) -> str:
    return f"call_{said.id[-12:]}{f'_{choice.index}' if choice.index else ''}"


def pieces(said: Said, *, usage: bool, role: bool = True) -> Iterator[Json]:
    """The events of a streamed answer, before `[DONE]`, those of several choices by turns; `role`: whether each begins with whose it is."""
    for turn in zip_longest(*(_choice_pieces(said, one, role) for one in said.choices)):
        yield from filter(None, turn)
    if usage:
        yield _event(said, []) | {"usage": said.usage}


def _choice_pieces(said: Said, choice: Choice, role: bool) -> Iterator[Json]:
    def piece(delta: Json, finish: str | None = None) -> Json:
        return _event(said, [{"index": choice.index, "delta": delta, "logprobs": None, "finish_reason": finish}])

    if role:
        yield piece({"role": "assistant", "content": ""})
    if choice.tool:
        named = {"name": choice.tool["name"], "arguments": ""}
        yield piece({"tool_calls": [{"index": 0, "id": _call_id(said, choice), "type": "function", "function": named}]})
        for part in _parts(choice.tool["arguments"]):
            yield piece({"tool_calls": [{"index": 0, "function": {"arguments": part}}]})
    for part in _parts(choice.text):
        yield piece({"content": part})
    yield piece({}, choice.finish)


def _event(said: Said, choices: list[Json]) -> Json:
    return {"id": said.id, "object": "chat.completion.chunk", "created": CREATED, "model": said.model, "choices": choices}


def _parts(text: str) -> Iterator[str]:
    """Words with the blank before them; of a text without blanks, pieces of four characters (of a very long one, of 4096)."""
    if " " in text:
        first, *rest = text.split(" ")
        yield first
        yield from (" " + word for word in rest)
        return
    size = 4 if len(text) < 4096 else 4096
    yield from (text[at : at + size] for at in range(0, len(text), size))


def embeddable(given: object) -> bool:
    """Whether a model takes this as its input."""
    if isinstance(given, str):
        return bool(given)
    if not isinstance(given, list) or not given:
        return False
    if all(isinstance(one, int) for one in given):
        return True
    return all(isinstance(one, str) and one for one in given) or all(
        isinstance(one, list) and one and all(isinstance(token, int) for token in one) for one in given
    )


def embeddings(body: Mapping[str, Any], behaviour: Behaviour) -> Json:
    """Unit vectors that depend on nothing but the text."""
    given = body.get("input", "")
    texts = given if isinstance(given, list) and not (given and isinstance(given[0], int)) else [given]
    size = int(body.get("dimensions") or DIMENSIONS)
    data = []
    for index, text in enumerate(texts):
        vector = _vector(text, size)
        shown: object = vector
        if body.get("encoding_format") == "base64":
            shown = base64.b64encode(struct.pack(f"<{size}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": shown})
    tokens = sum(_tokens(text if isinstance(text, str) else " ".join(map(str, text))) for text in texts)
    answer = {"object": "list", "data": data, "model": behaviour.swap or str(body.get("model", "")).partition(";")[0]}
    return answer | {"usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


def _vector(text: object, size: int) -> list[float]:
    chance = random.Random(hashlib.sha256(str(text).encode()).digest())  # noqa: S311 -- a simulator's vector
    raw = [chance.uniform(-1, 1) for _ in range(size)]
    length = sum(value * value for value in raw) ** 0.5
    return [round(value / length, 6) for value in raw]


def _content(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _tokens(text: str) -> int:
    return (len(text) + 3) // 4


def error(status: int, message: str) -> Json:
    """An error as OpenAI's API words it."""
    kinds = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    codes = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
    return {"error": {"message": message, "type": kinds.get(status, "server_error"), "param": None, "code": codes.get(status)}}
