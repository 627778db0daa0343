"""One value followed through its plan, event by event. A `Violation` is raised as soon as no valid value can begin as this one did.

Where a plan leaves several forms open, each is followed by a walk of its own (`fork.py`); those that fail fall away. `held` tells from
where on the value so far may still prove wrong: a word of a list, a text with a pattern, a value whose check needs its end.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from seawall.core.schemas.errors import Violation
from seawall.core.schemas.patterns import DEAD, State
from seawall.core.schemas.plan import ANYTHING, Case, Plan, Scalar, TextRules, a, bounds, kinds_of, listed
from seawall.model_proxy.contract.fork import TELLS_MAX, Followed, Fork

NOT_HELD = 1 << 60
Slice = Callable[[int, int], str]
"""The text between two positions of the answer."""


class Frame:
    """An object or array that is open."""

    __slots__ = ("case", "floor", "fork", "index", "is_object", "key", "rules", "seen", "start")

    def __init__(self, case: Case, is_object: bool, start: int, floor: int) -> None:
        self.case, self.is_object, self.start, self.floor = case, is_object, start, floor
        self.rules = case.simple or ANYTHING
        self.fork: Fork | None = None
        self.seen: set[str] = set()
        self.key = ""
        self.index = -1


class Walk:
    """Follows one value. Positions are characters from the answer's start."""

    __slots__ = (
        "_budget",
        "_count",
        "_expect",
        "_floor",
        "_frames",
        "_prefix",
        "_slice",
        "_states",
        "_text",
        "_text_at",
        "_text_parts",
        "_whole",
        "done",
    )

    def __init__(self, plan: Plan, slice_: Slice, prefix: str = "", budget: list[int] | None = None) -> None:
        self._expect, self._slice, self._prefix = plan, slice_, prefix
        self._budget = [TELLS_MAX] if budget is None else budget
        self._frames: list[Frame] = []
        self._floor = NOT_HELD
        self._text: Plan | None = None
        self._text_at = NOT_HELD
        self._text_parts: list[str] = []
        self._count = 0
        self._states: list[State] = []
        self._whole = False
        """The string that is read is kept for its end."""
        self.done = False

    def held(self) -> int:
        """From where on the value so far may still prove wrong."""
        frame = self._frames[-1] if self._frames else None
        fork = frame.fork.held() if frame is not None and frame.fork is not None else NOT_HELD
        return min(self._floor, self._text_at, fork)

    # ── objects and arrays ──

    def open(self, kind: str, at: int) -> None:
        """An object or array begins."""
        frame = self._frames[-1] if self._frames else None
        if frame is not None and frame.fork is not None:
            frame.fork.open(kind, at)
            return
        plan = self._place(frame)
        case = plan.case(kind)
        if case is None:
            raise self._wrong_kind(plan, kind)
        opened = Frame(case, kind == "object", at, self._floor)
        if case.checks:
            self._floor = min(self._floor, at)
        if case.simple is None:
            path, budget = self.path(), self._budget
            groups: list[list[Followed]] = [[Walk(plan, self._slice, path, budget) for plan in union.branches] for union in case.groups]
            opened.fork = Fork(groups, [union.single for union in case.groups], path, budget)
            opened.fork.open(kind, at)
        self._frames.append(opened)

    def close(self, end: int) -> None:
        """The innermost object or array ends before `end`."""
        frame = self._frames[-1]
        if frame.fork is not None:
            frame.fork.close(end)
            if not frame.fork.done:
                return
        else:
            self._complete(frame)
        self._frames.pop()
        if frame.case.checks:
            value = msgspec.json.decode(self._slice(frame.start, end))
            fault = next((fault for check in frame.case.checks if (fault := check(value))), "")
            if fault:
                raise Violation(self.path(), fault)
        self._floor = frame.floor
        self.done = not self._frames

    def _complete(self, frame: Frame) -> None:
        if frame.is_object and (members := frame.rules.object) is not None:
            missing = members.required - frame.seen
            if missing:
                frame.key = ""
                raise Violation(self._outer(), f"`{min(missing)[:60]}` is missing")
            if len(frame.seen) < members.least:
                raise Violation(self._outer(), f"expected {bounds(members.least, members.most)} keys")
        elif not frame.is_object and (rules := frame.rules.array) is not None and frame.index + 1 < rules.least:
            raise Violation(self._outer(), f"expected {bounds(rules.least, rules.most)} items")

    def key(self, name: str) -> None:
        """A key, whole."""
        frame = self._frames[-1]
        if frame.fork is not None:
            frame.fork.key(name)
            return
        if name in frame.seen:
            raise Violation(self._outer(), f"the key `{name[:60]}` is there twice")
        frame.seen.add(name)
        frame.key = name
        rules = frame.rules.object
        if rules is None:
            self._expect = ANYTHING
            return
        plan = rules.properties.get(name, rules.others)
        if plan is None or (not plan.types and not plan.parts):
            raise Violation(self._outer(), f"there may be no key `{name[:60]}`; expected {listed(frozenset(rules.properties))}")
        if len(frame.seen) > rules.most:
            raise Violation(self._outer(), f"expected {bounds(rules.least, rules.most)} keys")
        if rules.names is not None and (fault := rules.names.scalar_fault("string", name)):
            raise Violation(self._outer(), f"the key `{name[:60]}` may not be so called: {fault}")
        self._expect = plan

    def key_begins(self, part: str) -> None:
        """The beginning of a key."""
        frame = self._frames[-1]
        if frame.fork is not None:
            frame.fork.key_begins(part)
            return
        rules = frame.rules.object
        if rules is not None and rules.others is None and not any(name.startswith(part) for name in rules.properties):
            raise Violation(self._outer(), f"no key may begin `{part[:60]}`; expected {listed(frozenset(rules.properties))}")

    # ── scalars ──

    def begins(self, kind: str) -> None:
        """A number, or a word, of which a part is there: only its kind is known. Asked again with each part."""
        frame = self._frames[-1] if self._frames else None
        if frame is not None and frame.fork is not None:
            frame.fork.begins(kind)
            return
        index = frame.index if frame is not None else 0
        plan = self._place(frame)
        if plan.case(kind) is None:
            raise self._wrong_kind(plan, kind)
        if frame is not None:
            frame.index = index

    def scalar(self, kind: str, value: Scalar) -> None:
        """A whole scalar."""
        frame = self._frames[-1] if self._frames else None
        if frame is not None and frame.fork is not None:
            frame.fork.scalar(kind, value)
            return
        plan = self._place(frame)
        case = plan.case(kind)
        if case is None:
            raise self._wrong_kind(plan, kind)
        simple = case.simple
        if simple is not None and not case.checks:
            fault = simple.own_scalar_fault(kind, value) if simple is not ANYTHING else ""
        else:
            fault = plan.scalar_fault(kind, value)
        if fault:
            raise Violation(self.path(), fault, fixable=kind == "string")
        self.done = not self._frames

    def text_begins(self, at: int) -> int:
        """A string begins whose end is not there yet; what must be told of it, one of TextRules' modes."""
        frame = self._frames[-1] if self._frames else None
        if frame is not None and frame.fork is not None:
            return frame.fork.text_begins(at)
        plan = self._place(frame)
        case = plan.case("string")
        if case is None:
            raise self._wrong_kind(plan, "string")
        simple = case.simple
        if simple is None or case.checks:
            self._text, self._text_at, mode = plan, at, TextRules.WHOLE
        elif simple.text.mode == TextRules.FREE:
            return TextRules.FREE
        else:
            rules = simple.text
            self._text, mode = simple, rules.mode
            self._text_at = at if mode == TextRules.WHOLE or rules.least else NOT_HELD
        self._states = [pattern.start for pattern in self._text.text.patterns]
        self._whole = mode == TextRules.WHOLE
        self._text_parts, self._count = [], 0
        return mode

    def text(self, part: str) -> None:
        """More of the string."""
        frame = self._frames[-1] if self._frames else None
        if frame is not None and frame.fork is not None:
            frame.fork.text(part)
        elif self._text is not None:
            self._more(self._text.text, part)

    def _more(self, rules: TextRules, part: str) -> None:
        self._count += len(part)
        if self._count > rules.most:
            raise Violation(self.path(), f"expected {bounds(rules.least, rules.most)} characters")
        if not self._whole:
            if self._count >= rules.least:
                self._text_at = NOT_HELD
            return
        self._text_parts.append(part)
        if rules.words is not None:
            so_far = "".join(self._text_parts)
            if not any(word.startswith(so_far) for word in rules.words):
                near = any(word.casefold().startswith(so_far.strip().casefold()) for word in rules.words)
                raise Violation(self.path(), f"expected one of {listed(rules.words)}", fixable=near)
        for index, state in enumerate(self._states):
            self._states[index] = state = rules.patterns[index].step(state, part)
            if state == DEAD:
                raise Violation(self.path(), f"expected a text that matches {rules.patterns[index].source[:80]}")

    def text_ends(self) -> None:
        """The string ends."""
        frame = self._frames[-1] if self._frames else None
        if frame is not None and frame.fork is not None:
            frame.fork.text_ends()
            return
        plan, self._text, self._text_at = self._text, None, NOT_HELD
        if plan is not None:
            rules = plan.text
            if not self._whole and self._count < rules.least:
                raise Violation(self.path(), f"expected {bounds(rules.least, rules.most)} characters")
            if self._whole and (fault := plan.scalar_fault("string", "".join(self._text_parts))):
                raise Violation(self.path(), fault, fixable=True)
        self.done = not self._frames

    # ── places ──

    def _place(self, frame: Frame | None) -> Plan:
        """The plan of the value that begins."""
        if frame is None or frame.is_object:
            return self._expect
        frame.index += 1
        rules = frame.rules.array
        if rules is None:
            return ANYTHING
        plan = rules.item(frame.index)
        if plan is None or frame.index >= rules.most:
            most = min(rules.most, len(rules.prefix) if rules.items is None else rules.most)
            raise Violation(self._outer(), f"expected {bounds(rules.least, most)} items")
        return plan

    def _wrong_kind(self, plan: Plan, kind: str) -> Violation:
        fixable = kind == "string" and (plan.admits("number") or plan.admits("boolean"))
        return Violation(self.path(), f"expected {kinds_of(plan)}, got {a(kind)}", fixable=fixable)

    def path(self) -> str:
        """The JSON pointer of the value that is read."""
        return self._prefix + "".join("/" + (_escaped(frame.key) if frame.is_object else str(frame.index)) for frame in self._frames)

    def _outer(self) -> str:
        return self.path().rpartition("/")[0]


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
