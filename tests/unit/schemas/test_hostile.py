"""Schemas that somebody wrote to stall the process: each is refused or decided, and soon."""

from __future__ import annotations

import random
import tracemalloc
from typing import Any

import msgspec
import pytest

from seawall.core.schemas import compiled as compiling
from seawall.core.schemas import patterns
from seawall.core.schemas.compiled import CompiledSchema, compiled
from seawall.core.schemas.errors import UnsupportedSchema, Violation
from seawall.core.schemas.intake import COMPILE_STEPS_MAX
from seawall.core.schemas.patterns import PLACES_MAX, PROGRAM_MAX, Pattern
from seawall.core.schemas.work import STEPS_MAX, Steps, TooMuch, begin
from seawall.model_proxy.contract.reader import Reader

NEVER = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"


def doubling(keyword: str, wrap: str = "") -> dict[str, Any]:
    """Two references to the next of forty definitions, in each: written out 2^40 schemas."""
    defs: dict[str, Any] = {}
    for number in range(40):
        twice: dict[str, Any] = {keyword: [{"$ref": f"#/$defs/d{number + 1}"}, {"$ref": f"#/$defs/d{number + 1}"}]}
        defs[f"d{number}"] = {wrap: {wrap: twice}} if wrap else twice
    return {"$defs": defs | {"d40": {"type": "object"}}, "$ref": "#/$defs/d0"}


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
def test_a_schema_that_doubles_with_each_reference_is_refused(keyword: str) -> None:
    """A few lines of it would ask for more work than there is time."""
    with pytest.raises(UnsupportedSchema):
        compiled(doubling(keyword))


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
def test_a_schema_that_is_its_own_part_is_refused(keyword: str) -> None:
    """For one and the same value it would be asked again and again."""
    with pytest.raises(UnsupportedSchema):
        compiled({keyword: [{"$ref": "#"}, {"$ref": "#"}]})


def test_work_of_the_validator_for_one_value_is_bounded() -> None:
    """What the plan leaves to the validator (`not`) may double too; a value that takes too much is taken for wrong."""
    fault = compiled(doubling("allOf", wrap="not")).fault({})
    assert fault is not None
    assert "cannot be followed" in fault.sentence


def test_forms_that_double_with_each_level_of_the_answer_are_bounded() -> None:
    """Two rules for the same key, each the whole schema: every level of the answer is followed twice as often."""
    twice = {"properties": {"a": {"$ref": "#"}}}
    plan = compiled({"allOf": [twice, {**twice, "minProperties": 0}]}).plan
    with pytest.raises(Violation):
        Reader(plan).feed('{"a":' * 40 + "1" + "}" * 40)


@pytest.mark.parametrize("others", [True, False, {"type": "string"}])
def test_names_are_matched_in_linear_time(others: Any) -> None:
    """Patterns for keys are read by the automaton as those for values are, not by `re`, which this one would stall."""
    schema = compiled({"patternProperties": {"^(a+)+$": {"type": "integer"}}, "additionalProperties": others})
    assert (schema.fault({NEVER: 1}) is None) == (others is True)
    assert schema.fault({"aaa": "x"}) is not None


@pytest.mark.parametrize("schema", [{"patternProperties": {"(?=a)b": {}}}, {"not": {"not": {"pattern": "(a)\\1"}}}])
def test_patterns_no_automaton_decides_are_refused_wherever_they_stand(schema: Any) -> None:
    """Also where only the validator would come to them."""
    with pytest.raises(UnsupportedSchema):
        compiled(schema)


def test_no_pattern_is_read_to_find_what_was_evaluated() -> None:
    """`unevaluatedProperties` has the library match names by itself."""
    with pytest.raises(UnsupportedSchema):
        compiled({"allOf": [{"patternProperties": {"^(a+)+$": True}}], "unevaluatedProperties": False})


def test_unique_items_are_compared_by_what_they_say() -> None:
    """In one pass; 1 and 1.0 are the same number, 1 and true are not the same."""
    unique = compiled({"uniqueItems": True})
    assert unique.is_valid([1, True, "1", [1], {"a": 1}])
    assert not unique.is_valid([{"a": 1, "b": 2}, {"b": 2, "a": 1.0}])


def test_a_large_schema_is_checked_by_its_form() -> None:
    """The metaschema would take seconds for it."""
    large: dict[str, Any] = {"properties": {f"k{number}": {"type": "string"} for number in range(1000)}}
    assert compiled(large).is_valid({"k1": "x"})
    with pytest.raises(UnsupportedSchema):
        compiled({"properties": large["properties"] | {"wrong": {"type": "sting"}}})


def test_a_long_chain_of_references_is_refused() -> None:
    """Following it would take Python's own stack."""
    defs: dict[str, Any] = {f"d{number}": {"allOf": [{"$ref": f"#/$defs/d{number + 1}"}]} for number in range(1500)}
    with pytest.raises(UnsupportedSchema):
        compiled({"$defs": defs | {"d1500": {}}, "$ref": "#/$defs/d0"})


def test_a_reference_with_digits_of_other_scripts_leads_nowhere() -> None:
    """Not every digit is one for `int`."""
    with pytest.raises(UnsupportedSchema):
        compiled(msgspec.json.decode('{"allOf":[{"$ref":"#/allOf/²"}]}'))


