"""Where a stream may be cut so that nothing to be found is cut in two.

Text is read as words between breaks. A word is *calm* when it is letters as prose has them and no name of a secret. After two calm words
nothing found before can go on: numbers and keys are not calm, a password stands at most two words after its name. So a stream is held back
by a word or two, and longer only while something that may be a finding goes by.
"""

from __future__ import annotations

import re

CALM = 2
"""So many calm words make a safe place."""
_WORD = re.compile(r"([!#-+\-.-:=?-\\^-z|~\x00-\x08\x0e-\x1b]*+)([^!#-+\-.-:=?-\\^-z|~\x00-\x08\x0e-\x1b]+)")
_PROSE = re.compile(r"[('*_]{0,3}[A-Za-z]?[a-z]+(?:['-][a-z]+){0,4}[.:?!)'*_]{0,3}")
_NAMES = re.compile(r"passw|passphrase|kennwort|pwd|secret|token|key|bearer|credential", re.IGNORECASE)
_SHORT = 40
_BREAKS = bytes(code if (drawn := _WORD.match(chr(code) + " ")) and drawn[1] else ord(" ") for code in range(256))
"""Draws ASCII text with spaces for breaks."""
_FEW = 12
"""Characters, of which words are read one by one sooner."""
_SAFE = b"\x01" * CALM
_REMEMBERED_MAX = 8192


class _Calm(dict[bytes, bool]):
    """Whether a word can be no part of a finding; worked out once for those that come often."""

    def __missing__(self, word: bytes) -> bool:
        text = word.decode()
        calm = len(text) <= _SHORT and _PROSE.fullmatch(text) is not None and _NAMES.search(text) is None
        if len(text) <= _SHORT:
            if len(self) >= _REMEMBERED_MAX:
                self.clear()
            self[word] = calm
        return calm


_calm = _Calm().__getitem__


class Words:
    """A text that begins at a safe place, read as it grows: each word once."""

    __slots__ = ("_calm", "_clean", "_read", "clean", "place")

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Another text, from its beginning."""
        self.place = self._read = 0
        """Of the text: up to where it can be let go, and up to where its words are read."""
        self._calm = CALM
        self.clean = self._clean = True
        """Whether all words until there are calm."""

    def read(self, text: str) -> None:
        """The text as it is now, longer than before."""
        if len(text) - self._read > _FEW and (rest := text[self._read :]).isascii() and self._read_at_once(rest):
            return
        self._read_each(text)

    def let(self) -> None:
        """What was until `place` has gone: the text begins there now."""
        self._read -= self.place
        self.place = 0
        self.clean = True
        self._clean = not self._read

    def _read_at_once(self, rest: str) -> bool:
        """Whether the last of an ASCII text's words tell all, wherever those before them end; then they are read."""
        drawn = rest.encode().translate(_BREAKS)
        end = drawn.rfind(b" ") + 1
        if not end:
            return True
        flags = bytes(map(_calm, drawn[:end].split()))
        unrest = flags.rfind(0)
        if unrest < 0:
            self._calm += len(flags)
        else:
            calm = len(flags) - 1 - unrest
            if calm < CALM and (self._calm + flags.find(0) >= CALM or flags.find(_SAFE) >= 0):
                return False
            self._calm, self._clean = calm, False
        self._read += end
        if self._calm >= CALM:
            self.place, self.clean = self._read, self._clean
        return True

    def _read_each(self, text: str) -> None:
        at, calm = self._read, self._calm
        while match := _WORD.match(text, at):
            at = match.end()
            if word := match[1]:
                if _calm(word.encode()):
                    calm += 1
                else:
                    calm, self._clean = 0, False
            if calm >= CALM:
                self.place, self.clean = at, self._clean
        self._read, self._calm = at, calm
