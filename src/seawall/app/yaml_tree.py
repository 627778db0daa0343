"""A YAML document as a tree of nodes that know their place: file, line, column, and the path of keys to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Plain: TypeAlias = bool | int | float | str | None
Value: TypeAlias = "Plain | dict[str, Node] | list[Node]"


@dataclass(frozen=True, slots=True)
class Mark:
    """A position in a file; lines and columns count from 1."""

    file: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Node:
    """A value, where it stands, the path of keys to it, and (in a mapping) where its key stands."""

    value: Value
    mark: Mark
    where: str = ""
    key: Mark | None = None
    broken: tuple[str, ...] = ()
    """Keys (or positions) of children that were reported and cut out; nothing more is said about them."""
    inline: int | None = None
    """Columns between `mark` and the first character of the text; None when a text is not on one line as it is."""

    def get(self, key: str) -> Node | None:
        """The entry under `key` of a mapping; None when there is none, or this is no mapping."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def has(self, key: str) -> bool:
        """Whether the key was written, even if what stands there is broken."""
        return self.get(key) is not None or key in self.broken

    def entries(self) -> dict[str, Node]:
        """The entries of a mapping; empty for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    def items(self) -> list[Node]:
        """The items of a list; a single value counts as a list of one."""
        return self.value if isinstance(self.value, list) else [self]

    def listed(self, key: str) -> list[Node]:
        """The items under `key`, a single value as a list of one; empty when there is nothing."""
        child = self.get(key)
        return [] if child is None or child.value is None else child.items()

    def word(self, key: str) -> str:
        """The text under `key`; "" when there is none."""
        child = self.get(key)
        return child.text() if child is not None else ""

    def whole(self, key: str) -> int | None:
        """The whole number under `key`, which may be written `2.0` as JSON Schema has it; None when there is none."""
        child = self.get(key)
        number = child.value if child is not None else None
        return int(number) if isinstance(number, int | float) and float(number).is_integer() else None

    def text(self) -> str:
        """A text, or a number as it would be written; "" for anything else."""
        return str(self.value) if isinstance(self.value, str | int | float) and not isinstance(self.value, bool) else ""

    def plain(self) -> object:
        """The same as dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def key_mark(self) -> Mark:
        """Where its key stands; its own place when it has none."""
        return self.key or self.mark

    def inside(self, offset: int) -> Mark:
        """The position of the character at `offset` of a text; the start when the text is folded or escaped."""
        if self.inline is None:
            return self.mark
        return Mark(self.mark.file, self.mark.line, self.mark.column + self.inline + offset)
