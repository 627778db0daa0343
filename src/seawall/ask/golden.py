"""Golden questions: `golden/*.jsonl` in an app's folder, one a line, each with the query it should become or why it should be refused.

```
{"id": "d-017", "question": "top 5 departments by revenue in March", "role": "buyer", "expect": {"metrics": ["net_sales"], …}}
{"id": "d-018", "question": "and by store group?", "after": "d-017", "expect": {…}}
{"id": "d-019", "question": "who is the CEO?", "refuse": "no_metric"}
```
Which third is held out is decided by the id's hash, not by anybody: `is_held_out`. A follow-up belongs where its first question
belongs: `chain_is_held_out`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from seawall.app.model import App
from seawall.ask.question import Question
from seawall.core.errors import InvalidInput
from seawall.core.principal import Principal

Refusal = Literal["empty", "too_long", "no_metric", "unknown_words", "no_such_data", "not_permitted", "out_of_range", "unsafe", "unclear"]
HELD_OUT_SHARE = 3


class Golden(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One question and what is right. Exactly one of `expect` and `refuse` is there."""

    id: str
    question: str
    locale: str = "en"
    role: str = ""
    """Empty: a role that may see everything."""
    attributes: dict[str, tuple[str, ...]] = {}
    """What else is known of who asks, for row policies: `{"store_groups": ["North"]}`."""
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


def by_id(goldens: Iterable[Golden]) -> dict[str, Golden]:
    """Id → question. InvalidInput when an id is there twice, or a follow-up does not come after its question."""
    known: dict[str, Golden] = {}
    for one in goldens:
        joined(one, known)
    return known


def joined(one: Golden, known: dict[str, Golden]) -> None:
    """Put a question among those known so far, which must hold the one it follows up. InvalidInput otherwise."""
    if one.id in known:
        raise InvalidInput("Two golden questions have the same id", got=one.id)
    if one.after and (one.after not in known or known[one.after].expect is None):
        raise InvalidInput(f"{one.id} follows up a question that is not before it, or has no answer", got=one.after)
    known[one.id] = one


def first_of(one: Golden, known: Mapping[str, Golden]) -> Golden:
    """The question that the chain of follow-ups began with; of a question that follows none, itself."""
    while one.after:
        one = known[one.after]
    return one


def chain_is_held_out(one: Golden, known: Mapping[str, Golden]) -> bool:
    """A chain lies whole on one side, or its later questions would give away its earlier ones."""
    return is_held_out(first_of(one, known).id)


def asker_of(one: Golden, app: App) -> Principal:
    """Who asks a golden question. InvalidInput when the app has no such role."""
    if one.role and one.role not in app.roles:
        raise InvalidInput(f"{one.id} is asked in a role that the app has not", expected=f"one of {', '.join(app.roles)}", got=one.role)
    roles = (one.role,) if one.role else tuple(app.roles)
    return Principal("golden", roles=roles, attributes=dict(one.attributes))


def read(path: Path) -> Iterator[Golden]:
    """Every question of a file, in order. InvalidInput names the line that cannot be read."""
    for number, line in lines(path.read_text(encoding="utf-8")):
        yield decoded(line, f"{path.name}:{number}")


def lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that hold something, numbered from 1. Only a newline ends one: JSON may hold the other separators of Unicode."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line


def decoded(line: str, where: str) -> Golden:
    """One line, read. InvalidInput says what is wrong with it."""
    try:
        one = msgspec.json.decode(line, type=Golden)
    except msgspec.DecodeError as error:
        raise InvalidInput(f"{where} is not a golden question", expected="one JSON object", got=str(error)[:200]) from error
    if (one.expect is None) == (one.refuse is None):
        raise InvalidInput(f"{where} needs either `expect` or `refuse`", got=one.id)
    return one
