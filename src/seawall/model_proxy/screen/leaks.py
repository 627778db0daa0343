"""Whether an answer says the system prompt again, word for word.

The prompt's runs of `RUN` words are known by set; the word that completes one of them is not released, so that at most `RUN - 1` words of
the prompt in a row go out. What hides its words (letters apart, no spaces) is still read as letters, in stretches of `STRETCH`.
"""

from __future__ import annotations

import re
from collections import deque
from functools import cached_property, lru_cache
from typing import Any

from seawall.model_proxy.screen.fold import squeeze
from seawall.model_proxy.screen.slices import LONG, between_words

RUN = 8
"""Words."""
STRETCH = 40
"""Letters."""
STRETCHES_MAX = 2048
"""Of a prompt, that are kept; of a longer one they are looked for."""
READ_MAX = 1 << 16
"""Characters of a system prompt that are watched over."""
_EIGHTHS = tuple(slice(at, None, RUN) for at in reversed(range(RUN)))
_SPACE = ord(" ")
_RUN_OF_KNOWN = b"\x01" * RUN
_WORD = re.compile(r"\w+")
_WORDS = bytes(ord(chr(code).lower()) if code < 128 and (chr(code).isalnum() or code == ord("_")) else ord(" ") for code in range(256))
"""Draws ASCII text as its words in lower case and what is between them as spaces."""
_FOLLOWING = re.compile(rf"(?:\W*\w+){{0,{RUN - 1}}}")
FOLLOWING_MAX = 4 << 10
"""Characters of them that are read with a slice."""
_MARKS = re.compile("[“”‘’–—…•€]")
"""What makes most texts of models more than ASCII: neither words nor letters."""


