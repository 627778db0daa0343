"""An answer's two forms: one whole JSON object, or the events of a stream. Each can be made from the other.

Guarantees that `body_of(pieces_of(body)) == body` for any chat completion a provider sends, so whoever asks for the form that was not
recorded is told the same. https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from seawall.model_proxy.call import TOKENS_MAX, Piece, Usage, Whole

_ONCE = frozenset({"id", "type", "role", "name"})
"""Members of a delta that are told, not spelled: the first word stands."""
_HEAD = ("id", "created", "model", "system_fingerprint", "service_tier")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def usage_of(told: object) -> Usage | None:
    """What an answer's `usage` member says; None when it says nothing readable."""
    if not isinstance(told, dict):
        return None
    details = told.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    return Usage(_count(told.get("prompt_tokens")), _count(told.get("completion_tokens")), _count(cached))


def whole_bytes(answer: Whole) -> bytes:
    """A whole answer as it goes on the wire. Whoever keeps it asks right before whoever sends it, so the newest is remembered."""
    global _newest
    if _newest[0] is not answer:
        _newest = answer, _encode(answer.body)
    return _newest[1]


_newest: tuple[Whole | None, bytes] = (None, b"")


def finishes_of(body: dict[str, Any]) -> tuple[str, ...]:
    """The finish reason of every choice of a whole answer; an empty one for a choice that tells none."""
    choices = body.get("choices")
    if not isinstance(choices, list):
        return ()
    if len(choices) == 1 and isinstance(choices[0], dict) and isinstance(finish := choices[0].get("finish_reason"), str):
        return (finish,)
    return tuple(str(choice.get("finish_reason") or "") if isinstance(choice, dict) else "" for choice in choices)


def is_usage_alone(piece: Piece) -> bool:
    """Whether a piece only tells the usage, which a client sees when it asked for it."""
    return piece.usage is not None and not piece.text and not piece.arguments and not piece.finish


def pieces_of(body: dict[str, Any], parts: Sequence[int] = ()) -> list[Piece]:
    """A whole chat completion as the pieces of a stream, the usage last. The text of the first choice is cut after `parts` characters."""
    head = {**{name: value for name, value in body.items() if name not in ("choices", "usage")}, "object": "chat.completion.chunk"}
    made: list[Piece] = []
    for choice in body.get("choices") or ():
        made.extend(_choice_pieces(head, choice, parts))
    if body.get("usage") is not None:
        data = _encode({**head, "choices": [], "usage": body["usage"]})
        made.append(Piece(data, usage=usage_of(body["usage"]) or Usage(), bare=False))
    return made


def _choice_pieces(head: dict[str, Any], choice: dict[str, Any], parts: Sequence[int]) -> list[Piece]:
    rest = {name: value for name, value in choice.items() if name not in ("message", "finish_reason")}
    delta = dict(choice.get("message") or {})
    if isinstance(delta.get("tool_calls"), list):
        delta["tool_calls"] = [{"index": index, **call} for index, call in enumerate(delta["tool_calls"])]
    text = delta.get("content") if isinstance(delta.get("content"), str) else ""
    texts = _cut(text or "", parts) if choice.get("index", 0) == 0 else [text or ""]
    if text:
        delta["content"] = texts[0]
    finish = str(choice.get("finish_reason") or "")
    first = {**head, "choices": [{**rest, "delta": delta, "finish_reason": None}]}
    made = [Piece(_encode(first), text=texts[0], arguments=_arguments(delta), bare=False)]
    for part in texts[1:]:
        more = {**head, "choices": [{"index": choice.get("index", 0), "delta": {"content": part}, "finish_reason": None}]}
        made.append(Piece(_encode(more), text=part))
    last = {**head, "choices": [{"index": choice.get("index", 0), "delta": {}, "finish_reason": choice.get("finish_reason")}]}
    made.append(Piece(_encode(last), finish=finish, bare=False))
    return made


class Spelled:
    """A whole chat completion, as the events of its stream spell it out."""

    __slots__ = ("_choices", "_head", "_usage")

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}
        self._usage: Any = None

    def add(self, data: bytes) -> None:
        """The JSON of the next event. msgspec.DecodeError when it is none."""
        event = _decode(data)
        if not isinstance(event, dict):
            return
        for name, value in event.items():
            if name not in ("choices", "usage", "object") and self._head.get(name) is None:
                self._head[name] = value
        self._usage = event.get("usage") or self._usage
        for choice in event.get("choices") or ():
            _add_choice(self._choices.setdefault(choice.get("index", 0), {}), choice)

    @property
    def finish(self) -> str:
        """Why the first choice ended; empty while it has not."""
        return str(self._choices.get(0, {}).get("finish_reason") or "")

    def body(self) -> dict[str, Any]:
        """What was spelled until now."""
        choices = [self._choices[index] for index in sorted(self._choices)]
        usage = {} if self._usage is None else {"usage": self._usage}
        return {**self._head, "object": "chat.completion", "choices": choices, **usage}


def body_of(events: Iterable[bytes]) -> dict[str, Any]:
    """The whole chat completion that a stream's events (their JSON) spell out. msgspec.DecodeError when one is not JSON."""
    spelled = Spelled()
    for data in events:
        spelled.add(data)
    return spelled.body()


def _add_choice(whole: dict[str, Any], choice: dict[str, Any]) -> None:
    message = whole.setdefault("message", {})
    _merge(message, choice.get("delta") or {})
    for call in message.get("tool_calls") or ():
        call.pop("index", None)
    for name, value in choice.items():
        if name == "delta":
            continue
        if name == "logprobs" and isinstance(value, dict) and isinstance(whole.get(name), dict):
            _merge(whole[name], value)
        elif whole.get(name) is None:
            whole[name] = value


def _merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    """Add what a delta says: strings are continued, lists of numbered members meet by number, other lists are joined."""
    for name, value in more.items():
        have = into.get(name)
        if have is None:
            into[name] = _whole_list([], value) if isinstance(value, list) else dict(value) if isinstance(value, dict) else value
        elif isinstance(have, str) and isinstance(value, str):
            into[name] = have if name in _ONCE and have else have + value
        elif isinstance(have, dict) and isinstance(value, dict):
            _merge(have, value)
        elif isinstance(have, list) and isinstance(value, list):
            _whole_list(have, value)
        elif value is not None:
            into[name] = value


def _whole_list(have: list[Any], more: list[Any]) -> list[Any]:
    for member in more:
        number = member.get("index") if isinstance(member, dict) else None
        if isinstance(number, int) and 0 <= number < len(have) and isinstance(have[number], dict):
            _merge(have[number], {name: value for name, value in member.items() if name != "index"})
        else:
            have.append(dict(member) if isinstance(member, dict) else member)
    return have


def _cut(text: str, parts: Sequence[int]) -> list[str]:
    cuts, at = [], 0
    for length in parts:
        if length > 0 and at < len(text):
            cuts.append(text[at : at + length])
            at += length
    if at < len(text) or not cuts:
        cuts.append(text[at:])
    return cuts


def _arguments(delta: dict[str, Any]) -> str:
    calls = delta.get("tool_calls")
    if not isinstance(calls, list):
        return ""
    return "".join(str(call.get("function", {}).get("arguments") or "") for call in calls if isinstance(call.get("function"), dict))


def _count(told: object) -> int:
    if type(told) is not int or told <= 0:
        return 0
    return told if told < TOKENS_MAX else TOKENS_MAX
