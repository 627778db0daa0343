"""The rest of an answer whose beginning is out already: `released + rest` reads as the value, or there is no such rest."""

from __future__ import annotations

import re
from typing import Any

import msgspec

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*("?)', re.DOTALL)
_SCALAR = re.compile(r"[^\s,\]}]+")


class _Differs(Exception):
    """What is out says something else."""


def continued(released: str, value: Any) -> str | None:  # noqa: ANN401 -- any JSON value
    """What is left to say; None when what was released cannot become this value."""
    follower = _Follower(released)
    try:
        rest = follower.value(value)
        follower.space()
    except _Differs:
        return None
    return rest if follower.over else None


class _Follower:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    @property
    def over(self) -> bool:
        """All of what was released is accounted for."""
        return self.at >= len(self.text)

    def space(self) -> str:
        """The next character that counts; "" at the end."""
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.text[self.at : self.at + 1]

    def value(self, value: Any) -> str:  # noqa: ANN401 -- any JSON value
        """What remains to be said of a value."""
        char = self.space()
        if not char:
            return _encoded(value)
        if isinstance(value, dict) and char == "{":
            return self._object(value)
        if isinstance(value, list) and char == "[":
            return self._array(value)
        if isinstance(value, str) and char == '"':
            return self._string(value)
        found = _SCALAR.match(self.text, self.at)
        if found is None or char in '{["' or not _same(found[0], value):
            raise _Differs
        self.at = found.end()
        return ""

    def _object(self, value: dict[str, Any]) -> str:
        left = dict(value)
        self.at += 1
        first = True
        while char := self.space():
            if char == "}":
                self.at += 1
                if left:
                    raise _Differs
                return ""
            self.at += char == ","
            self.space()
            key = self._key()
            if key not in left:
                raise _Differs
            first = False
            rest = self.value(left.pop(key))
            if rest:
                return rest + self._members(left, first=False) + "}"
        return self._members(left, first=first) + "}"

    def _members(self, left: dict[str, Any], *, first: bool) -> str:
        text = ",".join(f"{_encoded(key)}:{_encoded(inner)}" for key, inner in left.items())
        return text if first or not text else "," + text

    def _array(self, value: list[Any]) -> str:
        self.at += 1
        index = 0
        while char := self.space():
            if char == "]":
                self.at += 1
                if index < len(value):
                    raise _Differs
                return ""
            self.at += char == ","
            if index >= len(value):
                raise _Differs
            rest = self.value(value[index])
            index += 1
            if rest:
                return rest + "".join("," + _encoded(inner) for inner in value[index:]) + "]"
        text = ",".join(map(_encoded, value[index:]))
        return ("," + text if text and index else text) + "]"

    def _key(self) -> str:
        found = _STRING.match(self.text, self.at)
        if found is None or not found[1]:
            raise _Differs
        self.at = found.end()
        if self.space() != ":":
            raise _Differs
        self.at += 1
        return msgspec.json.decode(found[0], type=str)

    def _string(self, value: str) -> str:
        found = _STRING.match(self.text, self.at)
        if found is None:
            raise _Differs
        self.at = found.end()
        said = msgspec.json.decode(found[0] if found[1] else found[0] + '"', type=str)
        if found[1]:
            if said != value:
                raise _Differs
            return ""
        if not value.startswith(said):
            raise _Differs
        return _encoded(value[len(said) :])[1:]


def _encoded(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _same(text: str, value: object) -> bool:
    try:
        said = msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return False
    return said == value and isinstance(said, bool) == isinstance(value, bool) and (said is None) == (value is None)
