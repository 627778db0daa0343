"""How people write values: whole, without "and", by what stands first, by how a long name begins."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations

from seawall.app.model import Field
from seawall.ask.language import LANGUAGES, language
from seawall.ask.lexicon import Meaning, Value
from seawall.ask.tokens import words_of
from seawall.ask.values import Held

VALUE_WORDS_MAX = 8
_PIECES = re.compile(r"[/&,]")
PART_LETTERS_MIN = 4
NAMES_MAX = 2_000
"""A field with more values holds texts whose beginnings say little."""

Phrase = tuple[str, ...]


def value_phrases(held: Held) -> Iterator[tuple[Phrase, Value]]:
    """Values whole."""
    for ref, values in held.values.items():
        for value in values:
            for words in _writings(value):
                if 0 < len(words) <= VALUE_WORDS_MAX:
                    yield words, (ref, value)


def _writings(value: str) -> Iterator[Phrase]:
    """A value whole, without its "and", without what stands in brackets."""
    words = words_of(value.replace("&", " and "))
    yield words
    joined = {"and", "und", "or", "oder"}
    if joined & set(words):
        yield tuple(word for word in words if word not in joined)
    if "(" in value and (bare := words_of(value.partition("(")[0])):
        yield bare


def value_parts(held: Held) -> Iterator[tuple[Phrase, Value]]:
    """What stands first of several things, where no other value of the field names it."""
    stem = language(LANGUAGES[0]).stem
    for ref, values in held.values.items():
        several = [value for value in values if _PIECES.search(value)]
        counted = Counter(word for value in values for word in {stem(word) for word in words_of(value)}) if several else {}
        for value in several:
            words = words_of(_PIECES.split(value)[0])
            is_name = any(len(word) >= PART_LETTERS_MIN and word.isalpha() for word in words)
            if is_name and all(counted[stem(word)] == 1 for word in words):
                yield words, (ref, value)


def value_beginnings(held: Held, named: list[tuple[Phrase, Meaning]]) -> Iterator[tuple[Phrase, Value]]:
    """How long names begin, where no other value of the field holds these words: `Park` for `Park East`."""
    grammar = {word for one in LANGUAGES for word in language(one).words}
    taken = {word for phrase, _ in named for word in phrase}
    for ref, values in held.values.items():
        if len(values) > NAMES_MAX:
            continue
        phrases = {value: words_of(value)[:VALUE_WORDS_MAX] for value in values}
        counted = Counter(words[place:end] for words in phrases.values() for place, end in combinations(range(len(words) + 1), 2))
        for value, words in phrases.items():
            for end in range(1, len(words)) if words and words[0].isalpha() and words[0] not in grammar else ():
                is_name = end > 1 or (len(words[0]) >= PART_LETTERS_MIN and words[0] not in taken)
                if is_name and words[end - 1] not in grammar and counted[words[:end]] == 1:
                    yield words[:end], (ref, value)


def named_values(fields: Iterable[Field], held: Held) -> Iterator[tuple[Phrase, Value]]:
    """A field's synonym that holds one of its values means that value: `private label`, where brands are Private or National."""
    for field in fields:
        whole = {words: value for value in held.values.get(field.ref, ()) if len(words := words_of(value)) == 1}
        for synonym in field.synonyms if whole else ():
            words = words_of(synonym)
            if len(words) > 1 and (value := whole.get(words[:1])):
                yield words, (field.ref, value)
