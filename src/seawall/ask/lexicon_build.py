"""From an app, a policy and what the data holds to a lexicon. Computes for a tenth of a second: not on an event loop.

What the policy hides has no words here: datasets that may not be read, masked fields, and metrics that would show nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from sqlglot import exp

from seawall.app.expressions import aggregates_of
from seawall.app.model import App, Dataset, Field, Metric, MetricQuery, Text
from seawall.app.physical import columns_in
from seawall.app.vocabulary import metric_facts
from seawall.ask.language import LANGUAGES, Language, language
from seawall.ask.lexicon import FieldFacts, Index, Lexicon, Meaning, MetricFacts, Value
from seawall.ask.lexicon_values import Phrase, named_values, value_beginnings, value_parts, value_phrases
from seawall.ask.tokens import words_of
from seawall.ask.values import Held
from seawall.core.errors import SeawallError
from seawall.query.compile_names import Vocabulary
from seawall.query.compile_query import compile_query
from seawall.query.policy import EffectivePolicy
from seawall.query.sql_tree import tree_of

SYNONYM, PART, BARE = 0.98, 0.85, 0.9
"""How much less a phrase counts that is not a name or a label: a synonym, a part of a value, a label without "average"."""
_NUMBERS = frozenset({"Integer", "Decimal", "Float"})
_TIMES = frozenset({"Date", "DateTime", "DateTimeTz"})
_SENTENCE = re.compile(r"[.;:,]")


def build(app: App, policy: EffectivePolicy, held: Held) -> Lexicon:
    """The lexicon of whoever `policy` belongs to."""
    known = Vocabulary(app, policy)
    datasets = [app.semantics.datasets[name] for name in app.semantics.datasets if name in policy.datasets]
    visible = [field for dataset in datasets for field in dataset.fields.values() if not known.is_masked(field)]
    metrics = {name: facts for name, metric in app.semantics.metrics.items() if (facts := _metric(app, policy, metric)) is not None}
    fields = {field.ref: _field(field, place, held) for place, field in enumerate(visible)}
    words: list[tuple[Phrase, Meaning]] = []
    for name, facts in metrics.items():
        words += [(phrase, Meaning("metric", name, weight)) for phrase, weight in _phrases_of(facts.metric)]
    words += list(_bare_phrases(metrics, words))
    for field in visible:
        words += list(_field_meanings(app, field, held))
    for dataset in datasets:
        words += [
            (phrase, Meaning("dataset", dataset.name, weight)) for phrase, weight in _phrases(dataset.name, dataset.label, dataset.synonyms)
        ]
    values = [*value_phrases(held), *named_values(visible, held)]
    parts = [*value_parts(held), *value_beginnings(held, words)]
    index = {name: _index(words, values, parts, language(name) if name else None) for name in ("", *LANGUAGES)}
    lexicon = Lexicon(
        app, policy, metrics, fields, index, held.days, {one.name: title for one in datasets if (title := _title(one, fields))}
    )
    lexicon.quotients.update(_quotients(lexicon))
    for name in LANGUAGES:
        lexicon.knows("", language(name))
        lexicon.look_up_any_order(("", "", ""), language(name))
        lexicon.look_up_shortened(("", ""), language(name))
    return lexicon


def _metric(app: App, policy: EffectivePolicy, metric: Metric) -> MetricFacts | None:
    """What a metric is; None when it may not be seen."""
    try:
        compiled = compile_query(app, MetricQuery((metric.name,)), policy, dialect="duckdb", as_of=None)
        facts = metric_facts(app.semantics, metric)
    except SeawallError:
        return None
    if compiled.columns[0].masked:
        return None
    tree = tree_of(metric.expression)
    texts = [metric.name, *metric.label.by_locale.values(), *metric.description.by_locale.values(), *metric.synonyms]
    is_mean = tree.find(exp.Avg) is not None or isinstance(tree, exp.Div)
    called = [metric.name, *metric.label.by_locale.values(), *metric.synonyms]
    return MetricFacts(metric, facts, _only(tree, exp.Count), _only(tree, exp.Avg, exp.Sum), is_mean, _soft(texts), _soft(called))


def _only(tree: exp.Expr, *calls: type[exp.Expr]) -> str:
    """The field that the expression is one of these calls of and nothing else; "" when it is not."""
    if not isinstance(tree, calls):
        return ""
    columns = list(tree.find_all(exp.Column))
    return f"{columns[0].table}.{columns[0].name}" if len(columns) == 1 and len(aggregates_of(tree)) == 1 else ""


def _field(field: Field, place: int, held: Held) -> FieldFacts:
    texts = [field.name, *field.label.by_locale.values(), *field.synonyms]
    distinct = len(held.values.get(field.ref, ())) or 2 if field.datatype == "Boolean" else len(held.values.get(field.ref, ())) or 10**6
    return FieldFacts(field.ref, field.datatype, place, distinct, _soft(texts))


def _soft(texts: Iterable[str]) -> frozenset[str]:
    words = {word for text in texts for word in words_of(text)}
    return frozenset(words | {language(name).stem(word) for word in words for name in LANGUAGES})


def _phrases(name: str, label: Text, synonyms: Iterable[str]) -> Iterator[tuple[Phrase, float]]:
    """What a thing is called, and how surely."""
    for text, weight in ((name, 1.0), *((text, 1.0) for text in label.by_locale.values()), *((text, SYNONYM) for text in synonyms)):
        if words := words_of(text):
            yield words, weight


def _phrases_of(metric: Metric) -> Iterator[tuple[Phrase, float]]:
    return _phrases(metric.name, metric.label, metric.synonyms)


def _bare_phrases(metrics: Mapping[str, MetricFacts], words: list[tuple[Phrase, Meaning]]) -> Iterator[tuple[Phrase, Meaning]]:
    """Metrics without a leading "average" or "total": who asks for a delay means the average one, when that is what there is.

    Not when a word of what is left is another metric by itself: store sales are sales, not the average sales of a store.
    """
    owners: dict[str, set[str]] = {}
    for phrase, meaning in words:
        for one in LANGUAGES if len(phrase) == 1 else ():
            if meaning.kind == "metric":
                owners.setdefault(language(one).stem(phrase[0]), set()).add(meaning.ref)
    for name, facts in metrics.items():
        for phrase, weight in _phrases_of(facts.metric):
            rest = phrase[1:]
            averages = any({"average", "total"} & set(language(one).tags.get(phrase[0], ())) for one in LANGUAGES)
            others = {ref for word in rest for one in LANGUAGES for ref in owners.get(language(one).stem(word), ()) if ref != name}
            if rest and averages and not others:
                yield rest, Meaning("metric", name, weight * BARE)


def _field_meanings(app: App, field: Field, held: Held) -> Iterator[tuple[Phrase, Meaning]]:
    kinds = _kinds(app.semantics.datasets[field.dataset], field, app)
    for words, weight in _phrases(field.name, field.label, field.synonyms):
        yield from ((words, Meaning(kind, field.ref, weight)) for kind in kinds)


def _kinds(dataset: Dataset, field: Field, app: App) -> tuple[str, ...]:
    """What a field can be in a question."""
    if field.datatype in _TIMES:
        return ("time",)
    if field.datatype == "Boolean":
        return ("flag", "field")
    if field.datatype not in _NUMBERS:
        return ("field",)
    if _is_key(dataset, field, app) or field.format.style == "text":
        return ("field", "number")
    return ("amount", "field") if field.datatype == "Integer" else ("amount",)


def _is_key(dataset: Dataset, field: Field, app: App) -> bool:
    columns = {name for step in app.semantics.relationships if step.from_ == dataset.name for name in step.from_columns}
    columns |= {name for step in app.semantics.relationships if step.to == dataset.name for name in step.to_columns}
    keys = {*dataset.primary_key, *columns}
    return field.name in dataset.primary_key or (
        len(columns_in(field.expression)) == 1 and columns_in(field.expression) <= {key.casefold() for key in keys}
    )


def _title(dataset: Dataset, fields: Mapping[str, FieldFacts]) -> str:
    """The field that names a dataset's rows: called like the dataset, or `name`; else its key."""
    names = {
        language(one).stem(word)
        for one in LANGUAGES
        for text in (dataset.name, *dataset.label.by_locale.values())
        for word in words_of(text)[-1:]
    }
    own = [field for field in dataset.fields.values() if field.ref in fields and field.datatype == "String"]
    for field in own:
        labels = {words_of(text) for text in (field.name, *field.label.by_locale.values())}
        if any(len(words) == 1 and any(language(one).stem(words[0]) in names for one in LANGUAGES) for words in labels):
            return field.ref
    for field in own:
        if field.name in ("name", "title", "label"):
            return field.ref
    keys = [
        field.ref
        for field in dataset.fields.values()
        if field.ref in fields and columns_in(field.expression) == {*map(str.casefold, dataset.primary_key)}
    ]
    return keys[0] if len(dataset.primary_key) == 1 and keys else ""


