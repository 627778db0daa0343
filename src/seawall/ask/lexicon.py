"""One asker's words: what phrases mean in an app, under what the asker may see. Immutable; knows nothing of grammar.

A phrase may mean several things at once (`sales` a metric, a dataset and a field); `Term` holds them all, and who reads the sentence
chooses. Names, labels in every language and synonyms are looked up exactly, then by their stems; values of fields likewise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache

import msgspec

from seawall.app.model import App, DataType, Metric
from seawall.app.paths import AmbiguousPath, NoPath, join_path
from seawall.ask.language import LANGUAGES, Language, language
from seawall.query.policy import EffectivePolicy

Value = tuple[str, str]
"""A field, and what it holds."""
FAR = 99
"""A distance that is none: the dataset cannot be reached."""
EXACT, STEM = 1.0, 0.95
SHORTENED_LETTERS_MIN = 4
"""How much of a word must be written."""


class Meaning(msgspec.Struct, frozen=True):
    """One thing a phrase may mean."""

    kind: str
    """`metric`, `field`, `amount` (a number to compare with), `flag` (yes or no), `time` or `dataset`."""
    ref: str
    weight: float = EXACT


class MetricFacts(msgspec.Struct, frozen=True):
    """What a metric's expression says about it."""

    metric: Metric
    facts: tuple[str, ...]
    counts: str = ""
    """The field it counts, if it does nothing else."""
    measures: str = ""
    """The field it averages or adds up, if it does nothing else."""
    is_mean: bool = False
    """An average, or a quotient."""
    soft: frozenset[str] = frozenset()
    """All words it is described with, and their stems: they may stand beside its name without meaning more."""
    called: frozenset[str] = frozenset()
    """The words of its name, labels and synonyms, and their stems."""


class FieldFacts(msgspec.Struct, frozen=True):
    """What is known of a field."""

    ref: str
    datatype: DataType
    place: int
    """Its place in the app's declaration."""
    distinct: int = FAR**3
    called: frozenset[str] = frozenset()
    """The words of its name, labels and synonyms, and their stems."""

    @property
    def dataset(self) -> str:
        """The dataset it belongs to."""
        return self.ref.partition(".")[0]


class Term(msgspec.Struct, frozen=True):
    """All that a phrase may mean."""

    meanings: tuple[Meaning, ...] = ()
    values: tuple[Value, ...] = ()
    how: str = "exact"

    def refs(self, kind: str) -> tuple[str, ...]:
        """What it means of one kind, the likeliest first."""
        return tuple(one.ref for one in self.meanings if one.kind == kind)


class Index(msgspec.Struct, frozen=True):
    """Phrases to meanings and to values, by one way of writing them."""

    meanings: Mapping[str, tuple[Meaning, ...]]
    values: Mapping[str, tuple[Value, ...]]
    parts: Mapping[str, tuple[Value, ...]] = {}
    """What a value says beside other things, where only one value of its field does: `beers` of `BEERS/ALES`."""


