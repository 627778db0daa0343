"""Where a long text is cut, so that it is read in slices and what is found in them is what is found in the whole.

A look at a text holds the interpreter for as long as one pass over it in C takes, and with it every other call. Nothing that is personal or
secret, but for a private key, holds one of the characters of `_APART`, nor goes on over two calm words (`words.py`); a slice begins with
the character at which it was cut, so that what looks at its neighbours sees the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

LONG = 96 << 10
"""Characters of a text that is read in slices; a shorter one is read at once."""
SLICE = 32 << 10
_REACH = 4 << 10
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


def between_words(text: str) -> Iterator[tuple[int, int]]:
    """Slices that end behind whole words."""
    at = 0
    while len(text) - at > SLICE + _REACH:
        found = _BETWEEN.search(text, at + SLICE)
        end = found.end() if found else len(text)
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