class Prompt:
    """A system prompt as answers are held against it. What is rarely needed is made when it first is."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.letters = squeeze(text)

    @cached_property
    def words(self) -> frozenset[str]:
        """In lower case."""
        return frozenset(self._words())

    @cached_property
    def runs(self) -> frozenset[str]:
        """Of `RUN` words in a row, a space between them."""
        words = self._words()
        return frozenset(" ".join(words[at : at + RUN]) for at in range(len(words) - RUN + 1))

    @cached_property
    def watched(self) -> bool:
        """Whether it is long enough to be told again."""
        return len(self.letters) >= STRETCH or len(self._words()) >= RUN

    def watch(self) -> Watch:
        """Watches one text of an answer."""
        return Watch(self)

    def _words(self) -> list[str]:
        return _WORD.findall(self._text.lower())

    @cached_property
    def plain_words(self) -> frozenset[bytes]:
        """Those in ASCII."""
        return frozenset(word.encode() for word in self.words if word.isascii())

    def may_run(self, text: str) -> bool:
        """Whether as many words of the prompt as make a run stand together in an ASCII text, in any order."""
        known, words = self.plain_words, text.encode().translate(_WORDS).split()
        for eighths in _EIGHTHS:  # some of those that stand together is among these, whichever they are
            if known.isdisjoint(words[eighths]):
                return False
        return bytes(map(known.__contains__, words)).find(_RUN_OF_KNOWN) >= 0  # `in` takes it for a number first

    def may_be_said_by(self, text: str) -> bool:
        """Whether a whole text may hold some of the prompt; False: a `Watch` finds nothing in it. Quick where it says no."""
        if len(text) > LONG:
            return self._may_be_said_by_long(text)
        if not text.isascii():
            text = _MARKS.sub(" ", text)
            if not text.isascii():
                return True
        return self.may_run(text) or self.spells(squeeze(text))

    def _may_be_said_by_long(self, text: str) -> bool:
        """The same slice by slice, each read with the words that follow it and the letters that are left of those before."""
        rest = b""
        for start, end in between_words(text):
            following = _FOLLOWING.match(text, end, end + FOLLOWING_MAX)
            upto = following.end() if following else end
            if end + FOLLOWING_MAX < len(text) and (upto == end + FOLLOWING_MAX or len(_WORD.findall(text, end, upto)) < RUN - 1):
                return True  # with so much between them they are not all seen
            part = text[start:upto]
            if not part.isascii() and not (part := _MARKS.sub(" ", part)).isascii():
                return True
            rest += squeeze(text[start:end])
            if self.may_run(part) or self.spells(rest):
                return True
            rest = rest[len(rest) - len(rest) % STRETCH :]
        return False

    def spells(self, read: bytes) -> bool:
        """Whether a stretch of a whole text's letters is the prompt's."""
        letters, stretches = self.letters, self.stretches
        if len(letters) >= STRETCH:
            for at in range(0, len(read) - STRETCH + 1, STRETCH):
                stretch = read[at : at + STRETCH]
                if stretch in stretches if stretches is not None else letters.find(stretch) >= 0:
                    return True
        return False

    @cached_property
    def stretches(self) -> frozenset[bytes] | None:
        """Every `STRETCH` of its letters, of a prompt that has not too many."""
        letters = self.letters
        count = len(letters) - STRETCH + 1
        return frozenset(letters[at : at + STRETCH] for at in range(count)) if count <= STRETCHES_MAX else None


_known = lru_cache(maxsize=64)(Prompt)
"""Apps ask with the same prompt again and again."""


def prompt_of(body: dict[str, Any]) -> Prompt | None:
    """What must not be repeated: the system messages of a request. None: there is nothing worth watching for."""
    texts = []
    for message in body.get("messages") or ():
        role = message.get("role")
        if (role == "system" or role == "developer") and (text := message.get("content")):
            texts.append(text if isinstance(text, str) else _joined(text))
    if not texts:
        return None
    text = texts[0] if len(texts) == 1 else "\n".join(texts)
    prompt = _known(text[:READ_MAX])
    return prompt if prompt.watched else None


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
        if final and len(text) > LONG:  # a stream goes out window by window
            return self._feed_long(text)
        if text.isascii() and self._partial.isascii() and text and self._passes(text, final=final):
            return "" if self._spelt(text) else None
        new = self._without(text, final=final)
        told = self._spelt(text)
        return new if new is not None else "" if told else None

    def _feed_long(self, text: str) -> str | None:
        """The same of all that is left of a text, slice by slice."""
        parts: list[str] = []
        changed = told = False
        for start, end in between_words(text):
            part = text[start:end]
            quick = part.isascii() and self._partial.isascii() and self._passes(part, final=True)  # it ends with a word's end
            new = None if quick else self._without(part, final=True)
            told = self._spelt(part) or told
            changed = changed or new is not None
            parts.append(part if new is None else new)
        return "".join(parts) if changed else "" if told else None

    def _without(self, text: str, *, final: bool) -> str | None:
        """The text without the words that complete a run; None: there are none."""
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
        return "".join((*parts, text[at:])) if parts else None

    def _passes(self, text: str, *, final: bool) -> bool:
        """Whether no word of an ASCII text completes a run, as too few of the prompt's stand together: then it has been read, at once."""
        whole = (self._partial + text).encode().translate(_WORDS)
        words = whole.split()
        partial = words.pop().decode() if not final and whole[-1] != _SPACE else ""
        known, last = bytes(map(self._prompt.plain_words.__contains__, words)), self._last
        if len(last) + len(known) >= RUN and (_RUN_OF_KNOWN[1 : len(last) + 1] + known).find(_RUN_OF_KNOWN) >= 0:
            return False
        unknown = known.rfind(0)
        if unknown >= 0:
            last.clear()
        for word in words[unknown + 1 :]:
            last.append(word.decode())
        self._partial = partial
        return True

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
        if len(read) < STRETCH:
            self._read = read
            return False
        end = len(read) - len(read) % STRETCH
        self._read = read[end:]
        letters = self._prompt.letters
        for at in range(0, end, STRETCH):  # noqa: SIM110 -- a generator costs more than all else here
            if letters.find(read[at : at + STRETCH]) >= 0:
                return True
        return False
