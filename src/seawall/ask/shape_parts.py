"""Items as parts that may stand in any order: a grouping, a condition, a period, a ranking, each with what belongs to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from seawall.ask.shape_items import Item

RANKING = frozenset({"desc", "asc", "best", "worst", "best selling", "rank", "ascending"})
_SEPARATORS = frozenset({"and", "comma", "or"})
_BOUND = frozenset({"only", "average", "which", "how_many", "total", "list"})
"""Words about what comes next."""
_LESS = frozenset({"gt", "lt", "ge", "le", "eq"})


class OrderMatters(Exception):
    """The order of the whole text may mean something."""


class Parts:
    """What belongs together; raises `OrderMatters` where that cannot be told from neighbours alone."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items
        self._found: list[str] = []
        self._by: list[str] = []
        self._at = 0
        self._handlers: dict[str, Callable[[Item], None]] = {
            "by": self._grouping,
            "per": self._grouping,
            "adverb": self._adverb,
            "not": self._negation,
            "number": self._number,
            "value": self._value,
            "name": self._name,
            "metric": self._metric,
            "where": self._where,
            "versus": self._versus,
            **dict.fromkeys(_BOUND, self._bound),
            **dict.fromkeys(_SEPARATORS, self._separator),
            **dict.fromkeys((*RANKING, "time", "grain", "show", "trend"), self._alone),
        }

    def all(self) -> list[str]:
        """The parts, groupings and metrics in the order in which they were named."""
        self._judge()
        while self._at < len(self._items):
            one = self._items[self._at]
            handler = self._handlers.get(one.kind)
            if handler is None:
                raise OrderMatters
            self._at += 1
            handler(one)
        return [*self._found, f"by {self._by}", f"metrics {[one.text for one in self._items if one.kind == 'metric']}"]

    def _judge(self) -> None:
        """More than one of what could belong to another: only the order tells."""
        rankings, numbers = self._count(RANKING), self._count({"number"})
        several = self._count({"metric"}) > 1 or self._count({"name", "grain", "adverb"}) > 1
        if rankings > 1 or numbers > 1 or self._count({"time"}) > 1 or self._count({"not"}) > 1 or (rankings and several):
            raise OrderMatters
        if self._items and self._items[0].kind in _SEPARATORS:
            raise OrderMatters

    def _count(self, kinds: Iterable[str]) -> int:
        return sum(one.kind in kinds for one in self._items)

    def _next(self) -> Item:
        return self._items[self._at] if self._at < len(self._items) else Item("", "")

    # ── one handler a kind ───────────────────────────────────────────────────────────────────────────────────

    def _alone(self, one: Item) -> None:
        self._found.append(one.text)

    def _metric(self, one: Item) -> None:
        if self._next().kind in _LESS:
            self._compared(one)

    def _adverb(self, one: Item) -> None:
        self._by.append(one.text)

    def _grouping(self, one: Item) -> None:
        after = self._next()
        if after.kind == "metric" and one.kind == "by" and self._count(RANKING):
            return  # what it is ranked by
        if after.kind not in ("name", "grain"):
            raise OrderMatters
        while self._next().kind in ("name", "grain"):
            self._by.append(self._next().text)
            self._at += 1
            if not (self._next().kind in _SEPARATORS - {"or"} and self._peek(1).kind in ("name", "grain")):
                return
            self._at += 1

    def _peek(self, count: int) -> Item:
        place = self._at + count
        return self._items[place] if place < len(self._items) else Item("", "")

    def _negation(self, one: Item) -> None:
        if self._next().kind not in ("value", "name"):
            raise OrderMatters
        held = [one.text]
        while True:
            held.append(self._next().text)
            self._at += 1
            if self._next().kind == "value" and held[-1].startswith("d:"):
                continue
            if not (self._next().kind in _SEPARATORS and self._peek(1).kind == "value"):
                break
            held.append(self._next().text)
            self._at += 1
        self._found.append(" ".join(held))

    def _number(self, one: Item) -> None:
        after = self._next()
        if after.kind in ("name", "grain"):
            self._at += 1
            self._found.append(f"{one.text} {after.text}")
        elif self._count(RANKING) and after.kind in ("", "by", "metric", "time", "comma"):
            self._found.append(one.text)
        else:
            raise OrderMatters

    def _name(self, one: Item) -> None:
        if self._next().kind in _LESS:
            self._compared(one)
        elif self._next().kind == "value" and one.refs & self._next().refs:
            self._found.append(f"{one.text} {self._next().text}")
            self._at += 1
        else:
            self._found.append(one.text)

    def _value(self, one: Item) -> None:
        self._found.append(one.text)

    def _where(self, one: Item) -> None:
        """From, to: of a value that could be either end it says which."""
        after = self._next()
        if after.kind not in ("value", "name"):
            raise OrderMatters
        datasets = [ref.partition(".")[0] for ref in after.refs]
        if after.kind == "value" and len(set(datasets)) == len(datasets):
            return
        self._at += 1
        self._found.append(f"{one.text} {after.text}")

    def _versus(self, one: Item) -> None:
        if self._next().kind != "beside":
            raise OrderMatters
        self._found.append(f"{one.text} {self._next().text}")
        self._at += 1

    def _compared(self, one: Item) -> None:
        how, number = self._next(), self._peek(1)
        if number.kind != "number":
            raise OrderMatters
        self._at += 2
        measure = self._next().text if self._next().kind == "measure" else ""
        self._at += bool(measure)
        self._found.append(f"{one.text}{sorted(one.refs)} {how.text} {number.text} {measure}")

    def _bound(self, one: Item) -> None:
        after = self._next()
        if one.kind == "which" and (after.kind == "metric" or self._count(RANKING)):
            return
        if one.kind in ("how_many", "total") and after.kind == "metric":
            return
        if one.kind == "list" and self._count({"metric"}):
            return
        if after.kind not in ("name", "grain", "metric", "value"):
            raise OrderMatters
        self._found.append(f"{one.text} {after.text}")

    def _separator(self, one: Item) -> None:
        before, after = self._items[self._at - 2].kind if self._at > 1 else "", self._next().kind
        if one.kind == "or" and not (before == after == "value"):
            raise OrderMatters
