"""What a language's grammar words mean, read from `words/<language>.json`: nothing in them belongs to any app.

A phrase is its words' `norm`s joined by spaces. Stems are light: they bring singular and plural together and little else.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from seawall.app.model import Grain
from seawall.ask.tokens import Token, words_of

LANGUAGES = ("en", "de")
PHRASE_WORDS_MAX = 6
_DECIMAL = {"en": ".", "de": ","}
_GERMAN_ENDINGS = ("ern", "en", "er", "es", "em", "e", "n", "s")


class Language:
    """The grammar words of one language."""

    def __init__(self, name: str, data: dict[str, Any]) -> None:
        self.name = name
        self.decimal = _DECIMAL.get(name, ".")
        self.stop = _keys(data["stop"])
        self.tags = _by_phrase(data["tags"])
        self.shows = _by_phrase(data["shows"])
        self.grains: dict[str, tuple[Grain, ...]] = _by_phrase(data["grains"])  # type: ignore[assignment]  # the file's keys are grains
        self.single_grains = frozenset(_key(phrases[0]) for phrases in data["grains"].values())
        self.adverbs: dict[str, tuple[Grain, ...]] = _by_phrase(data["grain_adverbs"])  # type: ignore[assignment]
        self.months = {phrase: int(number[0]) for phrase, number in _by_phrase(data["months"]).items()}
        self.numbers = {_key(word): float(number) for word, number in data["numbers"].items()}
        self.scales = {_key(word): float(number) for word, number in data["scales"].items()}
        self.ordinals = {_key(word): int(number) for word, number in data["ordinals"].items()}
        self.days = {_key(word): int(number) for word, number in data["days"].items()}
        self.finals = _keys(data["finals"])
        self.measures = _keys(data["measures"])
        self.time = {name: _keys(phrases) for name, phrases in data["time"].items()}
        self.unknown_times = _keys(data["unknown_times"])
        self.plural_verbs = _keys(data["plural_verbs"])
        self.singular_verbs = _keys(data["singular_verbs"])
        self.prepositions = _keys(data["prepositions"])
        self.numbering = _keys(data["numbering"])
        self.copulas = _keys(data["copulas"])
        self.possessives = _keys(data["possessives"])
        self.genitives = _keys(data["genitives"])
        self.articles = _keys(data["articles"])
        self.falling = _keys(data["falling"])
        self.classifiers = frozenset(self.stem(word) for word in _keys(data["classifiers"]))
        self.translations = {_key(word): _key(other) for word, other in data["translations"].items()}
        self.nouns = {_key(word): _key(noun) for word, noun in data["forms"].items()}
        self.sentences: dict[str, str] = data["sentences"]
        self.quoted: str = data["quoted"]
        self.joined: str = data["list_and"]
        self.words = self._words()

    def stem(self, word: str) -> str:
        """Singular and plural as one."""
        return _german(word) if self.name == "de" else _english(word)

    def _words(self) -> frozenset[str]:
        """Every single word of the grammar, for telling languages apart and mending misspelt ones."""
        phrases = [*self.stop, *self.tags, *self.shows, *self.grains, *self.adverbs, *self.months, *self.numbers, *self.unknown_times]
        phrases += [phrase for group in self.time.values() for phrase in group]
        return frozenset(word for phrase in phrases for word in phrase.split())


@cache
def language(name: str) -> Language:
    """A language by its two letters; English when there is none of that name."""
    known = name if name in LANGUAGES else "en"
    return Language(known, json.loads(files("seawall.ask").joinpath(f"words/{known}.json").read_text("utf-8")))


def language_of(tokens: tuple[Token, ...], locale: str) -> Language:
    """The language a text is in, by its grammar words; the locale's when they do not say."""
    own = language(locale.partition("-")[0].lower())
    others = [language(name) for name in LANGUAGES if name != own.name]
    count = _count(tokens, own)
    best = max(others, key=lambda one: _count(tokens, one))
    return best if _count(tokens, best) > count else own


def _count(tokens: tuple[Token, ...], one: Language) -> int:
    return sum(1 for token in tokens if token.kind == "word" and token.norm in one.words)


def _key(text: str) -> str:
    return " ".join(words_of(text)) or text


def _keys(phrases: list[str]) -> frozenset[str]:
    return frozenset(_key(phrase) for phrase in phrases)


def _by_phrase(groups: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """Phrase → the groups it is in."""
    found: dict[str, tuple[str, ...]] = {}
    for name, phrases in groups.items():
        for phrase in phrases:
            key = _key(phrase)
            if name not in found.get(key, ()):
                found[key] = (*found.get(key, ()), name)
    return found


@cache
def _english(word: str) -> str:
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes", "zes", "oes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


@cache
def _german(word: str) -> str:
    for ending in _GERMAN_ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
