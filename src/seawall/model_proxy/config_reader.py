"""Typed values out of a YAML tree. What is not as it should be is reported with its line, and the default stands in for it.

So reading goes on and one run finds every fault.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Sequence
from typing import TypeVar, cast

from seawall.app.durations import InvalidDuration, parse_duration
from seawall.app.faults import Report, shown
from seawall.app.suggest import suggestion
from seawall.app.yaml_tree import Mark, Node

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")
Word = TypeVar("Word", bound=str)
_KINDS = {dict: "a mapping", list: "a list", type(None): "nothing", bool: "true or false"}


class Reader:
    """Reads keys of mappings. `report` gathers the faults."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def section(self, parent: Node, key: str, known: Sequence[str], *, required: Sequence[str] = ()) -> Node:
        """The mapping under `key`, empty when it is not there; keys it may not have are reported."""
        node = parent.get(key)
        if node is None or node.value is None:
            return Node({}, parent.mark, key)
        return self.mapping(node, known, required=required)

    def mapping(self, node: Node, known: Sequence[str], *, required: Sequence[str] = ()) -> Node:
        """The node, if it is a mapping, else an empty one; unknown and missing keys are reported."""
        if not isinstance(node.value, dict):
            self.wrong(node, "wrong_type", "a mapping", fix="Write `key: value` pairs below it, or inside {}")
            return Node({}, node.mark, node.where, node.key)
        for key, child in node.value.items():
            if key not in known:
                detail = f"There is no key `{key[:60]}` in `{node.where}`" if node.where else f"There is no key `{key[:60]}` here"
                listed = ", ".join(f"`{one}`" for one in known)
                self.report.add(
                    child.key_mark(), "unknown_key", detail, where=child.where, expected=listed, got=key, fix=suggestion(key, known)
                )
        for key in required:
            if key not in node.value:
                self.report.add(node, "missing_key", f"`{node.where or 'the file'}` has no `{key}`", fix=f"Add `{key}`")
        return node

    def named(self, parent: Node, key: str) -> Iterator[tuple[str, Node]]:
        """The entries of a mapping whose keys are names; an ill name is reported and left out."""
        node = parent.get(key)
        if node is None or node.value is None:
            return
        if not isinstance(node.value, dict):
            self.wrong(node, "wrong_type", "a mapping from names")
            return
        for name, child in node.value.items():
            if NAME.fullmatch(name) is None:
                expected = "letters, digits, `.`, `_`, `:`, `/` and `-`, at most 100"
                self.report.add(child.key_mark(), "bad_name", f"`{name[:60]}` is not a name", expected=expected, got=name, fix="Rename it")
            else:
                yield name, child

    def text(self, node: Node, key: str, default: str = "") -> str:
        """A text."""
        child = node.get(key)
        if child is None:
            return default
        if not isinstance(child.value, str) or not child.value:
            self.wrong(child, "wrong_type", "a text", fix="Put it in quotes")
            return default
        return child.value

    def flag(self, node: Node, key: str, *, default: bool = False) -> bool:
        """true or false."""
        child = node.get(key)
        if child is None:
            return default
        if not isinstance(child.value, bool):
            self.wrong(child, "wrong_type", "true or false")
            return default
        return child.value

    def whole(self, node: Node, key: str, default: int, *, least: int = 0, most: int = 10**15) -> int:
        """A whole number between two bounds."""
        child = node.get(key)
        if child is None:
            return default
        if not isinstance(child.value, int) or isinstance(child.value, bool):
            self.wrong(child, "wrong_type", "a whole number")
            return default
        return int(self._within(child, child.value, least, most, default))

    def number(self, node: Node, key: str, default: float, *, least: float = 0.0, most: float = 1e12) -> float:
        """A number between two bounds."""
        child = node.get(key)
        if child is None:
            return default
        if not isinstance(child.value, int | float) or isinstance(child.value, bool) or not math.isfinite(child.value):
            self.wrong(child, "wrong_type", "a number")
            return default
        return self._within(child, child.value, least, most, default)

    def seconds(self, node: Node, key: str, default: float, *, least: float = 0.0, most: float = 1e9) -> float:
        """A duration like `2s` or `30d`, in seconds; 0 may be written as it is."""
        child = node.get(key)
        if child is None:
            return default
        if child.value == 0 and not isinstance(child.value, bool) and least == 0.0:
            return 0.0
        try:
            value = parse_duration(child.value) if isinstance(child.value, str) else None
        except InvalidDuration:
            value = None
        if value is None:
            self.wrong(child, "bad_duration", "a whole number and ms, s, m, h, d or w", fix="Write it like `900ms` or `24h`")
            return default
        return self._within(child, value, least, most, default, unit=" s")

    def choice(self, node: Node, key: str, words: Collection[Word], default: Word) -> Word:
        """One of `words`."""
        child = node.get(key)
        return default if child is None else self._chosen(child, words, default)

    def choices(self, node: Node, key: str, words: Collection[Word], default: tuple[Word, ...]) -> tuple[Word, ...]:
        """A list of some of `words`; one alone counts as a list."""
        child = node.get(key)
        if child is None:
            return default
        return tuple(dict.fromkeys(self._chosen(item, words, default[0]) for item in child.items()))

    def texts(self, node: Node, key: str) -> list[Node]:
        """The texts of a list; one alone counts as a list."""
        found = node.listed(key)
        for item in found:
            if not isinstance(item.value, str):
                self.wrong(item, "wrong_type", "a text")
        return [item for item in found if isinstance(item.value, str)]

    def known(self, node: Node, kind: str, names: Collection[str], *, at: Mark | None = None, got: str = "") -> bool:
        """Whether what stands here names something there is; reports it if not."""
        name = got or node.text()
        if name in names:
            return True
        self.report.add(
            at or node.mark, "bad_choice", f"There is no {kind} `{name[:60]}`", where=node.where, got=name, fix=suggestion(name, names)
        )
        return False

    def wrong(self, node: Node, code: str, expected: str, *, fix: str = "", secret: bool = False) -> None:
        """Report a value of the wrong kind; a `secret` one is not repeated."""
        got = "" if secret else _KINDS.get(type(node.value)) or repr(node.value)
        detail = f"`{node.where or 'the file'}` is not what it should be"
        self.report.add(node, code, detail, expected=expected, got=shown(got), fix=fix or f"Write {expected}")

    def _chosen(self, node: Node, words: Collection[Word], default: Word) -> Word:
        if isinstance(node.value, str) and node.value in words:
            return cast("Word", node.value)
        listed = ", ".join(f"`{word}`" for word in words)
        self.wrong(node, "bad_choice", f"one of {listed}", fix=suggestion(node.text(), words))
        return default

    def _within(self, node: Node, value: float, least: float, most: float, default: float, unit: str = "") -> float:
        if least <= value <= most:
            return value
        bound = f"at least {least:,}{unit}" if value < least else f"at most {most:,}{unit}"
        self.wrong(node, "out_of_range", bound)
        return default
