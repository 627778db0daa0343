"""What belongs to what in a text, so that two texts have one shape only when they say the same.

Groups that may stand anywhere (a grouping, a period, a value, a ranking) are sorted; where their order may mean something (a ratio, a
comparison, two periods, a word that nobody knows) the whole text keeps its order. Better to miss a text that says the same than to take
another for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seawall.ask.language import Language
from seawall.ask.lexicon import Lexicon
from seawall.ask.matching import Cut, Mended
from seawall.ask.shape_items import Item, Items, trimmed
from seawall.ask.shape_parts import OrderMatters, Parts

_NOUNS = frozenset({"metric", "name", "value", "grain", "adverb", "unknown", "number"})
_TWOFOLD = frozenset({"versus", "compare", "difference", "not", "beside", "or"})
"""What sets one thing against another: where a period stands then says which it belongs to."""


def shape_of(cut: Cut, text: str, right: Mended, language: Language, lexicon: Lexicon) -> tuple[str, ...]:
    """The shape of a text cut into groups."""
    items = Items(text, right, language, lexicon).of(cut.edges)
    try:
        return ("", *sorted(Parts(items).all()))
    except OrderMatters:
        return ("ordered", *(one.text for one in _dated(tuple(_joined(items)))))


def _dated(items: Sequence[Item]) -> Sequence[Item]:
    """`… in July` as `in July, …`: a period at the end of what neither compares nor excludes."""
    kinds = [one.kind for one in items]
    if kinds.count("time") != 1 or _TWOFOLD & set(kinds):
        return items
    bare = trimmed([one for one in items if one.kind != "time"])
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
