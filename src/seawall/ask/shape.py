"""What belongs to what in a text, so that two texts have one shape only when they say the same.

Every word counts as itself unless `words/said.json` says that it is empty (politeness, articles) or that others say the same. Groups that
may stand anywhere (a grouping, a period, a value, a ranking) are sorted; where their order may mean something (a ratio, a comparison,
two periods, a word that nobody knows) the whole text keeps its order. Better to miss a text that says the same than to take another for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files

import msgspec

from seawall.ask.language import Language
from seawall.ask.lexicon import Lexicon
from seawall.ask.matching import Cut, Edge, Mended
from seawall.ask.tokens import fold, words_of

RANKING = frozenset({"desc", "asc", "best", "worst", "best selling", "rank", "ascending"})
_RANKS = frozenset({"top", "bottom", "highest", "lowest", "best", "worst", "rank", "ascending"})
"""Tags that rank, whichever word they stand for."""
_BOUND = frozenset({"only", "average", "which", "how_many", "total", "list"})
"""Words about what comes next."""
_LESS = frozenset({"gt", "lt", "ge", "le", "eq"})
_NOUNS = frozenset({"metric", "name", "value", "grain", "adverb", "unknown", "number"})
_TWOFOLD = frozenset({"versus", "compare", "difference", "not", "beside", "or"})
"""What sets one thing against another: where a period stands then says which it belongs to."""
_SEPARATORS = frozenset({"and", "comma", "or"})
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


class _Ordered(Exception):
    """The order of the whole text may mean something."""


@cache
def sayings(name: str) -> Sayings:
    """Those of a language; phrases as their words' norms."""
    data = json.loads(files("seawall.ask").joinpath("words/said.json").read_text("utf-8"))[name]
    same = {_key(phrase): kind for kind, phrases in data["same"].items() for phrase in phrases}
    return Sayings(frozenset(map(_key, data["empty"])), frozenset(map(_key, data["directional"])), same)


def shape_of(cut: Cut, text: str, right: Mended, language: Language, lexicon: Lexicon) -> tuple[str, ...]:
    """The shape of a text cut into groups."""
    items = _Items(text, right, language, lexicon).of(cut.edges)
    try:
        return ("", *sorted(_Parts(items).all()))
    except _Ordered:
        return ("ordered", *(one.text for one in _dated(tuple(_joined(items)))))


def _dated(items: Sequence[Item]) -> Sequence[Item]:
    """`… in July` as `in July, …`: a period at the end of what neither compares nor excludes."""
    kinds = [one.kind for one in items]
    if kinds.count("time") != 1 or _TWOFOLD & set(kinds):
        return items
    bare = _trimmed([one for one in items if one.kind != "time"])
    if kinds[0] == "time" and bare:
        return (items[0], *bare)
    if kinds[-1] == "time" and bare and bare[-1].kind in _NOUNS:
        return (items[-1], *bare)
    return items


def _joined(items: Sequence[Item]) -> Iterator[Item]:
    """`per department` as `by department`, `by week` as `weekly`."""
    for place, one in enumerate(items):
        after = items[place + 1].kind if place + 1 < len(items) else ""
        before = items[place - 1].kind if place else ""
        if one.kind in ("by", "per") and after == "grain":
            continue
        if one.kind == "adverb" or (one.kind == "grain" and before in ("by", "per")):
            yield Item("adverb", f"by {one.text}")
        else:
            yield Item("by", "by") if one.kind == "per" and after == "name" else one


# ── groups of words as items ─────────────────────────────────────────────────────────────────────────────────────────


class _Items:
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
        return _trimmed([one for one in found if one is not None])

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


def _trimmed(items: list[Item]) -> tuple[Item, ...]:
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


# ── items as parts that may stand in any order ───────────────────────────────────────────────────────────────────────


