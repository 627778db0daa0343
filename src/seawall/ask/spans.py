"""Which words of a text became what: for chips and highlighting."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from seawall.ask.lexicon import Term
from seawall.ask.matching import Cut, Edge, Mended
from seawall.ask.question import Question

_TERM_KINDS = (
    ("metric", "metric"),
    ("field", "dimension"),
    ("amount", "condition"),
    ("flag", "condition"),
    ("time", "time"),
    ("dataset", "noun"),
)


class Span(msgspec.Struct, frozen=True):
    """Words and what became of them."""

    start: int
    end: int
    """Characters of the text; `end` is the first one after."""
    kind: str
    """`metric`, `dimension`, `value`, `condition`, `period`, `grain`, `number`, `noun`, `unknown`, `show`, or the kind of grammar word."""
    name: str
    """A name of the app's, `field=value`, a period, or the words themselves."""
    how: str = "exact"
    """`exact`, `stem`, `part`, `typo`, `compound` or `near`."""


def spans_of(cut: Cut, mended: Mended, question: Question | None) -> tuple[Span, ...]:
    """The groups of a cut, stop words left out."""
    return tuple(_spans(cut, mended, question))


def _spans(cut: Cut, mended: Mended, question: Question | None) -> Iterator[Span]:
    for edge in cut.edges:
        if edge.kind == "stop" or edge.tags[:1] == ("comma",):
            continue
        kind, name = _became(edge, question)
        hows = [how for how in mended.hows[edge.start : edge.end] if how]
        said = name or " ".join(token.norm for token in mended.tokens[edge.start : edge.end])
        yield Span(mended.tokens[edge.start].start, mended.tokens[edge.end - 1].end, kind, said, hows[0] if hows else edge.how)


def _became(edge: Edge, question: Question | None) -> tuple[str, str]:
    if edge.kind == "term":
        return _of_term(edge.term, question)
    if edge.kind == "time":
        return "period", edge.time.text or edge.time.role
    if edge.kind in ("grain", "adverb"):
        return "grain", edge.grain or ""
    if edge.kind == "number":
        return "number", f"{edge.number:g}"
    return (edge.tags[0], "") if edge.kind == "tag" else (edge.kind, edge.tags[0] if edge.tags else "")


def _of_term(term: Term, question: Question | None) -> tuple[str, str]:
    """What the question made of it; else what it is likeliest to mean."""
    if question is not None:
        used = {f"{one.field}={value}" for one in question.where for value in one.values}
        if found := next((f"{ref}={value}" for ref, value in term.values if f"{ref}={value}" in used), ""):
            return "value", found
        refs = {
            "metric": set(question.metrics),
            "field": {one.field for one in question.by},
            "amount": {one.field for one in question.where},
        }
        for kind, name in (("metric", "metric"), ("field", "dimension"), ("amount", "condition")):
            if found := next((ref for ref in term.refs(kind) if ref in refs[kind]), ""):
                return name, found
    for kind, name in _TERM_KINDS:
        if refs_of := term.refs(kind):
            return name, refs_of[0]
    return ("value", "=".join(term.values[0])) if term.values else ("noun", "")
