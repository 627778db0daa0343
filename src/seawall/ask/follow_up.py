"""Follow-ups: whether a text refines the question before it, and the refined question.

"And by store?" adds, "by month instead" replaces, "only the north" narrows, "what about December" swaps, "all regions" widens again. What
a follow-up does not mention stays as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from seawall.app.model import Dimension, Filter, Grain, Order
from seawall.ask.assembly import PLURAL_LIMIT, check, dimensions, is_upwards, order_key
from seawall.ask.draft import RANKS, Draft
from seawall.ask.lexicon import Lexicon, Term
from seawall.ask.nodes import Node
from seawall.ask.periods import asked, held, versus_of, with_period
from seawall.ask.question import Question, by_time
from seawall.ask.refusals import Unanswerable
from seawall.ask.rows import computed
from seawall.ask.times import Time
from seawall.ask.where import conditions

CONNECTING = frozenset({"instead", "also", "about", "same", "only"})
"""Words that say, wherever they stand, that a text goes on from the one before."""
JOINING = frozenset({"and", "also", "about"})
"""Words that say so where they stand first."""
_CHOICES = frozenset({"eq", "in"})
_EXCLUSIONS = frozenset({"ne", "not_in"})


def follows(draft: Draft, nodes: Sequence[Node]) -> bool:
    """Whether a text goes on from the question before: it names no metric of its own, or it says so."""
    if "unsafe" in draft.flags or "list" in draft.flags:
        return False
    if draft.ranking.direction and not draft.by:
        return True
    joins = bool(nodes) and nodes[0].has(*JOINING)
    return joins or bool(CONNECTING & draft.flags) or not (draft.metrics or draft.over)


def refined(before: Question, draft: Draft, nodes: Sequence[Node], lexicon: Lexicon, as_of: date) -> Question:
    """`before` with what the draft changes. Unanswerable when it changes nothing, or what cannot be changed."""
    if not all(name in lexicon.metrics for name in before.metrics):
        raise Unanswerable("not_permitted")
    check(draft, lexicon, follows=True)
    if lost := [said for said, term, grain in draft.replaced if not _gives_way(term, grain, before, draft)]:
        raise Unanswerable("unclear", lost)
    adds = (bool(nodes) and nodes[0].has("and", "also")) or "also" in draft.flags
    if "for_all" in draft.flags and not {one.field for one in before.where} & {ref for part in draft.by for ref in part.refs}:
        draft.flags.discard("for_all")
    question = _measured(before, draft, adds="also" in draft.flags)
    facts = lexicon.facts_of(question.metrics) or tuple({one.field.partition(".")[0] for one in question.by if one.field})
    question = _filtered(question, draft, lexicon, facts, adds="also" in draft.flags)
    question = _grouped(question, draft, lexicon, facts, adds=adds)
    question = _timed(question, _period_of(before), draft, lexicon, facts, as_of)
    question = _ranked(_with_metrics(question, question.metrics, ratio=question.ratio), draft, lexicon)
    if draft.show != "auto" or "show" in draft.flags:
        question = msgspec.structs.replace(question, show=draft.show)
    if question == before and not ("show" in draft.flags or draft.conditions or draft.by or draft.times or draft.ranking.direction):
        raise Unanswerable("unclear")
    return question


def _gives_way(term: Term, grain: Grain | None, before: Question, draft: Draft) -> bool:
    """Whether the question before has what is to be replaced, and the draft something of the same kind for it."""
    fields = [one for one in before.by if not one.grain]
    if grain is not None:
        return any(one.grain == grain for one in before.by) and any(part.grain for part in draft.by)
    if set(term.refs("metric")) & set(before.metrics):
        return bool(draft.metrics) and not draft.over
    if {one.field for one in fields} & set(term.refs("field")):
        return len(fields) == 1 and any(part.refs for part in draft.by)
    held = {(one.field, value) for one in before.where if one.op in _CHOICES for value in one.values}
    return bool(held & set(term.values)) and bool(draft.conditions)


def _measured(before: Question, draft: Draft, *, adds: bool) -> Question:
    """Metrics added, left out, or others instead."""
    named = tuple(dict.fromkeys((*draft.metrics, *draft.over)))
    kept = tuple(name for name in before.metrics if name not in draft.without)
    if draft.without and (not kept or kept == before.metrics):
        raise Unanswerable("unclear")
    if not named:
        return _with_metrics(before, kept) if draft.without else before
    if draft.over:
        return _with_metrics(before, named, ratio=True)
    gone = {name for _, term, _ in draft.replaced for name in term.refs("metric") if name in before.metrics}
    if gone:
        place = min(before.metrics.index(name) for name in gone)
        left = [name for name in before.metrics[:place] if name not in named]
        return _with_metrics(before, tuple(dict.fromkeys((*left, *named, *(one for one in kept if one not in gone)))))
    if adds or (draft.ranking.direction not in RANKS and draft.ranking.direction):
        return _with_metrics(before, tuple(dict.fromkeys((*kept, *named))))
    return _with_metrics(before, named)


def _with_metrics(question: Question, metrics: tuple[str, ...], *, ratio: bool = False) -> Question:
    """An order by a metric that is gone goes by the first of the new ones."""
    made = msgspec.structs.replace(question, metrics=metrics, ratio=ratio)
    columns = {*metrics, *(one.name for one in question.by), *computed(made)}
    order = tuple(one if one.name in columns else Order(metrics[0], one.descending) for one in question.order if metrics)
    return msgspec.structs.replace(made, order=order)


def _filtered(question: Question, draft: Draft, lexicon: Lexicon, facts: tuple[str, ...], *, adds: bool) -> Question:
    preferred = frozenset(one.field for one in question.where if one.field) | frozenset(one.field for one in question.by if one.field)
    where = list(question.where)
    gone = {ref for part in draft.dropped for ref in part.refs} | {ref for part in draft.removed for ref in part.refs}
    if "all" in draft.flags and not draft.removed and not draft.by:
        gone = {one.field for one in where if one.field}
    if "for_all" in draft.flags:  # takes a condition away; with none there, it groups
        gone |= {ref for part in draft.by for ref in part.refs}
    where = [one for one in where if one.field not in gone or not one.field]
    stated = [one for one in draft.conditions if one.op != "is_null" or not _names_one(one.refs, question)]
    for made in conditions(stated, lexicon, facts, preferred):
        where = _changed(where, made, adds=adds)
    return msgspec.structs.replace(question, where=tuple(where))


def _names_one(refs: tuple[str, ...], question: Question) -> bool:
    """Whether the question has to do with one of these fields: then leaving it out changes that."""
    return bool(({one.field for one in question.where} | {one.field for one in question.by}) & set(refs))


def _changed(where: list[Filter], made: Filter, *, adds: bool) -> list[Filter]:
    """A condition takes the place of those on the same field that it contradicts."""
    same = [one for one in where if one.field == made.field]
    others = [one for one in where if one.field != made.field]
    if made.op in _EXCLUSIONS:
        chosen = [one for one in same if one.op in _CHOICES]
        if chosen and (left := tuple(value for value in chosen[0].values if value not in made.values)):
            return [*others, Filter(made.field, "in" if len(left) > 1 else "eq", left)]
        values = tuple(dict.fromkeys(value for one in (*same, made) if one.op in _EXCLUSIONS for value in one.values))
        return [*others, Filter(made.field, "not_in" if len(values) > 1 else "ne", values)]
    if made.op in _CHOICES and adds and (chosen := [one for one in same if one.op in _CHOICES]):
        values = tuple(dict.fromkeys((*chosen[0].values, *made.values)))
        return [*others, Filter(made.field, "in", values)]
    if made.op in ("ge", "gt", "le", "lt"):
        opposite = ("le", "lt") if made.op in ("ge", "gt") else ("ge", "gt")
        return [*others, *(one for one in same if one.op in opposite), made]
    return [*others, made]


def _grouped(question: Question, draft: Draft, lexicon: Lexicon, facts: tuple[str, ...], *, adds: bool) -> Question:
    parts = [] if "for_all" in draft.flags else draft.by
    found = dimensions(parts, lexicon, facts, question.metrics)
    if "trend" in draft.flags and not any(one.grain for one in (*found, *question.by)):
        found.append(by_time("week"))
    dropped = {ref for part in draft.dropped for ref in part.refs}
    if dropped and len(question.by) > 1:
        question = msgspec.structs.replace(question, by=tuple(one for one in question.by if one.field not in dropped))
    if not found:
        return question
    by = list(question.by)
    grains, fields = [one for one in found if one.grain], [one for one in found if not one.grain]
    if "instead" in draft.flags and not any(bool(one.grain) == bool(new.grain) for one in question.by for new in found):
        by = []
    if grains:
        by = _replaced(by, grains, is_time=True)
    if fields and ("instead" in draft.flags or (not adds and ({"by", "per"} & draft.flags or draft.ranking.direction))):
        by = _replaced(by, fields, is_time=False)
    else:
        by += [one for one in fields if one.field not in {each.field for each in by if not each.grain}]
    columns = {*question.metrics, *(one.name for one in by), *computed(question)}
    order = tuple(one for one in question.order if one.name in columns)
    return msgspec.structs.replace(question, by=tuple(by), order=order)


def _replaced(by: list[Dimension], found: list[Dimension], *, is_time: bool) -> list[Dimension]:
    """Dimensions of one kind by others, where the first of them stood; at the end when there was none."""
    place = next((place for place, one in enumerate(by) if bool(one.grain) == is_time), len(by))
    kept = [one for one in by if bool(one.grain) != is_time]
    return [*kept[:place], *found, *kept[place:]]


def _timed(question: Question, kept: Time | None, draft: Draft, lexicon: Lexicon, facts: tuple[str, ...], as_of: date) -> Question:
    found = asked(draft, kept)
    compare = found.compare or (question.compare if found.period is None or question.compare in ("previous", "year_ago") else "")
    if "uncompared" in draft.flags:
        if found.compare or any(not question.compare or versus_of(time, kept) != question.compare for time in draft.uncompared):
            raise Unanswerable("unclear", is_final=True)
        compare = ""
    if any(time.role == "ever" for time in draft.times):
        return msgspec.structs.replace(_without_period(question), compare="")
    period = found.period or kept
    if found.period is not None and not held(found.period.text, lexicon, facts, as_of):
        raise Unanswerable("out_of_range", [found.period.text])
    if found.compare and period is None and not any(one.grain for one in question.by):
        raise Unanswerable("unclear")
    if period is None:
        return msgspec.structs.replace(question, compare=compare)
    return msgspec.structs.replace(with_period(_without_period(question), period), compare=compare)


def _period_of(question: Question) -> Time | None:
    """The period that a question has, whichever way it is written."""
    grain = next((one.grain for one in question.by if one.grain), None)
    found = next((str(one.values[0]) for one in question.where if one.op == "during" and not one.field), "")
    if question.last is not None:
        return Time(
            f"last_{question.last}_{'week' if grain is None else grain}{'s' if question.last > 1 else ''}", "period", grain, question.last
        )
    parts = found.split("_")
    if len(parts) == 3 and parts[0] == "last":
        unit = parts[2].removesuffix("s")
        return Time(found, "period", unit, int(parts[1]))  # type: ignore[arg-type]  # periods name grains
    return Time(found) if found else None


def _without_period(question: Question) -> Question:
    where = tuple(one for one in question.where if one.op != "during" or one.field)
    return msgspec.structs.replace(question, where=where, last=None)


def _ranked(question: Question, draft: Draft, lexicon: Lexicon) -> Question:
    ranking = draft.ranking
    if draft.number is not None:
        if not (question.order or question.limit):
            raise Unanswerable("unclear")
        return msgspec.structs.replace(question, limit=draft.number)
    if not ranking.direction:
        return question
    if not question.by or not question.metrics:
        raise Unanswerable("unclear")
    metric = ranking.metric if ranking.metric in question.metrics else question.metrics[0]
    order = (Order(order_key(question, ranking, metric), not is_upwards(ranking, metric, lexicon)),)
    limit = ranking.count or question.limit or (PLURAL_LIMIT if ranking.direction in RANKS else None)
    return msgspec.structs.replace(question, order=order, limit=limit)