class _Parts:
    """What belongs together; raises `_Ordered` where that cannot be told from neighbours alone."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items
        self._found: list[str] = []
        self._by: list[str] = []
        self._at = 0
        self._handlers: dict[str, Callable[[Item], None]] = {
            "by": self._grouping,
            "per": self._grouping,
            "adverb": self._adverb,
            "not": self._negation,
            "number": self._number,
            "value": self._value,
            "name": self._name,
            "metric": self._metric,
            "where": self._where,
            "versus": self._versus,
            **dict.fromkeys(_BOUND, self._bound),
            **dict.fromkeys(_SEPARATORS, self._separator),
            **dict.fromkeys((*RANKING, "time", "grain", "show", "trend"), self._alone),
        }

    def all(self) -> list[str]:
        """The parts, groupings and metrics in the order in which they were named."""
        self._judge()
        while self._at < len(self._items):
            one = self._items[self._at]
            handler = self._handlers.get(one.kind)
            if handler is None:
                raise _Ordered
            self._at += 1
            handler(one)
        return [*self._found, f"by {self._by}", f"metrics {[one.text for one in self._items if one.kind == 'metric']}"]

    def _judge(self) -> None:
        """More than one of what could belong to another: only the order tells."""
        rankings, numbers = self._count(RANKING), self._count({"number"})
        several = self._count({"metric"}) > 1 or self._count({"name", "grain", "adverb"}) > 1
        if rankings > 1 or numbers > 1 or self._count({"time"}) > 1 or self._count({"not"}) > 1 or (rankings and several):
            raise _Ordered
        if self._items and self._items[0].kind in _SEPARATORS:
            raise _Ordered

    def _count(self, kinds: Iterable[str]) -> int:
        return sum(one.kind in kinds for one in self._items)

    def _next(self) -> Item:
        return self._items[self._at] if self._at < len(self._items) else Item("", "")

    # ── one handler a kind ───────────────────────────────────────────────────────────────────────────────────

    def _alone(self, one: Item) -> None:
        self._found.append(one.text)

    def _metric(self, one: Item) -> None:
        if self._next().kind in _LESS:
            self._compared(one)

    def _adverb(self, one: Item) -> None:
        self._by.append(one.text)

    def _grouping(self, one: Item) -> None:
        after = self._next()
        if after.kind == "metric" and one.kind == "by" and self._count(RANKING):
            return  # what it is ranked by
        if after.kind not in ("name", "grain"):
            raise _Ordered
        while self._next().kind in ("name", "grain"):
            self._by.append(self._next().text)
            self._at += 1
            if not (self._next().kind in _SEPARATORS - {"or"} and self._peek(1).kind in ("name", "grain")):
                return
            self._at += 1

    def _peek(self, count: int) -> Item:
        place = self._at + count
        return self._items[place] if place < len(self._items) else Item("", "")

    def _negation(self, one: Item) -> None:
        if self._next().kind not in ("value", "name"):
            raise _Ordered
        held = [one.text]
        while True:
            held.append(self._next().text)
            self._at += 1
            if self._next().kind == "value" and held[-1].startswith("d:"):
                continue
            if not (self._next().kind in _SEPARATORS and self._peek(1).kind == "value"):
                break
            held.append(self._next().text)
            self._at += 1
        self._found.append(" ".join(held))

    def _number(self, one: Item) -> None:
        after = self._next()
        if after.kind in ("name", "grain"):
            self._at += 1
            self._found.append(f"{one.text} {after.text}")
        elif self._count(RANKING) and after.kind in ("", "by", "metric", "time", "comma"):
            self._found.append(one.text)
        else:
            raise _Ordered

    def _name(self, one: Item) -> None:
        if self._next().kind in _LESS:
            self._compared(one)
        elif self._next().kind == "value" and one.refs & self._next().refs:
            self._found.append(f"{one.text} {self._next().text}")
            self._at += 1
        else:
            self._found.append(one.text)

    def _value(self, one: Item) -> None:
        self._found.append(one.text)

    def _where(self, one: Item) -> None:
        """From, to: of a value that could be either end it says which."""
        after = self._next()
        if after.kind not in ("value", "name"):
            raise _Ordered
        datasets = [ref.partition(".")[0] for ref in after.refs]
        if after.kind == "value" and len(set(datasets)) == len(datasets):
            return
        self._at += 1
        self._found.append(f"{one.text} {after.text}")

    def _versus(self, one: Item) -> None:
        if self._next().kind != "beside":
            raise _Ordered
        self._found.append(f"{one.text} {self._next().text}")
        self._at += 1

    def _compared(self, one: Item) -> None:
        how, number = self._next(), self._peek(1)
        if number.kind != "number":
            raise _Ordered
        self._at += 2
        measure = self._next().text if self._next().kind == "measure" else ""
        self._at += bool(measure)
        self._found.append(f"{one.text}{sorted(one.refs)} {how.text} {number.text} {measure}")

    def _bound(self, one: Item) -> None:
        after = self._next()
        if one.kind == "which" and (after.kind == "metric" or self._count(RANKING)):
            return
        if one.kind in ("how_many", "total") and after.kind == "metric":
            return
        if one.kind == "list" and self._count({"metric"}):
            return
        if after.kind not in ("name", "grain", "metric", "value"):
            raise _Ordered
        self._found.append(f"{one.text} {after.text}")

    def _separator(self, one: Item) -> None:
        before, after = self._items[self._at - 2].kind if self._at > 1 else "", self._next().kind
        if one.kind == "or" and not (before == after == "value"):
            raise _Ordered
