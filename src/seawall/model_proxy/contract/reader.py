"""JSON read in whatever pieces it comes: syntax here, meaning in `walk`. Nothing is read twice but a token that a cut went through.

After each `feed`, `known` is how far the text is known to be the beginning of a valid value. A comma, a key and white space after them
count only with the value that follows, so that what was released can always be closed or continued.
"""

from __future__ import annotations

import re

import msgspec

from seawall.core.schemas.errors import Violation
from seawall.core.schemas.plan import Plan, Scalar, TextRules
from seawall.core.schemas.work import Steps, begin
from seawall.model_proxy.contract.walk import Walk

TEXT_MAX = 1 << 21
"""Characters of one answer."""
DEPTH_MAX = 64
KEY_MAX = 512
NUMBER_MAX = 400
_VALUE, _FIRST_VALUE, _KEY, _FIRST_KEY, _TEXT, _AFTER, _DONE = range(7)
_SPACE = re.compile(r"[ \t\n\r]*").match
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*').match
_KEYS = re.compile(r'"([^"\\\x00-\x1f]*)"[ \t\n\r]*:').match
_ESCAPED_KEY = re.compile(r'("(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")[ \t\n\r]*:').match
_KEY_BEGINS = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*(?:\\(?:u[0-9a-fA-F]{0,3})?|"[ \t\n\r]*)?').fullmatch
_ESCAPE = re.compile(
    r'\\(?:["\\/bfnrt]|u(?:[0-9a-cefA-CEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))'
).match
_ESCAPE_BEGINS = re.compile(
    r"\\(?:u(?:[0-9a-cefA-CEF][0-9a-fA-F]{0,3}|[dD](?:[0-7][0-9a-fA-F]{0,2}|[89abAB](?:[0-9a-fA-F]{0,2}|[0-9a-fA-F]{2}\\(?:u(?:[dD]"
    r"(?:[c-fC-F][0-9a-fA-F]{0,2})?)?)?))?)?)?"
).fullmatch
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?").match
_NUMBER_BEGINS = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*|(?:\.[0-9]+)?[eE][+-]?[0-9]*)?)?").fullmatch
_WORDS: dict[str, tuple[str, str, Scalar]] = {
    "t": ("true", "boolean", True),
    "f": ("false", "boolean", False),
    "n": ("null", "null", None),
}


