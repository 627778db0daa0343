"""Golden questions: `golden/*.jsonl` in an app's folder, one a line, each with the query it should become or why it should be refused.

```
{"id": "d-017", "question": "top 5 departments by revenue in March", "role": "buyer", "expect": {"metrics": ["net_sales"], …}}
{"id": "d-018", "question": "and by store group?", "after": "d-017", "expect": {…}}
{"id": "d-019", "question": "who is the CEO?", "refuse": "no_metric"}
```
Which third is held out is decided by the id's hash, not by anybody: `is_held_out`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from seawall.ask.question import Question
from seawall.core.errors import InvalidInput

Refusal = Literal["empty", "too_long", "no_metric", "unknown_words", "no_such_data", "not_permitted", "out_of_range", "unsafe", "unclear"]
HELD_OUT_SHARE = 3


class Golden(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One question and what is right. Exactly one of `expect` and `refuse` is there."""

    id: str
    question: str
    locale: str = "en"
    role: str = ""
    """Empty: a role that may see everything."""
    after: str = ""
    """The id of the question this one follows up; that one's `expect` is what it refines."""
    expect: Question | None = None
    also: tuple[Question, ...] = ()
    """Other readings as good as `expect`, where words allow two."""
    refuse: Refusal | None = None
    tags: tuple[str, ...] = ()
    """What it tries: `follow_up`, `negation`, `ratio`, `period`, `injection`, `de`, …"""

    def accepts(self, question: Question | None) -> bool:
        """Whether an answer is right; None is a refusal, whose reason does not matter."""
        if self.expect is None:
            return question is None
        return question is not None and question.canonical() in {one.canonical() for one in (self.expect, *self.also)}


def is_held_out(id_: str) -> bool:
    """One in three, by SHA-256 of the id."""
    return hashlib.sha256(id_.encode()).digest()[0] % HELD_OUT_SHARE == 0


def read(path: Path) -> Iterator[Golden]:
    """Every question of a file, in order. InvalidInput names the line that cannot be read."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            one = msgspec.json.decode(line, type=Golden)
        except msgspec.DecodeError as error:
            raise InvalidInput(
                f"{path.name}:{number} is not a golden question", expected="one JSON object", got=str(error)[:200]
            ) from error
        if (one.expect is None) == (one.refuse is None):
            raise InvalidInput(f"{path.name}:{number} needs either `expect` or `refuse`", got=one.id)
        yield one
