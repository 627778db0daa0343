"""Text as the ids MiniLM reads: BERT's uncased WordPiece, as bert-base-uncased and all-MiniLM-L6-v2 have it.

Ours, so that the service needs no tokenizer package; a test holds it to ids that the reference implementation gave. Time is linear in the
text's length, which is cut before it is read. https://arxiv.org/abs/1810.04805
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path

VOCABULARY = Path(__file__).parent / "minilm_data" / "vocab.txt"
UNKNOWN, BEGIN, END = 100, 101, 102
WORD_CHARACTERS_MAX = 100
CHARACTERS_PER_ID_MAX = 24
"""Text beyond this many characters an id is not read at all."""
_IDEOGRAPHS = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF),
               (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))  # fmt: skip


class WordPiece:
    """A vocabulary."""

    def __init__(self, words: list[str]) -> None:
        self._ids = {word: number for number, word in enumerate(words)}
        self._pieces = lru_cache(maxsize=1 << 14)(self._split)

    def ids(self, text: str, most: int) -> list[int]:
        """The ids of a text between BEGIN and END, at most `most` in all."""
        found: list[int] = []
        for word in _words(text[: most * CHARACTERS_PER_ID_MAX]):
            found += self._pieces(word)
            if len(found) > most - 2:
                break
        return [BEGIN, *found[: most - 2], END]

    def _split(self, word: str) -> tuple[int, ...]:
        """The longest entries of the vocabulary, from left to right."""
        if len(word) > WORD_CHARACTERS_MAX:
            return (UNKNOWN,)
        found: list[int] = []
        start = 0
        while start < len(word):
            end = len(word)
            prefix = "##" if start else ""
            while end > start and prefix + word[start:end] not in self._ids:
                end -= 1
            if end == start:
                return (UNKNOWN,)
            found.append(self._ids[prefix + word[start:end]])
            start = end
        return tuple(found)


def load() -> WordPiece:
    """With the vocabulary of all-MiniLM-L6-v2."""
    return WordPiece(VOCABULARY.read_text(encoding="utf-8").split("\n")[:-1])


def _words(text: str) -> list[str]:
    """Lower case, without accents; punctuation and ideographs apart."""
    if not text.isascii():
        text = unicodedata.normalize("NFD", text)
    return "".join(map(_characters.__getitem__, text.lower() if text.isascii() else _lower(text))).split()


def _lower(text: str) -> str:
    return "".join([one for one in text if unicodedata.category(one) != "Mn"]).lower()


class _Characters(dict[str, str]):
    """A character as it is read: kept, apart, a space, or dropped."""

    def __missing__(self, character: str) -> str:
        read = _read(character)
        if len(self) < 1 << 15:
            self[character] = read
        return read


_characters = _Characters()


def _read(character: str) -> str:
    code, category = ord(character), unicodedata.category(character)
    if character in "\t\n\r" or category in ("Zs", "Zl", "Zp"):
        return " "
    if code in (0, 0xFFFD) or category[0] == "C":
        return ""
    apart = category[0] == "P" or (33 <= code <= 126 and not character.isalnum()) or any(low <= code <= high for low, high in _IDEOGRAPHS)
    return f" {character} " if apart else character
