"""Reading JSON in pieces against a schema: what is right passes however it is cut, what is wrong never arrives."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from schema_samples import fitting, schemas, values

from seawall.core.schemas.compiled import CompiledSchema, compiled
from seawall.core.schemas.errors import Violation
from seawall.model_proxy.contract.reader import Reader

cases = schemas.flatmap(lambda schema: st.tuples(st.just(schema), st.one_of(fitting(schema), values)))


def read(schema: Any, pieces: list[str]) -> tuple[bool, str, str]:
    """Whether it was accepted, what was let out, and what had come when it was refused."""
    reader = Reader(compiled(schema).plan)
    out, seen = 0, ""
    try:
        for piece in pieces:
            seen += piece
            reader.feed(piece)
            assert reader.released() >= out, "what is out is out"
            out = reader.released()
        reader.finish()
    except Violation:
        return False, seen[:out], seen
    assert reader.released() == len(seen)
    return True, seen, seen


def cut(text: str, places: list[int]) -> list[str]:
    marks = sorted({place % (len(text) + 1) for place in places} | {0, len(text)})
    return [text[a:b] for a, b in itertools.pairwise(marks)]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases, st.lists(st.integers(0, 400), max_size=8), st.booleans(), st.booleans())
def test_any_cut_is_judged_as_jsonschema_judges_the_whole(case: Any, places: list[int], ascii_only: bool, spaced: bool) -> None:
    """Accepted exactly when the oracle accepts it, whole, cut anywhere, and letter by letter."""
    schema, value = case
    text = json.dumps(value, ensure_ascii=ascii_only, indent=1 if spaced else None)
    right = CompiledSchema(schema).is_valid(value)
    for pieces in ([text], cut(text, places), list(text)):
        accepted, out, _ = read(schema, pieces)
        assert accepted == right, (schema, text)
        if not right:
            assert out != text


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases, st.integers(0, 400), st.sampled_from(list('{}[]",:-0e.tnu\\ \n')), st.booleans())
def test_a_mutated_document_that_is_wrong_is_never_let_out_whole(case: Any, place: int, char: str, replace: bool) -> None:
    """One character changed or added."""
    schema, value = case
    text = json.dumps(value)
    at = place % (len(text) + 1)
    text = text[:at] + char + text[at + replace :]
    accepted, _, _ = read(schema, list(text))
    try:
        pairs: list[Any] = []
        decoded = json.loads(text, object_pairs_hook=lambda found: pairs.append(found) or dict(found), parse_constant=lambda _: 1 / 0)
        json.dumps(decoded, ensure_ascii=False, allow_nan=False).encode()  # half a surrogate pair is no text, 1e400 no number
        right = CompiledSchema(schema).is_valid(decoded) and all(len(dict(found)) == len(found) for found in pairs)
    except (ValueError, ZeroDivisionError):
        right = False
    assert accepted == right, (schema, text)


STRICT = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 4}, "way": {"enum": ["up", "down"]}, "n": {"type": "integer", "minimum": 3}},
    "required": ["name"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("text", "earliest", "out"),
    [
        ('{"nope"', '{"no', "{"),
        ('{"name":3', '{"name":3', "{"),
        ('{"name":"abcde', '{"name":"abcde', '{"name":"abcd'),
        ('{"way":"dawn"', '{"way":"da', "{"),
        ('{"way":"up","n":', None, '{"way":"up"'),
        ('{"way":"up"}', '{"way":"up"}', '{"way":"up"'),
        ('{"n":2,', '{"n":2,', "{"),
        ('{"name":"a"} and', '{"name":"a"} a', '{"name":"a"} '),
        ('{"name":"\\q', '{"name":"\\q', '{"name":"'),
    ],
)
def test_a_violation_is_known_at_the_earliest_character(text: str, earliest: str | None, out: str) -> None:
    """And nothing of it is out by then."""
    reader = Reader(compiled(STRICT).plan)
    seen = ""
    try:
        for char in text:
            seen += char
            reader.feed(char)
    except Violation:
        assert seen == earliest
    else:
        assert earliest is None
    assert text[: reader.released()] == out


def test_forms_are_followed_side_by_side() -> None:
    """A form that a constant tells apart decides the rest at once."""
    shape = lambda kind, other: {"type": "object", "properties": {"kind": {"const": kind}, "of": other}, "additionalProperties": False}  # noqa: E731
    reader = Reader(compiled({"anyOf": [shape("n", {"type": "integer"}), shape("t", {"type": "string"})]}).plan)
    reader.feed('{"kind":"t","of":"free te')
    assert reader.released() == len('{"kind":"t","of":"free te')
    with pytest.raises(Violation, match="may be no key"):
        reader.feed('xt","more":')
