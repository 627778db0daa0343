"""Who may see what, as constants with a fingerprint."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.query.star import BY_GROUP, SEMANTICS, app, field, viewer

from seawall.app.model import Dataset, Dimension, Filter, MetricQuery, Operator, Policy, RowPolicy
from seawall.core.principal import Principal
from seawall.query.compile_names import Vocabulary
from seawall.query.compile_query import compile_query
from seawall.query.policy import Access, EffectivePolicy, resolve

GUARDED = app({"sales": Policy("sales", (), (BY_GROUP,), {"household_id": ("board",)})})
NOTHING = (Filter("stores.store_group", "in", ()),)


def sales_of(principal: Principal, **policies: Policy) -> tuple[Filter, ...]:
    return resolve(app(policies) if policies else GUARDED, principal).datasets["sales"].predicates


def test_attributes_become_values() -> None:
    """A predicate holds the principal's own groups, sorted, and the field is masked, as is the other one over its column."""
    access = resolve(GUARDED, viewer(store_groups=("b", "a", "b"))).datasets["sales"]
    assert access.predicates == (Filter("stores.store_group", "in", ("a", "b")),)
    assert access.masked == ("household", "household_id")


@pytest.mark.parametrize("attributes", [{}, {"store_groups": ()}, {"groups": ("a",)}])
def test_a_missing_attribute_shows_no_row(attributes: dict[str, object]) -> None:
    """Doubt fails closed."""
    assert sales_of(viewer(**attributes)) == NOTHING


def test_a_missing_attribute_of_an_exclusion_shows_no_row() -> None:
    """`not_in` nothing would be everything; without the attribute it is nothing."""
    excluded = RowPolicy("stores.store_group", "not_in", "user.banned")
    assert sales_of(viewer(), sales=Policy("sales", (), (excluded,))) == NOTHING


def test_roles_extend() -> None:
    """The board extends buyer extends viewer, so it is exempt and sees what they see."""
    board = Principal("bo", roles=("board",))
    assert sales_of(board) == ()
    assert "secrets" in resolve(GUARDED, board).datasets
    assert "secrets" not in resolve(GUARDED, viewer()).datasets


@pytest.mark.parametrize("roles", [(), ("stranger",)])
def test_without_a_role_of_the_app_nothing_is_there(roles: tuple[str, ...]) -> None:
    """An open dataset is open to the app's roles, not to the world."""
    assert resolve(GUARDED, Principal("eve", roles=roles)).datasets == {}


def test_a_dataset_without_policy_is_absent() -> None:
    """Deny by default."""
    bare = msgspec.structs.replace(GUARDED, policies={})
    assert resolve(bare, viewer()).datasets == {}


@pytest.mark.parametrize(
    ("value", "expected"), [(("7", "x"), ()), ((7, 8.5), ()), (("7", None), ()), ("7", (7,)), (7, (7,)), ("x", ()), (True, ()), ("7.5", ())]
)
def test_values_take_the_field_type(value: object, expected: tuple[object, ...]) -> None:
    """A token's text becomes a number for a number field, or shows nothing."""
    policy = Policy("stores", (), (RowPolicy("stores.region_id", "in", "user.region"),))
    predicates = resolve(app({"stores": policy}), viewer(region=value)).datasets["stores"].predicates
    assert predicates == (Filter("stores.region_id", "in", expected),)


@pytest.mark.parametrize("op", ["starts_with", "contains", "ne", "not_in", "gt", "ge"])
@pytest.mark.parametrize("value", ["", ("",), ("north", "")])
def test_an_empty_attribute_shows_no_row(op: Operator, value: object) -> None:
    """Every text starts with the empty one and follows it; an attribute left empty must not open everything."""
    policy = Policy("sales", (), (RowPolicy("stores.store_group", op, "user.region"),))
    assert sales_of(viewer(region=value), sales=policy) == NOTHING


