"""Whatever the rows and the question: the compiled SQL gives what a loop over the rows gives, and never what policy hides."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.query import naive
from tests.unit.query.star import BY_GROUP, app, viewer
from tests.unit.query.tables import AS_OF, DEPARTMENTS, GROUPS, Data, Shop, shops

from seawall.app.model import Dimension, Filter, MetricQuery, Policy, RowPolicy
from seawall.query.policy import resolve

DIMENSIONS = (
    Dimension("department", "products.department"),
    Dimension("store_group", "stores.store_group"),
    Dimension("region", "regions.region"),
    Dimension("week", "", "week"),
    Dimension("month", "", "month"),
    Dimension("day", "", "day"),
)
POLICIES = (
    {},
    {"sales": Policy("sales", (), (BY_GROUP,))},
    {"sales": Policy("sales", (), (BY_GROUP,)), "returns": Policy("returns", (), (BY_GROUP,))},
    {"products": Policy("products", (), (RowPolicy("products.department", "ne", values=("Fuel",)),))},
    {
        "sales": Policy("sales", (), (BY_GROUP, RowPolicy("products.brand", "eq", values=("own",)))),
        "products": Policy("products", (), (RowPolicy("products.department", "in", values=("GROCERY", "DELI")),)),
        "stores": Policy("stores", (), (RowPolicy("stores.region_id", "not_null"),)),
    },
)
texts = st.sampled_from(DEPARTMENTS[:4])
TEXT_OPS = st.sampled_from(("eq", "ne", "contains", "starts_with", "lt", "ge"))
FIXED = (Filter("regions.region", "is_null"), Filter("regions.region", "not_null"), Filter("", "during", ("2017-01-10..2017-02-05",)))
FILTERS = st.one_of(
    st.builds(lambda op, value: Filter("products.department", op, (value,)), TEXT_OPS, texts),
    st.builds(
        lambda op, values: Filter("stores.store_group", op, tuple(values)),
        st.sampled_from(("in", "not_in")),
        st.lists(st.sampled_from(GROUPS), max_size=3, unique=True),
    ),
    st.sampled_from(FIXED),
)
GROUPS_HELD = st.lists(st.sampled_from(("north", "south", "nowhere")), max_size=2, unique=True).map(tuple)


@st.composite
def questions(draw: st.DrawFn) -> MetricQuery:
    metrics = draw(st.lists(st.sampled_from(sorted(naive.METRICS)), min_size=1, max_size=4, unique=True))
    by = draw(st.lists(st.sampled_from(DIMENSIONS), max_size=3, unique=True))
    timed = [dimension for dimension in by if dimension.grain]
    last = draw(st.one_of(st.none(), st.integers(1, 5))) if len(timed) == 1 else None
    return MetricQuery(tuple(metrics), tuple(by), tuple(draw(st.lists(FILTERS, max_size=2))), last=last)


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


def rounded(rows: list[tuple[object, ...]]) -> Counter[tuple[object, ...]]:
    return Counter(tuple(round(value, 9) if isinstance(value, float) else value for value in row) for row in rows)


@settings(max_examples=40)
@given(data=shops(), query=questions(), policies=st.sampled_from(POLICIES), groups=GROUPS_HELD)
def test_sql_agrees_with_a_loop(shop: Shop, data: Data, query: MetricQuery, policies: dict[str, Policy], groups: tuple[str, ...]) -> None:
    """Joins, groups, filters, policies, periods and several facts give the naive evaluator's numbers."""
    shop.fill(data)
    declared = app(policies)
    policy = resolve(declared, viewer(store_groups=groups))
    assert rounded(shop.rows(declared, query, policy)) == rounded(naive.answer(data, policy, query, AS_OF))


@settings(max_examples=20)
@given(data=shops(), query=questions(), policies=st.sampled_from(POLICIES[1:]), groups=GROUPS_HELD, noise=st.integers(-100, 100))
def test_hidden_rows_have_no_influence(
    shop: Shop, data: Data, query: MetricQuery, policies: dict[str, Policy], groups: tuple[str, ...], noise: int
) -> None:
    """Changing or removing rows outside the predicates changes nothing that can be asked."""
    declared = app(policies)
    policy = resolve(declared, viewer(store_groups=groups))
    shop.fill(data)
    before = shop.rows(declared, query, policy)
    visible = {name: naive.seen(data, policy, name) for name in policy.datasets}
    changed = dict(data)
    for name in ("sales", "returns"):
        hidden = [row for row in data[name] if row not in visible[name]]
        value = "amount" if name == "sales" else "refund"
        changed[name] = visible[name] + [{**row, value: noise} for row in hidden if noise % 2]
    shop.fill(changed)
    assert Counter(shop.rows(declared, query, policy)) == Counter(before)
