"""Which words of a text belong together, and what each group may be: every likely way to cut a text, the best first.

Groups are terms of the app, words about time, numbers, the language's grammar words, and words that nobody knows. Longer groups count
more than the same words apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nlargest
from typing import Literal

import msgspec

from seawall.app.model import Grain
from seawall.ask.language import Language
from seawall.ask.lexicon import Lexicon, Term
from seawall.ask.mending import Mended, mended
from seawall.ask.times import Time, TimeReader
from seawall.ask.tokens import Token, number_of

__all__ = ["Cut", "Edge", "Matcher", "Mended", "mended"]
Kind = Literal["term", "time", "grain", "adverb", "number", "tag", "show", "stop", "unknown"]
WORDS_MAX = 8
"""Of a phrase."""
SHORTENED_WORDS_MAX = 4
"""Of a name whose words are not written out."""
CUTS_MAX = 12
"""Ways to cut a text that are looked at."""
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
_STOPPED = 1.0
"""The same of a word that is passed over elsewhere: where its field is not named, it is no value even when nothing else can be read."""
_STEM_POINTS, _PART_POINTS, _TYPO_POINTS, _VALUE_POINTS = 0.5, 1.5, 3.0, 0.2
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
            if (term := self._looked_up(words)) and not self._is_holiday(place, end + 1, words, term):
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
        if found is None and 1 < len(words) <= SHORTENED_WORDS_MAX:
            found = self.lexicon.look_up_shortened(words, self.language)
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
                points = _STOPPED if words[0] in self.language.stop and not self._is_named(place, end, term) else _WEAK
        elif len(words) == 1 and words[0] in self.language.words and not term.refs("metric") and not term.values:
            points = _POINTS["term"] + _TOGETHER if self._names_next(end, term.refs("field")) else _WEAK
        if term.how in ("part", "order"):
            points -= _PART_POINTS
        elif term.how == "stem":
            points -= _STEM_POINTS
        elif place == 0 and len(words) == 1 and words[0] in self.language.stop and not term.refs("metric"):
            points = min(points, _WEAK)  # an order at the beginning: "display …"
        return Edge(place, end, "term", points, term=term, how=term.how)

    def _looks_like_grammar(self, place: int, word: str) -> bool:
        written = self.text[self.tokens[place].start : self.tokens[place].end]
        is_capital = written.isupper() and (len(written) > 1 or (place > 0 and written != "I"))  # sentences begin with one, too
        return word in self.language.words and not (is_capital and not self.text.isupper())

    def _is_holiday(self, place: int, end: int, words: list[str], term: Term) -> bool:
        """Whether it is a time of the year or of the week that nobody can date, though the data has a thing of that name."""
        if term.meanings or len(words) > 1 or words[0] not in self.language.unknown_times:
            return False
        is_thing = not self._looks_like_grammar(place, words[0]) or self._is_named(place, end, term)
        return not is_thing and not any(self.lexicon.tells_time(ref) for ref, _ in term.values)

    def _is_named(self, place: int, end: int, term: Term) -> bool:
        """Whether the word beside a value is the name of a field that holds it."""
        beside = [self.tokens[at].norm for at in (place - 1, end) if 0 <= at < len(self.tokens) and self.tokens[at].kind == "word"]
        named = [found for word in beside if (found := self.lexicon.look_up((word,), self.language))]
        return any(ref in found.refs("field") for found in named for ref, _ in term.values)

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
