"""A draft into a question: which fields its words mean under its metrics, periods and comparisons, order and limit; or why it is none.

Fields are chosen by how near they are to the facts that the metrics are computed on. Whatever is left that might be a condition makes the
draft unclear: a question that is refused costs a moment, a wrong answer costs trust.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from seawall.app.model import Dimension, Filter, Order
from seawall.ask.draft import Draft, Part, Ranking
from seawall.ask.language import LANGUAGES, language
from seawall.ask.lexicon import FAR, Lexicon, Term
from seawall.ask.periods import timed
from seawall.ask.question import CONDITIONS_MAX, Question, by_time
from seawall.ask.refusals import Unanswerable
from seawall.ask.rows import CHANGE
from seawall.ask.where import conditions

PLURAL_LIMIT, SINGULAR_LIMIT = 10, 1
_UP = frozenset({"lowest", "bottom", "worst", "ascending"})


def assembled(draft: Draft, lexicon: Lexicon, as_of: date) -> Question:
    """The question a draft makes by itself. Unanswerable otherwise."""
    check(draft, lexicon)
    if draft.replaced:
        raise Unanswerable("unclear", [said for said, _, _ in draft.replaced])
    _settle_unit(draft)
    draft.by = [*draft.removed, *draft.by]
    _know_quotient(draft, lexicon)
    metrics = chosen_metrics(draft, lexicon, as_of)
    facts = lexicon.facts_of(metrics)
    by = dimensions(draft.by, lexicon, facts, metrics)
    if not metrics:
        facts = tuple(dict.fromkeys(one.field.partition(".")[0] for one in by))
    _check_nouns(draft, lexicon, facts)
    where = conditions(draft.conditions, lexicon, facts)
    by = [*by, *_compared_values(draft, where, by)]
    if "trend" in draft.flags and not any(one.grain for one in by):
        by.insert(0, by_time("week"))
    question = Question(metrics, tuple(by), tuple(where), ratio=bool(draft.over), show=draft.show)
    return ranked(timed(question, draft, lexicon, as_of), draft, lexicon)


def check(draft: Draft, lexicon: Lexicon, *, follows: bool = False) -> None:
    """Unanswerable for what no question can hold: reasons, shares, words that are left over."""
    flags = draft.flags
    if "unsafe" in flags:
        raise Unanswerable("unsafe")
    left = leftover(draft, lexicon)
    if left:
        raise Unanswerable("unknown_words", left)
    if draft.unclear or "why" in flags or ("uncompared" in flags and not follows):
        raise Unanswerable("unclear", draft.unclear, is_final=bool({"beyond", "uncompared"} & flags))
    if _is_beyond(draft, lexicon, follows=follows) or _is_half(draft, lexicon):
        raise Unanswerable("unclear")


def _is_beyond(draft: Draft, lexicon: Lexicon, *, follows: bool) -> bool:
    """Whether it asks for what no query says: shares, averages of sums, a ranking by an adjective alone."""
    flags, ranking = draft.flags, draft.ranking
    means = bool(draft.metrics) and all(lexicon.metrics[name].is_mean for name in draft.metrics)
    verbs = [name for term in draft.verbs for name in term.refs("metric")]
    named = ranking.metric or next(iter((*draft.metrics, *verbs)), "")
    of_grain = not named and any(part.grain for part in draft.by)
    return (
        (not follows and (bool(draft.without) or draft.number is not None or _drops(draft)))
        or len({part.grain for part in draft.by if part.grain}) > 1
        or "share" in flags
        or ("average" in flags and not means and not draft.over)
        or ("adjective" in flags and not of_grain and not (named and not lexicon.metrics[named].counts))
        or len(draft.conditions) > CONDITIONS_MAX
    )


def _drops(draft: Draft) -> bool:
    """Whether a field is left out without its rows being without a value."""
    return len(draft.dropped) > len([one for one in draft.conditions if one.op == "is_null"])


def _is_half(draft: Draft, lexicon: Lexicon) -> bool:
    """Whether something was begun that did not come to an end: a ratio of one, a verb that measures something else."""
    flags = draft.flags
    strangers = [
        term
        for term in (draft.verbs if draft.metrics else ())
        if not term.refs("dataset") and not set(term.refs("metric")) & set(draft.metrics)
    ]
    return (
        ("ratio" in flags and len(draft.metrics) + len(draft.over) != 2)
        or ("divided" in flags and not (draft.over and draft.metrics))
        or ("verb_ranked" in flags and bool(draft.verbs) and bool(draft.metrics))
        or bool(strangers)
    )


def leftover(draft: Draft, lexicon: Lexicon) -> list[str]:
    """Unknown words, but for those that describe what was chosen anyway: `units sold`."""
    soft: set[str] = set()
    for name in (*draft.metrics, *draft.over):
        soft |= lexicon.metrics[name].soft
    left = [word for word in draft.unknown if word not in soft]
    draft.penalty += 1.5 * (len(draft.unknown) - len(left))
    return left


def _know_quotient(draft: Draft, lexicon: Lexicon) -> None:
    """The app's own metric for a ratio, when it has one."""
    if "ratio" in draft.flags and len(draft.metrics) == 2 and not draft.over:
        draft.over.append(draft.metrics.pop())
    if len(draft.metrics) == len(draft.over) == 1:
        known = lexicon.quotients.get((draft.metrics[0], f"metric {draft.over[0]}"))
        if known:
            draft.metrics, draft.over = [known], []
            draft.flags -= {"ratio", "divided"}


