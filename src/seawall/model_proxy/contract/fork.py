"""Several walks side by side: one value followed in each of the forms that its plan leaves open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from seawall.core.schemas.errors import Violation
from seawall.core.schemas.plan import Scalar
from seawall.core.schemas.work import TooMuch

TELLS_MAX = 100_000
"""Events told to walks side by side, in one answer: a schema may ask for twice as many with each level of the answer."""


class TooManyForms(TooMuch):
    """Following the value takes more work than it is worth."""


class Followed(Protocol):
    """A walk: what a fork tells each of its own. Violation when no valid value of its form can go on so."""

    done: bool

    def held(self) -> int:
        """From where on the value so far may still prove wrong."""

    def open(self, kind: str, at: int) -> None:
        """An object or array begins."""

    def close(self, end: int) -> None:
        """The innermost object or array ends."""

    def key(self, name: str) -> None:
        """A key, whole."""

    def key_begins(self, part: str) -> None:
        """The beginning of a key."""

    def begins(self, kind: str) -> None:
        """A number or a word, of which a part is there."""

    def scalar(self, kind: str, value: Scalar) -> None:
        """A whole scalar."""

    def text_begins(self, at: int) -> int:
        """A string begins whose end is not there yet."""

    def text(self, part: str) -> None:
        """More of it."""

    def text_ends(self) -> None:
        """Its end."""


class Fork:
    """Several walks side by side: of each group at least one must go on, and of a `oneOf` just one arrive."""

    __slots__ = ("_budget", "_groups", "_path", "_singles", "done")

    def __init__(self, groups: list[list[Followed]], singles: list[bool], path: str, budget: list[int]) -> None:
        """`singles`: of which groups just one may arrive."""
        self._groups = groups
        self._budget = budget
        self._singles = singles
        self._path = path
        self.done = False

    def held(self) -> int:
        """The least over the groups of the most that one of its walks vouches for."""
        return min(max(walk.held() for walk in group) for group in self._groups)

    def open(self, kind: str, at: int) -> None:
        """See `walk.Walk`."""
        self._each(lambda walk: walk.open(kind, at))

    def close(self, end: int) -> None:
        """See `walk.Walk`."""
        self._each(lambda walk: walk.close(end))
        self.done = self._groups[0][0].done
        if self.done and any(single and len(group) > 1 for single, group in zip(self._singles, self._groups, strict=True)):
            raise Violation(self._path, "expected just one of several forms")

    def key(self, name: str) -> None:
        """See `walk.Walk`."""
        self._each(lambda walk: walk.key(name))

    def key_begins(self, part: str) -> None:
        """See `walk.Walk`."""
        self._each(lambda walk: walk.key_begins(part))

    def begins(self, kind: str) -> None:
        """See `walk.Walk`."""
        self._each(lambda walk: walk.begins(kind))

    def scalar(self, kind: str, value: Scalar) -> None:
        """See `walk.Walk`."""
        self._each(lambda walk: walk.scalar(kind, value))

    def text_begins(self, at: int) -> int:
        """See `walk.Walk`."""
        modes: list[int] = []
        self._each(lambda walk: modes.append(walk.text_begins(at)))
        return max(modes)

    def text(self, part: str) -> None:
        """See `walk.Walk`."""
        self._each(lambda walk: walk.text(part))

    def text_ends(self) -> None:
        """See `walk.Walk`."""
        self._each(lambda walk: walk.text_ends())

    def _each(self, tell: Callable[[Followed], None]) -> None:
        for index, group in enumerate(self._groups):
            left: list[Followed] = []
            wrong: Violation | None = None
            for walk in group:
                self._budget[0] -= 1
                if self._budget[0] < 0:
                    raise TooManyForms(self._path, "the schema takes this value in too many ways")
                try:
                    tell(walk)
                    left.append(walk)
                except TooMuch:
                    raise
                except Violation as error:
                    wrong = error if wrong is None or len(error.path) >= len(wrong.path) else wrong
            if not left and wrong is not None:
                raise wrong
            self._groups[index] = left
