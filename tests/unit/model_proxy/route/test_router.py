"""Who gets which model."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.deadline import Deadline
from seawall.core.errors import SeawallError
from seawall.core.principal import Principal
from seawall.model_proxy.admission.reservation import Reservation
from seawall.model_proxy.call import Call, Caller, DataClass, Surface
from seawall.model_proxy.config import Config
from seawall.model_proxy.config_load import parse
from seawall.model_proxy.errors import BadCall, CallOverLimit, NoProviderAllowed, OverLimit, UnknownModel
from seawall.model_proxy.http import Request
from seawall.model_proxy.route.router import LiveRoute, Router
from seawall.model_proxy.route.sticky import choose, weighted
from seawall.telemetry.spans import span

FILE = b"""
providers:
  eu: {kind: openai, url: https://eu.example/v1, region: eu, classes: [public, internal, confidential]}
  us: {kind: openai, url: https://us.example/v1, region: us}
  here: {kind: embedded}
models:
  a: {provider: eu, model: a}
  b: {provider: us, model: b}
  c: {provider: here, model: c}
  small-limit: {provider: here, model: c, limits: {tokens_per_minute: 500}}
  vec: {provider: here, model: v, kind: embedding}
routes:
  split: {variants: {a: 50, b: 50}, fallback: [c]}
  alone: {variants: {b: 1}}
  european: {variants: {a: 1, b: 1}, regions: [eu]}
residency: {acme: [us]}
"""


def config() -> Config:
    read, faults = parse(FILE, "models.yaml")
    assert read is not None, faults
    return read


def call(model: str, *, user: str = "u", tenant: str = "t", data_class: DataClass = "internal", surface: Surface = "chat") -> Call:
    """A call that has been admitted and screened."""
    with span("test", "model") as made:
        asked = Call(Request("POST", "/v1/chat/completions", "", {}), surface, Deadline.after(5), made)
    asked.model, asked.data_class = model, data_class
    asked.caller = Caller(Principal(user=user, tenant=tenant, roles=()), fingerprint=tenant)
    return asked


def names(router: Router, asked: Call) -> list[str]:
    return [target.id for target in router.candidates(asked)]


def test_a_models_name_is_a_route_of_itself() -> None:
    """And the call remembers what it took."""
    asked = call("b")
    assert names(Router(config()), asked) == ["b"]
    assert asked.route == "b"


def test_a_user_keeps_their_variant_and_falls_back_in_order() -> None:
    """Whatever replica answers."""
    chosen = names(Router(config()), call("split"))
    assert chosen == names(Router(config()), call("split"))
    assert chosen[1:] == ["c"]
    assert {names(Router(config()), call("split", user=f"u{n}"))[0] for n in range(40)} == {"a", "b"}


@pytest.mark.parametrize(
    ("data_class", "tenant", "expected"),
    [("confidential", "t", ["a", "c"]), ("restricted", "t", ["c"]), ("internal", "acme", ["b", "c"]), ("confidential", "acme", ["c"])],
)
def test_data_goes_only_where_it_may(data_class: DataClass, tenant: str, expected: list[str]) -> None:
    """The class by provider, the region by tenant; what is embedded leaves nothing."""
    assert names(Router(config()), call("split", tenant=tenant, data_class=data_class)) == expected


def test_what_was_chosen_for_one_class_is_not_taken_for_another() -> None:
    """The same router, asked in turn."""
    router = Router(config())
    classes: tuple[DataClass, ...] = ("confidential", "restricted", "confidential")
    assert [names(router, call("split", data_class=one)) for one in classes] == [["a", "c"], ["c"], ["a", "c"]]


def test_a_route_may_stay_in_a_region() -> None:
    """For everybody."""
    router = Router(config())
    assert {names(router, call("european", user=f"u{n}"))[0] for n in range(20)} == {"a"}
    with pytest.raises(NoProviderAllowed):
        router.candidates(call("european", tenant="acme"))


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (lambda: call("nothing"), UnknownModel),
        (lambda: call("alone", data_class="restricted"), NoProviderAllowed),
        (lambda: call("vec"), BadCall),
        (lambda: call("split", surface="embeddings"), BadCall),
    ],
)
def test_what_cannot_be_routed_is_said(asked: Any, error: type[SeawallError]) -> None:
    """By whose fault it is."""
    with pytest.raises(error):
        Router(config()).candidates(asked())


def test_a_models_own_limit_passes_it_over() -> None:
    """Until none is left."""
    busy = {"a", "b"}
    router = Router(config(), may=lambda _, target: target.id not in busy)
    assert names(router, call("split")) == ["c"]
    busy.add("c")
    with pytest.raises(OverLimit):
        router.candidates(call("split"))


def test_a_call_larger_than_a_models_own_limit_is_told_for_good() -> None:
    """Waiting would not help; one that would fit is told to come again."""
    asked = call("small-limit")
    router = Router(config(), may=lambda _, target: False)
    asked.reservation = Reservation((), 501, None, 0)
    with pytest.raises(CallOverLimit, match="at most 500"):
        router.candidates(asked)
    asked.reservation = Reservation((), 500, None, 0)
    with pytest.raises(OverLimit) as raised:
        router.candidates(asked)
    assert not isinstance(raised.value, CallOverLimit)


def test_the_live_table_stands_over_the_file() -> None:
    """And what it says nothing of is as the file says; so it is when it is taken away."""
    router = Router(config())
    assert router.apply({"alone": LiveRoute({"a": 1, "b": 0}, ("c",))}) == ()
    assert names(router, call("alone")) == ["a", "c"]
    router.apply({})
    assert names(router, call("alone")) == ["b"]


@pytest.mark.parametrize("setting", [LiveRoute({"gone": 1}), LiveRoute({"a": 0}), LiveRoute({"a": 1}, ("gone",)), LiveRoute({"vec": 1})])
def test_a_live_setting_that_does_not_fit_is_refused(setting: LiveRoute) -> None:
    """The file's stays in force."""
    router = Router(config())
    assert router.apply({"alone": setting, "unheard-of": LiveRoute({"a": 1})}) == ("alone", "unheard-of")
    assert names(router, call("alone")) == ["b"]


_weights = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 100), min_size=1)


@given(_weights, st.sampled_from("abcdef"), st.integers(1, 100))
def test_raising_a_weight_moves_users_to_that_variant_alone(weights: dict[str, int], name: str, more: int) -> None:
    """So a change of weights moves the fewest users."""
    raised = weights | {name: weights.get(name, 0) + more}
    for number in range(50):
        user = f"user {number}".encode()
        before, after = choose(user, weighted("r", weights)).name, choose(user, weighted("r", raised)).name
        assert after in (before, name)


@settings(max_examples=10)
@given(st.integers(1, 20), st.integers(1, 20), st.text(max_size=5))
def test_shares_follow_weights(left: int, right: int, route: str) -> None:
    """Within five standard deviations."""
    variants = weighted(route, {"a": left, "b": right})
    share, users = left / (left + right), 2000
    count = sum(choose(str(number).encode(), variants).name == "a" for number in range(users))
    assert abs(count - users * share) <= 5 * (users * share * (1 - share)) ** 0.5 + 1


def test_limits_of_a_model_are_told() -> None:
    """For those who count."""
    read = config()
    assert Router(read).model_limits(read.models["a"].target) == msgspec.structs.replace(read.models["a"].limits)
