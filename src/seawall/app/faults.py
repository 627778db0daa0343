"""What is wrong with an app, and where. A fault names its line, what was expected, what came and how to mend it."""

from __future__ import annotations

import msgspec

from seawall.app.codes import CODES
from seawall.app.yaml_tree import Mark, Node
from seawall.core.errors import InvalidInput

SENTENCE_MAX = 400
"""Characters of a fault's parts; `got` is cut sooner."""


FAULTS_MAX = 500
"""After so many a check stops: an app made of faults alone must not cost hours."""


class TooManyFaults(Exception):
    """The report is full; what was found is in it."""


class Fault(msgspec.Struct, frozen=True):
    """One thing to mend. Lines and columns count from 1."""

    file: str
    """Relative to the app's folder, with forward slashes."""
    line: int
    column: int
    where: str
    """The path of keys: `pages.demand.panels.sales.metric`."""
    code: str
    """A key of `codes.CODES`; the word programs match on."""
    detail: str
    expected: str = ""
    got: str = ""
    fix: str = ""

    def __str__(self) -> str:
        parts = [self.detail]
        parts += [f"{word} {text}" for word, text in (("expected", self.expected), ("got", self.got), ("fix:", self.fix)) if text]
        return f"{self.file}:{self.line}:{self.column}: {self.code}: {'; '.join(parts)}"


class InvalidApp(InvalidInput):
    """The app has faults. `seawall check APP` lists them."""

    slug = "invalid-app"
    title = "The app is not valid"

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        count = f"{len(faults)} fault{'s' if len(faults) != 1 else ''}"
        super().__init__(f"The app has {count}; the first is {faults[0]}" if faults else "", fix="Run `seawall check` on the app's folder")


class Report:
    """Collects the faults of one run, each with a way to mend it, in the order of the files.

    The same fault at the same place is kept once.
    """

    def __init__(self, most: int = FAULTS_MAX) -> None:
        self._most = most
        self._faults: dict[tuple[str, int, int, str, str], Fault] = {}

    def add(self, at: Node | Mark, code: str, detail: str, *, where: str = "", expected: str = "", got: object = "", fix: str = "") -> None:
        """Record one fault at a node's value, or at a bare position. TooManyFaults once the report is full."""
        if code not in CODES:
            raise KeyError(code)
        mark = at.mark if isinstance(at, Node) else at
        place = where or (at.where if isinstance(at, Node) else "")
        place, detail, expected, fix = (shown(text, SENTENCE_MAX) for text in (place, detail, expected, fix))
        fix = fix or (f"Write {expected}" if expected else "Change or remove it")
        fault = Fault(mark.file, mark.line, mark.column, place, code, detail, expected, shown(got), fix)
        self._faults.setdefault((fault.file, fault.line, fault.column, code, place + detail), fault)
        if len(self._faults) >= self._most:
            raise TooManyFaults

    def faults(self) -> tuple[Fault, ...]:
        """All of them, app.yaml first, then by file and position."""
        return tuple(sorted(self._faults.values(), key=lambda f: (f.file != "app.yaml", f.file, f.line, f.column, f.code, f.detail)))

    def __len__(self) -> int:
        return len(self._faults)


def shown(value: object, limit: int = 80) -> str:
    """A value as it goes into a message: one line, cut at `limit` characters, control characters escaped."""
    text = value if isinstance(value, str) else str(value)
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[: limit + 1])
    return text if len(text) <= limit else text[: limit - 1] + "…"
