"""What could be asked instead: the metrics and fields whose words are most like the words that were not understood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from seawall.ask.language import Language
from seawall.ask.lexicon import Lexicon
from seawall.ask.tokens import words_of

OFFERS_MAX = 3
LIKENESS_MIN = 0.4


def offers_of(lexicon: Lexicon, words: Iterable[str], named: Sequence[str]) -> tuple[str, ...]:
    """Names of metrics and fields: those like the words, then those the text named, then the app's first metrics."""
    pairs = [_pairs(word) for text in words for word in words_of(text) if len(word) > 2]
    scored: list[tuple[float, str]] = []
    for name, called in _candidates(lexicon):
        likeness = max((_likeness(pair, _pairs(word)) for pair in pairs for word in called if len(word) > 2), default=0.0)
        if likeness >= LIKENESS_MIN:
            scored.append((likeness, name))
    found = [name for _, name in sorted(scored, key=lambda one: -one[0])]
    return tuple(dict.fromkeys((*found[:OFFERS_MAX], *named, *lexicon.metrics)))[:OFFERS_MAX]


def labelled(lexicon: Lexicon, names: Iterable[str], language: Language) -> list[str]:
    """The names as people read them."""
    made = []
    for name in names:
        if name in lexicon.metrics:
            made.append(lexicon.metrics[name].metric.label.in_locale(language.name))
        elif name in lexicon.fields:
            made.append(lexicon.app.semantics.field(name).label.in_locale(language.name))
    return list(dict.fromkeys(made))


def _candidates(lexicon: Lexicon) -> list[tuple[str, frozenset[str]]]:
    metrics = [(name, facts.called) for name, facts in lexicon.metrics.items()]
    return metrics + [(ref, facts.called) for ref, facts in lexicon.fields.items() if facts.datatype in ("String", "Boolean")]


def _likeness(left: frozenset[str], right: frozenset[str]) -> float:
    """Dice's coefficient of the words' pairs of letters."""
    return 2 * len(left & right) / (len(left) + len(right)) if left and right else 0.0


@lru_cache(maxsize=4096)
def _pairs(word: str) -> frozenset[str]:
    return frozenset(word[place : place + 2] for place in range(len(word) - 1))
