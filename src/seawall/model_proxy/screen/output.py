"""The filter an answer passes on its way to the client, piece by piece or whole (`stages.Filter`).

Text of the first choice goes through one window, and pieces nothing is changed in go on as they came, later by a word. Whatever else says
something (tool calls' arguments, refusals, reasoning, further choices) has a window of its own, and its pieces are written anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from seawall.model_proxy.call import Call, Piece, Whole
from seawall.model_proxy.screen.settings import Output
from seawall.model_proxy.screen.windows import Policy, Window, passed
from seawall.model_proxy.sse import text_piece

_CALLS = ("tool_calls", "function_call")
_NAMES = frozenset({"role", "id", "type", "index", "name"})
"""Members that name something and say nothing."""
LOGPROBS_MAX = 4096
"""Tokens whose probabilities are held back until it is known that the text they spell went out as it came."""
WINDOWS_MAX = 256
"""Texts of one answer that are followed at once: choices, and tool calls in them."""
Json = dict[str, Any]


class OutputFilter:
    """Screens one answer."""

    __slots__ = ("_changed", "_first", "_in_json", "_logprobs", "_policy", "_queue", "_ready", "_windows")

    def __init__(self, call: Call, output: Output) -> None:
        self._policy = Policy(call, output)
        self._in_json = bool(call.masks) and (call.body.get("response_format") or {}).get("type", "text") != "text"
        self._first: Window | None = None
        """The text's; a whole answer needs none."""
        self._queue: list[Piece] = []
        """Bare pieces that are held; the end of their text is the window's."""
        self._ready = 0
        """Characters of the queue's first piece that may go already."""
        self._windows: dict[tuple[int, str, int], Window] = {}
        """Of the other texts: choice, field, tool call."""
        self._logprobs: dict[int, Json] = {}
        """Held, by choice: they spell the text, so they go when it has gone."""
        self._changed = False
        """Something was put in another's place: what spells it stays here."""

    @property
    def _window(self) -> Window:
        if self._first is None:
            self._first = Window(self._policy, in_json=self._in_json)
        return self._first

    def piece(self, piece: Piece) -> Sequence[Piece]:
        """What may be released now. Screened where the policy cuts the answer."""
        if not piece.bare:
            return self._mixed(piece)
        gone, new = (self._first or self._window).feed(piece.text)
        self._queue.append(piece)
        if new is not None:
            self._changed = True
            return self._rewritten(new)
        return self._released(gone) if gone else ()

    def end(self) -> Sequence[Piece]:
        """What was held back."""
        gone, new = self._window.end()
        self._changed = self._changed or new is not None
        return self._rewritten(new) if new is not None else self._released(gone)

    def whole(self, answer: Whole) -> Whole:
        """The same for an answer that is not streamed."""
        choices = answer.body.get("choices")
        if not isinstance(choices, list):
            return answer
        for choice in choices:
            if not self._passes(choice.get("message")):
                break
        else:
            return answer
        new = [self._choice(choice) if choice.get("message") else choice for choice in choices]
        return answer if new == choices else Whole({**answer.body, "choices": new}, answer.usage, answer.status)

    def _passes(self, value: Any) -> bool:  # noqa: ANN401 -- any JSON value
        """Whether everything that is said in it goes as it came; False: its texts are to be read by windows."""
        if isinstance(value, str):
            return not value or self._policy.passes(value)
        if isinstance(value, dict):
            for key, inner in value.items():
                if inner is not None and key not in _NAMES and not self._passes(inner):
                    return False
        elif isinstance(value, list):
            for inner in value:
                if not self._passes(inner):
                    return False
        return True

    def _choice(self, choice: Json) -> Json:
        message = self._message(choice["message"])
        spelt = {} if message == choice["message"] or not choice.get("logprobs") else {"logprobs": None}
        return {**choice, "message": message, **spelt}

    def _message(self, message: Json) -> Json:
        new = {key: value if key in _NAMES or key in _CALLS else self._any(value) for key, value in message.items()}
        if new.get("tool_calls"):
            new["tool_calls"] = [self._called(one) for one in new["tool_calls"]]
        if new.get("function_call"):
            new["function_call"] = self._called({"function": new["function_call"]})["function"]
        return new

    def _any(self, value: Any) -> Any:  # noqa: ANN401 -- any JSON value
        """Whatever it is, with every text in it as it may go."""
        if isinstance(value, str):
            return passed(self._policy, value, in_json=self._in_json) if value else value
        if isinstance(value, dict):
            return {key: inner if key in _NAMES else self._any(inner) for key, inner in value.items()}
        return [self._any(inner) for inner in value] if isinstance(value, list) else value

    def _called(self, tool_call: Json) -> Json:
        function = tool_call.get("function") or {}
        if not isinstance(function.get("arguments"), str):
            return {key: inner if key in _NAMES else self._any(inner) for key, inner in tool_call.items()}
        return {**tool_call, "function": {**function, "arguments": passed(self._policy, function["arguments"], in_json=True)}}

    # ── pieces of text alone ──

    def _released(self, gone: int) -> Sequence[Piece]:
        """Pieces all of whose text may go."""
        ready, count, queue = self._ready + gone, 0, self._queue
        for piece in queue:
            if len(piece.text) > ready:
                break
            ready -= len(piece.text)
            count += 1
        self._ready = ready
        out = queue[:count]
        del queue[:count]
        return out

    def _rewritten(self, new: str) -> Sequence[Piece]:
        """One piece with what goes instead; what is held becomes one piece of its own."""
        queue = self._queue
        if not queue:
            return ()
        out, like = "".join([piece.text for piece in queue])[: self._ready] + new, queue[-1]
        held = self._window.text
        self._ready = 0
        queue[:] = [text_piece(like, held)] if held else []
        return (text_piece(like, out),) if out else ()

    # ── pieces with more ──

    def _mixed(self, piece: Piece) -> Sequence[Piece]:
        """Text of the first choice goes ahead as pieces of its own; it ends with a tool call or a finish reason."""
        chunk: Json = msgspec.json.decode(piece.data)
        choices: list[Json] = chunk.get("choices") or []
        ahead: list[Piece] = []
        new: list[Json] = []
        for choice in choices:
            delta = choice.get("delta") or {}
            index = choice.get("index", 0)
            if index == 0 and delta.get("content"):
                ahead += self.piece(text_piece(piece, delta["content"]))
                delta = {**delta, "content": ""}
            if index == 0 and (choice.get("finish_reason") or delta.get("tool_calls")):
                ahead += self.end()
            ended = bool(choice.get("finish_reason"))
            done = {**choice, "delta": self._delta(index, delta, ended=ended)}
            new.append(self._spelt(index, done, ended=ended) if ended or choice.get("logprobs") else done)
        if new == [{**choice, "delta": choice.get("delta") or {}} for choice in choices]:
            return (*ahead, piece)
        usage = {} if piece.usage is None else {"usage": chunk.get("usage")}
        text, arguments = _said(new)
        data = msgspec.json.encode({**chunk, **usage, "choices": new})
        return (*ahead, Piece(data, text, arguments, piece.finish, piece.usage, bare=False))

    def _spelt(self, index: int, choice: Json, *, ended: bool) -> Json:
        """A choice without its tokens' probabilities; its last piece has them all, where nothing in it was changed."""
        held = self._logprobs.setdefault(index, {"content": []}) if len(self._logprobs) < WINDOWS_MAX else {"content": []}
        for field, told in (choice.get("logprobs") or {}).items():
            if isinstance(told, list) and len(held.setdefault(field, [])) + len(told) <= LOGPROBS_MAX:
                held[field] += told
            elif told:
                self._changed = True
        if not ended:
            return {**choice, "logprobs": None}
        self._logprobs.pop(index, None)
        if not any(held.values()):
            return choice
        return {**choice, "logprobs": None if self._changed else held}

    def _delta(self, index: int, delta: Json, *, ended: bool) -> Json:
        new = dict(delta)
        for field, value in delta.items():
            if field in _NAMES or field in _CALLS or not value:
                continue
            new[field] = self._fed((index, field, 0), value) if isinstance(value, str) else self._any(value)
        if delta.get("tool_calls"):
            new["tool_calls"] = [self._tool_delta(index, one) for one in delta["tool_calls"]]
        if (delta.get("function_call") or {}).get("arguments"):
            fed = self._fed((index, "function", 0), delta["function_call"]["arguments"])
            new["function_call"] = {**delta["function_call"], "arguments": fed}
        return self._with_rest(index, new) if ended else new

    def _tool_delta(self, index: int, tool_call: Json) -> Json:
        function = tool_call.get("function") or {}
        if not function.get("arguments"):
            return {key: inner if key in _NAMES else self._any(inner) for key, inner in tool_call.items()}
        number = tool_call.get("index")
        fed = self._fed((index, "tool", number if isinstance(number, int) else 0), function["arguments"])
        return {**tool_call, "function": {**function, "arguments": fed}}

    def _fed(self, place: tuple[int, str, int], text: str) -> str:
        window = self._windows.get(place)
        if window is None:
            if len(self._windows) >= WINDOWS_MAX:
                return passed(self._policy, text)
            window = self._windows[place] = Window(self._policy, in_json=self._in_json or place[1] in ("tool", "function"))
        held = window.text + text
        gone, new = window.feed(text)
        self._changed = self._changed or new is not None
        return held[:gone] if new is None else new

    def _with_rest(self, index: int, delta: Json) -> Json:
        """A choice's last delta with all that its windows held."""
        for field, number, rest in self._rests(index):
            if field == "tool":
                delta = {**delta, "tool_calls": [*(delta.get("tool_calls") or ()), {"index": number, "function": {"arguments": rest}}]}
            elif field == "function":
                delta = {**delta, "function_call": {"arguments": (delta.get("function_call") or {}).get("arguments", "") + rest}}
            else:
                delta = {**delta, field: (delta.get(field) or "") + rest}
        return delta

    def _rests(self, index: int) -> Iterator[tuple[str, int, str]]:
        for place in [place for place in self._windows if place[0] == index]:
            window = self._windows.pop(place)
            held = window.text
            gone, new = window.end()
            self._changed = self._changed or new is not None
            if rest := held[:gone] if new is None else new:
                yield place[1], place[2], rest


def _said(choices: Sequence[Json]) -> tuple[str, str]:
    """What choices of a piece add to their messages' texts, and to arguments of tool calls."""
    texts: list[Any] = []
    arguments: list[Any] = []
    for choice in choices:
        delta = choice["delta"]
        texts.append(delta.get("content"))
        called = [call.get("function") for call in delta.get("tool_calls") or ()]
        arguments += [(function or {}).get("arguments") for function in (*called, delta.get("function_call"))]
    return _joined(texts), _joined(arguments)


def _joined(parts: Sequence[Any]) -> str:
    return "".join([part for part in parts if isinstance(part, str)])
