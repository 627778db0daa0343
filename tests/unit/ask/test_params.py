"""A question survives being written as a link, and what cannot be asked is named by its parameter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.query.star import app, viewer

from seawall.app.model import Dimension, Filter, Order
from seawall.ask.params import NAMES, from_params, to_params, without
from seawall.ask.question import Question, by_field, by_time, during
from seawall.core.errors import InvalidInput, NotFound
from seawall.query.policy import resolve, unrestricted

APP = app()
ALL = unrestricted(APP)
METRICS = sorted(name for name in APP.semantics.metrics)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(str.strip)
FILTERS = st.one_of(
    st.builds(
        lambda op, value: Filter("products.department", op, (value,)), st.sampled_from(("eq", "ne", "contains", "starts_with")), TEXTS
    ),
    st.builds(
        lambda op, values: Filter("stores.store_group", op, tuple(values)),
        st.sampled_from(("in", "not_in")),
        st.lists(TEXTS, min_size=1, max_size=4, unique=True),
    ),
    st.builds(lambda op: Filter("products.department", op), st.sampled_from(("is_null", "not_null"))),
    st.builds(lambda op, value: Filter("sales.units", op, (value,)), st.sampled_from(("lt", "le", "gt", "ge")), st.integers(-9, 9_999)),
    st.sampled_from((during("2017-03"), during("last_4_weeks"), during("2017-01-01..2017-02-03"), during("2017", "sales.sold_at"))),
)
DIMENSIONS = (
    by_time("week"),
    by_field("products.department"),
    Dimension("month", "sales.sold_at", "month"),
    by_field("stores.store_group"),
)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    metrics = tuple(draw(st.lists(st.sampled_from(METRICS), min_size=1, max_size=3, unique=True)))
    return Question(
        metrics,
        tuple(draw(st.lists(st.sampled_from(DIMENSIONS), max_size=3, unique=True))),
        tuple(draw(st.lists(FILTERS, max_size=4))),
        tuple(draw(st.lists(st.builds(Order, st.sampled_from((*metrics, "change")), st.booleans()), max_size=2))),
        draw(st.none() | st.integers(1, 10_000)),
        draw(st.none() | st.integers(1, 50)),
        len(metrics) == 2 and draw(st.booleans()),
        draw(st.sampled_from(("", "previous", "year_ago", "2017-04"))),
        draw(st.sampled_from(("auto", "table", "line"))),
    )


def _as_url(question: Question) -> dict[str, list[str]]:
    pairs = to_params(question)
    return {name: [value for key, value in pairs if key == name] for name in NAMES}


@given(questions())
def test_a_question_written_as_parameters_is_read_as_the_same_question(question: Question) -> None:
    """Whatever stands in values: quotes, commas, signs, other scripts."""
    read = from_params(APP, ALL, _as_url(question))
    assert read.canonical() == question.canonical()
    assert read.show == question.show


@given(questions(), st.integers(0, 20))
def test_a_part_can_be_taken_away_and_nothing_else_changes(question: Question, which: int) -> None:
    """Every cross on every chip."""
    pairs = to_params(question)
    name, value = pairs[which % len(pairs)]
    place = [one for one in pairs if one[0] == name].index((name, value))
    left = to_params(without(question, name, place))
    gone = [one for one in pairs if one != ("ratio", "1")]
    gone.remove((name, value)) if (name, value) in gone else None
    assert [one for one in left if one[0] != "ratio"] == gone


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"metric": ["profit"]}, "profit"),
        ({"metric": ["amount"], "by": ["week:fortnight"]}, "grain"),
        ({"metric": ["amount"], "limit": ["-3"]}, "'limit'"),
        ({"metric": ["amount"] * 20}, "'metric'"),
        ({"metric": ["amount"], "period": ["yesteryear"]}, "period"),
        ({"metric": ["amount"], "show": ["hologram"]}, "shown"),
    ],
)
def test_what_cannot_be_asked_is_named(params: dict[str, list[str]], said: str) -> None:
    """The message says which part is wrong."""
    params = {name: [METRICS[0] if value == "amount" else value for value in values] for name, values in params.items()}
    with pytest.raises((InvalidInput, NotFound)) as error:
        from_params(APP, ALL, params)
    assert said in str(error.value) or said in str(error.value.detail)


def test_a_field_that_may_not_be_read_does_not_exist() -> None:
    """A link somebody else sent opens nothing."""
    hidden = resolve(app(policies={}), viewer())
    with pytest.raises(NotFound):
        from_params(APP, hidden, {"metric": ["plans"]})
