"""The groups of words of one text as items: each says what it means, whatever word says it.

Every word counts as itself unless `words/said.json` says that it is empty (politeness, articles) or that others say the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import msgspec

from seawall.ask.language import Language
from seawall.ask.lexicon import Lexicon
from seawall.ask.matching import Edge, Mended
from seawall.ask.tokens import fold, words_of

_RANKS = frozenset({"top", "bottom", "highest", "lowest", "best", "worst", "rank", "ascending"})
"""Tags that rank, whichever word they stand for."""
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_SILENT = frozenset({"-", "–", '"', "'"})
"""Marks that say nothing."""


class Item(msgspec.Struct, frozen=True):
    """One group of words, as what it says."""

    kind: str
    """`metric`, `name`, `value`, `time`, `grain`, `number`, `show`, `unknown`, `where` (from, to), or a class of grammar words."""
    text: str
    refs: frozenset[str] = frozenset()
    """Fields it may be about."""


class Sayings(msgspec.Struct, frozen=True):
    """Which grammar words of a language say nothing, and which say the same."""

    empty: frozenset[str]
    directional: frozenset[str]
    same: dict[str, str]


@cache
def sayings(name: str) -> Sayings:
    """Those of a language; phrases as their words' norms."""
    data = json.loads(files("seawall.ask").joinpath("words/said.json").read_text("utf-8"))[name]
    same = {_key(phrase): kind for kind, phrases in data["same"].items() for phrase in phrases}
    return Sayings(frozenset(map(_key, data["empty"])), frozenset(map(_key, data["directional"])), same)


class Items:
    """The groups of one text as items."""

    def __init__(self, text: str, right: Mended, language: Language, lexicon: Lexicon) -> None:
        self._text = text
        self._lexicon = lexicon
        self._right = right
        self._language = language
        self._sayings = sayings(language.name)

    def of(self, edges: Sequence[Edge]) -> tuple[Item, ...]:
        """All but those that say nothing."""
        ranked = any(_RANKS & set(edge.tags) for edge in edges)
        counted = any(edge.kind == "number" for edge in edges)
        found = [self._item(edge, plain=counted or not ranked) for edge in edges]
        return trimmed([one for one in found if one is not None])

    def _item(self, edge: Edge, *, plain: bool) -> Item | None:
        made = self._made(edge)
        slips = [self._written(place) for place in range(edge.start, edge.end) if self._how(place) == "typo"]
        if made is None:
            return Item("word", f"w:~{' ~'.join(slips)}") if slips else None
        if made.kind == "name" and self._says_more(edge):
            slips.append(self._phrase(edge))
        if made.kind in ("name", "grain") and not plain:
            slips.append(self._written(edge.end - 1))  # "which store" is one, "which stores" are several
        return msgspec.structs.replace(made, text=" ~".join([made.text, *slips])) if slips else made

    def _says_more(self, edge: Edge) -> bool:
        """Whether a phrase holds a field's label and another word: `own brand` is not any `brand`."""
        words = {self._language.stem(word) for word in self._phrase(edge).split()}
        fields = [
            self._lexicon.app.semantics.datasets[ref.partition(".")[0]].fields[ref.partition(".")[2]] for ref in edge.term.refs("field")
        ]
        labels = [words_of(label) for field in fields for label in field.label.by_locale.values()]
        return any({self._language.stem(word) for word in label} < words for label in labels if label)

    def _made(self, edge: Edge) -> Item | None:
        phrase = self._phrase(edge)
        match edge.kind:
            case "term":
                return _term(edge)
            case "time":
                return self._time(edge, phrase)
            case "grain" | "adverb":
                return Item("grain" if edge.kind == "grain" else "adverb", f"g:{edge.grain}")
            case "number":
                return Item("number", f"n:{self._sign(edge)}{edge.number!r}{'+' if phrase.endswith('+') else ''}")
            case "show":
                return Item("show", "show:" + "+".join(edge.tags))
            case "unknown":
                return Item("unknown", f"u:{self._language.stem(phrase)}")
            case _:
                return self._grammar(edge, phrase)

    def _time(self, edge: Edge, phrase: str) -> Item:
        """A period by what it means; with its words where it does not mean all of them."""
        time = edge.time
        words = ""
        if time.role == "unknown" or any(year not in time.text for year in _YEAR.findall(phrase)):
            words = " ".join(self._span(word) or word for word in phrase.split())
        elif time.role in ("previous", "year_ago"):
            words = " ".join(filter(None, map(self._span, phrase.split())))
        return Item("time" if time.role in ("period", "future") else "beside", f"t:{time.role}:{time.text}:{words}")

    def _span(self, word: str) -> str:
        """What a word says of how long a time is: its grain or its number."""
        if grains := self._language.grains.get(word):
            return grains[0]
        if word in self._language.numbers:
            return f"{self._language.numbers[word]:g}"
        return word if word[:1].isdecimal() else ""

    def _grammar(self, edge: Edge, phrase: str) -> Item | None:
        if edge.kind == "stop":
            if phrase in _SILENT or phrase in self._sayings.empty or all(word in self._sayings.empty for word in phrase.split()):
                return None
            if phrase in self._language.measures or phrase == "%":
                return Item("measure", self._sayings.same.get(phrase, phrase))
            return Item("where" if phrase in self._sayings.directional else "word", f"w:{phrase}")
        kind = self._class(edge)
        return Item(kind or "word", kind or f"w:{'+'.join(edge.tags)}:{phrase}")

    def _class(self, edge: Edge) -> str:
        if edge.tags[:1] == ("comma",):
            return "comma"
        return self._sayings.same.get(self._phrase(edge), "")

    def _phrase(self, edge: Edge) -> str:
        return " ".join(token.norm for token in self._right.tokens[edge.start : edge.end])

    def _written(self, place: int) -> str:
        token = self._right.tokens[place]
        return fold(self._text[token.start : token.end])

    def _how(self, place: int) -> str:
        return self._right.hows[place] if place < len(self._right.hows) else ""

    def _sign(self, edge: Edge) -> str:
        """A minus before a number, unless it joins two words."""
        start = self._right.tokens[edge.start].start
        return "-" if self._text[max(0, start - 1) : start] in ("-", "−") and not self._text[max(0, start - 2) : start - 1].strip() else ""


def trimmed(items: list[Item]) -> tuple[Item, ...]:
    """Without the commas at both ends, which greetings leave."""
    while items and items[0].kind == "comma":
        items = items[1:]
    while items and items[-1].kind == "comma":
        items = items[:-1]
    return tuple(items)


def _term(edge: Edge) -> Item:
    term = edge.term
    metrics = term.refs("metric")
    names = sorted({f"{one.kind}:{one.ref}" for one in term.meanings})
    values = sorted(f"{ref}={value}" for ref, value in term.values)
    if not names:
        return Item("value", f"v:{values}", frozenset(ref for ref, _ in term.values))
    about = frozenset(term.refs("field")) | frozenset(term.refs("flag")) | frozenset(ref for ref, _ in term.values)
    if metrics:
        return Item("metric", f"m:{sorted(metrics)}{values or ''}", frozenset(names))
    return Item("name", f"d:{names}{values or ''}", about)


def _key(text: str) -> str:
    return " ".join(words_of(text)) or text