# ── indexes ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _index(
    words: list[tuple[Phrase, Meaning]], values: list[tuple[Phrase, Value]], parts: list[tuple[Phrase, Value]], by: Language | None
) -> Index:
    """By the phrases as written, or by their stems in a language."""
    meanings: dict[str, dict[tuple[str, str], Meaning]] = {}
    for phrase, meaning in words:
        key = _written(phrase, by)
        there = meanings.setdefault(key, {})
        old = there.get((meaning.kind, meaning.ref))
        if old is None or old.weight < meaning.weight:
            there[meaning.kind, meaning.ref] = meaning
    return Index({key: tuple(found.values()) for key, found in meanings.items()}, _by_phrase(values, by), _alone(_by_phrase(parts, by)))


def _by_phrase(values: list[tuple[Phrase, Value]], by: Language | None) -> dict[str, tuple[Value, ...]]:
    found: dict[str, dict[Value, None]] = {}
    for phrase, value in values:
        found.setdefault(_written(phrase, by), {})[value] = None
    return {key: tuple(there) for key, there in found.items()}


def _alone(parts: dict[str, tuple[Value, ...]]) -> dict[str, tuple[Value, ...]]:
    """Parts that only one value of a field has; those of no field are left out."""
    counted = {key: Counter(ref for ref, _ in there) for key, there in parts.items()}
    kept = {key: tuple(value for value in there if counted[key][value[0]] == 1) for key, there in parts.items()}
    return {key: there for key, there in kept.items() if there}


def _written(phrase: Phrase, by: Language | None) -> str:
    return " ".join(phrase if by is None else [by.stem(word) for word in phrase])


def _quotients(lexicon: Lexicon) -> Iterator[tuple[tuple[str, str], str]]:
    """What metrics' texts say they are: `Net sales per basket`."""
    for name, facts in lexicon.metrics.items():
        metric = facts.metric
        texts = [(text, one) for one in LANGUAGES for text in _all_texts(metric, one)]
        for text, one in texts:
            words = words_of(_SENTENCE.split(text)[0])
            cut = next((place for place, word in enumerate(words) if "per" in language(one).tags.get(word, ())), 0)
            if not cut:
                continue
            head, tail = (lexicon.look_up(part, language(one)) for part in (words[:cut], words[cut + 1 :]))
            for over in head.refs("metric") if head else ():
                for under in tail.meanings if tail else ():
                    if over != name:
                        yield (over, f"{under.kind} {under.ref}"), name


def _all_texts(metric: Metric, locale: str) -> tuple[str, ...]:
    texts = (metric.label.by_locale.get(locale, ""), metric.description.by_locale.get(locale, ""), *metric.synonyms)
    return tuple(text for text in texts if text)
