"""What a request says beside its messages' texts: descriptions and schemas of tools and answers, names, users, links, other members.

Providers read or keep all of it, so personal data and secrets are looked for there too. Names of members are not looked at, nor are files
inside a message (`data:…;base64,`), which are no text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seawall.model_proxy.errors import BadCall
from seawall.model_proxy.screen.texts import Place

_MESSAGE = frozenset({"role", "content", "tool_calls", "function_call"})
_PART = frozenset({"type", "text", "refusal"})
_BODY = frozenset({"model", "messages", "input"})
PLACES_MAX = 20_000


def beside(body: dict[str, Any]) -> list[Place]:
    """Every text that `texts.places` does not give. BadCall when there are more than `PLACES_MAX`."""
    found: list[Place] = []
    waiting: list[Any] = []
    for key, value in body.items():
        kind = type(value)
        if (kind is str or kind is dict or kind is list) and key not in _BODY:
            waiting.append((body, key, value))
    for message in body.get("messages") or ():
        if len(message) > 2 or "content" not in message:
            waiting += _of_message(message)
        content = message.get("content")
        if type(content) is list:
            waiting += [(part, key, part[key]) for part in content for key in part if key not in _PART]
    _check_count(len(waiting))
    while waiting:
        holder, key, value = waiting.pop()
        if type(value) is str:
            if value and not _is_file(value):
                found.append(Place(value, "system", holder, key))
        elif type(value) is dict or type(value) is list:
            _check_count(len(waiting) + len(found) + len(value))
        if type(value) is dict:
            waiting += [(value, name, inner) for name, inner in value.items()]
        elif type(value) is list:
            waiting += [(value, at, inner) for at, inner in enumerate(value)]
    return found


def _check_count(count: int) -> None:
    if count > PLACES_MAX:
        raise BadCall("The request says too much beside its messages", expected=f"at most {PLACES_MAX:,} values")


def _of_message(message: dict[str, Any]) -> Iterator[tuple[Any, str, Any]]:
    for key, value in message.items():
        if key not in _MESSAGE:
            yield message, key, value
    called = message.get("tool_calls")
    functions = [call.get("function") for call in called] if called else []
    for call in called or ():
        yield from ((call, key, value) for key, value in call.items() if key != "function")
    for function in (*functions, message.get("function_call")):
        if isinstance(function, dict):
            yield from ((function, key, value) for key, value in function.items() if key != "arguments")


def _is_file(text: str) -> bool:
    return text.startswith("data:") and ";base64," in text[:128]
