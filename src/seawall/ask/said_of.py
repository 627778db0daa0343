"""The facts of a text (`said.py`), from the likeliest way to cut it into words: whatever the parser made of it as a whole."""

from __future__ import annotations

from datetime import date

from msgspec.structs import replace

from seawall.ask.follow_up import CONNECTING, JOINING
from seawall.ask.language import LANGUAGES, Language, language, language_of
from seawall.ask.large_draft import ValueOf
from seawall.ask.lexicon import Lexicon
from seawall.ask.matching import Cut, Edge, Matcher, mended
from seawall.ask.said import Direction, Said
from seawall.ask.shape import shape_of
from seawall.ask.times import TimeReader
from seawall.ask.tokens import Token, tokens_of, words_of

_DESCENDING = frozenset({"top", "highest"})
_ASCENDING = frozenset({"bottom", "lowest"})
_EITHER = frozenset({"best", "worst", "rank", "ascending"})
"""Directions that depend on the metric."""
_COMPARING = frozenset({"gt", "lt", "ge", "le", "or_more", "or_less", "eq", "between", "versus", "compare", "difference"})
_RATIO = frozenset({"ratio", "divided"})
_SOFT = frozenset({"by", "which", "how_many", "list", "total", "and", "or", "comma", "to", "also", "all", "first", "last", "same"})
"""Words that change nothing beside what the others say."""
_DIRECTIONS = _DESCENDING | _ASCENDING | _EITHER
_ELSEWHERE = _SOFT | _COMPARING | _RATIO | _DIRECTIONS | {"not", "per"}


def said_of(text: str, locale: str, lexicon: Lexicon, as_of: date) -> Said:
    """What `text` says beyond doubt."""
    plain = tokens_of(text)
    spoken = language_of(plain, locale)
    right = mended(plain, spoken, lexicon)
    cuts = Matcher(text, right.tokens, spoken, lexicon, TimeReader(right.tokens, spoken, as_of, _begun(lexicon, as_of))).cuts()
    if not cuts:
        return Said(unknown=tuple(words_of(text)))
    cut = _plainest(cuts)
    return replace(_told(cut, right.tokens, spoken), shape=shape_of(cut, text, right, spoken, lexicon))


def _plainest(cuts: list[Cut]) -> Cut:
    """The likeliest, but "revenue of grocery" as its words stand, not as a name the other way round, if that leaves no more unknown."""
    unknown = _unknown(cuts[0])
    plain = (cut for cut in cuts if not any(edge.term.how == "order" for edge in cut.edges))
    return next((cut for cut in plain if _unknown(cut) <= unknown), cuts[0])


def _unknown(cut: Cut) -> int:
    return sum(edge.kind == "unknown" for edge in cut.edges)


def value_of(lexicon: Lexicon) -> ValueOf:
    """A field's value as the data writes it, from a text in any letters."""

    def find(ref: str, text: str) -> str | None:
        for name in LANGUAGES:
            term = lexicon.look_up(words_of(text), language(name))
            found = [value for field, value in term.values if field == ref] if term else []
            if found:
                return min(found, key=lambda value: (value.casefold() != text.casefold(), len(value)))
        return None

    return find


def _told(cut: Cut, tokens: tuple[Token, ...], language: Language) -> Said:
    edges = [edge for edge in cut.edges if edge.kind != "stop"]
    terms = [edge for edge in edges if edge.kind == "term"]
    tags = [_tag(edge) for edge in edges if edge.tags]
    times = [edge.time for edge in edges if edge.kind == "time"]
    made = Said(
        metrics=tuple(frozenset(edge.term.refs("metric")) for edge in terms if edge.term.refs("metric")),
        dimensions=tuple(edge.term.meanings[0].ref for edge in terms if edge.term.meanings and not edge.term.refs("metric")),
        values=tuple(_values(edge) for edge in terms if not edge.term.meanings),
        periods=tuple(time.text for time in times if time.role == "period" and time.text),
        numbers=tuple(f"{edge.number:.15g}" for edge in edges if edge.kind == "number"),
        grains=tuple(edge.grain for edge in edges if edge.grain),
        direction=_direction(tags),
        negated=tuple(_after(edges, place) for place, edge in enumerate(edges) if "not" in edge.tags),
        compares=(*(tag for tag in tags if tag in _COMPARING), *(time.role for time in times if time.role != "period")),
        ratio=any(tag in _RATIO for tag in tags) or any(_divides(edges, place) for place in range(len(edges))),
        marks=tuple(tag for tag in tags if tag not in _ELSEWHERE),
        unknown=tuple(language.stem(tokens[edge.start].norm) for edge in edges if edge.kind == "unknown"),
    )
    return replace(made, goes_on=_goes_on(made, edges))


def _goes_on(said: Said, edges: list[Edge]) -> bool:
    """As `follow_up.py` tells it of a text that was read."""
    tags = {tag for edge in edges for tag in edge.tags}
    joins = bool(edges) and bool(JOINING.intersection(edges[0].tags))
    only_orders = bool(said.direction) and not (said.dimensions or said.grains)
    return not said.metrics or joins or bool(CONNECTING & tags) or only_orders


def _values(edge: Edge) -> frozenset[str]:
    return frozenset(f"{ref}={value}" for ref, value in edge.term.values)


def _after(edges: list[Edge], place: int) -> str:
    """What a negation is about."""
    rest = (edge for edge in edges[place + 1 :] if edge.kind == "term")
    found = next(rest, None)
    if found is None:
        return ""
    return min(_values(found)) if not found.term.meanings else found.term.meanings[0].ref


def _tag(edge: Edge) -> str:
    """Of all that a word may do, what matters most beside others."""
    return next((tag for tag in edge.tags if tag == "not" or tag in _DIRECTIONS), edge.tags[0])


def _divides(edges: list[Edge], place: int) -> bool:
    """Sales per basket, but not sales per department."""
    after = edges[place + 1 : place + 2]
    return "per" in edges[place].tags[:1] and bool(after) and bool(after[0].term.refs("metric"))


def _direction(tags: list[str]) -> Direction:
    found = {"desc" if tag in _DESCENDING else "asc" if tag in _ASCENDING else "both" for tag in tags if tag in _DIRECTIONS}
    if not found:
        return ""
    return "desc" if found == {"desc"} else "asc" if found == {"asc"} else "both"


def _begun(lexicon: Lexicon, as_of: date) -> date:
    """The last day the data holds: months without a year are the latest that has begun by then."""
    last = max((last for _, last in lexicon.days.values()), default=as_of)
    return min(as_of, last)
