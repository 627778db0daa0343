"""Texts share what they were understood as only when they say the same, and a model may not contradict what was said."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.app.model import Filter, Order
from seawall.ask.question import Question, by_field, by_time, during
from seawall.ask.said import Said, contradiction
from seawall.ask.semantic_cache import Remembered, Scope, SemanticCache
from seawall.query.cache import Cache

GROCERY = frozenset({"products.department=GROCERY", "products.main_department=GROCERY"})
A, B = frozenset({"a"}), frozenset({"b"})
TOP = Said(
    metrics=(frozenset({"revenue"}),),
    dimensions=("stores.town",),
    values=(GROCERY,),
    periods=("2017-03",),
    numbers=("5",),
    direction="desc",
)
MEANT = Question(
    ("revenue",),
    (by_field("stores.town"),),
    (Filter("products.department", "eq", ("GROCERY",)), during("2017-03")),
    (Order("revenue", descending=True),),
    5,
)
FLIPS: dict[str, object] = {
    "direction": "asc",
    "periods": ("2016-03",),
    "numbers": ("6",),
    "negated": ("products.department=GROCERY",),
    "values": (frozenset({"products.department=DELI"}),),
    "metrics": (frozenset({"units"}),),
    "dimensions": ("stores.region",),
    "compares": ("previous",),
    "grains": ("week",),
    "ratio": True,
    "unknown": ("unicorn",),
}


@pytest.mark.parametrize("name", FLIPS)
def test_a_text_that_says_anything_else_shares_nothing(name: str) -> None:
    """Top is not bottom, 2017 not 2016, "without" not "with"."""
    assert msgspec.structs.replace(TOP, **{name: FLIPS[name]}).signature() != TOP.signature()


def test_order_matters_only_where_it_means_something() -> None:
    """Grocery and deli are deli and grocery; March against April is not April against March."""
    one = Said(metrics=(A, B), values=(GROCERY, frozenset({"x=1"})))
    other = Said(metrics=(B, A), values=(frozenset({"x=1"}), GROCERY))
    assert one.signature() == other.signature()
    assert Said(metrics=(A, B), ratio=True).signature() != Said(metrics=(B, A), ratio=True).signature()
    march, april = Said(periods=("2017-03", "2017-04"), compares=("vs",)), Said(periods=("2017-04", "2017-03"), compares=("vs",))
    assert march.signature() != april.signature()


async def test_an_entry_is_found_by_those_with_the_same_version_rights_and_data_alone() -> None:
    """And after the same question."""
    cache = SemanticCache(Cache())
    scope = Scope("bundle-1", "rights-1", "generation-1")
    await cache.keep(scope, TOP, None, Remembered(MEANT, "large", 0.9))
    found = await cache.find(scope, TOP, None)
    assert found is not None
    assert found.question == MEANT
    for other in (
        Scope("bundle-2", "rights-1", "generation-1"),
        Scope("bundle-1", "rights-2", "generation-1"),
        Scope("bundle-1", "rights-1", "g2"),
    ):
        assert await cache.find(other, TOP, None) is None
    assert await cache.find(scope, TOP, MEANT) is None


def test_what_says_the_same_contradicts_nothing() -> None:
    """The plain case."""
    assert contradiction(TOP, MEANT, "top 5 towns by grocery revenue in March 2017") == ""


@pytest.mark.parametrize(
    "wrong",
    [
        msgspec.structs.replace(MEANT, where=(during("2017-03"),)),
        msgspec.structs.replace(MEANT, where=(Filter("products.department", "eq", ("DELI",)), during("2017-03"))),
        msgspec.structs.replace(MEANT, where=(*MEANT.where[:1],)),
        msgspec.structs.replace(MEANT, where=(*MEANT.where[:1], during("2016-03"))),
        msgspec.structs.replace(MEANT, where=(Filter("products.department", "ne", ("GROCERY",)), during("2017-03"))),
        msgspec.structs.replace(MEANT, order=(Order("revenue"),)),
        msgspec.structs.replace(MEANT, order=()),
        msgspec.structs.replace(MEANT, metrics=("units",), order=(Order("units", descending=True),)),
    ],
)
def test_a_model_that_leaves_out_or_turns_round_what_was_said_is_not_believed(wrong: Question) -> None:
    """Each says in a sentence what is wrong, for the repair."""
    assert contradiction(TOP, wrong, "top 5 towns by grocery revenue in March 2017")


@given(st.builds(Said, metrics=st.tuples(st.sampled_from((A, B))), numbers=st.lists(st.sampled_from("123"), max_size=3).map(tuple)))
def test_a_time_out_of_nowhere_is_never_believed(said: Said) -> None:
    """Nothing that was not asked for comes in."""
    assert contradiction(said, Question(("a",), (by_time("week"),), (during("2017-03"),)), "a by week")


BEFORE = msgspec.structs.replace(MEANT, where=(*MEANT.where, Filter("stores.town", "ne", ("Ulm",))))


@pytest.mark.parametrize(
    ("said", "question"),
    [
        (Said(goes_on=True, dimensions=("stores.town",)), BEFORE),
        (Said(goes_on=True, periods=("2017-04",), compares=("versus",)), msgspec.structs.replace(BEFORE, compare="2017-04")),
        (
            Said(goes_on=True, values=(GROCERY,), negated=("products.department=GROCERY",)),
            Question(("revenue",), where=(during("2017-03"),)),
        ),
        (Said(goes_on=True, values=(GROCERY,), marks=("in_place",)), Question(("revenue",), where=(during("2017-03"),))),
    ],
)
def test_what_a_follow_up_keeps_is_no_contradiction(said: Said, question: Question) -> None:
    """It need not say again what the question before said: values, a period, what is left out, how many. What it drops is gone."""
    assert contradiction(said, question, "and …", BEFORE) == ""
    assert contradiction(said, question, "and …")
    assert contradiction(msgspec.structs.replace(said, goes_on=False), question, "units by …", BEFORE), "a new question keeps nothing"


def test_a_follow_up_still_brings_in_nothing_of_its_own() -> None:
    """A value, a period or a number that neither text names is made up."""
    said = Said(goes_on=True, dimensions=("stores.town",))
    for wrong in (
        msgspec.structs.replace(BEFORE, where=(*BEFORE.where, Filter("products.brand", "eq", ("Private",)))),
        msgspec.structs.replace(BEFORE, where=(*BEFORE.where[:1], during("2017-05"))),
        msgspec.structs.replace(BEFORE, limit=7),
    ):
        assert contradiction(said, wrong, "by town", BEFORE)