@pytest.mark.parametrize(
    ("field", "op", "value"),
    [
        ("sales.sold_at", "ge", "2017-1-1"),
        ("sales.sold_at", "ge", "2017-02-30"),
        ("sales.sold_at", "during", "lately"),
        ("returns.returned_on", "eq", "soon"),
        ("stores.store_group", "eq", "nor\0th"),
        ("stores.region_id", "eq", "9" * 19),
    ],
)
def test_an_attribute_that_cannot_be_asked_for_shows_no_row(field: str, op: Operator, value: str) -> None:
    """What a directory spells in its own way is no error on every panel."""
    dataset = field.partition(".")[0]
    shop = app({dataset: Policy(dataset, (), (RowPolicy(field, op, "user.since"),))})
    policy = resolve(shop, viewer(since=value))
    assert policy.datasets[dataset].predicates == (Filter(field, "in", ()),)
    compile_query(shop, MetricQuery((), (Dimension("it", field),)), policy, dialect="duckdb", as_of=date(2017, 3, 1))


def test_a_day_is_asked_for_of_a_moment() -> None:
    """And a period of it."""
    for op, value in (("ge", "2017-01-31"), ("during", "last_4_weeks"), ("lt", "2017-01-31T12:00:00")):
        shop = app({"sales": Policy("sales", (), (RowPolicy("sales.sold_at", op, "user.since"),))})  # type: ignore[arg-type]
        assert resolve(shop, viewer(since=value)).datasets["sales"].predicates == (Filter("sales.sold_at", op, (value,)),)  # type: ignore[arg-type]


def test_an_empty_prefix_in_a_policy_shows_no_row() -> None:
    """A constant is held to the same."""
    policy = Policy("sales", (), (RowPolicy("stores.store_group", "starts_with", values=("",)),))
    assert sales_of(viewer(), sales=policy) == NOTHING


def test_a_mask_covers_every_dataset_over_its_table() -> None:
    """Under another dataset, another case of the column, or in an expression: what cannot be told from masked is masked."""
    again = Dataset(
        "again",
        "T_SALES",
        {f.name: f for f in (field("again", "who", "Integer", "Household_ID + 0"), field("again", "units", "Integer"))},
    )
    both = msgspec.structs.replace(SEMANTICS, datasets=SEMANTICS.datasets | {"again": again})
    masking = Policy("sales", ("buyer",), (), {"household_id": ("board",)})
    shop = app({"sales": masking}, both)
    assert resolve(shop, viewer()).datasets["again"].masked == ("who",)
    assert resolve(shop, Principal("bo", roles=("board",))).datasets["again"].masked == ()
    exempt = app({"sales": Policy("sales", ("board",), (), {"household_id": ("viewer",)})}, both)
    assert resolve(exempt, viewer()).datasets["again"].masked == ("who",), "who may not read a dataset does not see its fields"
    bare = EffectivePolicy({"again": Access(), "sales": Access((), ("household_id",))})
    assert Vocabulary(shop, bare).is_masked(again.fields["who"])
    assert not Vocabulary(shop, bare).is_masked(again.fields["units"])


def test_identity_is_an_attribute_that_cannot_be_claimed() -> None:
    """`user.tenant` is the verified tenant, whatever the attributes say."""
    policy = Policy("stores", (), (RowPolicy("stores.store_group", "eq", "user.tenant"),))
    principal = Principal("vera", "acme", ("viewer",), {"tenant": "other"})
    assert resolve(app({"stores": policy}), principal).datasets["stores"].predicates == (Filter("stores.store_group", "eq", ("acme",)),)


def test_a_policy_survives_the_wire() -> None:
    """Usage records keep policies encoded."""
    policy = resolve(GUARDED, viewer(store_groups=("a",)))
    assert msgspec.json.decode(msgspec.json.encode(policy), type=EffectivePolicy) == policy


groups = st.lists(st.sampled_from("abc"), max_size=4).map(tuple)


@given(first=groups, second=groups, role=st.sampled_from(("viewer", "board")))
def test_fingerprints_are_equal_exactly_when_rights_are(first: tuple[str, ...], second: tuple[str, ...], role: str) -> None:
    """Order and repetition of claims do not matter, anything else does; other datasets do not."""
    one = resolve(GUARDED, viewer(store_groups=first))
    two = resolve(GUARDED, Principal("other", roles=(role,), attributes={"store_groups": second}))
    same = role == "viewer" and set(first) == set(second)
    assert (one.fingerprint(["sales"]) == two.fingerprint(["sales"])) == same
    assert one.fingerprint(["stores"]) == two.fingerprint(["stores"])
    assert (one.fingerprint(["secrets"]) == two.fingerprint(["secrets"])) == (role == "viewer")
