"""Two people with different rights never share an entry, however their policies and requests are made."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.virtual_time import run

from seawall.app.model import App, Dataset, Field, Outage, Policy, Role, RowPolicy, Semantics, Text
from seawall.core.clock import ManualClock
from seawall.core.deadline import Deadline
from seawall.core.digest import canonical
from seawall.core.principal import Principal
from seawall.query.cache import Cache, CacheKey, parameters_of
from seawall.query.cache_shared import SharedCache
from seawall.query.ladder import Ladder
from seawall.query.policy import EffectivePolicy, resolve
from seawall.store.memory_valkey import MemoryValkey
from seawall.trust.encryption import Sealer

SEALER = Sealer(bytes(32))

FIELDS = {"region": "String", "level": "Integer", "open": "Boolean"}
ROLES = ("viewer", "buyer", "approver")
values = st.sampled_from(["1", "a", "a,b", "true", "", 1, 2, True, False, 1.0])
attributes = st.one_of(values, st.lists(st.sampled_from(["1", "a", "a,b", "b"]), max_size=3).map(tuple))
row_policies = st.builds(
    RowPolicy,
    field=st.sampled_from([f"sales.{name}" for name in FIELDS] + [f"stock.{name}" for name in FIELDS]),
    op=st.sampled_from(["eq", "ne", "in", "not_in", "lt", "is_null"]),
    attribute=st.sampled_from(["", "user.x", "user.y", "user.id", "user.tenant"]),
    values=st.lists(values, max_size=2).map(tuple),
    unless=st.lists(st.sampled_from(ROLES), max_size=1).map(tuple),
)
policies = st.builds(
    Policy,
    dataset=st.just(""),
    roles=st.lists(st.sampled_from(ROLES), max_size=1).map(tuple),
    rows=st.lists(row_policies, max_size=2).map(tuple),
    mask=st.dictionaries(st.sampled_from(list(FIELDS)), st.lists(st.sampled_from(ROLES), max_size=1).map(tuple), max_size=2),
)
principals = st.builds(
    Principal,
    user=st.sampled_from(["ann", "bob"]),
    tenant=st.sampled_from(["default", "ann"]),
    roles=st.lists(st.sampled_from(ROLES), max_size=2).map(tuple),
    attributes=st.dictionaries(st.sampled_from(["x", "y"]), attributes, max_size=2),
)


def app_of(sales: Policy, stock: Policy) -> App:
    datasets = {
        dataset: Dataset(dataset, dataset, {name: Field(dataset, name, name, datatype, Text({})) for name, datatype in FIELDS.items()})
        for dataset in ("sales", "stock")
    }
    roles = {"viewer": Role("viewer"), "buyer": Role("buyer", ("viewer",)), "approver": Role("approver", ("buyer",))}
    return App("shop", Text({}), Semantics(datasets, (), {}), roles, {"sales": sales, "stock": stock}, {})


def rights(policy: EffectivePolicy, dataset: str) -> bytes:
    return canonical(policy.datasets.get(dataset))


@settings(max_examples=80)
@given(policies, policies, st.lists(principals, min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_everyone_is_served_by_their_own_rights(sales: Policy, stock: Policy, people: list[Principal], order: random.Random) -> None:
    """Whoever asks first, through either of two processes that share Valkey, each gets what was made for rights like theirs."""
    clock = ManualClock()
    app = app_of(sales, stock)
    shared = MemoryValkey(clock)

    async def story() -> None:
        ladders = [Ladder(Cache(shared=SharedCache(shared, SEALER, clock), clock=clock), None, clock) for _ in range(2)]
        for _ in range(8):
            policy, dataset = resolve(app, order.choice(people)), order.choice(["sales", "stock"])
            own = rights(policy, dataset)
            asked = parameters_of({"d": [order.choice(["1", "2"])]})
            locale, watermark = order.choice(["en", "de"]), order.choice(["w1", "w2"])
            key = CacheKey(dataset, asked, policy.fingerprint([dataset]), locale, watermark)
            answer = canonical((own.decode(), dataset, asked, locale, watermark))

            async def produce(_: Deadline, answer: bytes = answer) -> bytes:
                return answer

            ladder = order.choice(ladders)
            served = ladder.peek(key) or await ladder.serve(
                key, produce, outage=Outage(), fresh_for=60.0, deadline=Deadline.after(1.0, clock)
            )
            assert served.rung in {"fresh", "cached"}
            assert served.payload == answer
        for ladder in ladders:
            await ladder.close()

    run(story(), clock)


@settings(max_examples=150)
@given(policies, policies, principals, principals)
def test_fingerprints_are_equal_only_when_rights_are(sales: Policy, stock: Policy, one: Principal, other: Principal) -> None:
    """The part of the key that stands for rights is the same exactly when the rights are."""
    app = app_of(sales, stock)
    mine, theirs = resolve(app, one), resolve(app, other)
    for dataset in ("sales", "stock"):
        same = rights(mine, dataset) == rights(theirs, dataset)
        assert (mine.fingerprint([dataset]) == theirs.fingerprint([dataset])) == same
