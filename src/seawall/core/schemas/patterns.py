"""Patterns decided in one pass: each character costs the same whatever came before, so no pattern and no text can stall a process.

A pattern becomes a program (Thompson's construction, https://swtch.com/~rsc/regexp/regexp1.html), run as an automaton whose states are
made when they are first reached and kept up to a number. The program is bounded while it is made, and each state that is made counts as
work (work.py) by its size. JSON Schema searches: without `^` a match may begin anywhere.
"""

from __future__ import annotations

import threading
import weakref
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable

from seawall.core.schemas.errors import UnsupportedSchema
from seawall.core.schemas.pattern_syntax import Chain, Chars, Choice, Edge, Part, Ranges, Repeat, parse_pattern
from seawall.core.schemas.work import spend

PROGRAM_MAX = 3_000
"""Instructions; `(a{50}){50}` needs 2,500."""
EMITTED_MAX = 4 * PROGRAM_MAX
"""Parts written out to make them: nothing, repeated, is no instruction and takes its time all the same."""
STEPS_MAX = 4_096
"""Known steps of one pattern; beyond, they are forgotten and found again."""
PLACES_MAX = 200_000
"""Places in all the states that are kept of one pattern: a state of an ill pattern holds a thousand."""
KEPT_PLACES_MAX = 1_000_000
"""The same of all patterns together, a step counted as eight; beyond, all are forgotten."""
KEPT_MAX = 512
"""Patterns."""
PLACES_A_STEP = 16
"""A step of work for so many places looked at."""
INSTRUCTIONS_A_STEP = 8
"""A step of work for so many instructions made."""
_PLACES_A_ROW = 8
State = frozenset[int]
DEAD: State = frozenset()
_CHARS, _SPLIT, _START, _END, _MATCH = range(5)


class Pattern:
    """A pattern to step through. `start`, then `step` for each character, `accepts` at the end; `DEAD`: nothing can match any more."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._emitted = 0
        self._classes: dict[Ranges, int] = {}
        self._bounds: list[list[int]] = []
        self._program: list[tuple[int, int, tuple[int, ...]]] = []
        body = self._emit(parse_pattern(source), self._add(_MATCH))
        every = self._class(((0, 0x10FFFF),))
        any_char = self._add(_CHARS, every)
        entry = self._add(_SPLIT, 0, (body, any_char))
        self._program[any_char] = (_CHARS, every, (entry,))
        self._found = frozenset({0})
        self._steps: dict[tuple[State, str], State] = {}
        self._places = 0
        self.start = self._closure((entry,), at_start=True)

    @property
    def size(self) -> int:
        """Instructions."""
        return len(self._program)

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
        return 0 in state or 0 in self._closure(state, at_start=state is self.start, at_end=True)  # still at the start: an empty text

    def matches(self, text: str) -> bool:
        """Whether a whole text does."""
        return self.accepts(self.step(self.start, text))

    def _step(self, state: State, char: str) -> State:
        spend(1 + len(state) // PLACES_A_STEP)
        held = self._held(ord(char))
        moved = [
            target for at in state if self._program[at][0] == _CHARS and self._program[at][1] in held for target in self._program[at][2]
        ]
        if len(self._steps) >= STEPS_MAX or self._places > PLACES_MAX:
            self.forget()
        result = self._steps[state, char] = self._closure(moved)
        self._places += len(result)
        _count(self, len(result))
        return result

    def forget(self) -> None:
        """Let go of the states that were found."""
        self._steps.clear()
        self._places = 0

    def _held(self, code: int) -> set[int]:
        """The classes that a character is in; each is looked at once, however often it stands in the program."""
        spend(len(self._bounds) // PLACES_A_STEP)
        return {number for number, bounds in enumerate(self._bounds) if bisect_right(bounds, code) & 1}

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

    def _class(self, ranges: Ranges) -> int:
        """The number of a class of characters: its bounds, where being in it begins and ends by turns."""
        known = self._classes.get(ranges)
        if known is None:
            known = self._classes[ranges] = len(self._bounds)
            self._bounds.append(_turns(ranges))
        return known

    def _add(self, kind: int, number: int = 0, targets: tuple[int, ...] = ()) -> int:
        if len(self._program) >= PROGRAM_MAX:
            raise self._too_large()
        self._program.append((kind, number, targets))
        return len(self._program) - 1

    def _too_large(self) -> UnsupportedSchema:
        return UnsupportedSchema(
            "The pattern repeats too much", expected=f"at most {PROGRAM_MAX:,} states", got=self.source[:80], fix="Use smaller bounds"
        )

    def _emit(self, part: Part, then: int) -> int:
        """The entry of a part that goes on at `then`."""
        self._emitted += 1
        if self._emitted > EMITTED_MAX:
            raise self._too_large()
        if isinstance(part, Chars):
            return self._add(_CHARS, self._class(part.ranges), (then,))
        if isinstance(part, Edge):
            return self._add(_END if part.end else _START, 0, (then,))
        if isinstance(part, Chain):
            for item in reversed(part.items):
                then = self._emit(item, then)
            return then
        if isinstance(part, Choice):
            return self._add(_SPLIT, 0, tuple(self._emit(item, then) for item in part.items))
        return self._emit_repeat(part, then)

    def _emit_repeat(self, part: Repeat, then: int) -> int:
        if part.most < 0:
            loop = self._add(_SPLIT)
            self._program[loop] = (_SPLIT, 0, (self._emit(part.item, loop), then))
            then = loop
        for _ in range(part.most - part.least if part.most >= 0 else 0):
            then = self._add(_SPLIT, 0, (self._emit(part.item, then), then))
        for _ in range(part.least):
            then = self._emit(part.item, then)
        return then


def _turns(ranges: Ranges) -> list[int]:
    """Where the ranges begin and end, by turns; those that touch or overlap are one."""
    turns: list[int] = []
    for low, high in sorted(ranges):
        if turns and low <= turns[-1]:
            turns[-1] = max(turns[-1], high + 1)
        else:
            turns += (low, high + 1)
    return turns


class _Kept:
    """Patterns that were used last, and a count of the states that all of them keep."""

    def __init__(self) -> None:
        self.patterns: OrderedDict[str, Pattern] = OrderedDict()
        self.stepping: weakref.WeakSet[Pattern] = weakref.WeakSet()
        self.places = 0
        self.lock = threading.Lock()


_KEPT = _Kept()


def _count(one: Pattern, places: int) -> None:
    """A state of a pattern is kept; with too many of all patterns all are forgotten."""
    with _KEPT.lock:
        _KEPT.places += places + _PLACES_A_ROW
        _KEPT.stepping.add(one)
        if _KEPT.places > KEPT_PLACES_MAX:
            for pattern_ in tuple(_KEPT.stepping):
                pattern_.forget()
            _KEPT.stepping.clear()
            _KEPT.places = 0


def pattern(source: str) -> Pattern:
    """The pattern, compiled once. UnsupportedSchema; making it is work."""
    with _KEPT.lock:
        found = _KEPT.patterns.get(source)
        if found is not None:
            _KEPT.patterns.move_to_end(source)
            return found
    made = Pattern(source)
    spend(made.size // INSTRUCTIONS_A_STEP)
    with _KEPT.lock:
        _KEPT.patterns[source] = made
        if len(_KEPT.patterns) > KEPT_MAX:
            _KEPT.patterns.popitem(last=False)
    return made
