"""Fixers mend what is plain, leave what is right alone, and do not guess."""

from __future__ import annotations

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
from seawall.model_proxy.contract.continuation import continued
from seawall.model_proxy.contract.fixers import fixed
from seawall.model_proxy.contract.reader import Reader

SCHEMA = compiled(
    {
        "type": "object",
        "properties": {
            "n": {"type": "number"},
            "way": {"enum": ["up", "down"]},
            "ok": {"type": ["boolean", "null"]},
            "text": {"type": "string"},
            "list": {"type": "array", "items": {"type": "integer"}},
        },
        "additionalProperties": False,
    }
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('```json\n{"n":1}\n```', {"n": 1}),
        ('Sure! Here it is [1]: {"n": 1}. Anything else?', {"n": 1}),
        ('{"n":1,"list":[1,2,],}', {"n": 1, "list": [1, 2]}),
        ("{'text': 'it \\'is\\' \"so\"'}", {"text": "it 'is' \"so\""}),
        ("{n: 1, ok: True, way: 'up'}", {"n": 1, "ok": True, "way": "up"}),
        ("{'ok': None}", {"ok": None}),
        ('{"list":[1,2', {"list": [1, 2]}),
        ('{"n":"4.5","list":["3"]}', {"n": 4.5, "list": [3]}),
        ('{"way":"UP"}', {"way": "up"}),
        ('{"ok":"False"}', {"ok": False}),
        ('{"text":"two\nlines"}', {"text": "two\nlines"}),
    ],
)
def test_what_is_plainly_meant_is_mended(text: str, meant: Any) -> None:
    """Fences, prose, commas, quotes, keys, words, closers, numbers as texts, cases."""
    mended = fixed(text, SCHEMA)
    assert mended is not None
    assert json.loads(mended) == meant


@pytest.mark.parametrize(
    "text", ['{"text":"unfini', '{"way":"sideways"}', '{"n":"many"}', '{"other":1}', "no JSON", '{"n":1,"n":2,}', '{"n":nope}']
)
def test_what_is_not_plain_is_left_to_a_model(text: str) -> None:
    """No guesses."""
    assert fixed(text, SCHEMA) is None


def test_an_answer_cut_for_its_length_is_not_closed() -> None:
    """A list that was cut is not the list that was meant."""
    assert fixed('{"list":[1,2', SCHEMA, closers=False) is None


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(schemas.flatmap(lambda schema: st.tuples(st.just(schema), st.one_of(fitting(schema), values))), st.booleans())
def test_valid_answers_stay_and_mended_ones_are_valid_and_stay(case: Any, spaced: bool) -> None:
    """To the byte; mending twice is mending once."""
    schema, value = CompiledSchema(case[0]), case[1]
    text = json.dumps(value, indent=2 if spaced else None)
    mended = fixed(text, schema)
    if schema.is_valid(value):
        assert mended == text
    if mended is not None:
        assert schema.is_valid(json.loads(mended))
        assert fixed(mended, schema) == mended


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(values, st.integers(0, 300), values)
def test_a_beginning_that_is_out_is_continued_or_refused(value: Any, place: int, other: Any) -> None:
    """Released and rest read as the value; another value is never made of it."""
    text = json.dumps(value, indent=1)
    reader = Reader(compiled(True).plan)
    reader.feed(text[: place % (len(text) + 1)])
    out = text[: reader.released()]
    rest = continued(out, value)
    assert rest is not None
    assert json.loads(out + rest) == value
    rest = continued(out, other)
    assert rest is None or json.loads(out + rest) == other
