"""Keys: equal only when everything an answer depends on is equal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seawall.query.cache import CacheKey, parameters_of

words = st.one_of(
    st.sampled_from(["", "a", "b", "a,b", 'a"', "[]", "a\x00b", "null", "1"]), st.text(max_size=4).filter(lambda t: t.isprintable())
)
parameters = st.dictionaries(words, st.lists(words, max_size=2), max_size=2).map(parameters_of)
parts = st.tuples(words, parameters, words, words, words)


@given(parts, parts)
def test_exact_names_are_equal_only_when_all_five_parts_are(one: tuple, other: tuple) -> None:
    """No choice of separators, quotes or empty parts makes two different questions one."""
    assert (CacheKey(*one).exact == CacheKey(*other).exact) == (one == other)


@given(parts, parts)
def test_lasting_names_forget_only_the_watermark(one: tuple, other: tuple) -> None:
    """The lasting name still holds the rights, the parameters and the locale."""
    assert (CacheKey(*one).lasting == CacheKey(*other).lasting) == (one[:4] == other[:4])


@given(parts, st.integers(0, 4), words)
def test_changing_one_part_changes_the_name(one: tuple, place: int, word: str) -> None:
    """Each part counts on its own."""
    other = list(one)
    other[place] = parameters_of({word: ["changed"]}) if place == 1 else one[place] + "changed"
    assert CacheKey(*one).exact != CacheKey(*other).exact


def test_exact_and_lasting_names_never_meet() -> None:
    """A lasting name cannot be taken for an exact one."""
    key = CacheKey("p", (), "f", "en", "")
    assert key.exact != key.lasting


def test_parameters_come_in_one_order() -> None:
    """The order of names in a URL does not matter; the order of a name's values does."""
    assert parameters_of({"b": ["1"], "a": ["2", "3"]}) == parameters_of({"a": ["2", "3"], "b": ["1"]})
    assert parameters_of({"a": ["2", "3"]}) != parameters_of({"a": ["3", "2"]})


def test_digests_are_computed_once() -> None:
    """A caller that keeps the key pays for hashing once."""
    key = CacheKey("p", (), "f", "en", "w")
    assert key.exact is key.exact
    assert key.lasting is key.lasting
