"""Which words of a text belong together, and what each group may be: every likely way to cut a text, the best first.

Groups are terms of the app, words about time, numbers, the language's grammar words, and words that nobody knows. Longer groups count
more than the same words apart. A word that is unknown is tried as a compound of known ones, then as one misspelt by a single letter.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nlargest
from typing import Literal

import msgspec

from seawall.app.model import Grain
from seawall.ask.language import Language
from seawall.ask.lexicon import Lexicon, Meaning, Term
from seawall.ask.times import Time, TimeReader
from seawall.ask.tokens import Token, number_of

Kind = Literal["term", "time", "grain", "adverb", "number", "tag", "show", "stop", "unknown"]
WORDS_MAX = 8
"""Of a phrase."""
CUTS_MAX = 12
"""Ways to cut a text that are looked at."""
TYPO_LETTERS_MIN = 5
TYPO_SURE_LETTERS = 7
"""From so many letters on a slip may be the first one; shorter words are likelier to be other words."""
COMPOUND_LETTERS_MIN = 3
_POINTS: dict[str, float] = {
    "term": 10.0,
    "time": 10.2,
    "grain": 10.1,
    "adverb": 10.1,
    "number": 10.0,
    "tag": 9.9,
    "show": 9.9,
    "stop": 6.0,
}
_TOGETHER = 0.5
"""What each further word of a group adds: together they mean more than apart."""
_PHRASE = 0.05
"""What a phrase without meaning counts more than its words with one: `share the …`."""
_UNKNOWN = -10.0
_WEAK = 5.0
"""A value that looks like a grammar word and is not written like a value."""
_STEM_POINTS, _PART_POINTS, _TYPO_POINTS, _VALUE_POINTS = 0.5, 1.5, 3.0, 0.2
_LINKS = ("", "s", "es", "n", "en", "er")
"""What German puts between the parts of a word."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_MARKS = {",": "comma", "&": "and", "/": "comma", ":": "comma"}


class Edge(msgspec.Struct, frozen=True):
    """A group of words and one thing it may be."""

    start: int
    end: int
    """The first token after it."""
    kind: Kind
    points: float
    term: Term = Term()
    time: Time = Time()
    grain: Grain | None = None
    number: float = 0.0
    tags: tuple[str, ...] = ()
    how: str = "exact"


class Cut(msgspec.Struct, frozen=True):
    """A text cut into groups."""

    points: float
    edges: tuple[Edge, ...]


