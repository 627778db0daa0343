"""Whether an answer says the system prompt again, word for word.

The prompt's runs of `RUN` words are known by set; the word that completes one of them is not released, so that at most `RUN - 1` words of
the prompt in a row go out. What hides its words (letters apart, no spaces) is still read as letters, in stretches of `STRETCH`.
"""

from __future__ import annotations

import re
from collections import deque
from functools import lru_cache
from typing import Any

from seawall.model_proxy.screen.fold import squeeze

RUN = 8
"""Words."""
STRETCH = 40
"""Letters."""
READ_MAX = 1 << 16
"""Characters of a system prompt that are watched over."""
_RUN_OF_KNOWN = b"\x01" * RUN
_WORD = re.compile(r"\w+")


class Prompt:
    """A system prompt as answers are held against it."""

    __slots__ = ("letters", "runs", "words")

    def __init__(self, text: str) -> None:
        words = _WORD.findall(text.lower())
        self.letters = squeeze(text)
        self.words = frozenset(words)
        self.runs = frozenset(" ".join(words[at : at + RUN]) for at in range(len(words) - RUN + 1))

    def may_run(self, text: str) -> bool:
        """Whether as many words of the prompt as make a run stand together in an ASCII text, in any order."""
        return _RUN_OF_KNOWN in bytes(map(self.words.__contains__, _WORD.findall(text.lower())))


_known = lru_cache(maxsize=64)(Prompt)
"""Apps ask with the same prompt again and again."""


class Leak:
    """What must not be repeated: the system messages of a request."""

    __slots__ = ("_prompt",)

    def __init__(self, body: dict[str, Any]) -> None:
        texts = [message.get("content") for message in body.get("messages") or () if message.get("role") in ("system", "developer")]
        text = "\n".join([text if isinstance(text, str) else _joined(text) for text in texts if text])
        self._prompt = _known(text[:READ_MAX]) if text else None

    def watch(self) -> Watch | None:
        """Watches one text of the answer; None: there is nothing worth watching for."""
        prompt = self._prompt
        return Watch(prompt) if prompt is not None and (prompt.runs or len(prompt.letters) >= STRETCH) else None


def _joined(parts: object) -> str:
    return "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, dict)) if isinstance(parts, list) else ""


class Watch:
    """Reads one text as it goes out."""

    __slots__ = ("_last", "_partial", "_prompt", "_read")

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._last: deque[str] = deque(maxlen=RUN)
        self._partial = ""
        """A word at the end of what went out, which may go on."""
        self._read = b""

    def feed(self, text: str, *, final: bool = False) -> str | None:
        """The text without the words that complete a run of the prompt; None: there is none."""
        if final and not self._last and not self._partial and text.isascii() and not self._prompt.may_run(text):
            return "" if self._spelt(text) else None
        parts: list[str] = []
        at = 0
        if self._partial and text and not _WORD.match(text):
            self._completes(self._take())
        for match in _WORD.finditer(text):
            word = (self._take() if match.start() == 0 else "") + match[0]
            if match.end() == len(text) and not final:
                self._partial = word
                break
            if self._completes(word.lower()):
                parts.append(text[at : match.start()])
                at = match.end()
        told = self._spelt(text)
        if parts:
            return "".join((*parts, text[at:]))
        return "" if told else None

    def _take(self) -> str:
        word, self._partial = self._partial, ""
        return word.lower()

    def _completes(self, word: str) -> bool:
        """Whether with this word a run of the prompt was said."""
        if word not in self._prompt.words:
            self._last.clear()
            return False
        self._last.append(word)
        return len(self._last) == RUN and " ".join(self._last) in self._prompt.runs

    def _spelt(self, text: str) -> bool:
        read = self._read + squeeze(text)
        told = False
        while len(read) >= STRETCH:
            told = told or read[:STRETCH] in self._prompt.letters
            read = read[STRETCH:]
        self._read = read
        return told