class Reader:
    """Reads one answer. A Violation from `feed` or `finish` is for good."""

    __slots__ = ("_mode", "_open", "_out", "_past", "_rest", "_state", "_steps", "_texts", "_walk", "ended_at", "known", "length")

    def __init__(self, plan: Plan) -> None:
        self._walk = Walk(plan, self.slice)
        self._steps = Steps()
        self._state = _VALUE
        self._open: list[str] = []
        self._mode = TextRules.FREE
        self._rest = ""
        """What a cut left of a token."""
        self._past = 0
        """Where `_rest` begins."""
        self._texts: list[str] = []
        self._out = 0
        self.ended_at = 0
        """Where the value ended."""
        self.length = 0
        self.known = 0

    @property
    def text(self) -> str:
        """All there is so far."""
        if len(self._texts) > 1:
            self._texts = ["".join(self._texts)]
        return self._texts[0] if self._texts else ""

    def slice(self, start: int, end: int) -> str:
        """A part of it."""
        return self.text[start:end]

    def released(self) -> int:
        """How much may be let out: known, and not held by a rule that needs more. Never less than before: a form that vouched for
        something and failed later was a way for it to become right, and another is left."""
        out = min(self._walk.held(), self.known)
        if out > self._out:
            self._out = out
        return self._out

    @property
    def complete(self) -> bool:
        """Whether the value has ended."""
        return self._state == _DONE

    def keep(self, text: str) -> None:
        """More text that is not read: it is held for its end."""
        self._texts.append(text)
        self.length += len(text)

    def feed(self, text: str) -> None:
        """More text. Violation as soon as it cannot become right any more."""
        if not text:
            return
        begin(self._steps)
        self._texts.append(text)
        self.length += len(text)
        if self._state == _TEXT and not self._rest and self.length <= TEXT_MAX:
            found = _PLAIN(text)
            if found is not None and found.end() == len(text):
                if self._mode:
                    self._walk.text(text)
                self._past = self.known = self.length
                return
        if self.length > TEXT_MAX:
            raise self._broken("the answer is too long")
        self._run(self._rest + text if self._rest else text)

    def finish(self) -> None:
        """The text ends here. Violation where the value does not."""
        begin(self._steps)
        if self._state != _DONE and not self._open and self._rest[:1] in "-0123456789" and self._rest:
            self._run(self._rest + " ")
            self.known = self._past = self.length
        if self._state != _DONE:
            raise self._broken("the answer ends too early")

    def _run(self, buffer: str) -> None:
        at, size = 0, len(buffer)
        while at < size:
            state = self._state
            if state == _TEXT:
                went = self._in_text(buffer, at)
            else:
                if buffer[at] in " \t\n\r":
                    found = _SPACE(buffer, at)
                    at = found.end() if found is not None else at
                    if state in (_AFTER, _DONE):
                        self.known = self._past + at
                    if at == size:
                        break
                if state == _AFTER:
                    went = self._after(buffer, at)
                elif state in (_KEY, _FIRST_KEY):
                    went = self._at_key(buffer, at)
                elif state == _DONE:
                    raise self._broken("there is something after the answer", fixable=True)
                else:
                    went = self._value(buffer, at)
            if went == at and self._state == state:
                break
            at = went
        self._rest = buffer[at:]
        self._past += at

    # ── one token each: where it ends, or where it began when a cut went through it ──

    def _value(self, buffer: str, at: int) -> int:
        char = buffer[at]
        if char == '"':
            return self._string(buffer, at)
        if char in "{[":
            self._walk.open("object" if char == "{" else "array", self._past + at)
            if len(self._open) >= DEPTH_MAX:
                raise self._broken("the answer is nested too deeply")
            self._open.append("}" if char == "{" else "]")
            self._state = _FIRST_KEY if char == "{" else _FIRST_VALUE
            self.known = self._past + at + 1
            return at + 1
        if char in "-0123456789":
            return self._number(buffer, at)
        if char in _WORDS:
            return self._word(buffer, at)
        if char == "]" and self._state == _FIRST_VALUE:
            return self._close(at)
        raise self._broken(f"unexpected {char!r} where a value belongs", fixable=True)

    def _string(self, buffer: str, at: int) -> int:
        found = _PLAIN(buffer, at + 1)
        end = found.end() if found is not None else at + 1
        if end < len(buffer) and buffer[end] == '"':
            self._walk.scalar("string", buffer[at + 1 : end])
            return self._accepted(end + 1)
        self._mode = self._walk.text_begins(self.known)
        self._state = _TEXT
        self.known = self._past + at + 1
        return at + 1

    def _in_text(self, buffer: str, at: int) -> int:
        found = _PLAIN(buffer, at)
        end = found.end() if found is not None else at
        if end > at:
            if self._mode:
                self._walk.text(buffer[at:end])
            self.known = self._past + end
        if end == len(buffer):
            return end
        if buffer[end] == '"':
            self._walk.text_ends()
            return self._accepted(end + 1)
        if buffer[end] != "\\":
            raise self._broken("a control character in a text", fixable=True)
        escape = _ESCAPE(buffer, end)
        if escape is None:
            if _ESCAPE_BEGINS(buffer, end) is None:
                raise self._broken("an escape that is none", fixable=True)
            return end
        if self._mode:
            self._walk.text(msgspec.json.decode(f'"{escape[0]}"'))
        self.known = self._past + escape.end()
        return escape.end()

    def _number(self, buffer: str, at: int) -> int:
        found = _NUMBER(buffer, at)
        end = found.end() if found is not None else at
        if found is None or end == len(buffer) or buffer[end] not in ",]} \t\n\r":
            if _NUMBER_BEGINS(buffer, at) is None:
                raise self._broken("a number that is none", fixable=True)
            if len(buffer) - at > NUMBER_MAX:
                raise self._broken("a number that is too long")
            self._walk.begins("number")
            return at
        text = found[0]
        value = float(text) if "." in text or "e" in text or "E" in text else int(text)
        if value in (float("inf"), float("-inf")):
            raise self._broken("a number that is too large")
        self._walk.scalar("number", value)
        return self._accepted(end)

    def _word(self, buffer: str, at: int) -> int:
        word, kind, value = _WORDS[buffer[at]]
        end = at + len(word)
        if buffer.startswith(word, at):
            self._walk.scalar(kind, value)
            return self._accepted(end)
        if len(buffer) >= end or not word.startswith(buffer[at:]):
            raise self._broken("a word that is no value", fixable=True)
        self._walk.begins(kind)
        return at

    def _at_key(self, buffer: str, at: int) -> int:
        found = _KEYS(buffer, at)
        if found is not None:
            return self._key(found[1], found.end())
        if buffer[at] == "}" and self._state == _FIRST_KEY:
            return self._close(at)
        if buffer[at] != '"':
            raise self._broken(f"unexpected {buffer[at]!r} where a key belongs", fixable=True)
        found = _ESCAPED_KEY(buffer, at)
        if found is not None:
            return self._key(self._unescaped(found[1]), found.end())
        if _KEY_BEGINS(buffer, at) is None:
            raise self._broken("a key that is none", fixable=True)
        if len(buffer) - at > KEY_MAX:
            raise self._broken("a key that is too long")
        begun = buffer[at + 1 :]
        if '"' not in begun and "\\" not in begun:
            self._walk.key_begins(begun)
        return at

    def _unescaped(self, quoted: str) -> str:
        try:
            return msgspec.json.decode(quoted, type=str)
        except msgspec.DecodeError:
            raise self._broken("a key with an escape that is none") from None

    def _key(self, name: str, end: int) -> int:
        self._walk.key(name)
        self._state = _VALUE
        return end

    def _after(self, buffer: str, at: int) -> int:
        char = buffer[at]
        if char == ",":
            self._state = _KEY if self._open[-1] == "}" else _VALUE
            return at + 1
        if char == self._open[-1]:
            return self._close(at)
        raise self._broken(f"unexpected {char!r} after a value", fixable=True)

    def _close(self, at: int) -> int:
        self._walk.close(self._past + at + 1)
        self._open.pop()
        return self._accepted(at + 1)

    def _accepted(self, end: int) -> int:
        self.known = self._past + end
        if self._open:
            self._state = _AFTER
        else:
            self._state = _DONE
            self.ended_at = self.known
        return end

    def _broken(self, sentence: str, *, fixable: bool = False) -> Violation:
        return Violation(self._walk.path(), sentence, fixable=fixable)
