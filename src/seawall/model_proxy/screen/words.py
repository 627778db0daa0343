"""Where a stream may be cut so that nothing to be found is cut in two.

Text is read as words between breaks. A word is *calm* when it is letters as prose has them and no name of a secret. After two calm words
nothing found before can go on: numbers and keys are not calm, a password stands at most two words after its name. So a stream is held back
by a word or two, and longer only while something that may be a finding goes by.
"""

from __future__ import annotations

import re
from functools import lru_cache

CALM = 2
"""So many calm words make a safe place."""
_WORD = re.compile(r"([!#-+\-.-:=?-\\^-z|~\x00-\x08\x0e-\x1b]*)([^!#-+\-.-:=?-\\^-z|~\x00-\x08\x0e-\x1b]+)")
_PROSE = re.compile(r"[('*_]{0,3}[A-Za-z]?[a-z]+(?:['-][a-z]+){0,4}[.:?!)'*_]{0,3}")
_NAMES = re.compile(r"passw|passphrase|kennwort|pwd|secret|token|key|bearer|credential", re.IGNORECASE)
_SHORT = 40


def is_calm(word: str) -> bool:
    """Whether a word can be no part of a finding."""
    return _calm(word) if len(word) <= _SHORT else False


@lru_cache(maxsize=4096)
def _calm(word: str) -> bool:
    return _PROSE.fullmatch(word) is not None and _NAMES.search(word) is None


def safe(text: str) -> tuple[int, bool]:
    """Up to where a text, which begins at a safe place, can be let go; and whether all words until there are calm."""
    place, calm, clean, clean_there = 0, CALM, True, True
    for match in _WORD.finditer(text):
        word = match[1]
        if word:
            if is_calm(word):
                calm += 1
            else:
                calm, clean = 0, False
        if calm >= CALM:
            place, clean_there = match.end(), clean
    return place, clean_there
