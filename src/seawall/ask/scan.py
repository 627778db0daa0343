"""Nodes into a draft: what each word does where it stands.

One pass from left to right. What came before decides: after "by" a word is a dimension, after "top 5" what is ranked, after "without" what
is left out. Words that could do several things do the one their place asks for; the draft counts how often that was a choice.
"""

from __future__ import annotations

from collections.abc import Callable

from seawall.ask.draft import RANKS, Direction, Draft, Part
from seawall.ask.language import Language
from seawall.ask.lexicon import Lexicon
from seawall.ask.nodes import Node
from seawall.ask.place import JOINS, Place
from seawall.ask.question import Show
from seawall.ask.scan_terms import TermReader

_NOTED = frozenset(
    {"compare", "versus", "difference", "ratio", "divided", "share", "list", "trend", "average", "total", "why", "predict"}
    | {"instead", "also", "about", "same", "only", "unsafe", "present", "uncompared"}
)
_SHOWS: dict[str, Show] = {"table": "table", "bar": "bar", "line": "line", "number": "number", "auto": "auto"}
COUNT_MAX = 1_000_000
_NO = (" no", " kein", " keine", " keinen")


class Scanner:
    """One cut's nodes, read once."""

    def __init__(self, nodes: list[Node], language: Language, lexicon: Lexicon) -> None:
        self.nodes = nodes
        self.language = language
        self.lexicon = lexicon
        self.draft = Draft()
        self.at = Place(nodes)
        self._terms = TermReader(self.at, self.draft, language, lexicon)
        self._versus = False
        self._kinds: dict[str, Callable[[Node], None]] = {
            "tag": self._tag,
            "term": self._terms.read,
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
        at = self.at
        while at.index < len(self.nodes):
            node = self.nodes[at.index]
            self._kinds[node.kind](node)
            at.joined = node.has(*JOINS)
            if not at.joined:
                at.last = self.nodes[at.index]
            at.index += 1
        self._settle_pending()
        if at.open_not:
            self.draft.unclear.append(at.not_said)
        return self.draft

    def _settle_pending(self) -> None:
        """A number before a noun is how many are ranked; without a ranking nobody knows what it counts."""
        ranking, count = self.draft.ranking, self.draft.pending
        if count is not None and ranking.direction in RANKS and ranking.count is None:
            ranking.count = count
        elif count is not None:
            self.draft.unclear.append(str(count))

    # ── grammar words ────────────────────────────────────────────────────────────────────────────────────────

    def _tag(self, node: Node) -> None:
        """Joining words keep what is going on; others begin something."""
        at, tags = self.at, node.edge.tags
        self.draft.flags.update(tag for tag in tags if tag in _NOTED)
        if node.has(*JOINS):
            return
        if node.has("in_place") and self._replaced(node):
            return
        if self._ranks_again(node):
            self.draft.unclear.append(node.said)
        if node.has("not", "missing", "present"):
            at.begin_not("missing" if node.has("missing") else "present" if node.has("present") else "", lacks=node.has("lacking"))
            at.not_said = node.said
            if node.has("minus") and self._terms.subtracts():
                self.draft.unclear.append(node.said)
            self._ask_last(node)
        elif node.has("by", "per", "which"):
            at.begin(next(tag for tag in ("by", "per", "which") if tag in tags))
            self.draft.flags.add(at.mode)
            self.draft.flags.update(("for_all",) if node.has("all") else ())
        elif rank := next((one for one in RANKS if one in tags), None):
            self.draft.flags.update(("adjective",) if node.has("adjective") else ())
            self._ranked(rank)
        elif node.has("by_change"):
            self._by_change(node)
        elif node.has("rank", "ascending"):
            self._ranked("ascending" if node.has("ascending") else "rank")
        else:
            self._other_tag(node)

    def _replaced(self, node: Node) -> bool:
        """What stands after "instead of" goes: it is noted, not read. Whether something stands there."""
        place = self.at.index + 1
        if place < len(self.nodes) and self.nodes[place].has("by"):
            place += 1
        gone = self.nodes[place] if place < len(self.nodes) else None
        if gone is None or gone.kind not in ("term", "grain"):
            if gone is not None or not node.has("instead"):
                self.draft.unclear.append(node.said)
            return False
        self.draft.flags.add("instead")
        self.draft.replaced.append((gone.said, gone.term, gone.edge.grain))
        if place + 1 < len(self.nodes) and self.nodes[place + 1].has("and", "or"):
            self.draft.unclear.append(gone.said)
        self.at.index = place
        self.at.begin("")
        return True

    def _other_tag(self, node: Node) -> None:
        at = self.at
        if node.has("how_many"):
            at.begin("count")
        elif node.has("all"):
            at.begin("all")
            self.draft.flags.add("all")
        elif node.has("versus", "compare", "difference"):
            self._versus = self._versus or node.has("versus")
            if node.has("difference"):
                self._differs(node)
        elif node.has("divided"):
            at.begin("divided")
        elif node.has("between") and {"difference", "compare"} & self.draft.flags:
            return
        elif node.has("uncompared"):
            self._uncompared(node)
        elif node.said in self.language.stop and node.has("gt", "lt"):
            return  # "unter den Stationen": no number follows
        elif node.has("unclear"):
            self.draft.unclear.append(node.said)
            self.draft.flags.add("beyond")
        elif node.has("gt", "lt", "ge", "le", "eq", "between", "or_more", "or_less", "first", "last"):
            self.draft.unclear.append(node.said)
        elif node.has("only"):
            at.begin("")

    def _ask_last(self, node: Node) -> None:
        """ "Where the promotion is unknown": the field stands before."""
        following = self.at.following()
        if not node.has("missing", "present") or (
            following is not None and following.kind == "term" and self._terms.fields(following.term)
        ):
            return
        if following is not None and following.term.refs("metric") and (node.has("lacking") or node.said.endswith(_NO)):
            return  # "products with no sales": what is lacking follows
        self._terms.empty_last(is_null=node.has("missing"))

    def _ranked(self, direction: Direction) -> None:
        at, ranking = self.at, self.draft.ranking
        if ranking.direction in RANKS and direction in ("rank", "ascending"):
            at.begin("order")
            return
        if direction in RANKS or ranking.direction in ("", "rank"):
            ranking.direction = direction
        if direction in ("highest", "lowest", "top", "bottom") and self.draft.by and not ranking.has_subject:
            ranking.has_subject, ranking.is_plural = True, self.draft.by[-1].is_plural
        following = at.following()
        beside = following is not None and following.kind == "term" and not following.before
        if at.last is not None and at.last.kind == "unknown" and not beside:
            self.draft.flags.add("verb_ranked")
        at.begin("rank" if direction in RANKS else "order")
        if at.last is not None and at.last.kind == "number" and at.last is self.nodes[at.index - 1]:
            ranking.count = int(at.last.edge.number)

    def _by_change(self, node: Node) -> None:
        """Ranked by how much it changed, when nothing else has been said to rank by."""
        ranking = self.draft.ranking
        if ranking.metric or ranking.by_change:
            self.draft.unclear.append(node.said)
        self._ranked("ascending" if node.has("ascending") else "rank")
        ranking.by_change = node.said

    def _differs(self, node: Node) -> None:
        """ "Sort by difference" ranks by it; how the largest difference is meant, nobody can say."""
        before = self.nodes[self.at.index - 1] if self.at.index else None
        if self.at.mode == "order" or (self.at.mode == "by" and before is not None and before.has("by")):
            self._by_change(node)
        elif self.at.mode == "rank":
            self.draft.unclear.append(node.said)

    def _ranks_again(self, node: Node) -> bool:
        """Whether a metric follows to rank by, after the change."""
        following = self.at.following()
        measures = following is not None and following.kind == "term" and bool(following.term.refs("metric"))
        return bool(self.draft.ranking.by_change) and measures and node.has("by", "rank", "ascending", *RANKS)

    def _uncompared(self, node: Node) -> None:
        """A time before the verb may be one or the other: `mit Juni nicht vergleichen`. "Compared to" wants one right after."""
        following = self.at.following()
        names = following is not None and following.kind == "time"
        if (node.has("partner_before") and self.draft.times and not self.at.joined) or (node.has("partner") and not names):
            self.draft.unclear.append(node.said)

    # ── the rest ─────────────────────────────────────────────────────────────────────────────────────────────

    def _time(self, node: Node) -> None:
        time = node.edge.time
        if "uncompared" in self.draft.flags and self._is_partner(node):
            self.draft.uncompared.append(time)
            return
        follows_versus = self.at.last is not None and self.at.last.has("versus")
        if self._versus and (self.draft.times or follows_versus or time.role != "period"):
            self.draft.versus.append(time)
            self._versus = False
        else:
            self.draft.times.append(time)
        self.at.is_not = False

    def _is_partner(self, node: Node) -> bool:
        """Whether this is what is compared no more, rather than another period: that begins anew."""
        at, last = self.at, self.at.last
        is_beside = last is not None and last.has("partner") and not at.joined
        is_new = at.joined or (last is not None and last.has("only", "about"))
        if not is_beside and (self.draft.uncompared or not is_new):
            self.draft.unclear.append(node.said)
        return is_beside

    def _grain(self, node: Node) -> None:
        mode, ranking = self.at.mode, self.draft.ranking
        self.at.is_used = True
        part = Part(grain=node.edge.grain, said=node.said, is_plural=self._terms.is_plural(node))
        self.draft.by.append(part)
        if mode in ("which", "rank") and not ranking.has_subject:
            ranking.has_subject, ranking.is_plural = True, part.is_plural
            self.at.begin("")
        elif mode not in ("by", "per") and (not self.at.joined or (len(self.draft.by) == 1 and not part.is_plural)):
            self.draft.unclear.append(node.said)
        following = self.at.following()
        if following is not None and not following.before and following.said in self.language.numbering:
            self.at.index += 1

    def _adverb(self, node: Node) -> None:
        self.draft.by.append(Part(grain=node.edge.grain, said=node.said, is_plural=False))

    def _number(self, node: Node) -> None:
        following, number = self.at.following(), node.edge.number
        is_count = number == int(number) and 1 <= number < COUNT_MAX
        before_rank = following is not None and following.has(*RANKS)
        if not is_count or node.is_percent:
            self.draft.unclear.append(node.said)
        elif (self.at.mode in ("rank", "which") and self.draft.ranking.count is None) or before_rank:
            self.draft.ranking.count = int(number)
        elif following is not None and following.kind == "term" and self._terms.fields(following.term) and self.draft.pending is None:
            self.draft.pending = int(number)
        elif self.draft.number is None and len([one for one in self.nodes if one.kind != "tag"]) == 1:
            self.draft.number = int(number)
        else:
            self.draft.unclear.append(node.said)

    def _show(self, node: Node) -> None:
        self.draft.show = _SHOWS[node.edge.tags[0]]
        self.draft.flags.add("show")

    def _unknown(self, node: Node) -> None:
        if node.doing is not None:
            self.draft.verbs.append(node.doing)
        elif self._is_classifier(node):
            return
        else:
            self.draft.unknown.append(node.said)
            self.at.begin("")

    def _is_classifier(self, node: Node) -> bool:
        """`group East`: a word for the sort of thing that a value is."""
        following = self.at.following()
        beside = following is not None and not following.before and following.kind == "term" and bool(following.term.values)
        return beside and self.language.stem(node.said) in self.language.classifiers

    def _condition(self, node: Node) -> None:
        if node.condition is not None:
            self.draft.conditions.append(node.condition)
        self.at.group += 1