class Matcher:
    """One text against one lexicon."""

    def __init__(self, text: str, tokens: tuple[Token, ...], language: Language, lexicon: Lexicon, times: TimeReader) -> None:
        self.text = text
        self.language = language
        self.lexicon = lexicon
        self.tokens = tokens
        self.times = times

    def cuts(self, given: dict[int, Term] | None = None) -> list[Cut]:
        """The best ways to cut the text. `given` are terms found for single tokens by other means."""
        count = len(self.tokens)
        best: list[list[tuple[float, tuple[Edge, ...]]]] = [[] for _ in range(count + 1)]
        best[0] = [(0.0, ())]
        for place in range(count):
            if len(best[place]) > CUTS_MAX:
                best[place] = nlargest(CUTS_MAX, best[place], key=lambda one: one[0])
            for edge in self._edges(place, given or {}):
                best[edge.end] += [(points + edge.points, (*edges, edge)) for points, edges in best[place]]
        return [Cut(points, edges) for points, edges in nlargest(CUTS_MAX, best[count], key=lambda one: one[0])]

    # ── groups that begin at a place ─────────────────────────────────────────────────────────────────────────

    def _edges(self, place: int, given: dict[int, Term]) -> list[Edge]:
        token = self.tokens[place]
        if token.kind == "mark" and token.norm not in self.language.tags:
            return [self._mark(place, token), *self._timed(place)]
        found = [*self._timed(place), *self._terms(place), *self._grammar(place), *self._numbers(place)]
        if place in given:
            found.append(Edge(place, place + 1, "term", _POINTS["term"] - _TYPO_POINTS, term=given[place], how="near"))
        if not any(edge.end == place + 1 for edge in found):
            found.append(Edge(place, place + 1, "unknown", _UNKNOWN))
        return found

    def _mark(self, place: int, token: Token) -> Edge:
        if token.norm in _MARKS:
            return Edge(place, place + 1, "tag", 0.0, tags=(_MARKS[token.norm],))
        return Edge(place, place + 1, "stop", 0.0)

    def _timed(self, place: int) -> Iterator[Edge]:
        for end, time in self.times.at(place):
            yield Edge(place, end, "time", self._points("time", end - place), time=time)

    def _terms(self, place: int) -> Iterator[Edge]:
        words: list[str] = []
        for end in range(place, min(place + WORDS_MAX + 2, len(self.tokens))):
            token = self.tokens[end]
            if token.kind == "mark":
                if token.norm not in "-/&'" or not words:
                    return
                continue
            words.append(token.norm)
            if len(words) > WORDS_MAX:
                return
            if len(words) == 1 and token.kind != "word":
                continue  # a number alone is never a value: what it counts must be named
            if term := self._looked_up(words):
                yield self._term(place, end + 1, words, term)
        if place + 2 < len(self.tokens) and (term := self._elided(place)):
            yield self._term(place, place + 1, [self.tokens[place].norm], term)

    def _looked_up(self, words: list[str]) -> Term | None:
        """What a phrase means, articles within it left out when it means nothing with them."""
        found = self.lexicon.look_up(words, self.language)
        if found is None and len(words) > 2 and words[-1] not in self.language.articles:
            bare = [words[0], *(word for word in words[1:] if word not in self.language.articles)]
            found = self.lexicon.look_up(bare, self.language) if 1 < len(bare) < len(words) else None
        if found is None and len(words) > 2 and not {words[0], words[-1]} & self.language.stop:
            content = [word for word in words if word not in self.language.stop]
            if len(content) > 2 or (len(words) == 3 and words[1] in self.language.genitives):
                found = self.lexicon.look_up_any_order(content, self.language)
        return found

    def _elided(self, place: int) -> Term | None:
        """`domestic` in `domestic and imported wine`: what is joined lends its last word."""
        tokens = self.tokens
        if tokens[place].kind != "word" or not {"and", "or"} & set(self.language.tags.get(tokens[place + 1].norm, ())):
            return None
        words = [token.norm for token in tokens[place + 2 : place + 2 + WORDS_MAX] if token.kind == "word"]
        for count in range(2, min(4, len(words)) + 1):
            other, own = self.lexicon.look_up(words[:count], self.language), [tokens[place].norm, words[count - 1]]
            found = self.lexicon.look_up(own, self.language) if other else None
            if other and found and {ref for ref, _ in found.values} & {ref for ref, _ in other.values}:
                return found
        return None

    def _term(self, place: int, end: int, words: list[str], term: Term) -> Edge:
        points = self._points("term", len(words))
        if not term.meanings:
            points -= _VALUE_POINTS
            if len(words) == 1 and self._looks_like_grammar(place, words[0]):
                points = _WEAK
        elif len(words) == 1 and words[0] in self.language.words and not term.refs("metric") and not term.values:
            points = _POINTS["term"] + _TOGETHER if self._names_next(end, term.refs("field")) else _WEAK
        if term.how in ("part", "order"):
            points -= _PART_POINTS
        elif term.how == "stem":
            points -= _STEM_POINTS
        elif place == 0 and len(words) == 1 and words[0] in self.language.stop and not term.refs("metric"):
            points = _WEAK  # an order at the beginning: "display …"
        return Edge(place, end, "term", points, term=term, how=term.how)

    def _looks_like_grammar(self, place: int, word: str) -> bool:
        written = self.text[self.tokens[place].start : self.tokens[place].end]
        return word in self.language.words and not (written.isupper() and not self.text.isupper())

    def _names_next(self, place: int, refs: tuple[str, ...]) -> bool:
        """Whether a value of one of these fields comes next: `to HAR`, where `to` is a field's name."""
        while place < len(self.tokens) and (self.tokens[place].kind == "mark" or self.tokens[place].norm in self.language.articles):
            place += 1
        words: list[str] = []
        for token in self.tokens[place : place + WORDS_MAX]:
            words.append(token.norm)
            found = self.lexicon.look_up(words, self.language)
            if found and any(ref in refs for ref, _ in found.values):
                return True
        return False

    def _grammar(self, place: int) -> Iterator[Edge]:
        words: list[str] = []
        one = self.language
        for end in range(place, min(place + WORDS_MAX, len(self.tokens))):
            words.append(self.tokens[end].norm)
            phrase, count = " ".join(words), end + 1 - place
            if tags := one.tags.get(phrase):
                yield Edge(place, end + 1, "tag", self._points("tag", count), tags=tags)
            if shows := one.shows.get(phrase):
                yield Edge(place, end + 1, "show", self._points("show", count), tags=shows)
            if grains := one.adverbs.get(phrase):
                yield Edge(place, end + 1, "adverb", self._points("adverb", count), grain=grains[0])
            if grains := one.grains.get(phrase):
                yield Edge(place, end + 1, "grain", self._points("grain", count), grain=grains[0])
            if phrase in one.stop or phrase in one.measures:
                yield Edge(place, end + 1, "stop", _POINTS["stop"] if count == 1 else (_POINTS["tag"] + _PHRASE) * count)
            if phrase in one.measures and place and self.tokens[place - 1].norm == "in":
                yield Edge(place, end + 1, "stop", self._points("term", count) + _TOGETHER)

    def _numbers(self, place: int) -> Iterator[Edge]:
        norm = self.tokens[place].norm
        number = self.language.numbers.get(norm)
        if number is None and norm[:1].isdecimal():
            number = number_of(norm.removesuffix("+"), decimal=self.language.decimal)
        if number is None:
            return
        yield Edge(place, place + 1, "number", _POINTS["number"], number=number)
        scale = self.language.scales.get(self.tokens[place + 1].norm) if place + 1 < len(self.tokens) else None
        if scale:
            yield Edge(place, place + 2, "number", self._points("number", 2), number=number * scale)

    @staticmethod
    def _points(kind: str, words: int) -> float:
        return _POINTS[kind] * words + _TOGETHER * (words - 1)