def test_states_of_an_ill_pattern_do_not_fill_the_memory() -> None:
    """Every character leads to a state nobody has seen, of hundreds of places."""
    ill = Pattern("^(a|b)*a(a|b){400}$")
    state = ill.start
    for char in random.Random(1).choices("ab", k=1200):
        state = ill.step(state, char)
    assert sum(map(len, ill._steps.values())) <= PLACES_MAX + 2 * PROGRAM_MAX


@pytest.mark.parametrize("source", ["((((){1000}){1000}){1000}){1000}", "(((a?){1000}){1000}){1000}", "(|(|(|){1000}){1000}){1000}"])
def test_repetitions_of_nothing_are_refused(source: str) -> None:
    """They add no state, so only the work of writing them out can bound them: these would take days."""
    with pytest.raises(UnsupportedSchema, match="repeats too much"):
        Pattern(source)


def test_states_of_all_patterns_of_a_schema_are_bounded() -> None:
    """Three hundred short patterns, each within its own limit, come to 750,000 states."""
    schema = {"properties": {f"p{number}": {"pattern": f"(a{{50}}){{50}}{number}"} for number in range(300)}}
    for wrong in (schema, {"patternProperties": {one["pattern"]: True for one in schema["properties"].values()}}):
        with pytest.raises(UnsupportedSchema, match="too much work"):
            compiled(wrong)


def test_references_that_follow_one_another_are_bounded() -> None:
    """Each of a thousand places leads through the rest of a chain: half a million steps from 60 KB."""
    defs: dict[str, Any] = {f"d{number}": {"$ref": f"#/$defs/d{number + 1}"} for number in range(1000)}
    places = {f"p{number}": {"$ref": f"#/$defs/d{number}"} for number in range(1000)}
    with pytest.raises(UnsupportedSchema, match="too much work"):
        compiled({"$defs": defs | {"d1000": {}}, "properties": places})


def test_the_work_of_one_answer_held_to_a_pattern_is_bounded() -> None:
    """Each character leads a pattern of 34 characters to a state of a thousand places that nobody has seen."""
    reader = Reader(compiled({"type": "string", "pattern": "^(a|b)*a(a|b){990}$"}).plan)
    with pytest.raises(TooMuch, match="too much work"):
        reader.feed('"' + "".join(random.Random(1).choices("ab", k=20_000)))
    with pytest.raises(TooMuch):
        reader.feed("abaababbab")


def test_a_class_is_looked_at_once_however_often_it_stands() -> None:
    """A thousand times five hundred ranges for each character would be half a million comparisons; here it is one search."""
    wide = Pattern("^[" + "\\w" * 480 + "]{0,1000}x$")
    left = Steps()
    begin(left)
    wide.step(wide.start, "abcdefghij")
    assert STEPS_MAX - left.left < 10 * 1000
    assert len(wide._bounds) == 3


def test_checks_of_many_small_values_are_work_of_one_answer() -> None:
    """Each item alone asks `not` for less than may be asked of one value; a thousand items do not get that much each."""
    schema = compiled({"type": "array", "items": {"not": {"allOf": [{"enum": [f"w{number}" for number in range(4000)]}]}}})
    with pytest.raises(Violation, match="cannot be followed"):
        Reader(schema.plan).feed(msgspec.json.encode(["x"] * 2000).decode())
    assert "cannot be followed" in str(schema.fault(["x"] * 2000))


def test_schemas_kept_ready_are_bounded_by_the_work_they_took(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred and fifty-six of the largest would fill the memory."""
    kept = compiling._Kept()
    monkeypatch.setattr(compiling, "KEPT_STEPS_MAX", 10_000)
    for number in range(20):
        kept.make(msgspec.json.encode({"properties": {f"k{number}_{at}": {"type": "string"} for at in range(100)}}))
    assert 0 < sum(one.steps for one in kept._kept.values()) == kept._steps <= 10_000
    for number in range(300):
        kept.make(msgspec.json.encode({"const": number}))
    assert len(kept._kept) == compiling.KEPT_MAX


def test_states_kept_of_all_patterns_are_bounded() -> None:
    """Each is within its own limit; together they are forgotten before they fill the memory."""
    ills = [Pattern(f"^(a|b)*a(a|b){{{count}}}$") for count in range(400, 440)]
    for ill in ills:
        begin()
        state = ill.start
        for number in range(200):
            state = ill.step(state, "ab"[(number * number >> 3) & 1])
    assert sum(map(len, (step for ill in ills for step in ill._steps.values()))) <= patterns.KEPT_PLACES_MAX + PLACES_MAX


def test_a_large_honest_schema_is_ready_within_its_work() -> None:
    """A thousand places with formats, lists of words and a pattern here and there."""
    honest = {
        "properties": {
            f"k{at}": {"type": "string", "enum": ["a", "b"]} if at % 2 else {"pattern": "^[A-Z]{2,5}-[0-9]+$"} for at in range(1000)
        }
    }
    tracemalloc.start()
    made = CompiledSchema(honest)
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert made.steps < COMPILE_STEPS_MAX
    assert size < made.steps * 1000
