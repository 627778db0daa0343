"""Keys of exact answers: never shared by callers of different rights, never split by what is irrelevant, always by what is not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.exact_cache.calls import BODY, a_call

from seawall.model_proxy.cache.keys import IRRELEVANT, key_of, mode_of
from seawall.model_proxy.call import Call, Caller

words = st.text(max_size=12)
scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False, width=32) | words
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=6)
bodies = st.dictionaries(words | st.sampled_from(["tools", "seed", "top_p", "n", "messages"]), values, max_size=6)


def key(call: Call, routing: str = "r1", policy: str = "p1") -> bytes:
    made = key_of(call, routing, policy)
    assert made is not None
    return made


@given(bodies, words, words, words, words)
def test_callers_of_other_rights_never_share(body: dict[str, Any], tenant: str, other: str, rights: str, others: str) -> None:
    """Keys are equal exactly when tenant and fingerprint are."""
    one, two = (a_call(body, tenant=t, fingerprint=f"x{f}") for t, f in ((tenant, rights), (other, others)))
    assert (key(one) == key(two)) == ((tenant, rights) == (other, others))


@given(bodies, st.dictionaries(st.sampled_from(sorted(IRRELEVANT)), values))
def test_what_is_irrelevant_never_splits(body: dict[str, Any], more: dict[str, Any]) -> None:
    """Whose request it is and how its answer is sent are not part of the question; nor is the order of its members."""
    body = {name: value for name, value in body.items() if name not in IRRELEVANT}
    assert key(a_call(body)) == key(a_call(dict(reversed([*body.items(), *more.items()]))))


@given(bodies, bodies)
def test_what_is_relevant_always_splits(one: dict[str, Any], two: dict[str, Any]) -> None:
    """Bodies that differ in anything else have different keys."""
    plain = [{name: value for name, value in body.items() if name not in IRRELEVANT} for body in (one, two)]
    same = msgspec.json.encode(plain[0], order="deterministic") == msgspec.json.encode(plain[1], order="deterministic")
    assert (key(a_call(one)) == key(a_call(two))) == same


@pytest.mark.parametrize("field", ["app", "prompt", "version", "variant", "data_class", "model", "surface"])
def test_what_the_call_runs_under_splits(field: str) -> None:
    """A prompt's version, its variant, the data class and the route are part of the key."""
    other = a_call()
    setattr(other, field, "other")
    assert key(a_call()) != key(other)


def test_a_toggle_and_another_screening_split() -> None:
    """When the live table or the screening policy changes nothing made before is found."""
    assert len({key(a_call()), key(a_call(), routing="r2"), key(a_call(), policy="p2")}) == 3


def test_masked_texts_that_look_the_same_split() -> None:
    """Answers hold what the masks stand for, so two people behind one placeholder do not share them."""
    one, two = a_call(), a_call()
    one.masks, two.masks = {"[EMAIL_1]": "ann@example.org"}, {"[EMAIL_1]": "bob@example.org"}
    assert key(one) != key(two)


def test_nobody_has_no_key() -> None:
    """Before it is known who asks nothing is looked up."""
    call = a_call()
    call.caller = None
    assert key_of(call, "", "") is None
    assert isinstance(a_call().caller, Caller)


@pytest.mark.parametrize(
    ("body", "said", "mode"),
    [
        (BODY, "", "on"),
        ({**BODY, "temperature": 0.0}, "", "on"),
        ({**BODY, "temperature": 0.7}, "", "off"),
        ({**BODY, "temperature": False}, "", "off"),
        ({"messages": []}, "", "off"),
        ({"messages": [], "seed": 1}, "force", "on"),
        (BODY, "No-Store", "off"),
        (BODY, "force, no-store", "off"),
        (BODY, "no-cache", "refresh"),
    ],
)
def test_only_what_would_be_the_same_again_is_cached(body: dict[str, Any], said: str, mode: str) -> None:
    """Temperature 0, unless the header says otherwise."""
    assert mode_of(a_call(body, headers={"seawall-cache": said})) == mode


def test_embeddings_are_cached_and_evaluations_are_not() -> None:
    """A text's vector never changes; an evaluation measures the model."""
    assert mode_of(a_call({"input": "x"}, surface="embeddings")) == "on"
    call = a_call(headers={"seawall-cache": "force"})
    call.lane = "eval"
    assert mode_of(call) == "off"
