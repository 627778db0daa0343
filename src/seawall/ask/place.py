"""Where a scan stands, and what the words before began."""

from __future__ import annotations

from dataclasses import dataclass

from seawall.ask.nodes import Node

JOINS = frozenset({"and", "or", "comma"})


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
    not_said: str = ""
    """The word that negates."""
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
