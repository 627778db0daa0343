"""Where a long text is cut, so that it is read in slices and what is found in them is what is found in the whole.

A look at a text holds the interpreter for as long as one pass over it in C takes, and with it every other call. Nothing that is personal or
secret, but for a private key, holds one of the characters of `_APART`, nor goes on over two calm words (`words.py`); a slice begins with
the character at which it was cut, so that what looks at its neighbours sees the same. A stretch without such a place (a file in Base64) is
read in windows that overlap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

LONG = 96 << 10
"""Characters of a text that is read in slices; a shorter one is read at once."""
SLICE = 32 << 10
_REACH = 4 << 10
STRETCH = 96 << 10
"""Characters of a slice that is read through windows."""
WINDOW = 48 << 10
OVERLAP = 16 << 10
"""Of two windows: twice as much as of a finding must be seen to know it by."""
_WORD_MAX = 32 << 10
"""Characters of a longer word are those of several."""
_APART = re.compile(r"[,;\[\]{}\n\r\t]")
_CALM = re.compile(r"(?<= )[a-z]{1,20} [a-z]{1,20}(?= )")
_NAMES = re.compile(r"passw|passphrase|kennwort|pwd|secret|token|key|bearer|credential")
_EITHER = re.compile(f"{_APART.pattern}|{_CALM.pattern}")
_BETWEEN = re.compile(r"\W")


def slices(text: str, whole: Sequence[tuple[int, int]] = ()) -> Iterator[tuple[int, int]]:
    """Where slices begin and end; none ends within one of `whole`, which are in order and apart."""
    at = 0
    while len(text) - at > SLICE + _REACH:
        end = _cut(text, at + SLICE)
        for start, stop in whole:
            if start < end < stop:
                end = _cut(text, stop)
        yield at, end
        at = end
    if at < len(text):
        yield at, len(text)


def windows(start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Where windows on a stretch begin and end, and where the first part of each ends: what begins in it is known by it."""
    at = start
    while end - at > WINDOW:
        yield at, at + WINDOW, at + WINDOW - OVERLAP // 2
        at += WINDOW - OVERLAP
    yield at, end, end


def between_words(text: str) -> Iterator[tuple[int, int]]:
    """Slices that end behind whole words, or within one of more than `_WORD_MAX` characters."""
    at = 0
    while len(text) - at > SLICE + _REACH:
        found = _BETWEEN.search(text, at + SLICE, at + SLICE + _WORD_MAX)
        end = found.end() if found else min(len(text), at + SLICE + _WORD_MAX)
        yield at, end
        at = end
    if at < len(text):
        yield at, len(text)


def _cut(text: str, least: int) -> int:
    """The first place from `least` on where nothing goes on."""
    near = _APART.search(text, least, least + _REACH)
    if near:
        return near.start()
    for at in range(least, len(text), SLICE):
        for found in _EITHER.finditer(text, at, at + SLICE + _REACH):
            if len(found[0]) == 1:
                return found.start()
            if not _NAMES.search(found[0]):
                return found.end()
    return len(text)
