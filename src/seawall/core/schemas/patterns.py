"""Patterns decided in one pass: each character costs the same whatever came before, so no pattern and no text can stall a process.

A pattern becomes a program (Thompson's construction, https://swtch.com/~rsc/regexp/regexp1.html), run as an automaton whose states are
made when they are first reached and kept up to a number. JSON Schema searches: without `^` a match may begin anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from seawall.core.schemas.errors import UnsupportedSchema
from seawall.core.schemas.pattern_syntax import Chain, Chars, Choice, Edge, Part, Ranges, Repeat, parse_pattern

PROGRAM_MAX = 3_000
"""Instructions; `(a{50}){50}` needs 2,500."""
STEPS_MAX = 4_096
"""Known steps of one pattern; beyond, they are forgotten and found again."""
PLACES_MAX = 200_000
"""Places in all the states that are kept of one pattern: a state of an ill pattern holds a thousand."""
State = frozenset[int]
DEAD: State = frozenset()
_CHARS, _SPLIT, _START, _END, _MATCH = range(5)


class Pattern:
    """A pattern to step through. `start`, then `step` for each character, `accepts` at the end; `DEAD`: nothing can match any more."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._program: list[tuple[int, Ranges, tuple[int, ...]]] = []
        body = self._emit(parse_pattern(source), self._add(_MATCH))
        any_char = self._add(_CHARS, ((0, 0x10FFFF),))
        entry = self._add(_SPLIT, (), (body, any_char))
        self._program[any_char] = (_CHARS, ((0, 0x10FFFF),), (entry,))
        self._found = frozenset({0})
        self._steps: dict[tuple[State, str], State] = {}
        self._places = 0
        self.start = self._closure((entry,), at_start=True)

    def step(self, state: State, text: str) -> State:
        """The state after some more characters."""
        steps, found = self._steps, self._found
        for char in text:
            if state is found or not state:
                return state
            state = steps.get((state, char)) or self._step(state, char)
        return state

    def accepts(self, state: State) -> bool:
        """Whether a text that ends here matches."""
        return 0 in state or 0 in self._closure(state, at_end=True)

    def matches(self, text: str) -> bool:
        """Whether a whole text does."""
        return self.accepts(self.step(self.start, text))

    def _step(self, state: State, char: str) -> State:
        code = ord(char)
        moved = [
            target
            for at in state
            if self._program[at][0] == _CHARS and any(low <= code <= high for low, high in self._program[at][1])
            for target in self._program[at][2]
        ]
        if len(self._steps) >= STEPS_MAX or self._places > PLACES_MAX:
            self._steps.clear()
            self._places = 0
        result = self._steps[state, char] = self._closure(moved)
        self._places += len(result)
        return result

    def _closure(self, entries: Iterable[int], *, at_start: bool = False, at_end: bool = False) -> State:
        """Everything reached without reading; found once is found for good."""
        seen: set[int] = set()
        waiting = list(entries)
        while waiting:
            at = waiting.pop()
            if at in seen:
                continue
            seen.add(at)
            kind, _, targets = self._program[at]
            if kind == _SPLIT or (kind == _START and at_start) or (kind == _END and at_end):
                waiting.extend(targets)
        if 0 in seen:
            return self._found
        return frozenset(at for at in seen if self._program[at][0] in (_CHARS, _END))

    def _add(self, kind: int, ranges: Ranges = (), targets: tuple[int, ...] = ()) -> int:
        if len(self._program) >= PROGRAM_MAX:
            raise UnsupportedSchema("The pattern repeats too much", got=self.source[:80], fix="Use smaller bounds")
        self._program.append((kind, ranges, targets))
        return len(self._program) - 1

    def _emit(self, part: Part, then: int) -> int:
        """The entry of a part that goes on at `then`."""
        if isinstance(part, Chars):
            return self._add(_CHARS, part.ranges, (then,))
        if isinstance(part, Edge):
            return self._add(_END if part.end else _START, (), (then,))
        if isinstance(part, Chain):
            for item in reversed(part.items):
                then = self._emit(item, then)
            return then
        if isinstance(part, Choice):
            return self._add(_SPLIT, (), tuple(self._emit(item, then) for item in part.items))
        return self._emit_repeat(part, then)

    def _emit_repeat(self, part: Repeat, then: int) -> int:
        if part.most < 0:
            loop = self._add(_SPLIT)
            self._program[loop] = (_SPLIT, (), (self._emit(part.item, loop), then))
            then = loop
        for _ in range(part.most - part.least if part.most >= 0 else 0):
            then = self._add(_SPLIT, (), (self._emit(part.item, then), then))
        for _ in range(part.least):
            then = self._emit(part.item, then)
        return then


@lru_cache(maxsize=512)
def pattern(source: str) -> Pattern:
    """The pattern, compiled once. UnsupportedSchema."""
    return Pattern(source)
