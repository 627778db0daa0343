"""Patterns agree with `re` where both decide, and never take long."""

from __future__ import annotations

import re
import threading
import weakref
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seawall.core.schemas import patterns
from seawall.core.schemas.errors import UnsupportedSchema
from seawall.core.schemas.patterns import Pattern
from seawall.core.schemas.work import STEPS_MAX, Steps, begin

atoms = st.sampled_from(("a", "b", ".", "[ab]", "[^a]", "\\d", "\\w", "^", "$", "(?:ab)"))
parts = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(("*", "+", "?", "{2}", "{1,3}"))).map(lambda two: f"(?:{two[0]}){two[1]}"),
    ),
    max_leaves=6,
)


@given(parts, st.text("ab1-", max_size=8))
@example("$^", "")
def test_patterns_match_what_re_matches(source: str, text: str) -> None:
    """Searching, as JSON Schema does."""
    assert Pattern(source).matches(text) == bool(re.search(source, text))


def test_a_pattern_that_stalls_others_is_linear() -> None:
    """Twenty thousand characters against nested repetition lead to a handful of states; `re` would never come to an end."""
    counted = Steps()
    begin(counted)
    assert not Pattern("^((a+)+)+$").matches("a" * 20_000 + "b")
    assert 0 < STEPS_MAX - counted.left < 100


@pytest.mark.parametrize("source", ["(?=a)", "(a)\\1", "\\bword", "a{5000}", "(a{900}){900}", "(", "[a", "a**", "x" * 2000, "a{b}"])
def test_what_no_automaton_decides_is_refused(source: str) -> None:
    """Lookaround, back references, boundaries, explosions, nonsense."""
    with pytest.raises(UnsupportedSchema):
        Pattern(source)


def test_a_thread_may_begin_a_pattern_while_another_forgets_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits, or it is seen; what is being gone through does not change under way."""
    late = threading.Thread(target=lambda: Pattern("^b+$").matches("bb"))

    class Stepping(weakref.WeakSet[Pattern]):
        """Another thread comes when the first has been seen."""

        def __iter__(self) -> Iterator[Pattern]:
            for one in super().__iter__():
                if late.ident is None:
                    late.start()
                    if not patterns._KEPT.lock.locked():
                        late.join()
                yield one

    monkeypatch.setattr(patterns._KEPT, "stepping", Stepping())
    one, other = Pattern("^a+$"), Pattern("^c+$")
    assert one.matches("a")
    assert other.matches("c")
    monkeypatch.setattr(patterns, "KEPT_PLACES_MAX", 0)
    assert one.matches("aa")
    late.join()
    assert not one._steps
