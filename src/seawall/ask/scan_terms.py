"""What a word of the app does where it stands: something measured, something to group by, a condition, or a noun in passing."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from seawall.app.model import Operator
from seawall.ask.draft import Condition, Draft, Part
from seawall.ask.language import Language
from seawall.ask.lexicon import EXACT, STEM, Lexicon, Meaning, Term, Value
from seawall.ask.nodes import Node

JOINS = frozenset({"and", "or", "comma"})
_ONE_FORM = ("el", "er", "en")
"""How German nouns end that are the same for one and for many."""
_LABELS = (EXACT, EXACT * STEM)


@dataclass(slots=True)
class Place:
    """Where a scan stands and what is going on there."""

    nodes: list[Node]
    index: int = 0
    mode: str = ""
    """`by`, `per`, `which`, `rank`, `order`, `count`, `all`, `divided`, `missing`, `present` or nothing."""
    is_dropped: bool = False
    """Whether a negation ended before this word."""
    is_used: bool = False
    """Whether a word has done what the mode asks for."""
    is_not: bool = False
    lacks: bool = False
    """Whether what is left out is a field without a value, rather than some value."""
    open_not: bool = False
    """Whether a negation has found nothing yet to negate."""
    group: int = 0
    joined: bool = False
    """Whether a joining word stands just before."""
    last: Node | None = None
    """The last node that was no joining word."""

    def begin(self, mode: str) -> None:
        """Something new; a negation is over."""
        self.mode, self.is_not, self.is_used, self.lacks = mode, False, False, False

    def begin_not(self, mode: str, *, lacks: bool) -> None:
        """What follows is left out."""
        self.mode, self.is_not, self.is_used, self.lacks, self.open_not = mode, True, False, lacks, True

    def drop_not(self, goes_on: bool) -> None:
        """A negation reaches no further than what is joined to what it negates."""
        self.is_dropped = self.is_not and not goes_on
        self.is_not = goes_on

    def following(self) -> Node | None:
        """The next node."""
        return self.nodes[self.index + 1] if self.index + 1 < len(self.nodes) else None


class TermReader:
    """Reads terms into a draft."""

    def __init__(self, at: Place, draft: Draft, language: Language, lexicon: Lexicon) -> None:
        self.at = at
        self.draft = draft
        self.language = language
        self.lexicon = lexicon

    def read(self, node: Node) -> None:
        """One term; sometimes with the next node, when the two belong together."""
        at = self.at
        is_new = at.is_not
        self._read(node)
        if is_new and not at.is_dropped:
            at.open_not = False

    def _read(self, node: Node) -> None:
        at, term = self.at, node.term
        at.is_dropped = False
        if at.mode in ("by", "per") and at.is_used and not at.joined:
            at.begin("")
        if not at.joined:
            at.group += 1
            at.drop_not(at.is_not and at.last is not None and at.last.has("not", "missing", "present"))
        elif at.is_not and not term.values:
            at.drop_not(False)
        if at.mode in ("missing", "present") and at.is_not and self._texts(term):
            self._empty(node, is_null=at.mode == "missing")
        elif self._is_modifier(node):
            return
        elif at.mode == "count":
            self._counted(node)
        elif at.mode == "divided" and term.refs("metric"):
            self.draft.over.append(term.refs("metric")[0])
            at.begin("")
        elif at.mode == "per" and self.draft.metrics and self._quotient(node):
            at.begin("")
        elif self._is_named_value(node):
            return
        elif at.mode in ("by", "per", "which", "rank", "order"):
            at.is_used = True
            self._after(at.mode, node)
        elif at.mode == "all" and self.fields(term) and not at.is_not:
            self.draft.removed.append(self._part(node))
            at.begin("")
        else:
            self._plain(node)
        self._pass_classifier(node)

    def fields(self, term: Term) -> tuple[str, ...]:
        """The fields that a word means, those of a dataset's name last."""
        titles = (self.lexicon.titles.get(name, "") for name in term.refs("dataset"))
        return tuple(dict.fromkeys(ref for ref in (*term.refs("field"), *titles) if ref))

    def is_plural(self, node: Node) -> bool:
        """By the word's form; German words that have one form for both, by the verb."""
        said = {word for each in self.at.nodes for text in each.before for word in text.split()}
        word = node.said.split()[-1]
        if node.kind == "grain":
            return word not in self.language.single_grains
        if self.language.name == "en":
            return word != self.language.stem(word)
        has_label = any(one.kind == "field" and one.weight == EXACT for one in node.term.meanings)
        if has_label and self.language.singular_verbs & said:
            return False
        if has_label and word.endswith(_ONE_FORM):
            return True
        return node.term.how == "stem" or (bool(node.term.refs("dataset")) and not has_label)

    def empty_last(self, *, is_null: bool) -> None:
        """The field named last has no value, or has one. Takes back what it was read as."""
        last = self.at.last
        if last is None or last.kind != "term" or not (refs := self.fields(last.term)):
            self.draft.unclear.append(" ".join(node.said for node in self.at.nodes[self.at.index : self.at.index + 1]))
            return
        self.draft.by = [part for part in self.draft.by if part.said != last.said]
        self.draft.unclear = [said for said in self.draft.unclear if said != last.said]
        self.draft.unused = [term for term in self.draft.unused if term is not last.term]
        self.draft.metrics = [name for name in self.draft.metrics if name not in last.term.refs("metric")]
        self.draft.conditions.append(Condition("is_null" if is_null else "not_null", refs=refs, said=last.said))
        self.at.begin("")
        self.at.open_not = False

    # ── places that ask for something ────────────────────────────────────────────────────────────────────────

    def _empty(self, node: Node, *, is_null: bool) -> None:
        refs = self._texts(node.term)
        nones = tuple(value for value in self.lexicon.index[""].values.get("none", ()) if value[0] in refs)
        if is_null and self.at.lacks and nones:
            self.draft.conditions.append(Condition("in", nones, tuple(ref for ref, _ in nones), group=self.at.group, said=node.said))
        else:
            self.draft.conditions.append(Condition("is_null" if is_null else "not_null", refs=refs, said=node.said))
        self.at.begin("")

    def _texts(self, term: Term) -> tuple[str, ...]:
        """The fields that a word means, but for numbers: "no stops" is a number of stops."""
        return tuple(ref for ref in self.fields(term) if ref not in term.refs("amount"))

    def _after(self, mode: str, node: Node) -> None:
        """A word after "by", "which", "top": what is grouped or ranked by."""
        term, ranking = node.term, self.draft.ranking
        metrics = term.refs("metric")
        fields = self._texts(term) if metrics else self.fields(term)
        amounts = self.at.last is not None and self.at.last.has("amounting")
        wants_metric = mode == "order" or (mode == "rank" and (ranking.has_subject or amounts)) or (mode == "by" and self._orders())
        if metrics and (wants_metric or not fields):
            self._add_metric(node)
            if ranking.direction and not ranking.metric:
                ranking.metric = metrics[0]
            if mode != "by":
                self.at.begin("")
        elif fields:
            self._group_by(node, mode)
        elif term.values:
            self._value(node)
        elif mode == "which":
            self._plain(node)
        else:
            self.draft.unclear.append(node.said)

    def _orders(self) -> bool:
        """Whether "by" says what to order by: something is grouped already, and nothing measured yet."""
        return bool(self.draft.by) and not self.draft.metrics and not self.at.joined

    def _group_by(self, node: Node, mode: str) -> None:
        ranking, part = self.draft.ranking, self._part(node)
        self.draft.by.append(part)
        if mode in ("rank", "which") or (ranking.direction and not ranking.has_subject):
            if not ranking.has_subject:
                ranking.has_subject, ranking.is_plural = True, part.is_plural or mode == "by"
                ranking.is_named = mode in ("rank", "which")
            following = self.at.following()
            if mode == "rank" or (mode == "which" and not (following is not None and following.has(*JOINS))):
                self.at.begin("")

    def _counted(self, node: Node) -> None:
        """A noun after "how many": the metric that counts it."""
        term = node.term
        named = [name for name in term.refs("metric") if self.lexicon.metrics[name].counts]
        found = named or self._counting(term) or list(term.refs("metric"))
        if not found:
            self.draft.unclear.append(node.said)
        elif found[0] not in self.draft.metrics:
            self.draft.metrics.append(found[0])
        self.at.begin("")

    def _counting(self, term: Term) -> list[str]:
        """Metrics that count a field of this name, or the rows of a dataset of this name."""
        fields, datasets = {*term.refs("field"), *term.refs("number")}, set(term.refs("dataset"))
        known, found = self.lexicon.app.semantics, []
        for name, facts in self.lexicon.metrics.items():
            home, _, column = facts.counts.partition(".")
            to = {step.to for step in known.relationships if step.from_ == home and step.from_columns == (column,)}
            keys = known.datasets[home].primary_key if home in known.datasets else ()
            if facts.counts and (facts.counts in fields or to & datasets or (home in datasets and keys == (column,))):
                found.append(name)
        return found

    def _quotient(self, node: Node) -> bool:
        """ "A per B": the app's own metric for it, else a ratio of two metrics; False when B is to group by."""
        over, term = self.draft.metrics[-1], node.term
        keys = [f"{one.kind} {one.ref}" for one in term.meanings]
        found = next((name for key in keys if (name := self.lexicon.quotients.get((over, key)))), "")
        if found:
            self.draft.metrics[-1] = found
            self.draft.unit = (over, self._part(node)) if self.fields(term) else None
            if self.draft.ranking.metric == over:
                self.draft.ranking.metric = found
            return True
        named = [one for one in term.meanings if one.kind == "metric"]
        fields = [ref for ref in self.fields(term) if ref not in term.refs("amount")]
        if named and (not fields or self._is_counted(term, named[0], fields)):
            self.draft.over.append(named[0].ref)
            return True
        return False

    def _is_counted(self, term: Term, metric: Meaning, fields: list[str]) -> bool:
        """Whether B of "A per B" is rather how many there are than which one: numbered things, called like the metric that counts them."""
        is_text = any(self.lexicon.fields[ref].datatype == "String" for ref in fields)
        is_labelled = metric.weight in _LABELS or not any(one.kind == "field" and one.weight in _LABELS for one in term.meanings)
        return bool(self.lexicon.metrics[metric.ref].counts) and is_labelled and not is_text

    def _is_named_value(self, node: Node) -> bool:
        """A value beside the field that holds it: `department GROCERY`, `the North region`. Takes both words."""
        following, steps = self.at.following(), 1
        if following is not None and following.has("eq", "not") and self.at.index + 2 < len(self.at.nodes) and not self.at.is_not:
            return self._is_compared_value(node, following, self.at.nodes[self.at.index + 2])
        if following is not None and self._says_sort(node, following) and self.at.index + 2 < len(self.at.nodes):
            following, steps = self.at.nodes[self.at.index + 2], 2
        if following is None or following.kind != "term" or not self._is_beside(node, following):
            return False
        groups = self.at.mode in ("by", "which", "rank")
        if not groups and (values := _held(following.term, self.fields(node.term))):
            self._value(following, values)
        elif (values := _held(node.term, self.fields(following.term))) and not (groups and self.fields(node.term)):
            self._value(node, values)
        else:
            return False
        self.at.index += steps
        return True

    def _is_compared_value(self, node: Node, sign: Node, other: Node) -> bool:
        """`borough = Docks`, `the kind is not electric`: a field, a sign and a value of the field."""
        values = _held(other.term, self.fields(node.term)) if other.kind == "term" else ()
        if not values or self.at.mode in ("by", "which", "rank"):
            return False
        if sign.has("not"):
            self.at.begin_not("", lacks=False)
        self._value(other, values)
        self.at.open_not = False
        self.at.index += 2
        return True

    # ── places that ask for nothing ──────────────────────────────────────────────────────────────────────────

    def _plain(self, node: Node) -> None:
        """Something measured, else a value, else something to group by."""
        term, draft = node.term, self.draft
        metrics, values, flags = term.refs("metric"), term.values, term.refs("flag")
        if self.at.is_not:
            self._left_out(node)
        elif flags and not metrics:
            draft.conditions.append(Condition("eq", refs=flags, number=(1.0,), said=node.said))
        elif values and not (term.refs("dataset") and draft.metrics) and (not metrics or draft.metrics or self._goes_on_with_values()):
            draft.penalty += 1.0 if metrics else 0.0
            self._value(node)
        elif metrics:
            self._measured(node)
        elif term.refs("amount"):
            self._amount(node)
        elif self.fields(term):
            self._noun(node)
        elif times := term.refs("time"):
            draft.time_fields = times
        elif term.refs("dataset"):
            draft.unused.append(term)
        else:
            draft.unclear.append(node.said)

    def _measured(self, node: Node) -> None:
        """A metric; a second one only when it is joined to the first, since nouns in passing are often metrics' names too."""
        draft, term = self.draft, node.term
        if draft.metrics and len(draft.metrics) == 1 and self.language.possessives.intersection(node.before):
            draft.metrics.clear()  # "members, their takings": the first was only whose
            draft.doubt(0.5)
        has_first = bool(draft.metrics) and not self.at.joined and self.at.mode not in ("rank", "order")
        to = self.at.last is not None and self.at.last.has("to")
        connects = {"to"} if to else {"versus", "compare", "difference", "ratio", "also", "instead", "about"} & draft.flags
        if has_first and not connects and term.refs("metric")[0] not in draft.metrics:
            if term.refs("dataset") or self._texts(term):
                draft.unused.append(term)
                draft.doubt(1.0)
            else:
                draft.unclear.append(node.said)
            return
        if self.fields(term) or term.values:
            draft.doubt(0.2)
        self._add_metric(node)

    def _amount(self, node: Node) -> None:
        """A number's name where nothing is compared with it: its average or its sum, if the app measures that."""
        found = [name for ref in node.term.refs("amount") for name in self.lexicon.measures.get(ref, ())]
        if "average" in self.draft.flags:
            found = [name for name in found if self.lexicon.metrics[name].is_mean]
        words = set(node.said.split())
        found = [name for name in found if words & self.lexicon.metrics[name].called] or found
        if len(found) == 1 and not self.draft.metrics:
            self.draft.doubt(0.5)
            self.draft.metrics.append(found[0])
        elif not set(found) & set(self.draft.metrics):
            self.draft.unclear.append(node.said)

    def _noun(self, node: Node) -> None:
        """A dimension without "by": what is listed, or only a noun beside what is measured ("in our stores")."""
        last = self.at.last
        follows_value = last is not None and last.kind == "term" and bool(last.term.values) and not node.before
        measured = self.draft.metrics or self.draft.by
        if node.term.refs("dataset") and (follows_value or (measured and node.before)) and not self.at.joined:
            self.draft.unused.append(node.term)
            self.draft.doubt(0.5)
            return
        following = self.at.following()
        if following is not None and not following.before and self._is_of(node.term, following.term):
            self.draft.unused.append(node.term)
            return
        labelled = any(one.kind in ("field", "dataset") and one.weight in _LABELS for one in node.term.meanings)
        if not self.at.joined and not self.is_plural(node) and (self.draft.metrics or not labelled):
            self.draft.unclear.append(node.said)
            return
        if self.draft.metrics and not self.at.joined:
            self.draft.doubt(0.8)
        self._group_by(node, "")

    def _is_of(self, noun: Term, measured: Term) -> bool:
        """`trip duration`: the rows that are measured anyway."""
        facts = {fact for name in measured.refs("metric")[:1] for fact in self.lexicon.metrics[name].facts}
        return bool(facts & set(noun.refs("dataset")))

    def _left_out(self, node: Node) -> None:
        term = node.term
        if term.values:
            self._value(node)
        elif flags := term.refs("flag"):
            self.draft.conditions.append(Condition("eq", refs=flags, number=(0.0,), said=node.said))
        elif metrics := term.refs("metric"):
            self.draft.without.append(metrics[0])
        elif refs := self.fields(term):
            self.draft.dropped.append(self._part(node))
            if not self.at.lacks or not (refs := self._texts(term)):
                return
            self.draft.doubt(0.5)
            self.draft.conditions.append(Condition("is_null", refs=refs, said=node.said))
        else:
            self.draft.unclear.append(node.said)

    def _is_beside(self, node: Node, following: Node) -> bool:
        """Whether nothing stands between, or an article after a preposition."""
        if following.before and self.language.copulas.issuperset(following.before):
            return True
        return not following.before or (node.said in self.language.words and self.language.articles.issuperset(following.before))

    def _is_modifier(self, node: Node) -> bool:
        """`bike colour`: the field is the second word's, of the dataset that the first one names."""
        following = self.at.following()
        if following is None or following.kind != "term" or following.before:
            return False
        homes = {*node.term.refs("dataset"), *(self.lexicon.fields[ref].dataset for ref in node.term.refs("number"))}
        refs = following.term.refs("field")
        if _held(following.term, self.fields(node.term)):
            return False
        return bool(homes) and not following.term.refs("metric") and any(self.lexicon.fields[ref].dataset in homes for ref in refs)

    def _by_preposition(self, node: Node) -> tuple[Value, ...] | None:
        """The values that a preposition leaves, where it is a field's name: `to HAR` is no start. None when it leaves none."""
        words = node.before[-1].split()[-1:] if node.before else []
        if self.at.last is not None and (not words or words[0] in self.language.articles) and self.at.last.edge.kind == "tag":
            words = [self.at.last.said]
        named = self.lexicon.look_up(words, self.language) if words else None
        refs = named.refs("field") if named else ()
        if not refs:
            return node.term.values
        if kept := _held(node.term, refs):
            return kept
        columns = {ref.partition(".")[2] for ref in refs}
        steps = [step for step in self.lexicon.app.semantics.relationships if set(step.from_columns) & columns]
        leads = {step.to for step in steps if step.preferred or len([one for one in steps if one.to == step.to]) == 1}
        return (
            tuple(
                value for value in node.term.values if self.lexicon.fields[value[0]].dataset in leads and self._is_path(value[0], columns)
            )
            or None
        )

    def _is_path(self, ref: str, columns: set[str]) -> bool:
        """Whether the way to a field goes over one of these columns, and no other way is as short."""
        to = self.lexicon.fields[ref].dataset
        ways = [step for step in self.lexicon.app.semantics.relationships if step.to == to]
        chosen = [step for step in ways if step.preferred] or ways
        return any(set(step.from_columns) & columns for step in chosen)

    def _value(self, node: Node, values: tuple[Value, ...] = ()) -> None:
        found = values or self._by_preposition(node)
        if found is None:
            self.draft.unclear.append(node.said)
            return
        op: Operator = "not_in" if self.at.is_not else "in"
        refs = tuple(dict.fromkeys(ref for ref, _ in values))
        self.draft.conditions.append(Condition(op, found, refs, group=self.at.group, is_joined=self.at.joined, said=node.said))

    def _add_metric(self, node: Node) -> None:
        named = [one for one in node.term.meanings if one.kind == "metric"]
        if len(named) > 1:
            self.draft.doubt(1.0 if named[0].weight == named[1].weight else 0.3)
        if named[0].ref not in self.draft.metrics:
            self.draft.metrics.append(named[0].ref)
        ranking = self.draft.ranking
        if ranking.direction and not ranking.metric and self.at.mode in ("rank", "order"):
            ranking.metric = named[0].ref
            self.at.begin("")
        if ranking.direction and named[0].weight not in _LABELS and node.said in self.language.falling:
            ranking.is_falling = True

    def _part(self, node: Node) -> Part:
        return Part(self.fields(node.term), said=node.said, is_plural=self.is_plural(node))

    def _goes_on_with_values(self) -> bool:
        return self.at.joined and self.at.last is not None and self.at.last.kind == "term" and bool(self.at.last.term.values)

    def _pass_classifier(self, node: Node) -> None:
        """`age band`, `promotion type`: the second word only says what sort of thing the first is."""
        following = self.at.following()
        if following is None or not self.fields(node.term) or not self._says_sort(node, following):
            return
        self.at.index += 1
        by, ranking = self.draft.by, self.draft.ranking
        if by and by[-1].said == node.said and self.is_plural(following):
            by[-1] = msgspec.structs.replace(by[-1], is_plural=True)
            ranking.is_plural = ranking.is_plural or (ranking.has_subject and len(by) == 1)

    def _says_sort(self, node: Node, following: Node) -> bool:
        is_end = following.kind == "term" and not following.before and self._is_end_of(node.term, following.term)
        return is_end or self._is_classifier(following)

    def _is_end_of(self, term: Term, noun: Term) -> bool:
        """`start station`: what a field leads to is named beside it."""
        datasets, fields = set(noun.refs("dataset")), set(term.refs("field"))
        steps = self.lexicon.app.semantics.relationships
        return any(step.to in datasets and f"{step.from_}.{column}" in fields for step in steps for column in step.from_columns[:1])

    def _is_classifier(self, node: Node) -> bool:
        return not node.before and self.language.stem(node.said) in self.language.classifiers


def _held(term: Term, refs: tuple[str, ...]) -> tuple[Value, ...]:
    return tuple(value for value in term.values if value[0] in refs)
