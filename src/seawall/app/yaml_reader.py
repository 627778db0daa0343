"""YAML text → a tree of nodes. Written for text nobody vouches for.

Values follow the YAML 1.2 core schema (`yes`, `on` and `2017-01-01` are words). Duplicate keys, tags, several documents
and keys that are not words are faults. The tree is built from the parser's events with a stack of its own, so depth,
number of nodes and the size of expanded aliases are bounded while reading, and nothing ever recurses into deep input.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import yaml

from seawall.app.yaml_tree import Mark, Node, Plain

BYTES_MAX = 1_048_576
DEPTH_MAX = 24
NODES_MAX = 50_000
"""Nodes of one document, every alias counted as what it stands for."""


class MalformedYaml(Exception):
    """The text cannot be read. `mark` says where, `code` which fault, `hint` how to mend it."""

    def __init__(self, code: str, mark: Mark, detail: str, hint: str = "") -> None:
        self.code, self.mark, self.detail, self.hint = code, mark, detail, hint
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class DuplicateKey:
    """A key that came again; the first one was kept."""

    key: str
    mark: Mark
    first: Mark


def parse_yaml(data: bytes, file: str) -> tuple[Node, list[DuplicateKey]]:
    """The tree of one document. MalformedYaml when it is none, or larger than the bounds above."""
    start = Mark(file)
    if len(data) > BYTES_MAX:
        raise MalformedYaml("too_large", start, f"The file has {len(data):,} bytes", f"Keep it under {BYTES_MAX:,} bytes; split it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MalformedYaml("malformed_yaml", Mark(file, line), "The file is not UTF-8 text", "Save it as UTF-8") from error
    builder = _Builder(file)
    try:
        for event in yaml.parse(text, Loader=yaml.CLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, file, text) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, text.find(chr(error.character)) if isinstance(error.character, int) else 0) + 1
        detail = "The file holds a control character"
        raise MalformedYaml("malformed_yaml", Mark(file, line), detail, "Remove it") from error
    root = builder.root or _Raw(None, start)
    return _placed(root, "", None), builder.duplicates


_HINTS = {
    "\t": "Indent with spaces; YAML takes no tabs there",
    "`": "Remove the lines of ```; put a text that begins with ` in quotes",
    "@": "Put the text in quotes",
    "%": "Put the text in quotes",
}
"""How to mend a character that begins nothing."""
_SLIPS = {
    "mapping values are not allowed": "Put a text that holds `: ` in quotes, or check the indentation",
    "scanning an alias": "Put a text that begins with * in quotes",
    "scanning an anchor": "Put a text that begins with & in quotes",
}
_ODD_INDENT = re.compile(r" *[\u00a0\u2000-\u200b\u202f\u3000]")


def _syntax_error(error: yaml.MarkedYAMLError, file: str, text: str) -> MalformedYaml:
    at = error.problem_mark or error.context_mark
    mark = Mark(file, at.line + 1, at.column + 1) if at else Mark(file)
    detail = ", ".join(part for part in (error.context, error.problem) if part) or "not YAML"
    return MalformedYaml("malformed_yaml", mark, f"The text is not YAML: {detail}", _hint(detail, mark, text.split("\n")))


def _hint(detail: str, mark: Mark, lines: list[str]) -> str:
    """How to mend what libyaml stumbles over, as far as the place tells."""
    for number in range(mark.line, max(0, mark.line - 2), -1):
        if any(_ODD_INDENT.match(line) for line in lines[number - 1 : number]):
            return f"Line {number} begins with a space that is none, as pasted texts have them; indent with plain spaces"
    near = "".join(line[mark.column - 1 : mark.column] for line in lines[mark.line - 1 : mark.line])
    if "cannot start any token" in detail and near in _HINTS:
        return _HINTS[near]
    return next((hint for words, hint in _SLIPS.items() if words in detail), "Check indentation, quotes and colons near here")


# ── building ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Raw:
    """A node under construction. Aliases share one; `size` counts the nodes below and itself, aliases written out."""

    value: Plain | dict[str, _Raw] | list[_Raw]
    mark: Mark
    inline: int | None = None
    keys: dict[str, Mark] = field(default_factory=dict)
    size: int = 1
    pending: tuple[str, Mark] | None = None
    """The key whose value comes next."""
    duplicate: bool = False
    anchor: str | None = None


class _Builder:
    def __init__(self, file: str) -> None:
        self.file = file
        self.root: _Raw | None = None
        self.duplicates: list[DuplicateKey] = []
        self._open: list[_Raw] = []
        self._anchors: dict[str, _Raw] = {}

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._add(self._aliased(event), event)
        elif isinstance(event, yaml.NodeEvent):
            self._add_node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            closed = self._open.pop()
            if closed.anchor:
                self._anchors[closed.anchor] = closed
            self._grow(closed)
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            raise self._refused(event, "The file holds several documents", "Remove the `---` line, or use one file for each")

    def _aliased(self, event: yaml.AliasEvent) -> _Raw:
        target = self._anchors.get(event.anchor or "")
        if target is None:
            raise self._refused(event, f"The alias *{event.anchor} stands for nothing, or for something around it", "Write the value out")
        return target

    def _add_node(self, event: yaml.NodeEvent) -> None:
        if getattr(event, "tag", None) is not None:
            raise self._refused(event, f"The tag {event.tag} is not allowed", "Remove it")  # type: ignore[attr-defined]
        mark = self._mark(event)
        if isinstance(event, yaml.ScalarEvent):
            raw = _scalar(event, mark)
        elif isinstance(event, yaml.MappingStartEvent):
            raw = _Raw({}, mark)
        else:
            raw = _Raw([], mark)
        if event.anchor and isinstance(event, yaml.ScalarEvent):
            self._anchors[event.anchor] = raw
        raw.anchor = event.anchor
        self._add(raw, event)
        if not isinstance(event, yaml.ScalarEvent):
            self._open.append(raw)
            if len(self._open) > DEPTH_MAX:
                raise MalformedYaml("too_large", mark, f"The document is nested deeper than {DEPTH_MAX} levels", "Flatten it")

    def _add(self, raw: _Raw, event: yaml.Event) -> None:
        if not self._open:
            self.root = raw
            return
        parent = self._open[-1]
        if isinstance(parent.value, list):
            parent.value.append(raw)
        elif isinstance(parent.value, dict):
            self._add_to_mapping(parent, parent.value, raw, event)
        if isinstance(event, yaml.ScalarEvent | yaml.AliasEvent):
            self._grow(raw)

    def _add_to_mapping(self, parent: _Raw, entries: dict[str, _Raw], raw: _Raw, event: yaml.Event) -> None:
        if parent.pending is None:
            if not isinstance(event, yaml.ScalarEvent):
                raise self._refused(event, "A key is not a word", "Use a plain word as the key")
            parent.pending = (event.value, self._mark(event))
            return
        name, mark = parent.pending
        parent.pending = None
        if name in entries:
            self.duplicates.append(DuplicateKey(name, mark, parent.keys[name]))
        else:
            entries[name], parent.keys[name] = raw, mark

    def _grow(self, raw: _Raw) -> None:
        if self._open:
            parent = self._open[-1]
            parent.size += raw.size
            if parent.size > NODES_MAX:
                raise MalformedYaml(
                    "too_large", raw.mark, f"The document holds more than {NODES_MAX:,} values, aliases written out", "Shorten it"
                )

    def _mark(self, event: yaml.Event) -> Mark:
        at = event.start_mark
        return Mark(self.file, at.line + 1, at.column + 1) if at else Mark(self.file)

    def _refused(self, event: yaml.Event, detail: str, hint: str) -> MalformedYaml:
        return MalformedYaml("yaml_feature", self._mark(event), detail, hint)


def _placed(raw: _Raw, where: str, key: Mark | None) -> Node:
    """The finished node; recursion is bounded by DEPTH_MAX, work by NODES_MAX."""
    if isinstance(raw.value, dict):
        entries = {name: _placed(child, f"{where}.{name}" if where else name, raw.keys[name]) for name, child in raw.value.items()}
        return Node(entries, raw.mark, where, key)
    if isinstance(raw.value, list):
        return Node([_placed(child, f"{where}[{i}]", None) for i, child in enumerate(raw.value)], raw.mark, where, key)
    return Node(raw.value, raw.mark, where, key, inline=raw.inline)


# ── scalars ──────────────────────────────────────────────────────────────────────────────────────────────────────

_INT = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT = re.compile(r"[-+]?(?=[0-9.]*[.eE])(\.[0-9]{1,40}|[0-9]{1,40}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,3})?\Z")
_WORDS: dict[str, Plain] = {
    w: v for name, v in (("true", True), ("false", False), ("null", None)) for w in (name, name.title(), name.upper())
}
_WORDS |= {"": None, "~": None}


CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""What an escape such as `\\0` may put into a text and no page, database or file can hold."""


def _scalar(event: yaml.ScalarEvent, mark: Mark) -> _Raw:
    if CONTROL.search(event.value):
        raise MalformedYaml("malformed_yaml", mark, "The text holds a control character", "Remove the escape")
    start, end = event.start_mark, event.end_mark
    one_line = start is not None and end is not None and start.line == end.line
    if event.style is None or event.style == "":
        return _Raw(_resolved(event.value), mark, 0 if one_line else None)
    quote = 1 if one_line and event.style in "'\"" and "\\" not in event.value and "'" not in event.value else None
    return _Raw(event.value, mark, quote)


def _resolved(text: str) -> Plain:
    """A plain scalar by the YAML 1.2 core schema; numbers that do not fit 64 bits and non-finite ones stay words."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text