def _check_nouns(draft: Draft, lexicon: Lexicon, facts: Sequence[str]) -> None:
    """A noun in passing must at least be about the same facts."""
    for term in draft.unused:
        own = {fact for name in term.refs("metric") for fact in lexicon.metrics[name].facts}
        near = own & set(facts) or any(lexicon.distance(fact, name) < FAR for fact in facts for name in term.refs("dataset"))
        if facts and not near:
            raise Unanswerable("unclear")


def _settle_unit(draft: Draft) -> None:
    """ "Sales per store, top 5": what is ranked is the stores."""
    if draft.unit is not None and draft.ranking.direction and not draft.by:
        over, part = draft.unit
        draft.metrics[-1] = over
        draft.ranking.metric = ""
        draft.by.append(part)


# ── what is measured ─────────────────────────────────────────────────────────────────────────────────────────────


def chosen_metrics(draft: Draft, lexicon: Lexicon, as_of: date) -> tuple[str, ...]:
    """Those named; else none for a list of values, the app's first for anything else that can be measured."""
    if not draft.metrics:
        draft.metrics += [name for term in draft.verbs for name in term.refs("metric")[:1]]
        if any(not term.refs("metric") and not term.refs("dataset") for term in draft.verbs):
            raise Unanswerable("unclear")
    coming = "predict" in draft.flags or any(time.role == "future" for time in draft.times)
    if coming and not draft.over:
        return _expected(draft, lexicon, as_of)
    named = (*draft.metrics, *draft.over)
    if named:
        return tuple(dict.fromkeys(named))
    wants_list = bool(draft.by) and not draft.ranking.direction and not draft.times and all(part.refs for part in draft.by)
    if wants_list and ("list" in draft.flags or "which" in draft.flags or not draft.conditions) and "by" not in draft.flags:
        return ()
    if not (draft.by or draft.conditions or draft.times or draft.verbs) or ("list" in draft.flags and not draft.ranking.direction):
        raise Unanswerable("no_metric")
    draft.doubt(0.5)
    return (_first(draft, lexicon),)


def _first(draft: Draft, lexicon: Lexicon) -> str:
    """The app's first metric whose facts reach everything that is named."""
    wanted = [part.refs for part in draft.by if part.refs]
    wanted += [one.refs or tuple(ref for ref, _ in one.values) for one in draft.conditions]
    homes = {name for term in (*draft.verbs, *draft.unused) for name in term.refs("dataset")}
    fitting = [name for name, facts in lexicon.metrics.items() if all(lexicon.nearest(refs, facts.facts) for refs in wanted)]
    home = [name for name in fitting if homes & set(lexicon.metrics[name].facts)]
    if not fitting or (not home and any(_is_nameless(term, lexicon) for term in draft.unused)):
        raise Unanswerable("no_metric")
    return home[0] if home else fitting[0]


def _is_nameless(term: Term, lexicon: Lexicon) -> bool:
    """Things of which the asker may see neither how many there are nor what they are called: "customers by age" is not sales by age."""
    datasets = term.refs("dataset")
    return bool(datasets) and not term.refs("metric") and not any(lexicon.titles.get(name) for name in datasets)


def _expected(draft: Draft, lexicon: Lexicon, as_of: date) -> tuple[str, ...]:
    """What is expected of time to come: metrics whose data reaches beyond today, where there are any."""
    last = {fact: days[1] for fact, days in lexicon.days.items()}
    ahead = [name for name, facts in lexicon.metrics.items() if all(fact in last and last[fact] >= as_of for fact in facts.facts)]
    named = tuple(name for name in draft.metrics if name in ahead)
    if named:
        return named
    words = {word for one in map(language, LANGUAGES) for word, tags in one.tags.items() if "predict" in tags}
    fitting = [name for name in ahead if words & lexicon.metrics[name].called]
    if "verb_ranked" in draft.flags or not fitting or not (draft.metrics or draft.verbs):
        raise Unanswerable("out_of_range")
    meant = [*draft.metrics, *(name for term in draft.verbs for name in term.refs("metric")[:1])]
    if not all(lexicon.metrics[name].called & lexicon.metrics[fitting[0]].soft for name in meant):
        raise Unanswerable("out_of_range")
    draft.doubt(1.0)
    return (fitting[0],)


