"""The regular expressions of JSON Schema, parsed: the part of ECMA-262 that an automaton can decide.

Left out, and refused: lookaround, back references and word boundaries, which no schema of ours or of the structured-output APIs needs.
`\\d`, `\\w` and `\\s` are ASCII's, as in ECMA-262 (but for `\\s`, where its few other spaces are left out).
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from seawall.core.schemas.errors import UnsupportedSchema

PATTERN_MAX = 1_000
"""Characters of a pattern."""
REPEAT_MAX = 1_000
DEPTH_MAX = 40
_TOP = 0x10FFFF
Ranges: TypeAlias = tuple[tuple[int, int], ...]
_CLASSES: dict[str, Ranges] = {"d": ((48, 57),), "w": ((48, 57), (65, 90), (95, 95), (97, 122)), "s": ((9, 13), (32, 32), (160, 160))}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}


class Chars(msgspec.Struct, frozen=True):
    """One character out of these."""

    ranges: Ranges


class Edge(msgspec.Struct, frozen=True):
    """The start (`^`) or the end (`$`) of the text."""

    end: bool


class Chain(msgspec.Struct, frozen=True):
    """One after another."""

    items: tuple[Part, ...]


class Choice(msgspec.Struct, frozen=True):
    """One of these."""

    items: tuple[Part, ...]


class Repeat(msgspec.Struct, frozen=True):
    """So often; `most` -1: without end."""

    item: Part
    least: int
    most: int


Part: TypeAlias = "Chars | Edge | Chain | Choice | Repeat"


def parse_pattern(text: str) -> Part:
    """The tree of a pattern. UnsupportedSchema when it is none, or not one an automaton can decide."""
    if len(text) > PATTERN_MAX:
        raise UnsupportedSchema("The pattern is too long", expected=f"at most {PATTERN_MAX:,} characters", got=f"{len(text):,}")
    parser = _Parser(text)
    part = parser.choice(0)
    if parser.at < len(text):
        raise parser.refused("A closing bracket too many")
    return part


def inverted(ranges: Ranges) -> Ranges:
    """Every other character."""
    out, next_free = [], 0
    for low, high in sorted(ranges):
        if low > next_free:
            out.append((next_free, low - 1))
        next_free = max(next_free, high + 1)
    if next_free <= _TOP:
        out.append((next_free, _TOP))
    return tuple(out)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def refused(self, why: str) -> UnsupportedSchema:
        return UnsupportedSchema(
            f"{why} in the pattern", got=self.text[:80], fix="Write it without lookaround, back references or boundaries"
        )

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self) -> str:
        if self.at >= len(self.text):
            raise self.refused("Something is unfinished")
        self.at += 1
        return self.text[self.at - 1]

    def choice(self, depth: int) -> Part:
        if depth > DEPTH_MAX:
            raise self.refused("Too many nested groups")
        branches = [self._chain(depth)]
        while self._peek() == "|":
            self.at += 1
            branches.append(self._chain(depth))
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def _chain(self, depth: int) -> Part:
        items: list[Part] = []
        while self._peek() not in ("", "|", ")"):
            items.append(self._repeated(self._atom(depth)))
        return Chain(tuple(items))

    def _atom(self, depth: int) -> Part:
        char = self._take()
        if char == "(":
            return self._group(depth)
        if char == "[":
            return self._class()
        if char == "\\":
            return Chars(self._escape())
        if char in "^$":
            return Edge(end=char == "$")
        if char == ".":
            return Chars(inverted(((10, 10), (13, 13), (0x2028, 0x2029))))
        if char in "*+?{":
            raise self.refused("A repetition of nothing")
        return Chars(((ord(char), ord(char)),))

    def _group(self, depth: int) -> Part:
        if self._peek() == "?":
            self.at += 1
            kind = self._take()
            if kind == "<" and self._peek() not in ("=", "!"):
                while self._take() != ">":
                    pass
            elif kind != ":":
                raise self.refused("Lookaround or a flag")
        part = self.choice(depth + 1)
        if self._peek() != ")":
            raise self.refused("An open group")
        self.at += 1
        return part

    def _repeated(self, part: Part) -> Part:
        char = self._peek()
        bounds = {"*": (0, -1), "+": (1, -1), "?": (0, 1)}.get(char)
        if bounds is None and char != "{":
            return part
        if isinstance(part, Edge):
            raise self.refused("A repeated edge")
        self.at += 1
        least, most = bounds or self._bounds()
        if self._peek() == "?":
            self.at += 1  # lazy or greedy matches the same texts
        if self._peek() in ("*", "+", "{"):
            raise self.refused("A repeated repetition")
        return Repeat(part, least, most)

    def _bounds(self) -> tuple[int, int]:
        inside = self.text[self.at : (self.text + "}").index("}", self.at)]
        self.at += len(inside) + 1
        low, comma, high = inside.partition(",")
        if not low.isascii() or not low.isdigit() or (high and not high.isdigit()) or len(inside) > 9:
            raise self.refused("Bounds that are not numbers")
        least, most = int(low), int(high) if high else (-1 if comma else int(low))
        if max(least, most) > REPEAT_MAX or -1 < most < least:
            raise self.refused("Bounds too large or the wrong way round")
        return least, most

    def _class(self) -> Part:
        negated = self._peek() == "^"
        self.at += negated
        ranges: list[tuple[int, int]] = []
        while self._peek() != "]":
            low = self._class_item()
            if self._peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                high = self._class_item()
                if len(low) != 1 or len(high) != 1 or low[0][0] != low[0][1] or high[0][0] != high[0][1] or high[0][0] < low[0][0]:
                    raise self.refused("A range that is none")
                low = ((low[0][0], high[0][0]),)
            ranges.extend(low)
        self.at += 1
        return Chars(inverted(tuple(ranges)) if negated else tuple(sorted(ranges)))

    def _class_item(self) -> Ranges:
        char = self._take()
        return self._escape(in_class=True) if char == "\\" else ((ord(char), ord(char)),)

    def _escape(self, *, in_class: bool = False) -> Ranges:
        char = self._take()
        if char.lower() in _CLASSES:
            ranges = _CLASSES[char.lower()]
            return ranges if char.islower() else inverted(ranges)
        if char in "ux":
            digits = self.text[self.at : self.at + (4 if char == "u" else 2)]
            self.at += len(digits)
            try:
                return ((int(digits, 16), int(digits, 16)),)
            except ValueError:
                raise self.refused("An escape that is none") from None
        if char == "b" and in_class:
            return ((8, 8),)
        char = _CONTROLS.get(char, char) if not char.isalnum() or char in _CONTROLS else ""
        if not char:
            raise self.refused("A boundary, back reference or unknown escape")
        return ((ord(char), ord(char)),)
