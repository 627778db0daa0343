"""Nodes into a draft: what each word does where it stands.

One pass from left to right. What came before decides: after "by" a word is a dimension, after "top 5" what is ranked, after "without" what
is left out. Words that could do several things do the one their place asks for; the draft counts how often that was a choice.
"""

from __future__ import annotations

from collections.abc import Callable

from seawall.app.model import Operator
from seawall.ask.draft import Condition, Direction, Draft, Part
from seawall.ask.language import Language
from seawall.ask.lexicon import Lexicon, Term, Value
from seawall.ask.nodes import Node
from seawall.ask.question import Show

_RANKS: tuple[Direction, ...] = ("top", "bottom", "highest", "lowest", "best", "worst")
_NOTED = frozenset(
    {
        "compare",
        "difference",
        "ratio",
        "divided",
        "share",
        "list",
        "trend",
        "average",
        "total",
        "why",
        "predict",
        "instead",
        "also",
        "about",
        "same",
        "only",
        "unsafe",
        "present",
    }
)
_JOINS = frozenset({"and", "or", "comma"})
MANY = 1_000_000


class Scanner:
    """One cut's nodes, read once."""

    def __init__(self, nodes: list[Node], language: Language, lexicon: Lexicon, before: frozenset[str] = frozenset()) -> None:
        self.nodes = nodes
        self.language = language
        self.lexicon = lexicon
        self.known_fields = before
        """Fields that the question which is followed up has conditions on."""
        self.draft = Draft()
        self.place = 0
        self._mode = ""
        self._is_not = False
        self._versus = False
        self._group = 0
        self._joined = False
        self._last: Node | None = None
        self._kinds: dict[str, Callable[[Node], None]] = {
            "tag": self._tag,
            "term": self._term,
            "time": self._time,
            "grain": self._grain,
            "adverb": self._adverb,
            "number": self._number,
            "show": self._show,
            "unknown": self._unknown,
            "condition": self._condition,
        }

    def read(self) -> Draft:
        """The draft."""
        while self.place < len(self.nodes):
            node = self.nodes[self.place]
            self._kinds[node.kind](node)
            self._joined = node.has(*_JOINS)
            if not self._joined:
                self._last = node
            self.place += 1
        return self.draft

    # ── grammar words ────────────────────────────────────────────────────────────────────────────────────────

    def _tag(self, node: Node) -> None:
        tags = node.edge.tags
        if self._is_join(node):
            return
        for tag in tags:
            if tag in _NOTED:
                self.draft.flags.add(tag)
        if node.has("not", "missing"):
            self._is_not, self._mode = True, "missing" if node.has("missing") else ""
            self.draft.flags.add("not")
        elif node.has("by", "per", "which"):
            self._mode, self._is_not = next(tag for tag in ("by", "per", "which") if tag in tags), False
            self.draft.flags.add(self._mode)
        elif rank := next((one for one in _RANKS if one in tags), None):
            self._ranked(rank, node)
        elif node.has("rank", "ascending"):
            self._ranked("ascending" if node.has("ascending") else "rank", node)
        else:
            self._tag_of_rest(node)

    def _tag_of_rest(self, node: Node) -> None:
        if node.has("how_many"):
            self._mode = "count"
        elif node.has("all"):
            self._mode = "all"
            self.draft.flags.add("all")
        elif node.has("versus", "compare", "difference"):
            self._versus = self._versus or node.has("versus")
            self._group += 1
        elif node.has("divided"):
            self._mode = "divided"
        elif node.has("gt", "lt", "ge", "le", "eq", "between", "or_more", "or_less", "first", "last"):
            self.draft.unclear.append(node.said)
        elif node.has("only"):
            self._mode, self._is_not = "", False

    def _is_join(self, node: Node) -> bool:
        """Joining words keep what is going on; a condition's group goes on too."""
        return node.has(*_JOINS) and not node.has("also")

    def _ranked(self, direction: Direction, node: Node) -> None:
        ranking = self.draft.ranking
        if ranking.direction in ("", "rank") or direction in ("ascending",):
            if direction == "ascending" and ranking.direction in ("top", "bottom", "highest", "lowest", "best", "worst"):
                return
            ranking.direction = direction
        self._mode, self._is_not = ("rank" if direction in _RANKS else "order"), False
        self.draft.flags.add("rank")
        if self._last and self._last.kind == "number" and self._last is self.nodes[self.place - 1]:
            ranking.count = int(self._last.edge.number)

    # ── words of the app ─────────────────────────────────────────────────────────────────────────────────────

    def _term(self, node: Node) -> None:
        term = node.term
        if not self._joined:
            self._group += 1
        if self._mode == "missing" and self._fields(term):
            self.draft.conditions.append(Condition("is_null", refs=self._fields(term), said=node.said))
            self._mode, self._is_not = "", False
        elif self._mode == "count" and self._counted(node):
            self._mode = ""
        elif self._mode == "divided" and term.refs("metric"):
            self.draft.over.append(self._metric(term))
            self._mode = ""
        elif self._mode == "per" and self.draft.metrics and self._quotient(node):
            self._mode = ""
        elif self._is_named_value(node):
            return
        elif self._mode in ("by", "per", "which", "rank", "order"):
            self._after(self._mode, node)
        elif self._mode == "all" and self._fields(term):
            self.draft.removed.append(self._part(node))
            self._mode = ""
        else:
            self._plain(node)

    def _after(self, mode: str, node: Node) -> None:
        """A word after "by", "which", "top": what is grouped or ranked by."""
        term, ranking = node.term, self.draft.ranking
        fields, metrics = self._fields(term), term.refs("metric")
        wants_metric = mode == "order" or (mode == "rank" and ranking.subject is not None) or (mode == "by" and self._orders(node))
        if metrics and (wants_metric or not fields):
            self._add_metric(node)
            if mode in ("rank", "order", "by") and (ranking.direction and not ranking.metric):
                ranking.metric = self.draft.metrics[-1] if self._metric(term) not in self.draft.metrics else self._metric(term)
            if mode != "by":
                self._mode = ""
        elif fields:
            self._group_by(node, mode)
        elif term.values:
            self._value(node)
        else:
            self._plain(node)

    def _orders(self, node: Node) -> bool:
        """Whether "by" says what to order by: something is grouped already, and nothing measured yet."""
        return bool(self.draft.by) and not self.draft.metrics and not self._joined

    def _group_by(self, node: Node, mode: str) -> None:
        ranking = self.draft.ranking
        part = self._part(node)
        self.draft.by.append(part)
        if mode in ("rank", "which") or (ranking.direction and ranking.subject is None):
            if ranking.subject is None:
                ranking.subject = len(self.draft.by) - 1
                ranking.is_plural = self._is_plural(node)
            if mode in ("rank", "which"):
                self._mode = "which" if mode == "which" and self._next_is_join() else ""

    def _plain(self, node: Node) -> None:
        """A word in no special place: something measured, else a value, else something to group by."""
        term = node.term
        metrics, fields, values, flags = term.refs("metric"), self._fields(term), term.values, term.refs("flag")
        if self._is_not:
            self._left_out(node)
        elif flags and not metrics:
            self.draft.conditions.append(Condition("eq", refs=flags, number=(1.0,), said=node.said))
        elif values and (not metrics or (self._joined and self._last_was_value()) or self.draft.metrics):
            self.draft.doubt(1.0) if metrics else None
            self._value(node)
        elif metrics:
            if fields or values:
                self.draft.doubt(0.2)
            self._add_metric(node)
        elif fields:
            self._noun(node)
        elif times := term.refs("time"):
            self.draft.time_fields = times
        elif term.refs("dataset"):
            self.draft.unused.append(term)
        else:
            self.draft.unclear.append(node.said)

    def _noun(self, node: Node) -> None:
        """A dimension without "by": what is listed, or only a noun beside what is measured ("in our stores")."""
        is_noun = bool(node.term.refs("dataset"))
        follows_value = self._last is not None and self._last.kind == "term" and bool(self._last.term.values) and not node.before
        if is_noun and (self.draft.metrics or follows_value) and (node.before or follows_value) and not self._joined:
            self.draft.unused.append(node.term)
            self.draft.doubt(0.5)
            return
        if self.draft.metrics and not self._joined:
            self.draft.doubt(0.8)
        self._group_by(node, "")

    def _left_out(self, node: Node) -> None:
        term = node.term
        if term.values:
            self._value(node)
        elif flags := term.refs("flag"):
            self.draft.conditions.append(Condition("eq", refs=flags, number=(0.0,), said=node.said))
        else:
            self.draft.unclear.append(node.said)

    def _value(self, node: Node, values: tuple[Value, ...] = (), refs: tuple[str, ...] = ()) -> None:
        op: Operator = "not_in" if self._is_not else "in"
        condition = Condition(op, values or node.term.values, refs, group=self._group, said=node.said, is_only="only" in self.draft.flags)
        self.draft.conditions.append(condition)

    def _is_named_value(self, node: Node) -> bool:
        """A value beside the field that holds it: `department GROCERY`, `the North region`. Takes both words."""
        following = self.nodes[self.place + 1] if self.place + 1 < len(self.nodes) else None
        if following is None or following.kind != "term" or following.before:
            return False
        by = self._mode in ("by", "which", "rank")
        if not by and (values := _held(following.term, self._fields(node.term))):
            self._value(following, values, tuple(dict.fromkeys(ref for ref, _ in values)))
        elif values := _held(node.term, self._fields(following.term)):
            if by and self._fields(node.term):
                return False
            self._value(node, values, tuple(dict.fromkeys(ref for ref, _ in values)))
        else:
            return False
        self.place += 1
        return True

    def _add_metric(self, node: Node) -> None:
        name = self._metric(node.term)
        if len(node.term.refs("metric")) > 1:
            self.draft.doubt(1.0 if node.term.meanings[0].weight == node.term.meanings[1].weight else 0.3)
        if name not in self.draft.metrics:
            self.draft.metrics.append(name)
        ranking = self.draft.ranking
        if ranking.direction and not ranking.metric and self._mode in ("rank", "order"):
            ranking.metric = name

    def _metric(self, term: Term) -> str:
        return term.refs("metric")[0]

    def _counted(self, node: Node) -> bool:
        """A noun after "how many": the metric that counts it."""
        term = node.term
        counting = [name for name in term.refs("metric") if self.lexicon.metrics[name].counts] or [*term.refs("metric")]
        if not counting:
            counting = self._counting(term)
        if not counting:
            return False
        if counting[0] not in self.draft.metrics:
            self.draft.metrics.append(counting[0])
        return True

    def _counting(self, term: Term) -> list[str]:
        """Metrics that count a field of this name, or the key of a dataset of this name."""
        fields = {*term.refs("field"), *term.refs("number")}
        datasets = set(term.refs("dataset"))
        found = []
        for name, facts in self.lexicon.metrics.items():
            to = {step.to for step in self.lexicon.app.semantics.relationships if facts.counts == f"{step.from_}.{step.from_columns[0]}"}
            home = facts.counts.partition(".")[0]
            keys = self.lexicon.app.semantics.datasets[home].primary_key if home in self.lexicon.app.semantics.datasets else ()
            if facts.counts and (facts.counts in fields or to & datasets or (home in datasets and facts.counts.partition(".")[2] in keys)):
                found.append(name)
        return found

    def _quotient(self, node: Node) -> bool:
        """ "A per B": the app's own metric for it, else a ratio of two metrics; False when B is to group by."""
        over = self.draft.metrics[-1]
        keys = [f"{one.kind} {one.ref}" for one in node.term.meanings]
        found = next((name for key in keys if (name := self.lexicon.quotients.get((over, key)))), "")
        if found:
            self.draft.metrics[-1] = found
            self.draft.flags.discard("average")
            if self.draft.ranking.metric == over:
                self.draft.ranking.metric = found
            return True
        if metrics := node.term.refs("metric"):
            if "field" in {one.kind for one in node.term.meanings} and not self.lexicon.metrics[metrics[0]].counts:
                return False
            self.draft.over.append(metrics[0])
            return True
        return False

    # ── the rest ─────────────────────────────────────────────────────────────────────────────────────────────

    def _time(self, node: Node) -> None:
        (self.draft.versus if self._versus and (self.draft.times or node.edge.time.role != "period") else self.draft.times).append(
            node.edge.time
        )
        self._versus = self._versus and not self.draft.versus
        self._is_not = False

    def _grain(self, node: Node) -> None:
        mode = self._mode
        self.draft.by.append(Part(grain=node.edge.grain, said=node.said))
        ranking = self.draft.ranking
        if mode in ("which", "rank") and ranking.subject is None:
            ranking.subject, ranking.is_plural = len(self.draft.by) - 1, self._is_plural(node)
            self._mode = ""
        elif mode not in ("by", "per") and not self._joined:
            self.draft.doubt(1.0)

    def _adverb(self, node: Node) -> None:
        self.draft.by.append(Part(grain=node.edge.grain, said=node.said))

    def _number(self, node: Node) -> None:
        following = self.nodes[self.place + 1] if self.place + 1 < len(self.nodes) else None
        number = node.edge.number
        is_count = number == int(number) and 1 <= number < MANY
        if self._mode == "rank" and is_count and self.draft.ranking.count is None:
            self.draft.ranking.count = int(number)
        elif not (following is not None and following.has(*_RANKS) and is_count):
            self.draft.unclear.append(node.said)

    def _show(self, node: Node) -> None:
        shows: dict[str, Show] = {"table": "table", "bar": "bar", "line": "line", "number": "number", "auto": "auto"}
        self.draft.show = shows[node.edge.tags[0]]
        self.draft.flags.add("show")

    def _unknown(self, node: Node) -> None:
        self.draft.unknown.append(node.said)
        self._mode = ""

    def _condition(self, node: Node) -> None:
        if node.condition is not None:
            self.draft.conditions.append(node.condition)
        self._group += 1

    # ── small questions ──────────────────────────────────────────────────────────────────────────────────────

    def _part(self, node: Node) -> Part:
        return Part(self._fields(node.term), said=node.said, is_noun=bool(node.term.refs("dataset")))

    def _fields(self, term: Term) -> tuple[str, ...]:
        """The fields that a word means, those of a dataset's name last."""
        titles = (self.lexicon.titles.get(name, "") for name in term.refs("dataset"))
        return tuple(dict.fromkeys(ref for ref in (*term.refs("field"), *titles) if ref))

    def _is_plural(self, node: Node) -> bool:
        """By the verb when there is one, else by the word's form."""
        said = {word for each in self.nodes for word in each.before}
        if self.language.plural_verbs & said:
            return True
        if self.language.singular_verbs & said:
            return False
        word = node.said.split()[-1]
        if self.language.name == "en":
            return word != self.language.stem(word)
        return node.term.how == "stem" or (
            bool(node.term.refs("dataset")) and not any(one.kind == "field" and one.weight == 1.0 for one in node.term.meanings)
        )

    def _next_is_join(self) -> bool:
        return self.place + 1 < len(self.nodes) and self.nodes[self.place + 1].has(*_JOINS)

    def _last_was_value(self) -> bool:
        return self._last is not None and self._last.kind == "term" and bool(self._last.term.values)


def _held(term: Term, refs: tuple[str, ...]) -> tuple[Value, ...]:
    return tuple(value for value in term.values if value[0] in refs)