# ── what it is grouped by ────────────────────────────────────────────────────────────────────────────────────────


def dimensions(parts: Sequence[Part], lexicon: Lexicon, facts: tuple[str, ...], metrics: tuple[str, ...]) -> list[Dimension]:
    """One dimension a part, each with a name of its own."""
    made: list[Dimension] = []
    taken = set(metrics)
    for part in parts:
        if part.grain:
            found = by_time(part.grain)
        else:
            refs = lexicon.nearest(part.refs, facts) if facts else _own(part.refs, lexicon)
            if not refs:
                raise Unanswerable("no_such_data", [part.said])
            ref = next((each for each in part.refs if each in refs and _best(each, part, refs, lexicon, facts)), refs[0])
            name = ref.partition(".")[2]
            found = Dimension(name if name not in taken else ref.replace(".", "_"), ref)
        if (found.field, found.grain) not in {(one.field, one.grain) for one in made}:
            made.append(found)
            taken.add(found.name)
    return made


def _best(ref: str, part: Part, refs: tuple[str, ...], lexicon: Lexicon, facts: tuple[str, ...]) -> bool:
    """Among equally near fields, the one that the words name best comes first in the part."""
    if not facts:
        return True

    def far(one: str) -> int:
        return max(lexicon.distance(fact, lexicon.fields[one].dataset) for fact in facts)

    return far(ref) == far(refs[0])


def _own(refs: tuple[str, ...], lexicon: Lexicon) -> tuple[str, ...]:
    """For lists, the smallest field first: every department once, rather than every product's."""
    return tuple(sorted(refs, key=lambda ref: lexicon.fields[ref].place))


def _compared_values(draft: Draft, where: Sequence[Filter], by: Sequence[Dimension]) -> list[Dimension]:
    """Values set against each other stand side by side: `compare North and South`."""
    if not {"compare", "versus", "difference"} & draft.flags or draft.versus:
        return []
    chosen = [one for one in where if one.op in ("in", "eq")]
    if chosen and all(len(one.values) == 1 for one in chosen) and len(draft.metrics) < 2 and not draft.times:
        raise Unanswerable("unclear", [condition.said for condition in draft.conditions])
    several = [one for one in where if one.op == "in" and len(one.values) > 1 and one.field not in {each.field for each in by}]
    return [Dimension(one.field.partition(".")[2], one.field) for one in several[:1]]


# ── order ────────────────────────────────────────────────────────────────────────────────────────────────────────


def ranked(question: Question, draft: Draft, lexicon: Lexicon) -> Question:
    """With the order and limit of its ranking."""
    ranking = draft.ranking
    if not ranking.direction:
        return question
    if not question.by or not question.metrics or (ranking.is_named and len(question.by) > 1):
        raise Unanswerable("unclear")
    metric = ranking.metric or question.metrics[0]
    key = order_key(question, ranking, metric)
    is_up = is_upwards(ranking, metric, lexicon)
    if ranking.direction in ("rank", "ascending"):
        return msgspec.structs.replace(question, order=(Order(key, not is_up),), limit=ranking.count)
    limit = ranking.count or (PLURAL_LIMIT if ranking.is_plural else SINGULAR_LIMIT)
    return msgspec.structs.replace(question, order=(Order(key, not is_up),), limit=limit)


def order_key(question: Question, ranking: Ranking, metric: str) -> str:
    """The column that is ranked by. Unanswerable for the change of what is not compared."""
    if ranking.by_change and not question.compare:
        raise Unanswerable("unclear", [ranking.by_change])
    if ranking.by_change:
        return CHANGE if question.ratio or metric == question.metrics[0] else f"{CHANGE}_{metric}"
    return "ratio" if question.ratio else metric


def is_upwards(ranking: Ranking, metric: str, lexicon: Lexicon) -> bool:
    """Whether the smallest comes first. What is best depends on the metric; what is highest does not."""
    is_up = ranking.direction in _UP
    if ranking.direction in ("best", "worst") and lexicon.metrics[metric].metric.better == "down":
        is_up = not is_up
    return is_up != ranking.is_falling
