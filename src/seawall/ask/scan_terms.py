"""What a word of the app does where it stands: something measured, something to group by, a condition, or a noun in passing."""

from __future__ import annotations

import msgspec

from seawall.ask.draft import Condition
from seawall.ask.lexicon import EXACT, STEM, Meaning, Term
from seawall.ask.nodes import Node
from seawall.ask.place import JOINS
from seawall.ask.scan_values import ValueReader

_LABELS = (EXACT, EXACT * STEM)


class TermReader(ValueReader):
    """Reads terms into a draft."""

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
        if at.mode in ("missing", "present") and at.is_not and self._texts(term) and (term.refs("field") or not term.refs("metric")):
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
        elif fields and self.draft.by and not self.at.joined and (mode == "order" or self._is_sorted_by()):
            self.draft.unclear.append(node.said)  # "by department sorted by name": no second grouping
        elif fields:
            self._group_by(node, mode)
        elif term.values:
            self._value(node)
        elif mode == "which":
            self._plain(node)
        else:
            self.draft.unclear.append(node.said)

    def _is_sorted_by(self) -> bool:
        """Whether "sorted by" stands right before."""
        before = self.at.nodes[max(self.at.index - 2, 0) : self.at.index]
        return len(before) == 2 and before[0].has("rank", "ascending") and before[1].has("by")

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
