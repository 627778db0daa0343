"""What models write when they mean JSON, read as what they mean: single quotes, bare keys, Python's words, extra commas, missing closers.

Only what has one meaning is read: an unfinished text, a key twice or a word nobody knows is `Unreadable`. Values of valid JSON are
read as they are.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

DEPTH_MAX = 64
_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "none": None}
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_UNICODE = re.compile(
    r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-cefA-CEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2})"
)


class Unreadable(Exception):
    """It has no one meaning."""


def read(text: str, start: int = 0, *, closers: bool = True) -> tuple[Any, int]:
    """The value that begins at `start`, and where it ends; `closers`: those missing at the text's end are thought of."""
    reader = _Lenient(text, start, closers)
    return reader.value(0), reader.at


class _Lenient:
    def __init__(self, text: str, at: int, closers: bool) -> None:
        self.text, self.at, self.closers = text, at, closers

    def _peek(self) -> str:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.text[self.at : self.at + 1]

    def value(self, depth: int) -> Any:  # noqa: ANN401 -- any JSON value
        """The next value."""
        if depth > DEPTH_MAX:
            raise Unreadable
        char = self._peek()
        if char == "{":
            return self._object(depth)
        if char == "[":
            return self._array(depth)
        if char in ("'", '"'):
            return self._string(char)
        number = _NUMBER.match(self.text, self.at)
        if number is not None:
            self.at = number.end()
            return _number(number[0])
        word = self._word()
        if word.lower() in _WORDS and word in (word.lower(), word.upper(), word.capitalize()):
            return _WORDS[word.lower()]
        raise Unreadable

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self.at += 1
        while not self._closed("}"):
            char = self._peek()
            key = self._string(char) if char in ("'", '"') else self._word()
            if key in found or self._peek() != ":":
                raise Unreadable
            self.at += 1
            found[key] = self.value(depth + 1)
            self._comma("}")
        return found

    def _array(self, depth: int) -> list[Any]:
        found: list[Any] = []
        self.at += 1
        while not self._closed("]"):
            found.append(self.value(depth + 1))
            self._comma("]")
        return found

    def _closed(self, closer: str) -> bool:
        char = self._peek()
        if char == closer:
            self.at += 1
            return True
        if not char and not self.closers:
            raise Unreadable
        return not char

    def _comma(self, closer: str) -> None:
        char = self._peek()
        if char == ",":
            self.at += 1
        elif char not in (closer, ""):
            raise Unreadable

    def _word(self) -> str:
        found = _WORD.match(self.text, self.at)
        if found is None:
            raise Unreadable
        self.at = found.end()
        return found[0]

    def _string(self, quote: str) -> str:
        parts: list[str] = []
        self.at += 1
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == quote:
                self.at += 1
                return "".join(parts)
            parts.append(self._escape() if char == "\\" else char)
            self.at += char != "\\"
        raise Unreadable

    def _escape(self) -> str:
        found = _UNICODE.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
            if found[3]:
                return chr(int(found[3], 16))
            return chr(0x10000 + ((int(found[1], 16) & 0x3FF) << 10) + (int(found[2], 16) & 0x3FF))
        char = self.text[self.at + 1 : self.at + 2]
        if not char or char == "u":
            raise Unreadable
        self.at += 2
        if char in _ESCAPES:
            return _ESCAPES[char]
        return char if char in "\"'\\/" else "\\" + char


def _number(text: str) -> int | float:
    if len(text) > 400:
        raise Unreadable
    value = float(text) if any(char in text for char in ".eE") else int(text)
    try:
        msgspec.json.decode(msgspec.json.encode(value), type=float | int)
    except msgspec.MsgspecError:
        raise Unreadable from None
    if value in (float("inf"), float("-inf")):
        raise Unreadable
    return value