class Lexicon:
    """What words mean to one asker of an app, at one watermark."""

    def __init__(
        self,
        app: App,
        policy: EffectivePolicy,
        metrics: Mapping[str, MetricFacts],
        fields: Mapping[str, FieldFacts],
        index: Mapping[str, Index],
        days: Mapping[str, tuple[date, date]],
        titles: Mapping[str, str],
    ) -> None:
        self.app = app
        self.policy = policy
        self.metrics = metrics
        self.fields = fields
        self.days = days
        self.titles = titles
        """Dataset → the field that names one of its rows."""
        self.index = index
        self.quotients: dict[tuple[str, str], str] = {}
        """(what is divided, what it is divided by) → the metric that is their quotient, as its texts say."""
        self.measures: dict[str, list[str]] = {}
        """Field → the metrics that are its average or its sum and nothing else."""
        for name, known in metrics.items():
            if known.measures:
                self.measures.setdefault(known.measures, []).append(name)
        self.words = frozenset(word for phrase in index[""].meanings for word in phrase.split())
        self.value_words = frozenset(word for phrase in index[""].values for word in phrase.split() if word.isalpha())
        self.joined = {
            "".join(words): words for words in (tuple(key.split()) for key in (*index[""].values, *index[""].meanings)) if len(words) == 2
        }
        """Phrases of two words written as one: `softdrinks`."""
        self._any_order: dict[str, dict[str, tuple[Meaning, ...]]] = {}
        self._by_end: dict[str, dict[tuple[int, str], list[tuple[str, ...]]]] = {}
        self._known: dict[str, frozenset[str]] = {}
        self.distance = cache(self._distance)

    def look_up(self, words: Sequence[str], language: Language) -> Term | None:
        """What a phrase means; None when it means nothing here."""
        exact, stems = self.index[""], self.index[language.name]
        key, stem = " ".join(words), " ".join([language.stem(word) for word in words])
        found: dict[tuple[str, str], Meaning] = {(one.kind, one.ref): one for one in exact.meanings.get(key, ())}
        how = "exact" if found else "stem"
        for one in stems.meanings.get(stem, ()):
            found.setdefault((one.kind, one.ref), msgspec.structs.replace(one, weight=one.weight * STEM))
        values = exact.values.get(key) or stems.values.get(stem, ())
        if not found and not values:
            parts = stems.parts.get(stem, ())
            return Term((), parts, "part") if parts else None
        meanings = tuple(sorted(found.values(), key=lambda one: -one.weight))
        return Term(meanings, values, "exact" if key in exact.values and not found else how)

    def look_up_any_order(self, words: Sequence[str], language: Language) -> Term | None:
        """A name or label of two words the other way round (`rate of discount`), or of three and more in any order."""
        if len(words) == 2:
            found = self.look_up((words[1], words[0]), language)
            named = tuple(one for one in found.meanings if one.kind in ("metric", "field", "amount")) if found else ()
        else:
            if language.name not in self._any_order:
                self._any_order[language.name] = _in_any_order(self.index[language.name].meanings, language)
            named = self._any_order[language.name].get(" ".join(sorted(language.stem(word) for word in words)), ())
        return Term(named, how="order") if named else None

    def look_up_shortened(self, words: Sequence[str], language: Language) -> Term | None:
        """A name or label of several words where some are cut short (`prod. group`): one that no other name could be."""
        stems = tuple(language.stem(word) for word in words)
        if language.name not in self._by_end:
            self._by_end[language.name] = _by_end(self.index[language.name].meanings)
        close = [phrase for phrase in self._by_end[language.name].get((len(stems), stems[-1]), ()) if _shortens(stems, phrase)]
        if len(close) != 1:
            return None
        found = self.index[language.name].meanings[" ".join(close[0])]
        named = tuple(one for one in found if one.kind in ("metric", "field", "amount", "dataset"))
        return Term(named, how="stem") if named else None

    def knows(self, word: str, language: Language) -> bool:
        """Whether some phrase holds the word."""
        if language.name not in self._known:
            index = self.index[language.name]
            self._known[language.name] = frozenset(
                word for keys in (index.meanings, index.values, index.parts) for phrase in keys for word in phrase.split()
            )
        return word in self.words or word in self.value_words or language.stem(word) in self._known[language.name]

    def tells_time(self, ref: str) -> bool:
        """Whether a field holds names of times, such as the days of the week."""
        words = {word for name in LANGUAGES for word in language(name).unknown_times}
        held = {value for word in words for field, value in self.index[""].values.get(word, ()) if field == ref}
        return 2 * len(held) >= self.fields[ref].distinct

    def facts_of(self, metrics: Sequence[str]) -> tuple[str, ...]:
        """The datasets that metrics are computed on."""
        return tuple(dict.fromkeys(fact for name in metrics for fact in self.metrics[name].facts))

    def nearest(self, refs: Sequence[str], facts: Sequence[str]) -> tuple[str, ...]:
        """Of fields, those that every fact reaches: the nearest first, then those with fewer values, then as declared."""
        reached = [(max((self.distance(fact, self.fields[ref].dataset) for fact in facts), default=0), ref) for ref in refs]
        kept = [(far, self.fields[ref].distinct, self.fields[ref].place, ref) for far, ref in reached if far < FAR]
        return tuple(ref for *_, ref in sorted(kept))

    def span_of(self, facts: Sequence[str]) -> tuple[date, date] | None:
        """The days that the data of these datasets holds; None when that is not known."""
        found = [self.days[fact] for fact in facts if fact in self.days]
        return (min(first for first, _ in found), max(last for _, last in found)) if found else None

    def _distance(self, start: str, end: str) -> int:
        try:
            return len(join_path(self.app.semantics, start, end))
        except (NoPath, AmbiguousPath):
            return FAR


def _in_any_order(meanings: Mapping[str, tuple[Meaning, ...]], language: Language) -> dict[str, tuple[Meaning, ...]]:
    """Phrases of three and more words by these in alphabetical order, small words left out."""
    small = {language.stem(word) for word in language.stop if " " not in word}
    found: dict[str, tuple[Meaning, ...]] = {}
    for phrase, those in meanings.items():
        words = sorted(word for word in phrase.split() if word not in small)
        if len(words) >= 3:
            key = " ".join(words)
            found[key] = (*found.get(key, ()), *those)
    return found


def _by_end(meanings: Mapping[str, tuple[Meaning, ...]]) -> dict[tuple[int, str], list[tuple[str, ...]]]:
    """Phrases of several words by how many they are and the last one."""
    found: dict[tuple[int, str], list[tuple[str, ...]]] = {}
    for key in meanings:
        phrase = tuple(key.split())
        if len(phrase) > 1:
            found.setdefault((len(phrase), phrase[-1]), []).append(phrase)
    return found


def _shortens(stems: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether each word is the phrase's or the beginning of it."""
    pairs = list(zip(stems, phrase, strict=True))
    return all(own == whole or (len(own) >= SHORTENED_LETTERS_MIN and whole.startswith(own)) for own, whole in pairs)