# ── words that nobody knows ──────────────────────────────────────────────────────────────────────────────────────


class Mended(msgspec.Struct, frozen=True):
    """Tokens after compounds were parted and misspelt words put right."""

    tokens: tuple[Token, ...]
    hows: tuple[str, ...] = ()
    """For each token how it was found: "", `compound` or `typo`."""

    @property
    def compounds(self) -> int:
        """Tokens that are parts of a longer word."""
        return self.hows.count("compound")

    @property
    def typos(self) -> int:
        """Tokens that were misspelt."""
        return self.hows.count("typo")


def mended(tokens: tuple[Token, ...], language: Language, lexicon: Lexicon) -> Mended:
    """Every unknown word as known ones, where that is possible."""
    made: list[Token] = []
    hows: list[str] = []
    for token in tokens:
        if token.kind != "word" or _is_known(token.norm, language, lexicon):
            made.append(token)
            hows.append("")
        elif parts := _parts(token.norm, language, lexicon):
            made += [msgspec.structs.replace(token, norm=part) for part in parts]
            hows += ["compound"] * len(parts)
        elif right := _right(token.norm, language, lexicon):
            made.append(msgspec.structs.replace(token, norm=right))
            hows.append("typo")
        else:
            made.append(token)
            hows.append("")
    return Mended(tuple(made), tuple(hows))


def _is_known(word: str, language: Language, lexicon: Lexicon) -> bool:
    return word in language.words or word in language.measures or word in language.ordinals or lexicon.knows(word, language)


def _parts(word: str, language: Language, lexicon: Lexicon) -> tuple[str, ...]:
    """The two known words a word is made of, or what it is called in the data's language; none when there are none."""
    if apart := lexicon.joined.get(word) or lexicon.joined.get(language.stem(word)):
        return apart
    if (other := language.translations.get(word)) and lexicon.knows(other, language):
        return (other,)
    for cut in range(COMPOUND_LETTERS_MIN, len(word) - COMPOUND_LETTERS_MIN + 1):
        right = word[cut:]
        if not _has_meaning(right, language, lexicon):
            continue
        for link in _LINKS:
            left = word[:cut].removesuffix(link) if link and word[:cut].endswith(link) else word[:cut]
            if len(left) >= COMPOUND_LETTERS_MIN and (link == "" or left != word[:cut]) and _has_meaning(left, language, lexicon):
                return left, right
    return ()


def _has_meaning(word: str, language: Language, lexicon: Lexicon) -> bool:
    if (
        word in language.grains
        or word in language.months
        or language.stem(word) in language.classifiers
        or {"average", "total", "trend"} & set(language.tags.get(word, ()))
    ):
        return True
    return lexicon.look_up((word,), language) is not None


def _right(word: str, language: Language, lexicon: Lexicon) -> str:
    """The one known word a single slip away; "" when there is none, or several."""
    if len(word) < TYPO_LETTERS_MIN or not word.isalpha():
        return ""
    near = {one for one in _slips(word) if one[0] == word[0] or len(word) >= TYPO_SURE_LETTERS}
    for known in (lexicon.words, language.words, lexicon.value_words):
        if known is lexicon.value_words:
            near = {one for one in near if len(word) >= TYPO_SURE_LETTERS and one[0] == word[0] and one[-1] == word[-1]}
        if found := {one for one in near & known if len(one) >= TYPO_LETTERS_MIN - 1}:
            return _only(found, word, language)
    stem = language.stem(word)
    stems = _slips(stem) if stem != word and language.name == "en" and len(stem) >= TYPO_LETTERS_MIN else set()
    return _only({one for one in lexicon.words if language.stem(one) in stems}, word, language) if stems else ""


def _only(found: set[str], word: str, language: Language) -> str:
    """The one of them most like the word, when all are forms of one; else ""."""
    stems = {language.stem(one) for one in found}
    return min(found, key=lambda one: (abs(len(one) - len(word)), one)) if len(stems) == 1 else ""


def _slips(word: str) -> set[str]:
    """All texts that differ by one letter: left out, put in, another, or two swapped."""
    halves = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    found = {left + right[1:] for left, right in halves if right}
    found |= {left + right[1] + right[0] + right[2:] for left, right in halves if len(right) > 1}
    found |= {left + letter + right[1:] for left, right in halves if right for letter in _LETTERS}
    return found | {left + letter + right for left, right in halves for letter in _LETTERS}


def meanings(kind: str, refs: tuple[str, ...]) -> Term:
    """A term found by other means than its words."""
    return Term(tuple(Meaning(kind, ref) for ref in refs), how="near")
